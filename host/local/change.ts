// What operators do with files of this machine to change devices in the field: sign what a YAML file says, or add a signature to a
// change that others have signed, and ask what such a device would say of it.

import { dirname, resolve } from 'node:path';
import { changeMade } from '../describe/made.js';
import type { Described } from '../describe/words.js';
import { readBytes, writeBytes } from '../files.js';
import { cosignChange, looksLikeChange, signChange } from '../formats/change.js';
import { draftChange } from '../named-files.js';
import { foreseeChange } from '../operator/change.js';
import { loadCore } from '../wasm.js';
import { noteDoubts } from './approving.js';
import { readBootstrapFile } from './bootstrap-file.js';
import type { Doing, Person } from './person.js';
import { openSigningKey, type SecretPlaces } from './secrets.js';

export interface Changing extends SecretPlaces {
  /** Name of the key: a file, or a pkcs11: URI. */
  key: string;
  output?: string | undefined;
  /** Path of the bootstrap document of such a device. */
  bootstrap?: string | undefined;
}

/** Throws what the key, the file and the core throw. */
export async function changeFile(
  source: string,
  options: Changing,
  person: Person,
  { dryRun }: Doing,
): Promise<Described> {
  const bytes = await readBytes(source);
  const signer = await openSigningKey(options.key, options, person);
  const signNew = async () => {
    const read = (named: string) => readBytes(resolve(dirname(source), named));
    const draft = await draftChange(bytes, source, read, Math.floor(Date.now() / 1000));
    noteDoubts(draft.warnings, person);
    return signChange(signer, draft.change);
  };
  const more = looksLikeChange(bytes);
  const signed = more ? cosignChange(signer, bytes, source) : await signNew();
  const path = options.output ?? (more ? source : `${source.replace(/\.ya?ml$/, '')}.change`);
  const { bootstrap } = options;
  const foreseen = bootstrap && foreseeChange(await loadCore(), await readBootstrapFile(bootstrap), signed, bootstrap);
  await writeBytes(path, signed, { dryRun, update: more }); // who signs it after others adds to the one file
  return changeMade(signed, typeof foreseen === 'number' ? foreseen : undefined, { path, dryRun });
}
