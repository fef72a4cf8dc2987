// The step from WebAssembly to C keeps every operation's meaning: each instruction that our modules use gives in
// compiled C what it gives in V8, on values at the edges, traps included; and memory ends exactly where the module says.
// Compiled natively with sanitizers, so that what C leaves undefined is caught as well.

import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, describe, expect, test } from 'vitest';
import loadWabt from 'wabt';
import { translate } from '../../boards/port/translate.js';
import { have } from '../support/need.js';

const PORT = fileURLToPath(new URL('../../boards/port', import.meta.url));
const USED = 64; // bytes of memory that the sample says it changes
const TABLES = 32; // bytes of constant tables behind them

const BINARY = 'add sub mul div_s div_u rem_s rem_u and or xor shl shr_s shr_u rotl rotr'.split(' ');
const COMPARE = 'eq ne lt_s lt_u gt_s gt_u le_s le_u ge_s ge_u'.split(' ');
const UNARY = ['clz', 'ctz', 'popcnt', 'extend8_s', 'extend16_s'];
const LOADS: [type: 'i32' | 'i64', op: string, bytes: number][] = [
  ['i32', 'load', 4],
  ['i32', 'load8_u', 1],
  ['i32', 'load8_s', 1],
  ['i32', 'load16_u', 2],
  ['i32', 'load16_s', 2],
  ['i64', 'load', 8],
  ['i64', 'load8_u', 1],
  ['i64', 'load8_s', 1],
  ['i64', 'load16_u', 2],
  ['i64', 'load16_s', 2],
  ['i64', 'load32_u', 4],
  ['i64', 'load32_s', 4],
];
const STORES: [type: 'i32' | 'i64', op: string, bytes: number][] = [
  ['i32', 'store', 4],
  ['i32', 'store8', 1],
  ['i32', 'store16', 2],
  ['i64', 'store', 8],
  ['i64', 'store8', 1],
  ['i64', 'store16', 2],
  ['i64', 'store32', 4],
];
const OFFSETS = [0, 8, USED, USED + 8, USED + TABLES];

const I32 = [0n, 1n, 2n, 31n, 33n, 0x7fffffffn, 0x80000000n, 0x8001ff80n, 0xffffffffn];
const I64 = [...I32, 0x7fffffffffffffffn, 0x8000000000000000n, 0x80000001ff80ff80n, 0xffffffffffffffffn];

type Outcome = bigint | 'trap' | 'done';
interface Case {
  call: string;
  args: bigint[];
  /** Only where C must differ from V8: V8's memory is a whole page. */
  traps?: boolean;
}

