// Loaded before everything else into each process of a run that counts (node --import): gives every module that is instantiated
// the import that counting sources ask for, and writes each point down the first time that this process reaches it.
//
// The file holds a byte a point. Writing a 1 to its place is all that happens to it, so processes need no agreement, and one
// that is killed loses nothing.

import { openSync, writeSync } from 'node:fs';

const file = openSync(process.env.COUNTERSIGN_REACHED, 'r+');
const YES = Uint8Array.of(1);
const known = [];

function reached(point) {
  if (known[point]) return;
  known[point] = true;
  writeSync(file, YES, 0, 1, point);
}

const withCount = (imports) => ({ ...imports, coverage: { reached } });
const { Instance, instantiate } = WebAssembly;
WebAssembly.Instance = class extends Instance {
  constructor(module, imports) {
    super(module, withCount(imports));
  }
};
WebAssembly.instantiate = (source, imports) => instantiate(source, withCount(imports));
