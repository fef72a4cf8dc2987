// as-pect 8: compiles each *.spec.ts with the modules of assembly/ that it imports and runs it.
export default {
  entries: ['tests/assembly/**/*.spec.ts'],
  include: [],
  disclude: [/node_modules/],
  coverage: ['assembly/**/*.ts'],
  async instantiate(memory, createImports, instantiate, binary) {
    return instantiate(binary, createImports({ env: { memory } }));
  },
  outputBinary: false,
};
