// A change of anchors, policy or groups, brought to every device of a fleet that is online on its broker, and what became of it.
//
// Those that failed or were away are named, and the end is that of the worst: a device that refused or failed, before one that
// did not answer, before one that is offline; 0 only if the change is in force on all.

import { bringChangeToAll, type ChangedDevice } from '../device/change.js';
import { viewChange } from '../formats/change.js';
import { endingWith } from '../links/lasting.js';
import { listDevices, openMqtt } from '../links/mqtt.js';
import type { BrokerUrl } from '../links/mqtt-url.js';
import { reasons } from '../reasons.js';
import { type ClientOptions, createClient } from '../smp/client.js';
import { loadCore } from '../wasm.js';
import { worstExit } from './worst.js';

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
  const exits = devices.map((one) => ('error' in one ? one.error.reason.exit : 0));
  return { devices, away, exit: worstExit([...exits, ...away.map(() => reasons.NoAnswer.exit)]) };
}
