// What devices can show of their updates, from one or from several of a fleet: the history that their audit logs hold.

import type { Findings } from '../describe/evidence.js';
import { type History, readHistory } from '../device/history.js';
import type { PackagePlace } from '../links/packages.js';
import { type Listener, type Whereabouts, withConnection } from '../local/connect.js';
import { reasons } from '../reasons.js';
import type { Client } from '../smp/client.js';
import type { Asking, DeviceSelection } from './several.js';

/** Several devices of a fleet. */
export interface SelectedPlace extends PackagePlace {
  selection: DeviceSelection;
  asking: Asking;
}

/** LogBroken is the exit code if a log is not whole. Throws as `connect` and askSelected. */
export async function readFindings(
  where: Whereabouts | SelectedPlace,
  listener: Listener,
  signal: AbortSignal,
): Promise<Findings> {
  const read = (client: Client) => readHistory(client, { signal });
  if ('selection' in where) {
    const { askSelected } = await import('./several.js');
    const { asked: devices, ...found } = await askSelected(where, where.selection, where.asking, read, exitOf);
    return { ...found, devices, made: Date.now() };
  }
  return withConnection(where, listener, signal, async ({ client, address }) => {
    const value = await read(client);
    const device = address?.device ?? client.link.name;
    return { devices: [{ device, value }], unknown: [], fleet: undefined, exit: exitOf(value), made: Date.now() };
  });
}

const exitOf = ({ log }: History): number => (log.whole ? 0 : reasons.LogBroken.exit);
