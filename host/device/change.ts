// Bringing a trust anchor update (or a new policy) to one device, or to many.
//
// Doing it again costs nothing: a device where the change is in force is asked, and left alone. So after a fleet run, those
// that failed are reached by the same call later. The core foretells each device's answer from its own bootstrap document,
// and a dry run stops there. The device decides.

import type { Core } from '../core.js';
import { CountersignError } from '../errors.js';
import { viewChange } from '../formats/change.js';
import { reasonOf, reasons } from '../reasons.js';
import type { Client } from '../smp/client.js';
import { hasChange, putChange, readBootstrap, readChangeNumber, type Waits } from './identity.js';
import { eachOf } from './many.js';

/** Devices that are talked to at a time; a broker's share of each is small, an answer takes seconds on a slow chip. */
const AT_A_TIME = 16;

export interface Bringing extends Waits {
  dryRun?: boolean;
}

/** `acceptable`: of a dry run, the device would take it. `in-force`: it has it already. */
export type ChangeOutcome = 'taken' | 'acceptable' | 'in-force';

/** What foretells a device's answer; it is the device of another bootstrap document after each. */
export type Foreteller = Pick<Core, 'provision' | 'change'>;

/** Throws what the device says, or would say. */
export async function bringChange(
  core: Foreteller,
  client: Client,
  change: Uint8Array,
  bringing: Bringing = {},
): Promise<ChangeOutcome> {
  const { dryRun = false, signal } = bringing;
  if (await hasChange(client, change, { signal })) return 'in-force';
  await foretell(core, client, change, { signal });
  if (dryRun) return 'acceptable';
  await putChange(client, change, { signal });
  return 'taken';
}

// Throws what the device would say, for what the core and the device's own number can tell.
async function foretell(core: Foreteller, client: Client, change: Uint8Array, waits: Waits): Promise<void> {
  const refused = (reason: number) =>
    new CountersignError(reason, `change: ${client.link.name}: ${reasonOf(reason).text}`);
  const bootstrap = await readBootstrap(client, waits);
  if (bootstrap === undefined) throw refused(reasons.NotProvisioned.code);
  core.provision(bootstrap);
  const { reason } = core.change(change);
  if (reason !== 0) throw refused(reason);
  const { sequence } = viewChange(change, 'the change');
  if ((await readChangeNumber(client, waits)) >= sequence) throw refused(reasons.ChangeSuperseded.code);
}

/** How it went with one device of many. */
export type ChangedDevice = { device: string } & ({ outcome: ChangeOutcome } | { error: CountersignError });

/**
 * Brings it to all of these devices, some at a time. Yields each as it is done; one that fails does not stop the others.
 * `open` reaches a device by its name; what it opened is closed here. Throws only when the signal ends it.
 */
export async function* bringChangeToAll(
  core: Foreteller,
  change: Uint8Array,
  devices: readonly string[],
  open: (device: string) => Promise<Client>,
  bringing: Bringing = {},
): AsyncGenerator<ChangedDevice, void, undefined> {
  const bring = async (device: string): Promise<ChangeOutcome> => {
    const client = await open(device);
    try {
      return await bringChange(core, client, change, bringing);
    } finally {
      await client.close();
    }
  };
  for await (const { device, ...how } of eachOf(devices, AT_A_TIME, bring, bringing.signal)) {
    yield 'error' in how ? { device, error: how.error } : { device, outcome: how.value };
  }
}
