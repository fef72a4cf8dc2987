// The AssemblyScript compiler, in this process. It is WebAssembly itself and runs for a moment: to optimise its code takes longer than
// that saves. What is loaded behind it is optimised as ever.

import { setFlagsFromString } from 'node:v8';

export async function compiler() {
  setFlagsFromString('--liftoff-only');
  try {
    return (await import('assemblyscript/asc')).default;
  } finally {
    for (const flag of ['--no-liftoff-only', '--wasm-tier-up', '--wasm-dynamic-tiering']) setFlagsFromString(flag);
  }
}