function sample(): [wat: string, signatures: Map<string, string[]>, cases: Case[]] {
  const functions: string[] = [];
  const signatures = new Map<string, string[]>(); // name -> [result, ...parameters]
  const cases: Case[] = [];
  const add = (name: string, result: string, parameters: string[], body: string) => {
    const list = parameters.length ? ` (param ${parameters.join(' ')})` : '';
    functions.push(`(func (export "${name}")${list}${result ? ` (result ${result})` : ''} ${body})`);
    signatures.set(name, [result, ...parameters]);
  };
  const get = (...indices: number[]) => indices.map((i) => `local.get ${i}`).join(' ');

  for (const [type, values] of [
    ['i32', I32],
    ['i64', I64],
  ] as const) {
    for (const op of [...BINARY, ...COMPARE]) {
      add(`${type}_${op}`, COMPARE.includes(op) ? 'i32' : type, [type, type], `${get(0, 1)} ${type}.${op}`);
      for (const x of values) for (const y of values) cases.push({ call: `${type}_${op}`, args: [x, y] });
    }
    for (const op of [...UNARY, ...(type === 'i64' ? ['extend32_s'] : [])]) {
      add(`${type}_${op}`, type, [type], `${get(0)} ${type}.${op}`);
      for (const x of values) cases.push({ call: `${type}_${op}`, args: [x] });
    }
    add(`${type}_eqz`, 'i32', [type], `${get(0)} ${type}.eqz`);
    for (const x of values) cases.push({ call: `${type}_eqz`, args: [x] });
    add(
      `${type}_count`,
      type,
      [type],
      `global.get $${type} ${get(0)} ${type}.add global.set $${type} global.get $${type}`,
    );
    for (const x of values) cases.push({ call: `${type}_count`, args: [x] });
  }
  add('wrap', 'i32', ['i64'], `${get(0)} i32.wrap_i64`);
  add('widen_s', 'i64', ['i32'], `${get(0)} i64.extend_i32_s`);
  add('widen_u', 'i64', ['i32'], `${get(0)} i64.extend_i32_u`);
  for (const x of I64) cases.push({ call: 'wrap', args: [x] });
  for (const x of I32) cases.push({ call: 'widen_s', args: [x] }, { call: 'widen_u', args: [x] });

  // A load whose offset points behind the memory reads the tables; a store never does.
  const reach = (bytes: number, offset: number, end: number) =>
    [0, 16, end - bytes - offset, end - bytes - offset + 1, end - offset, USED, 0xfffffff8, 0xffffffff].filter(
      (at) => at >= 0,
    );
  for (const [type, op, bytes] of LOADS) {
    for (const offset of OFFSETS) {
      const name = `${type}_${op}_${offset}`;
      const end = offset < USED ? USED : USED + TABLES;
      add(name, type, ['i32'], `${get(0)} ${type}.${op} offset=${offset}`);
      for (const at of reach(bytes, offset, end))
        cases.push({ call: name, args: [BigInt(at)], traps: at + offset + bytes > end });
    }
    add(`${type}_${op}_const`, type, [], `i32.const ${USED + 16} ${type}.${op}`);
    cases.push({ call: `${type}_${op}_const`, args: [] });
  }
  for (const [type, op, bytes] of STORES) {
    for (const offset of OFFSETS) {
      const name = `${type}_${op}_${offset}`;
      add(name, 'i64', ['i32', type], `${get(0, 1)} ${type}.${op} offset=${offset} i32.const ${USED - 8} i64.load`);
      for (const at of reach(bytes, offset, USED))
        cases.push({ call: name, args: [BigInt(at), 0x8182838485868788n], traps: at + offset + bytes > USED });
    }
  }
  add('copy', 'i64', ['i32', 'i32', 'i32'], `${get(0, 1, 2)} memory.copy i32.const 8 i64.load`);
  add('fill', 'i64', ['i32', 'i32', 'i32'], `${get(0, 1, 2)} memory.fill i32.const 8 i64.load`);
  for (const [to, from, length] of [
    [9, 8, 20],
    [8, 9, 20],
    [0, 32, 32],
    [USED, 0, 0],
    [USED - 4, 0, 5],
    [0, USED - 4, 5],
    [0, 1, 0xffffffff],
    [0xffffffff, 0, 1],
    [0, USED, 16],
    [8, USED + 16, 16],
    [8, USED + 17, 16],
    [0, USED - 4, 8],
  ] as const) {
    const readable = from < USED ? from + length <= USED : from + length <= USED + TABLES;
    const traps = to + length > USED || !readable;
    cases.push({ call: 'copy', args: [BigInt(to), BigInt(from), BigInt(length)], traps });
    cases.push({ call: 'fill', args: [BigInt(to), BigInt(from), BigInt(length)], traps: to + length > USED });
  }
  add(
    'pick',
    'i32',
    ['i32'],
    '(block (block (block local.get 0 br_table 0 1 2) i32.const 7 return) i32.const 8 return) i32.const 9',
  );
  for (const x of [0n, 1n, 2n, 3n, 0xffffffffn]) cases.push({ call: 'pick', args: [x] });
  add('never', '', [], 'unreachable');
  cases.push({ call: 'never', args: [] });

  const bytes = Array.from(
    { length: USED + TABLES },
    (_, i) => `\\${((i * 37 + 0x7b) & 0xff).toString(16).padStart(2, '0')}`,
  );
  const wat = `(module (memory (export "memory") 1 1)
    (global $i32 (mut i32) (i32.const 4294967290)) (global $i64 (mut i64) (i64.const -6))
    (data (i32.const 0) "${bytes.slice(0, USED).join('')}") (data (i32.const ${USED}) "${bytes.slice(USED).join('')}")
    (func (export "memoryBytes") (result i32) i32.const ${USED})
    (func (export "tablesEnd") (result i32) i32.const ${USED + TABLES}) ${functions.join('\n')})`;
  return [wat, signatures, cases];
}

// The types of WebAssembly's own interface come with the DOM, which this project does without.
declare const WebAssembly: {
  Module: new (bytes: Uint8Array) => object;
  Instance: new (
    module: object,
  ) => { exports: Record<string, (...args: (number | bigint)[]) => number | bigint | undefined> };
};

const wabt = await loadWabt();
const assemble = (wat: string) =>
  wabt.parseWat('sample.wat', wat, { bulk_memory: true, sign_extension: true }).toBinary({}).buffer;

