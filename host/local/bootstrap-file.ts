// Reading a bootstrap file and the files that it names, for every command that needs one.

import { dirname, resolve } from 'node:path';
import { readBytes } from '../files.js';
import { bootstrapNames } from '../formats/bootstrap.js';
import { bootstrapFromFile } from '../named-files.js';

/** The CBOR of a bootstrap file: YAML is encoded, paths in it are relative to it; CBOR is taken as it is. */
export async function readBootstrapFile(path: string): Promise<Uint8Array> {
  return bootstrapFromFile(await readBytes(path), path, (named) => readBytes(resolve(dirname(path), named)));
}

/** The words of a bootstrap file for vendor and class; CBOR has only their ids. */
export async function readBootstrapNames(path: string | undefined): Promise<ReturnType<typeof bootstrapNames>> {
  return path === undefined ? undefined : bootstrapNames(await readBytes(path));
}
