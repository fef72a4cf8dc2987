// What a document that a person wrote names by path, read with the readers of keys in files (keys/read.ts): PEM, DER, OpenSSH
// and the rest. `read` gives the bytes of a path.

import { bootstrapFromFile as bootstrapBy, type NamedFiles } from './formats/bootstrap.js';
import type { Change } from './formats/change.js';
import { splitKeyName } from './formats/keys.js';
import type { ChangeDraft } from './operator/change.js';

export type Read = (path: string) => Promise<Uint8Array>;

const filesOf = (read: Read): NamedFiles => ({
  bytes: read,
  async key(name) {
    const { path, raw } = splitKeyName(name);
    const { readPublicKey } = await import('./keys/read.js'); // a document in CBOR names no files
    return readPublicKey(await read(path), name, raw);
  },
});

/** See formats/bootstrap.ts. */
export const bootstrapFromFile = (bytes: Uint8Array, what: string, read: Read): Promise<Uint8Array> =>
  bootstrapBy(bytes, what, filesOf(read));

/** See formats/change.ts. */
export async function changeFromYaml(bytes: Uint8Array, what: string, read: Read, now: number): Promise<Change> {
  const { changeFromYaml: changeBy } = await import('./formats/change.js');
  return changeBy(bytes, what, filesOf(read), now);
}

/** See operator/change.ts. */
export async function draftChange(text: Uint8Array, what: string, read: Read, now: number): Promise<ChangeDraft> {
  const { draftChange: draftBy } = await import('./operator/change.js');
  return draftBy(text, what, filesOf(read), now);
}
