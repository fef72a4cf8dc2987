// Writes what `countersign export-c` hands out: the verifier as one C file with its header and a page about it.
//
// The C is the small core, translated as for a board, with the port's wasm.h in its text and the interface (api*.c) behind it:
// for a Cortex-M0, whose multiplier gives 32 bits, and for a Cortex-M4, whose gives 64; of packages, or without SUIT of images;
// for both curves, or for P-256 alone. Made when the package is built, so that its user needs neither WebAssembly tools nor a
// compiler for it.
//
//   node dist/boards/export-c/build.js      writes build/c/m0/, m0-p256/, m0-image/, ... and m4-image-p256/, and mcuboot/

import { cpSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { reasons } from '../../host/reasons.js';
import { packageRoot, packageVersion } from '../../host/root.js';
import { translate } from '../port/translate.js';

const ROOT = fileURLToPath(packageRoot);
const here = (name: string) => readFileSync(join(ROOT, 'boards/export-c', name), 'utf8');

interface Cpu {
  /** Profile of asconfig.json: core-small, image-small-p256, ... */
  profile: string;
  name: string;
  /** How the page says to compile. */
  flags: string;
  advice: string;
  /** Deepest stack of any function of the interface, bytes; tests/port/export-c.test.ts works it out from GCC's call graph. */
  stackBytes: number;
}

const CPUS: Record<string, Cpu> = {
  m0: {
    profile: 'small',
    name: 'Cortex-M0',
    flags: '-mcpu=cortex-m0 -mthumb -Os',
    advice:
      'On a Cortex-M0 `-Os` is also the fastest. For a Cortex-M3 and up take `export-c --cpu m4`: many times faster there.',
    stackBytes: 640,
  },
  m4: {
    profile: 'm4',
    name: 'Cortex-M4',
    flags: '-mcpu=cortex-m4 -mthumb -O2',
    advice:
      'On 64-bit machines and those with a long multiplication this is the fast one. For a Cortex-M0 take `export-c --cpu m0`.',
    stackBytes: 640,
  },
};

/** What a verifier is about, and which signatures it checks. */
interface Kind {
  /** Of the folder. */
  suffix: string;
  suit: boolean;
  ed25519: boolean;
}

const KINDS: readonly Kind[] = [true, false].flatMap((suit) =>
  [true, false].map((ed25519) => ({
    suffix: `${suit ? '' : '-image'}${ed25519 ? '' : '-p256'}`,
    suit,
    ed25519,
  })),
);

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
  return text.replace(/@([A-Z0-9]+)@/g, (whole, name) => values[name] ?? whole);
}

/** The lines between `//@KIND` and `//@end` stay if that is the kind. */
function only(text: string, kinds: string[]): string {
  return text.replace(/^\/\/@(\w+)\n([\s\S]*?)^\/\/@end\n/gm, (_, kind, lines) => (kinds.includes(kind) ? lines : ''));
}

/** The three files, by name. */
function exported(cpu: Cpu, { suit, ed25519 }: Kind): Record<string, string> {
  const wasm = `build/${suit ? 'core' : 'image'}-${cpu.profile}${ed25519 ? '' : '-p256'}.wasm`;
  const module = translate(readFileSync(join(ROOT, wasm)), 'core');
  const runtime = readFileSync(join(ROOT, 'boards/port/wasm.h'), 'utf8');
  const source = [
    `/* The verifier of countersign.h, version ${packageVersion}, for a ${cpu.name}: a WebAssembly module translated to C. Do not edit. */`,
    '#include "countersign.h"',
    '#ifdef COUNTERSIGN_TRAP',
    '#define WASM_TRAP() COUNTERSIGN_TRAP()',
    '#endif',
    module.replace('#include "wasm.h"\n', () => runtime),
    here('api.c'),
    here(suit ? 'api-suit.c' : 'api-image.c'),
    ...(ed25519 ? [here('api-ed25519.c')] : []),
  ];
  const values = {
    RAM: `${ramBytes(module)}`,
    STACK: `${cpu.stackBytes}`,
    CPU: cpu.name,
    FLAGS: cpu.flags,
    ADVICE: cpu.advice,
    VERSION: packageVersion,
    CURVES: ed25519 ? 'Ed25519 and P-256' : 'P-256',
    REASONS: reasonLines(),
    EXAMPLE: here('example.c'),
  };
  const header = only(here('countersign.in.h'), [suit ? 'suit' : 'image', ...(ed25519 ? ['ed25519'] : [])]);
  return {
    'countersign.c': source.join('\n'),
    'countersign.h': fill(header, values),
    'README.md': fill(here(suit ? 'README.in.md' : 'README-image.in.md'), values),
  };
}

rmSync(join(ROOT, 'build/c'), { recursive: true, force: true });
for (const [key, cpu] of Object.entries(CPUS)) {
  for (const kind of KINDS) {
    const folder = join(ROOT, 'build/c', `${key}${kind.suffix}`);
    mkdirSync(folder, { recursive: true });
    for (const [name, text] of Object.entries(exported(cpu, kind))) writeFileSync(join(folder, name), text);
  }
}
cpSync(join(ROOT, 'boards/export-c/mcuboot'), join(ROOT, 'build/c/mcuboot'), { recursive: true });
