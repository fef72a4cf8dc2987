// A package for many devices on a broker: published once, ordered, and each device followed to its end by what it says there.
//
//   chosen by      what is left there
//   their group    one order for the group, whoever belongs to it
//   otherwise      one order a device, so many at a time; for those that are offline at once
//
// A device is followed by its state and its alerts alone, so that no application is held up. But that nothing is to be done nobody's
// retained word is enough for: such a device is asked itself, once; one that is offline gets its order. What has ended is taken away
// again; an order for somebody who has not ended stays, and that device goes on by itself.

import { type Brought, bringApprovals } from '../device/bring.js';
import type { Gathered } from '../device/evidence.js';
import { INSTALL_MS_DEFAULT, newCorrelator } from '../device/follow.js';
import { STATE } from '../device/identity.js';
import { eachOf } from '../device/many.js';
import type { CountersignError } from '../errors.js';
import type { Bytes } from '../formats/byte-source.js';
import { hex } from '../formats/bytes.js';
import type { Envelope } from '../formats/envelope.js';
import { type FleetLine, openFleetLine } from '../links/fleet-line.js';
import { type PackagePlace, publishPackage } from '../links/packages.js';
import type { OrderPaper } from '../links/papers.js';
import { RAW } from '../links/topics.js';
import { reasonOf, reasons } from '../reasons.js';
import type { Client } from '../smp/client.js';
import { imageState } from '../smp/commands.js';
import { limiter } from '../wait.js';
import { isRefusal, shownIn, startOf } from './deliver.js';
import { type News, newsOf } from './news.js';
import { leaveOrder, type Timing, withdrawOrder } from './orders.js';
import { createPatience } from './patience.js';
import { requirePublishable } from './publishing.js';
import { type Asking, askEach, type DeviceSelection, PARALLEL_DEFAULT, selectDevices, silent } from './several.js';
import { worstExit } from './worst.js';

const DOWNLOAD_AND_UPDATE = 3; // the operation in an alert (OMA FUMO)
const ALERT_MS = 3000; // between what a device shows of an end and its alert
const TICK_MS = 1000;

export interface ManyDelivery extends Asking {
  file: Bytes;
  digest: Uint8Array; // of the manifest
  devices: readonly string[];
  /** The devices are those of these groups, which get one order each. */
  groups?: readonly string[] | undefined;
  timing?: Timing;
  installMs?: number | undefined;
  /** Whatever devices say, all ends after this time; default: after that of each of their phases. */
  endMs?: number | undefined;
  /** Approvals that are brought to each device that is online, before the order. */
  gathered?: readonly Gathered[];
  brought?(device: string, name: string, brought: Brought): void;
  /** Bytes of the package that are published. */
  published?(done: number, of: number): void;
}

/** How it ended with one device. The words are those of a delivery to one. */
export interface ManyEnd {
  device: string;
  result: 'installed' | 'unchanged' | 'refused' | 'deferred' | 'asked' | 'ordered' | 'failed' | 'dry-run';
  /** Number of the reason; 0: it is as it was wanted. */
  reason: number;
  error?: CountersignError;
  /** What runs, as the device says. */
  version?: string | undefined;
}

/** Exit code of an end. */
export const exitOf = ({ result, reason }: ManyEnd): number =>
  result === 'unchanged' && reason === reasons.Ok.code ? reasons.NothingToDo.exit : reasonOf(reason).exit;

export interface SelectedDelivery extends Omit<ManyDelivery, 'devices' | 'groups' | 'digest'> {
  envelope: Envelope<Bytes>;
  /** What a person calls the package. */
  path: string;
  /** Only say who is meant. */
  dryRun?: boolean;
  /** Called after each device. */
  told?(done: number, of: number, end: ManyEnd): void;
}

/**
 * Delivers to all that are selected, over one line; to groups, if nothing else was said, by an order for each group. Throws as
 * deliverToMany.
 */
