// The names of keys in files, as people give them.

/** Which half of an Ed25519 key 32 raw bytes are; undefined: the file says itself what it is. */
export type RawKey = 'seed' | 'public' | undefined;

/** A key file as people name it: its path, or raw-seed:PATH and raw-public:PATH for 32 bytes that are nothing else. */
export function splitKeyName(name: string): { path: string; raw: RawKey } {
  const [, half, path] = /^raw-(seed|public):(.+)$/.exec(name) ?? [];
  return path === undefined ? { path: name, raw: undefined } : { path, raw: half as RawKey };
}
