// What a document that a person wrote names by path, read with the readers of keys in files (keys/read.ts): PEM, DER, OpenSSH
// and the rest. `read` gives the bytes of a path.

import { bootstrapFromFile as bootstrapBy, type NamedFiles } from './formats/bootstrap.js';
import { type Change, changeFromYaml as changeBy } from './formats/change.js';
import { splitKeyName } from './formats/keys.js';
import { readPublicKey } from './keys/read.js';
import { type ChangeDraft, draftChange as draftBy } from './operator/change.js';

export type Read = (path: string) => Promise<Uint8Array>;

const filesOf = (read: Read): NamedFiles => ({
  bytes: read,
  async key(name) {
    const { path, raw } = splitKeyName(name);
    return readPublicKey(await read(path), name, raw);
  },
});

/** See formats/bootstrap.ts. */
export const bootstrapFromFile = (bytes: Uint8Array, what: string, read: Read): Promise<Uint8Array> =>
  bootstrapBy(bytes, what, filesOf(read));

/** See formats/change.ts. */
export const changeFromYaml = (bytes: Uint8Array, what: string, read: Read, now: number): Promise<Change> =>
  changeBy(bytes, what, filesOf(read), now);

/** See operator/change.ts. */
export const draftChange = (text: Uint8Array, what: string, read: Read, now: number): Promise<ChangeDraft> =>
  draftBy(text, what, filesOf(read), now);
