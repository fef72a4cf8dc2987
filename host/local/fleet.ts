// A change of anchors or policy, brought to every device of a fleet that is online on its broker, and what became of it.
//
// Those that failed or were away are named, and the end is that of the worst: a device that refused or failed, before one that
// did not answer, before one that is offline; 0 only if the change is in force on all.

import { bringChangeToAll, type ChangedDevice } from '../device/change.js';
import { CountersignError } from '../errors.js';
import { hex } from '../formats/bytes.js';
import { viewChange } from '../formats/change.js';
import { JSON_VERSION } from '../json.js';
import { endingWith } from '../links/lasting.js';
import {
  acknowledged,
  connectBroker,
  endBroker,
  listDevices,
  openMqtt,
  type SeenDevice,
  watchStates,
} from '../links/mqtt.js';
import type { BrokerUrl } from '../links/mqtt-url.js';
import { type OrderPaper, orderPaper, orderSchema } from '../links/papers.js';
import { type DeviceState, groupOrderTopic, topicsOf } from '../links/topics.js';
import { reasons } from '../reasons.js';
import { type ClientOptions, createClient } from '../smp/client.js';
import { orAbort, orNothing } from '../wait.js';
import { loadCore } from '../wasm.js';

export interface FleetChange extends ClientOptions {
  url: BrokerUrl;
  fleet: string;
  /** Ask each device only whether it would take it. */
  dryRun?: boolean;
  signal: AbortSignal;
  /** Called after each device. */
  told?(done: number, of: number): void;
}

export interface ChangedFleet {
  /** Those that were online, by name. */
  devices: ChangedDevice[];
  /** Names of those that were offline. */
  away: string[];
  /** Exit code of the worst; see the table of reasons. */
  exit: number;
}

/** Throws FileMalformed if it is no change, what the broker throws, and Cancelled. */
export async function bringChangeToFleet(change: Uint8Array, what: string, how: FleetChange): Promise<ChangedFleet> {
  const { url, fleet, dryRun = false, signal, told, ...limits } = how;
  viewChange(change, what); // what is no change goes to nobody
  const open = async (device: string) =>
    createClient(endingWith(await openMqtt({ url, fleet, device }, signal), signal), limits);
  const seen = await listDevices(url, fleet, signal);
  const online = seen.filter(({ state }) => state.online).map(({ name }) => name);
  const devices: ChangedDevice[] = [];
  for await (const one of bringChangeToAll(await loadCore(), change, online, open, { dryRun, signal })) {
    devices.push(one);
    told?.(devices.length, online.length);
  }
  devices.sort((a, b) => (a.device < b.device ? -1 : 1));
  const away = seen.filter(({ state }) => !state.online).map(({ name }) => name);
  return { devices, away, exit: worstExit(devices, away.length) };
}

function worstExit(devices: readonly ChangedDevice[], away: number): number {
  if (devices.length + away === 0) return reasons.NotFound.exit;
  const exits: number[] = devices.flatMap((one) => ('error' in one ? [one.error.reason.exit] : []));
  if (away > 0) exits.push(reasons.NoAnswer.exit);
  const silent: number[] = [reasons.LinkLost.exit, reasons.NoAnswer.exit];
  const heard = exits.filter((exit) => !silent.includes(exit));
  return Math.max(0, ...(heard.length > 0 ? heard : exits));
}

// --- Which devices have taken what was published ---

/** A document of which devices say that they hold it: an operator's, or a change for some devices or all. */
export type Sought =
  | { kid: Uint8Array; sequence: bigint }
  | { change: bigint; devices?: readonly Uint8Array[] | undefined };

export interface Holders {
  /** Names of the devices that hold it, or a newer one. */
  taken: string[];
  /** Of those that are online and do not, by what they said last. */
  waiting: string[];
  /** Of those that are offline and do not. */
  offline: string[];
}

/**
 * Finds out by the states on the broker which devices of the fleet hold a document, and waits for those that are online, at
 * most `waitMs`. Devices that a change is not for are left out. Throws what the broker throws, and Cancelled.
 */
export async function whoHolds(
  { url, fleet }: { url: BrokerUrl; fleet: string },
  sought: Sought,
  { waitMs = 0, signal }: { waitMs?: number | undefined; signal?: AbortSignal | undefined } = {},
): Promise<Holders> {
  const first = await listDevices(url, fleet, signal);
  const seen = new Map(first.map(({ name, state }) => [name, state]));
  if (waitMs > 0 && sortOut(seen, sought).waiting.length > 0) {
    let done!: () => void;
    const all = new Promise<void>((resolve) => (done = resolve));
    const told = ({ name, state }: SeenDevice) => {
      seen.set(name, state);
      if (sortOut(seen, sought).waiting.length === 0) done();
    };
    const client = await watchStates(url, fleet, told, signal);
    await orAbort(orNothing(all, waitMs), signal).finally(() => endBroker(client));
  }
  return sortOut(seen, sought);
}

function sortOut(seen: ReadonlyMap<string, SeenDevice['state']>, sought: Sought): Holders {
  const found: Holders = { taken: [], waiting: [], offline: [] };
  for (const [name, state] of [...seen].sort(([a], [b]) => (a < b ? -1 : 1))) {
    if (isFor(state, sought))
      (holds(state, sought) ? found.taken : state.online ? found.waiting : found.offline).push(name);
  }
  return found;
}

function holds({ approvals = [], change }: DeviceState, sought: Sought): boolean {
  if ('change' in sought) return change !== undefined && BigInt(change) >= sought.change;
  const kid = hex(sought.kid);
  return approvals.some((one) => one.kid === kid && BigInt(one.sequence) >= sought.sequence);
}

const isFor = ({ device }: DeviceState, sought: Sought): boolean =>
  !('devices' in sought) || sought.devices === undefined || sought.devices.some((id) => hex(id) === device);

// --- Orders ---

/**
 * Leaves an order to fetch a package for one device, or for a group, until it is replaced or removed (undefined). Returns its
 * topic. Throws BadArgument if it is no order, and what the broker throws.
 */
export async function placeOrder(
  { url, fleet }: { url: BrokerUrl; fleet: string },
  whom: { device: string } | { group: string },
  order: OrderPaper | undefined,
  signal?: AbortSignal,
): Promise<string> {
  const topic = 'device' in whom ? topicsOf(fleet, whom.device).order : groupOrderTopic(fleet, whom.group);
  const fault = order && orderSchema.safeParse({ version: JSON_VERSION, ...order }).error?.issues[0];
  if (fault) throw new CountersignError('BadArgument', `order: ${fault.path.join('.')}: ${fault.message}`);
  const client = await connectBroker(url, {}, signal);
  try {
    const text = order === undefined ? '' : orderPaper(order);
    await acknowledged(url, client.publishAsync(topic, text, { qos: 1, retain: true }), signal);
    return topic;
  } finally {
    await endBroker(client);
  }
}
