// A fleet of blank devices on a broker, each brought its own bootstrap document. Doing it again costs nothing: who has its document
// is left alone.

import { provision, readDeviceId } from '../device/identity.js';
import { CountersignError } from '../errors.js';
import { openFleetLine } from '../links/fleet-line.js';
import type { PackagePlace } from '../links/packages.js';
import { reasons } from '../reasons.js';
import { type Asking, askEach } from './several.js';
import { worstExit } from './worst.js';

export interface ForDevice {
  name: string;
  /** Hex. */
  id: string;
  document: Uint8Array;
}

export type ProvisionOutcome = 'provisioned' | 'blank' | 'unchanged';
export type Provisioned = { name: string; id: string } & (
  | { outcome: ProvisionOutcome; error?: undefined }
  | { outcome: 'failed'; error: CountersignError }
);

/** `dryRun`: only asks who they are; "blank" would take its document. Throws what the broker throws, and Cancelled. */
export async function provisionEach(
  place: PackagePlace,
  list: readonly ForDevice[],
  { dryRun = false, ...asking }: Asking & { dryRun?: boolean },
): Promise<{ devices: Provisioned[]; exit: number }> {
  const line = await openFleetLine(place, asking.signal);
  const wanted = new Map(list.map((one) => [one.name, one]));
  const devices: Provisioned[] = [];
  try {
    const names = list.map(({ name }) => name);
    const ends = askEach(line, names, asking, async (client, signal, name): Promise<ProvisionOutcome> => {
      const { id, document } = wanted.get(name)!;
      const before = await readDeviceId(client, { signal });
      if (before === id) return 'unchanged';
      if (before !== undefined) {
        throw new CountersignError('BootstrapLocked', `provision: ${name} is device ${before} already, not ${id}`);
      }
      if (dryRun) return 'blank';
      await provision(client, document, { signal });
      return 'provisioned';
    });
    for await (const one of ends) {
      const { name, id } = wanted.get(one.device)!;
      devices.push(
        'error' in one ? { name, id, outcome: 'failed', error: one.error } : { name, id, outcome: one.value },
      );
    }
  } finally {
    await line.close();
  }
  const exitOf = ({ outcome, error }: Provisioned): number =>
    error?.reason.exit ?? (outcome === 'unchanged' ? reasons.NothingToDo.exit : reasons.Ok.exit);
  devices.sort((a, b) => (a.name < b.name ? -1 : 1));
  return { devices, exit: worstExit(devices.map(exitOf)) };
}
