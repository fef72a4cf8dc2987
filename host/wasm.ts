// The modules that assembly/ was built to, as files of this package; and the core, loaded from its file.

import { readFile } from 'node:fs/promises';
import { type Core, makeCore } from './core.js';
import { coreName } from './core-name.js';
import { packageRoot } from './root.js';

/** The file in build/ of this package: `wasmFile('core')`. */
export function wasmFile(name: 'core' | 'core-small' | 'agent' | 'agent-delta' | 'agent-large'): URL {
  return new URL(`build/${name}.wasm`, packageRoot);
}

/** A core of its own, which belongs to nobody until it is provisioned. Throws CoreUnavailable. */
export function loadCore(): Promise<Core> {
  const name = coreName();
  return makeCore(readFile(wasmFile(name)), `${name}.wasm`);
}
