// The AssemblyScript compiler, in this process. It is WebAssembly itself and runs for a moment: to optimise its code takes longer than
// that saves. What is loaded behind it is optimised as ever.

import { setFlagsFromString } from 'node:v8';

/** The flag implies the other two, and V8 does not set those back with it. */
const AS_EVER = ['--no-liftoff-only', '--wasm-tier-up', '--wasm-dynamic-tiering'];

export async function compiler() {
  setFlagsFromString('--liftoff-only');
  try {
    return (await import('assemblyscript/asc')).default;
  } finally {
    for (const flag of AS_EVER) setFlagsFromString(flag);
  }
}