function inV8(wasm: Uint8Array, signatures: Map<string, string[]>, cases: Case[]): Outcome[] {
  const { exports } = new WebAssembly.Instance(new WebAssembly.Module(wasm));
  return cases.map(({ call, args, traps }) => {
    if (traps) return 'trap';
    const [, ...parameters] = signatures.get(call)!;
    try {
      const value = exports[call]!(...args.map((x, i) => (parameters[i] === 'i32' ? Number(BigInt.asIntN(32, x)) : x)));
      if (value === undefined) return 'done';
      return typeof value === 'number' ? BigInt.asUintN(32, BigInt(value)) : BigInt.asUintN(64, value);
    } catch {
      return 'trap';
    }
  });
}

function inC(folder: string, wasm: Uint8Array, signatures: Map<string, string[]>, cases: Case[]): Outcome[] {
  writeFileSync(join(folder, 'sample.wasm.c'), translate(wasm, 'sample'));
  const names = [...signatures.keys()];
  const dispatch = names.map((name, i) => {
    const [result, ...parameters] = signatures.get(name)!;
    const call = `sample_${name}(${parameters.map((type, k) => `(${type === 'i32' ? 'u32' : 'u64'})a[${k}]`).join(', ')})`;
    return `    case ${i}: ${result ? `printf("%llu\\n", (unsigned long long)${call})` : `(${call}, puts("done"))`}; break;`;
  });
  const rows = cases.map(
    ({ call, args }) => `{${names.indexOf(call)}, {${args.map((x) => `${x}ull`).join(', ') || 0}}},`,
  );
  const main = `#include <setjmp.h>
#include <stdio.h>
static jmp_buf trapped;
#define WASM_TRAP() longjmp(trapped, 1)
#include "sample.wasm.c"
static const struct { int call; u64 args[3]; } cases[] = {
${rows.join('\n')}
};
static void run(int call, const u64 *a) {
  switch (call) {
${dispatch.join('\n')}
  }
}
int main(void) {
  sample_reset();
  memset(memory, 0xaa, sizeof memory);
  sample_reset();
  for (unsigned i = 0; i < sizeof cases / sizeof *cases; i++) {
    if (setjmp(trapped)) puts("trap");
    else run(cases[i].call, cases[i].args);
  }
  return 0;
}
`;
  writeFileSync(join(folder, 'main.c'), main);
  const flags = ['-std=gnu11', '-O1', '-Wall', '-Wextra', '-Werror', '-Wno-clobbered'];
  const sanitizers = ['-fsanitize=address,undefined', '-fno-sanitize-recover=all'];
  const program = join(folder, 'sample');
  execFileSync('cc', [...flags, ...sanitizers, '-I', PORT, join(folder, 'main.c'), '-o', program]);
  const lines = execFileSync(program, { encoding: 'utf8', maxBuffer: 1 << 26 })
    .trim()
    .split('\n');
  return lines.map((line) => (line === 'trap' || line === 'done' ? line : BigInt(line)));
}

describe.skipIf(!have('cc'))('a translated module', () => {
  const folder = mkdtempSync(join(tmpdir(), 'countersign-translate-'));
  afterAll(() => rmSync(folder, { recursive: true }));

  test('computes in C what it computes in V8', () => {
    const [wat, signatures, cases] = sample();
    const wasm = assemble(wat);
    const expected = inV8(wasm, signatures, cases);
    const actual = inC(folder, wasm, signatures, cases);
    const show = (outcomes: Outcome[]) =>
      cases.map(({ call, args }, i) => `${call}(${args.map((x) => x.toString(16)).join(', ')}) = ${outcomes[i]}`);
    expect(show(actual)).toEqual(show(expected));
    expect(expected.filter((outcome) => outcome === 'trap').length).toBeGreaterThan(200);
    console.log(`translated operations: ${cases.length} cases`);
  });

  test.each([
    ['a module that does not say what it uses', '(func (export "f"))', 'memoryBytes'],
    ['floats', '(func (export "f") (param f32) (result f32) local.get 0)', 'cannot translate'],
    [
      'indirect calls',
      '(table 2 funcref) (elem (i32.const 0) $g $f) (func $g (export "g")) (func $f (export "f") (param i32) local.get 0 call_indirect)',
      'cannot translate',
    ],
    ['imports that are not of the HAL', '(import "env" "g" (func $g)) (func (export "f") call $g)', 'cannot translate'],
  ])('refuses %s', (what, body, message) => {
    const says = (name: string) => `(func (export "${name}") (result i32) i32.const 64)`;
    const own = what.includes('does not say') ? '' : says('memoryBytes') + says('tablesEnd');
    const imports = /^\(import .*?\)\) /.exec(body)?.[0] ?? '';
    const wasm = assemble(`(module ${imports} (memory 1 1) ${own} ${body.slice(imports.length)})`);
    expect(() => translate(wasm, 'sample')).toThrow(message);
  });
});
