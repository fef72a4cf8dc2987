// Loads a module that assembly/ was built to, by AssemblyScript's own loader.

import { readFile } from 'node:fs/promises';
import { type Imports, instantiate } from '@assemblyscript/loader';
import { CountersignError } from './errors.js';
import { packageRoot } from './root.js';

/** The file in build/ of this package: `wasmFile('core')`. */
export function wasmFile(name: 'core' | 'agent'): URL {
  return new URL(`build/${name}.wasm`, packageRoot);
}

/** The exports of a module, which the caller knows the types of. Every call makes an instance of its own. */
export async function loadWasm<Exports extends Record<string, unknown>>(
  name: 'core' | 'agent',
  imports: Imports = {},
): Promise<Exports & { memory: WebAssembly.Memory }> {
  try {
    const { exports } = await instantiate<Exports>(await readFile(wasmFile(name)), imports);
    return exports as Exports & { memory: WebAssembly.Memory };
  } catch (cause) {
    throw new CountersignError('CoreUnavailable', `core: ${name}.wasm cannot be loaded`, { cause });
  }
}
