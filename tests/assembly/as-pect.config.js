// as-pect 8: compiles each *.spec.ts with the modules of assembly/ that it imports and runs it.
import { suiteHal } from './support/hal.js';

export default {
  entries: ['tests/assembly/**/*.spec.ts'],
  include: [],
  disclude: [/node_modules/],
  async instantiate(memory, createImports, instantiate, binary) {
    let result;
    const hal = suiteHal(() => result.exports.memory);
    result = await instantiate(binary, createImports({ env: { memory }, hal, flaws: hal }));
    return result;
  },
  outputBinary: false,
};
