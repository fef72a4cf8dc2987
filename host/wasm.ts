// Loads a module that assembly/ was built to, by AssemblyScript's own loader.
//
// core.wasm uses SIMD, which a processor without SSE4.1 does not give and Safari before 16.4 did not know. There the same core
// serves in its small form, core-small.wasm: other instructions, the same answers.

import { readFile } from 'node:fs/promises';
import { type Imports, instantiate } from '@assemblyscript/loader';
import { CountersignError } from './errors.js';
import { packageRoot } from './root.js';

/** A module with nothing but the type of a function that returns a v128: it is valid where there is SIMD. */
const WITH_SIMD = Uint8Array.of(0, 0x61, 0x73, 0x6d, 1, 0, 0, 0, 1, 5, 1, 0x60, 0, 1, 0x7b);

/** The file in build/ of this package: `wasmFile('core')`. */
export function wasmFile(name: 'core' | 'core-small' | 'agent'): URL {
  return new URL(`build/${name}.wasm`, packageRoot);
}

/** The exports of a module, which the caller knows the types of. Every call makes an instance of its own. */
export async function loadWasm<Exports extends Record<string, unknown>>(
  name: 'core' | 'agent',
  imports: Imports = {},
): Promise<Exports & { memory: WebAssembly.Memory }> {
  const built = name === 'core' && !WebAssembly.validate(WITH_SIMD) ? 'core-small' : name;
  try {
    const { exports } = await instantiate<Exports>(await readFile(wasmFile(built)), imports);
    return exports as Exports & { memory: WebAssembly.Memory };
  } catch (cause) {
    throw new CountersignError('CoreUnavailable', `core: ${built}.wasm cannot be loaded`, { cause });
  }
}
