// Which devices have taken what was published.
//
//   who only looks       by what devices say of themselves on the broker, as the broker keeps it
//   who waits            each device that is online and says so is asked itself; what it answers counts
//
// A state is a retained message: whoever may write that topic may have left it. Who may write the answers of a device, too, can
// still lie in its place; an ACL (docs/mosquitto.acl) keeps strangers from both.

import { readApprovals, readChangeNumber } from '../device/identity.js';
import { viewApproval } from '../formats/approval.js';
import { hex } from '../formats/bytes.js';
import { openFleetLine } from '../links/fleet-line.js';
import { listDevices, type SeenDevice } from '../links/mqtt.js';
import type { BrokerUrl } from '../links/mqtt-url.js';
import type { DeviceState } from '../links/topics.js';
import type { Client } from '../smp/client.js';
import { sleep } from '../wait.js';
import { askEach } from './several.js';

const POLL_MS = 300;
const AGAIN_MS = 3000; // before a device is asked again that did not hold it, or did not answer
const ASKING = { timeoutMs: 2000, retries: 2 };

/** A document of which devices say that they hold it: an operator's, or a change for some devices or all. */
export type Sought =
  | { kid: Uint8Array; sequence: bigint }
  | { change: bigint; devices?: readonly Uint8Array[] | undefined };

export interface Holders {
  /** Names of the devices that hold it, or a newer one. */
  taken: string[];
  /** Of those that are online and do not. */
  waiting: string[];
  /** Of those that are offline and do not; or, where devices are asked, cannot be. */
  offline: string[];
}

/**
 * Finds out which devices of the fleet hold a document: by their states on the broker; with `waitMs` by asking those that are
 * online, until all of them hold it or the time is over. A device whose application runs starts its agent to answer. Devices that a
 * change is not for, by their states, are left out. Throws what the broker throws, and Cancelled.
 */
export async function whoHolds(
  { url, fleet }: { url: BrokerUrl; fleet: string },
  sought: Sought,
  { waitMs = 0, signal }: { waitMs?: number | undefined; signal?: AbortSignal | undefined } = {},
): Promise<Holders> {
  if (waitMs > 0) return askWhoHolds({ url, fleet }, sought, waitMs, signal);
  const seen = await listDevices(url, fleet, signal);
  return sortOut(new Map(seen.map(({ name, state }) => [name, state])), sought, (_, state) => holds(state, sought));
}

async function askWhoHolds(
  place: { url: BrokerUrl; fleet: string },
  sought: Sought,
  waitMs: number,
  signal: AbortSignal | undefined,
): Promise<Holders> {
  const line = await openFleetLine(place, signal);
  const answered = new Set<string>(); // that they hold it
  const askedAt = new Map<string, number>();
  const sorted = () => {
    const seen = [...line.devices].map(([name, { online, state }]) => [name, { ...state, online }] as const);
    return sortOut(new Map(seen), sought, (name) => answered.has(name));
  };
  const isDue = (name: string) =>
    holds(line.devices.get(name)!.state, sought) && Date.now() >= (askedAt.get(name) ?? 0) + AGAIN_MS;
  try {
    for (const end = Date.now() + waitMs; ; ) {
      const due = sorted().waiting.filter(isDue);
      for (const name of due) askedAt.set(name, Date.now());
      for await (const one of askEach(line, due, { ...ASKING, signal }, (client) => doesHold(client, sought, signal)))
        if ('value' in one && one.value) answered.add(one.device);
      const now = sorted();
      if (now.waiting.length === 0 || Date.now() >= end) return now;
      await sleep(Math.max(1, Math.min(POLL_MS, end - Date.now())), signal);
    }
  } finally {
    await line.close();
  }
}

/** What the device itself answers. */
async function doesHold(client: Client, sought: Sought, signal: AbortSignal | undefined): Promise<boolean> {
  if ('change' in sought) return (await readChangeNumber(client, { signal })) >= sought.change;
  const kid = hex(sought.kid);
  return (await readApprovals(client, { signal })).some((document) => {
    const view = viewApproval(document, 'a document of the device');
    return view.kid !== undefined && hex(view.kid) === kid && view.claims.sequence >= sought.sequence;
  });
}

function sortOut(
  seen: ReadonlyMap<string, SeenDevice['state']>,
  sought: Sought,
  has: (name: string, state: DeviceState) => boolean,
): Holders {
  const found: Holders = { taken: [], waiting: [], offline: [] };
  for (const [name, state] of [...seen].sort(([a], [b]) => (a < b ? -1 : 1))) {
    if (isFor(state, sought))
      (has(name, state) ? found.taken : state.online ? found.waiting : found.offline).push(name);
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
