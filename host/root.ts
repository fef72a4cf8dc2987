// Where this package stands: the folder of its package.json, found from the running file upwards.
//
// The same code runs from dist/ (the command), from host/ (tests) and from a folder in node_modules (a library), so no
// fixed number of "../" would do.

import { existsSync, readFileSync } from 'node:fs';

const PACKAGE_NAME = 'countersign';

interface Manifest {
  name?: string;
  version?: string;
}

function readManifest(folder: URL): Manifest | undefined {
  const file = new URL('package.json', folder);
  return existsSync(file) ? (JSON.parse(readFileSync(file, 'utf8')) as Manifest) : undefined;
}

function find(): [root: URL, version: string] {
  for (let folder = new URL('./', import.meta.url); ; folder = new URL('../', folder)) {
    const manifest = readManifest(folder);
    if (manifest?.name === PACKAGE_NAME) return [folder, manifest.version ?? '0.0.0'];
    if (new URL('../', folder).href === folder.href) throw new Error(`root: no package.json of ${PACKAGE_NAME} above`);
  }
}

const [root, version] = find();

/** The package's folder as a URL that ends in "/": `new URL('build/core.wasm', packageRoot)`. */
export const packageRoot: URL = root;

/** The version in package.json. */
export const packageVersion: string = version;