export async function deliverToSelected(
  place: PackagePlace,
  selection: DeviceSelection,
  { told, envelope, path, dryRun, ...job }: SelectedDelivery,
): Promise<{ fleet: string; ends: (ManyEnd & { exit: number })[]; unknown: string[]; exit: number }> {
  await requirePublishable(envelope, path);
  const digest = envelope.digest!;
  const line = await openFleetLine(place, job.signal);
  try {
    const { devices, unknown } = await selectDevices(line, selection, job);
    if (dryRun) {
      const ends = devices.map((device) => ({ device, result: 'dry-run' as const, reason: 0, exit: 0 }));
      return { fleet: place.fleet, ends, unknown, exit: 0 };
    }
    const groups = selection.classId === undefined ? selection.groups : undefined;
    const ends: (ManyEnd & { exit: number })[] = [];
    if (devices.length > 0) {
      for await (const end of deliverToMany(line, { ...job, digest, devices, groups })) {
        ends.push({ ...end, exit: exitOf(end) });
        told?.(ends.length, devices.length, end);
      }
    }
    const exit = worstExit([...ends.map((end) => end.exit), ...unknown.map(silent)]);
    return { fleet: place.fleet, ends, unknown, exit };
  } finally {
    await line.close();
  }
}

/** Ends that a device goes on beyond: its order stays. */
const OPEN: ManyEnd['result'][] = ['asked', 'ordered', 'failed'];

/** Delivers to all of these devices, and yields each as it has ended. Throws what the broker throws, and Cancelled. */
export async function* deliverToMany(line: FleetLine, job: ManyDelivery): AsyncGenerator<ManyEnd, void, undefined> {
  const { devices, groups, timing = {}, parallel = PARALLEL_DEFAULT, signal } = job;
  const endAt = job.endMs === undefined ? Number.POSITIVE_INFINITY : Date.now() + job.endMs;
  const failed = await bringToEach(line, job);
  await publishPackage(line, job.digest, job.file, { signal, ...(job.published && { told: job.published }) });
  const correlator = newCorrelator();
  const order: OrderPaper = { digest: hex(job.digest), encoding: RAW, correlator, ...timing };
  const turn = limiter(parallel);
  // Listened to before anything is ordered: whoever is quick is heard as well.
  const heard = new Map(devices.map((device) => [device, newsOf(line, device)]));
  try {
    for (const group of groups ?? []) await leaveOrder(line, { group }, order);
    const one = async (device: string): Promise<ManyEnd> => {
      const news = heard.get(device)!;
      const error = failed.get(device);
      if (error) return { device, ...endOf('failed', news, error.code), error };
      const there = hasIt(news, order.digest);
      const sure =
        there !== undefined && news.last()?.online && (await turn(() => runsIt(line, device, order.digest, job)));
      if (sure) return { device, ...endOf('unchanged', news, there) };
      const end = async () => {
        signal?.throwIfAborted(); // its turn may come because the others were stopped
        if (Date.now() >= endAt) return { device, ...endOf('failed', news, reasons.TimedOut.code) };
        if (!groups) await leaveOrder(line, { device }, order);
        const ended = {
          device,
          ...(await follow(news, order, job, endAt, line.refresh)),
        };
        if (!groups && !OPEN.includes(ended.result)) await withdrawOrder(line, { device }, correlator);
        return ended;
      };
      return groups || !news.last()?.online ? end() : turn(end);
    };
    let open = 0;
    for await (const { device, ...how } of eachOf(devices, devices.length, one, signal)) {
      if ('error' in how) {
        open += 1;
        const { error } = how;
        yield { device, ...endOf('failed', heard.get(device)!, error.code), error };
        continue;
      }
      if (OPEN.includes(how.value.result)) open += 1;
      yield how.value;
    }
    if (open === 0) for (const group of groups ?? []) await withdrawOrder(line, { group }, correlator);
  } finally {
    for (const news of heard.values()) news.close();
  }
}

/** The devices that an approval could not be brought to. */
async function bringToEach(
  line: FleetLine,
  { devices, gathered = [], brought, ...asking }: ManyDelivery,
): Promise<Map<string, CountersignError>> {
  const failed = new Map<string, CountersignError>();
  if (gathered.length === 0) return failed;
  const online = devices.filter((device) => line.devices.get(device)?.online);
  const bring = (client: Client, signal: AbortSignal | undefined, device: string) =>
    bringApprovals(client, gathered, (name, what) => brought?.(device, name, what), { signal });
  for await (const one of askEach(line, online, { ...asking, waitMs: 0 }, bring)) {
    if ('error' in one) failed.set(one.device, one.error);
  }
  return failed;
}

