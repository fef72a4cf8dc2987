// A bootstrap document that is a file here, brought to a blank device, or made for each device of a list; and a signed change,
// brought to a device or to every device of a fleet that is online. What the file is, its bytes say.

import { bootstrapBrought, bootstrapsBrought, changeBrought, changeBroughtToFleet } from '../describe/brought.js';
import type { Described } from '../describe/words.js';
import { bringChange } from '../device/change.js';
import { identify, provision } from '../device/identity.js';
import { CountersignError } from '../errors.js';
import { readBytes } from '../files.js';
import { looksLikeChange, viewChange } from '../formats/change.js';
import { readBootstrapFile } from '../local/bootstrap-file.js';
import { type Whereabouts, withConnection } from '../local/connect.js';
import type { Doing, Person } from '../local/person.js';
import { reasons } from '../reasons.js';
import { loadCore } from '../wasm.js';
import type { Asking } from './several.js';

/** `blank`: a device that was blank has it now, or would. */
export type Provision = Described & { exit?: number; blank?: boolean };

/** To one device, or with `all` a change to a whole fleet. Throws BadArgument for a bootstrap document to all. */
export async function provisionFile(
  path: string,
  where: Whereabouts,
  { all }: { all: boolean },
  person: Person,
  doing: Doing,
): Promise<Provision> {
  const bytes = await readBytes(path);
  if (!looksLikeChange(bytes)) {
    if (!all) return toBlankDevice(path, where, person, doing);
    throw new CountersignError('BadArgument', 'argument: --all is for changes: each device has its own id');
  }
  if (all) return toFleet(bytes, path, where, person, doing);
  viewChange(bytes, path); // what is no change goes to nobody
  return withConnection(where, person, doing.signal, async ({ client }) => {
    const outcome = await bringChange(await loadCore(), client, bytes, doing);
    const exit = outcome === 'in-force' ? reasons.NothingToDo.exit : 0;
    return { ...changeBrought(bytes, client.link.name, outcome), exit };
  });
}

/**
 * A document for each device of a list: written into `out`, or brought to those on the broker. Throws what the list and the
 * template are wrong in, and BadArgument if there is neither.
 */
export async function provisionList(
  template: string,
  { list, out }: { list: string; out?: string | undefined },
  { broker: url, fleet, ...asking }: Pick<Whereabouts, 'broker' | 'fleet'> & Asking,
  { dryRun, signal }: Doing,
): Promise<Provision> {
  const { readBootstrapList, writeBootstraps } = await import('../local/bootstrap-list.js');
  const made = await readBootstrapList(await loadCore(), template, list);
  if (out !== undefined) return bootstrapsBrought(await writeBootstraps(made, out, dryRun), 0);
  if (!url) throw new CountersignError('BadArgument', 'argument: --from needs --broker or --out');
  const { provisionEach } = await import('./provision.js');
  const { devices, exit } = await provisionEach({ url, fleet }, made, { ...asking, signal, dryRun });
  return { ...bootstrapsBrought(devices, exit), exit };
}

async function toBlankDevice(path: string, where: Whereabouts, person: Person, doing: Doing): Promise<Provision> {
  const document = await readBootstrapFile(path);
  const { dryRun, signal } = doing;
  return withConnection(where, person, signal, async ({ client }) => {
    const link = client.link.name;
    const before = await identify(client, { signal });
    if (dryRun && before.deviceId !== undefined) {
      throw new CountersignError('BootstrapLocked', `provision: ${link} is device ${before.deviceId} already`);
    }
    const after = dryRun ? before : await provision(client, document, { signal });
    return { ...bootstrapBrought(document, after, { link, dryRun }), blank: true };
  });
}

async function toFleet(
  change: Uint8Array,
  path: string,
  { broker: url, fleet, timeoutMs, retries }: Whereabouts,
  person: Person,
  doing: Doing,
): Promise<Provision> {
  if (!url) throw new CountersignError('BadArgument', 'argument: --all needs --broker');
  const { bringChangeToFleet } = await import('./changes.js');
  const told = (done: number, of: number) => person.detail(`${done} of ${of} devices`);
  const changed = await bringChangeToFleet(change, path, { url, fleet, timeoutMs, retries, ...doing, told });
  return { ...changeBroughtToFleet(fleet, changed), exit: changed.exit };
}
