// Writes what `countersign export-c` hands out: the verifier as one C file with its header and a page about it.
//
// The C is build/core-small.wasm, translated as for a board, with the port's wasm.h in its text and the interface (api.c)
// behind it. Made when the package is built, so that its user needs neither WebAssembly tools nor a compiler for it.
//
//   node dist/boards/export-c/build.js      writes build/c/

import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { reasons } from '../../host/reasons.js';
import { packageRoot, packageVersion } from '../../host/root.js';
import { translate } from '../port/translate.js';

const ROOT = fileURLToPath(packageRoot);
const here = (name: string) => readFileSync(join(ROOT, 'boards/export-c', name), 'utf8');

/** Deepest stack of any function of the interface, bytes; tests/port/export-c.test.ts works it out from GCC's call graph. */
const STACK_BYTES = 640;

const API_BYTES = 8; // `record` in api.c
const ALIGNMENT = 16;

const CORE_REASONS_MAX = 199; // those above are the host's

/** "ApprovalExpired" -> "COUNTERSIGN_APPROVAL_EXPIRED". */
const constantOf = (name: string) => `COUNTERSIGN_${name.replace(/(?<=[a-z0-9])(?=[A-Z])/g, '_').toUpperCase()}`;

function reasonLines(): string {
  const rows = Object.entries(reasons).filter(([, { code }]) => code <= CORE_REASONS_MAX);
  return rows.map(([name, { code, text }]) => `    ${constantOf(name)} = ${code}, /* ${text} */`).join('\n');
}

/** Memory, variables and what api.c keeps, with room for alignment. */
function ramBytes(module: string): number {
  const memory = Number(/^#define MEMORY_BYTES (\d+)u$/m.exec(module)?.[1]);
  const variables = Array.from(module.matchAll(/^ *(?:static )?u(32|64) w2c_g\d+;$/gm), ([, bits]) => Number(bits) / 8);
  const sum = variables.reduce((total, bytes) => total + bytes, memory + API_BYTES);
  return Math.ceil(sum / ALIGNMENT) * ALIGNMENT;
}

function fill(text: string, values: Record<string, string>): string {
  return text.replace(/@([A-Z]+)@/g, (whole, name) => values[name] ?? whole);
}

/** The three files, by name. */
function exported(): Record<string, string> {
  const module = translate(readFileSync(join(ROOT, 'build/core-small.wasm')), 'core');
  const runtime = readFileSync(join(ROOT, 'boards/port/wasm.h'), 'utf8');
  const source = [
    `/* The verifier of countersign.h, version ${packageVersion}: a WebAssembly module translated to C. Do not edit. */`,
    '#include "countersign.h"',
    '#ifdef COUNTERSIGN_TRAP',
    '#define WASM_TRAP() COUNTERSIGN_TRAP()',
    '#endif',
    module.replace('#include "wasm.h"\n', () => runtime),
    here('api.c'),
  ];
  const values = {
    RAM: `${ramBytes(module)}`,
    STACK: `${STACK_BYTES}`,
    VERSION: packageVersion,
    REASONS: reasonLines(),
    EXAMPLE: here('example.c'),
  };
  return {
    'countersign.c': source.join('\n'),
    'countersign.h': fill(here('countersign.in.h'), values),
    'README.md': fill(here('README.in.md'), values),
  };
}

const folder = join(ROOT, 'build/c');
mkdirSync(folder, { recursive: true });
for (const [name, text] of Object.entries(exported())) writeFileSync(join(folder, name), text);
