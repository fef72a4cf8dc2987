// Files that depend on nothing but what is hashed here are made once, and kept in build/kept/ under this hash: what wasm2c makes
// of a module, and what GCC makes of that. Whoever changes a source, an option or a tool changes the hash.
//
// Keeping is a convenience: where nothing can be written, each is made anew.

import { createHash } from 'node:crypto';
import { copyFileSync, mkdirSync, readdirSync, renameSync, rmSync, statSync, utimesSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { packageRoot } from '../../host/root.js';

const FOLDER = fileURLToPath(new URL('build/kept/', packageRoot));
const FILES_MAX = 200; // some 100 kB each

/** Sees to it that the files at `paths` are there: kept ones, or those that `make` writes. `of`: all that they depend on. */
export function keptFiles(of: readonly (string | Uint8Array)[], paths: readonly string[], make: () => void): void {
  const hash = createHash('sha256');
  for (const part of of) hash.update(`${Buffer.byteLength(part)}:`).update(part);
  const name = hash.digest('hex');
  const places = paths.map((_, i) => join(FOLDER, `${name}.${i}`));
  try {
    for (const [i, place] of places.entries()) copyFileSync(place, paths[i]!);
    for (const place of places) utimesSync(place, new Date(), new Date());
    return;
  } catch {
    make();
  }
  try {
    mkdirSync(FOLDER, { recursive: true });
    for (const [i, place] of places.entries()) {
      const fresh = `${place}.${process.pid}`; // others may be about to keep the same
      copyFileSync(paths[i]!, fresh);
      renameSync(fresh, place);
    }
    forgetOldest();
  } catch {
    // Installed where this user may not write.
  }
}

function forgetOldest(): void {
  const files = readdirSync(FOLDER).map((name) => join(FOLDER, name));
  const ages = files.map((file) => [statSync(file, { throwIfNoEntry: false })?.mtimeMs ?? 0, file] as const);
  const oldest = ages.sort(([a], [b]) => b - a).slice(FILES_MAX);
  for (const [, file] of oldest) rmSync(file, { force: true });
}