/** Undefined, or the reason to leave a device alone: it says that it runs exactly this package, and that may be denied. */
function hasIt(news: News, digest: string): number | undefined {
  const state = news.last()?.state;
  if (state?.digest !== digest || state.state === STATE.updating) return undefined;
  return state.reason?.code === reasons.Denied.code ? reasons.Denied.code : reasons.Ok.code;
}

/** Does the device itself answer that it runs this package? One that does not is told to fetch it, and finds out by itself. */
async function runsIt(line: FleetLine, device: string, digest: string, asking: Asking): Promise<boolean> {
  const look = async (client: Client, signal: AbortSignal | undefined) =>
    (await imageState(client, { signal })).find((image) => image.active)?.hash;
  for await (const one of askEach(line, [device], { ...asking, waitMs: 0 }, look))
    return 'value' in one && one.value !== undefined && hex(one.value) === digest;
  return false;
}

const endOf = (result: ManyEnd['result'], news: News, reason: number): Omit<ManyEnd, 'device'> => ({
  result,
  reason,
  version: news.last()?.state.firmwareVersion,
});

async function follow(
  news: News,
  { digest, correlator }: { digest: string; correlator: string },
  { timing = {}, waitMs, installMs = INSTALL_MS_DEFAULT, signal }: ManyDelivery,
  endAt: number,
  refresh: () => Promise<void>,
): Promise<Omit<ManyEnd, 'device'>> {
  const startMs = startOf(timing);
  if (startMs > (waitMs ?? installMs) || Date.now() + startMs > endAt)
    return endOf('ordered', news, reasons.NoAnswer.code);
  const from = news.last();
  const before = shownIn(from);
  let saidAt = Date.now();
  const patience = createPatience({ waitMs, installMs }, from?.online ? startMs + installMs : (waitMs ?? 0), endAt);
  let shown = false;
  let looked = false;
  for (;;) {
    const word = await news.next(Math.min(TICK_MS, Math.max(1, patience.end() - Date.now())), signal);
    const now = Date.now();
    // Anybody may give another order with it.
    if (word !== undefined && word !== 'said' && word.corr === correlator && word.type === DOWNLOAD_AND_UPDATE) {
      if (word.reason !== reasons.Ok.code) return endOf('refused', news, word.reason ?? reasons.Internal.code);
      if (await untilShown(news, digest, signal)) return endOf('installed', news, reasons.Ok.code);
    }
    const { online, state } = news.last() ?? { online: false, state: {} };
    const asking = state.reason?.code === reasons.AwaitingUser.code;
    if (word === 'said') {
      saidAt = now;
      shown ||= shownIn({ online, state }) !== before;
      if (online) patience.shows(state);
    }
    if (online && shown && now > saidAt + ALERT_MS) {
      if (state.digest === digest && state.state === STATE.successNoData)
        return endOf('installed', news, reasons.Ok.code);
      if (state.reason?.code === reasons.Deferred.code) return endOf('deferred', news, reasons.Deferred.code);
      if (isRefusal(state)) return endOf('refused', news, state.reason!.code);
    }
    if (now < patience.end()) continue;
    if (online && !looked && now < endAt) {
      // It may have said so, and the broker did not get to tell us.
      looked = true;
      await refresh();
      patience.forgive(Date.now() - now + 2 * ALERT_MS);
      continue;
    }
    if (online && asking) return endOf('asked', news, reasons.AwaitingUser.code);
    if (!online || !shown) return endOf(online ? 'failed' : 'ordered', news, reasons.NoAnswer.code);
    return endOf('failed', news, reasons.TimedOut.code);
  }
}

/** Its state follows its alert. */
async function untilShown(news: News, digest: string, signal: AbortSignal | undefined): Promise<boolean> {
  for (const end = Date.now() + ALERT_MS; news.last()?.state.digest !== digest; ) {
    if (Date.now() >= end) return false;
    await news.next(end - Date.now(), signal);
  }
  return true;
}
