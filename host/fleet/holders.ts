// Which devices have taken what was published, by what they say of themselves on the broker.

import { hex } from '../formats/bytes.js';
import { endBroker, listDevices, type SeenDevice, watchStates } from '../links/mqtt.js';
import type { BrokerUrl } from '../links/mqtt-url.js';
import type { DeviceState } from '../links/topics.js';
import { orAbort, orNothing } from '../wait.js';

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
