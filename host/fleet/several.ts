// Several devices of a fleet: which are meant, and a question to each of them over one line.
//
// Which groups a device belongs to it says itself; its class has to be asked for, so one that does not answer is not chosen by
// class, and is named. Those that are offline are asked as soon as they come, until the time is over.

import { readBootstrap } from '../device/identity.js';
import { eachOf, type OneOf } from '../device/many.js';
import { CountersignError } from '../errors.js';
import { viewBootstrap } from '../formats/bootstrap.js';
import { same } from '../formats/bytes.js';
import { type FleetLine, openFleetLine } from '../links/fleet-line.js';
import type { PackagePlace } from '../links/packages.js';
import { reasons } from '../reasons.js';
import { type Client, type ClientOptions, createClient } from '../smp/client.js';
import { sleep } from '../wait.js';
import { worstExit } from './worst.js';

export const PARALLEL_DEFAULT = 64;
const AGAIN_MS = 500;

/** All devices; only those of one of these groups, of this class. */
export interface DeviceSelection {
  groups?: readonly string[] | undefined;
  classId?: Uint8Array | undefined;
}

export interface Asking extends Pick<ClientOptions, 'timeoutMs' | 'retries'> {
  /** Devices at a time. */
  parallel?: number | undefined;
  /** How long those that are offline, or silent, are waited for; default: not at all. */
  waitMs?: number | undefined;
  signal?: AbortSignal | undefined;
}

export interface Selected {
  /** By name, in order. */
  devices: string[];
  /** Those of which nobody knows whether they are meant. */
  unknown: string[];
}

/** Throws what the line throws, and Cancelled. */
export async function selectDevices(
  line: FleetLine,
  { groups, classId }: DeviceSelection,
  asking: Asking = {},
): Promise<Selected> {
  const isIn = (name: string) =>
    groups === undefined || groups.some((group) => line.devices.get(name)?.state.groups?.includes(group));
  const devices = [...line.devices.keys()].filter(isIn).sort();
  if (classId === undefined) return { devices, unknown: [] };
  const chosen: Selected = { devices: [], unknown: [] };
  for await (const one of askEach(line, devices, asking, classOf)) {
    if ('error' in one || one.value === undefined) chosen.unknown.push(one.device);
    else if (same(one.value, classId)) chosen.devices.push(one.device);
  }
  return { devices: chosen.devices.sort(), unknown: chosen.unknown.sort() };
}

async function classOf(client: Client, signal: AbortSignal | undefined): Promise<Uint8Array | undefined> {
  const bootstrap = await readBootstrap(client, { signal });
  return bootstrap && viewBootstrap(bootstrap, client.link.name)?.classId;
}

/**
 * Asks each of the devices, some at a time, and yields each with its answer or why there is none. Throws only when the signal
 * ends it.
 */
export async function* askEach<T>(
  line: FleetLine,
  devices: readonly string[],
  { parallel = PARALLEL_DEFAULT, waitMs = 0, signal, ...limits }: Asking,
  ask: (client: Client, signal: AbortSignal | undefined, device: string) => Promise<T>,
): AsyncGenerator<OneOf<T>, void, undefined> {
  const end = Date.now() + waitMs;
  const left = new Set(devices);
  const isThere = (name: string) => line.devices.get(name)?.online === true;
  const work = async (name: string): Promise<T> => {
    const client = createClient(line.link(name), limits);
    try {
      return await ask(client, signal, name);
    } finally {
      await client.close();
    }
  };
  for (;;) {
    for await (const one of eachOf([...left].filter(isThere), parallel, work, signal)) {
      if ('error' in one && isSilence(one.error) && Date.now() < end) continue;
      left.delete(one.device);
      yield one;
    }
    if (left.size === 0) return;
    if (Date.now() >= end) break;
    await sleep(Math.min(AGAIN_MS, Math.max(1, end - Date.now())), signal);
  }
  for (const device of left) {
    const error = new CountersignError('NoAnswer', `device: ${line.fleet}/${device} is offline`, {
      hint: 'wait for it: --wait SECONDS',
    });
    yield { device, error };
  }
}

const isSilence = ({ reason }: CountersignError): boolean => ['NoAnswer', 'LinkLost'].includes(reason.name);

/** Answers of devices, those of which nobody knows whether they are meant, and the exit code of the worst. */
export interface Asked<T> {
  fleet: string;
  asked: OneOf<T>[];
  unknown: string[];
  exit: number;
}

/** Asks all that are selected, over one line. `exitOf` says how an answer ends. Throws as openFleetLine, and Cancelled. */
export async function askSelected<T>(
  place: PackagePlace,
  selection: DeviceSelection,
  asking: Asking,
  ask: (client: Client, signal: AbortSignal | undefined, device: string) => Promise<T>,
  exitOf: (answer: T) => number = () => 0,
): Promise<Asked<T>> {
  const line = await openFleetLine(place, asking.signal);
  try {
    const { devices, unknown } = await selectDevices(line, selection, asking);
    const asked: OneOf<T>[] = [];
    for await (const one of askEach(line, devices, asking, ask)) asked.push(one);
    const exits = asked.map((one) => ('error' in one ? one.error.reason.exit : exitOf(one.value)));
    return { fleet: place.fleet, asked, unknown, exit: worstExit([...exits, ...unknown.map(silent)]) };
  } finally {
    await line.close();
  }
}

/** Whoever could not be asked for a class may have been meant. */
export const silent = (): number => reasons.NoAnswer.exit;
