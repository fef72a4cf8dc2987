// Turns a WebAssembly module of ours into one small C file for a machine without an operating system.
//
// Binaryen first puts the tiniest functions into their callers: GCC sees the checks in them and would leave them calls.
// wasm2c does the translating; its output expects a runtime, 64 KiB of memory and an instance argument in every
// function. Kept are the bodies of the functions. Memory and globals become static, the instance goes away, and every
// access turns into a checked one on an array of exactly the bytes that the module changes (wasm.h).
//
// The module must export memoryBytes(), the end of the memory that it changes, and tablesEnd(), the end of all it uses.
// Data segments below the first are copied there by PREFIX_reset(); between the two lie constant tables, which stay in
// flash. AssemblyScript puts there what a function
// makes by memory.data([...]), after everything of the top level. Anything that this page does not know (function
// tables, floats, indirect calls, other import modules than "hal") is refused.
//
// `prefix` names the exports in C: with `agent`, start() becomes agent_start(). The import hal.card becomes
// import_card(), which the including file defines.

import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import * as path from 'node:path';
import { keptFiles } from './kept.js';
import { windowsOf } from './windows.js';

/** The instructions that asc may emit, and a size, in Binaryen's count, below which a call costs more than what it calls. */
const OPTIMISE = ['-Oz', '--always-inline-max-function-size=3'].concat(
  ['bulk-memory', 'mutable-globals', 'nontrapping-float-to-int', 'sign-ext'].map((feature) => `--enable-${feature}`),
);

/** The programs are WebAssembly themselves, and run for a moment: to optimise their code takes longer than it saves. */
const AT_ONCE = '--liftoff-only';

const manifestOf = (name: string) => createRequire(import.meta.url).resolve(`${name}/package.json`);

/** Runs a program that an npm package brings. */
function run(of: string, name: string, words: string[]): void {
  execFileSync(process.execPath, [AT_ONCE, path.join(path.dirname(manifestOf(of)), 'bin', name), ...words]);
}

/** The C text of a module. */
export function translate(wasm: Uint8Array, prefix: string): string {
  const folder = mkdtempSync(path.join(tmpdir(), 'countersign-wasm2c-'));
  try {
    const [module, source, header] = ['m.wasm', 'm.c', 'm.h'].map((name) => path.join(folder, name)) as [
      string,
      string,
      string,
    ];
    const tools = ['binaryen', 'wabt'].map((name) => readFileSync(manifestOf(name)));
    keptFiles([...tools, ...OPTIMISE, prefix, wasm], [source, header], () => {
      writeFileSync(module, wasm);
      run('binaryen', 'wasm-opt', [module, ...OPTIMISE, '-o', module]);
      // wabt 1.0.39 as npm ships it: its output is what the patterns below are written for.
      run('wabt', 'wasm2c', [module, '-n', prefix, '-o', source]);
    });
    return rewrite(readFileSync(header, 'utf8'), readFileSync(source, 'utf8'), prefix);
  } finally {
    rmSync(folder, { recursive: true });
  }
}

interface CFunction {
  result: string;
  name: string;
  /** Without the instance: "" or "u32 var_p0, u64 var_p1". */
  parameters: string;
  body: string;
  isExport: boolean;
}

/** A module may ignore a parameter, and a program an export: no fault of the C. */
const UNUSED = ['parameter', 'function', 'variable', 'but-set-variable', 'label'];

function rewrite(header: string, source: string, prefix: string): string {
  const own = `w2c_${prefix}`;
  const definition = new RegExp(
    `(/\\* export: .*\\n)?^(\\w+) (${own}_\\w+)\\(${own}\\* instance(?:,\\s*)?([^)]*)\\) \\{\\n([\\s\\S]*?)^\\}$`,
    'gm',
  );
  const functions = [...source.matchAll(definition)].map(
    ([, mark, result, name, parameters, body]) =>
      ({ result, name, parameters: parameters!.replace(/\s+/g, ' '), body, isExport: !!mark }) as CFunction,
  );
  const exported = functions.filter((f) => f.isExport); // wrappers around inner ones
  const inner = functions.filter((f) => !f.isExport);
  const imports = header.matchAll(/^(\w+) w2c_hal_(\w+)\(struct w2c_hal\*(?:,\s*)?([^)]*)\);$/gm);
  const globals = [...source.matchAll(/^ {2}instance->(w2c_g\d+) = (\d+u(?:ll)?);$/gm)];
  const users = (name: string) => inner.filter(({ body }) => new RegExp(`\\b${name}\\b`).test(body)).length;
  const ordered = globals.map((each) => ({ each, users: users(each[1]!) })).sort((a, b) => b.users - a.users);
  const constant = (name: string) => constantOf(functions, `${own}_${name}`);
  const bytes = constant('memoryBytes');
  const segments = Array.from(
    source.matchAll(/LOAD_DATA\(instance->w2c_memory, (\d+)u, (data_segment_data_\w+), \d+\);/g),
    ([, at, name]) => ({ at: Number(at), bytes: segmentBytes(source, name!) }),
  );
  const tables = join(segments, bytes, constant('tablesEnd'));
  const start = segments.filter(({ at }) => at < bytes);
  if (start.some((segment) => segment.at + segment.bytes.length > bytes))
    throw new Error('port: a data segment begins before memoryBytes() and ends behind it');
  const setGlobals = globals
    .filter(([, , value]) => !/^0u/.test(value!))
    .map(([, name, value]) => `  globals.${name} = ${value};`);

  const text = [
    `/* Generated by boards/port/translate.ts from ${prefix}.wasm: do not edit. */`,
    '#include <stdint.h>',
    `#define MEMORY_BYTES ${bytes}u`,
    `#define TABLES_BYTES ${tables.length}u`,
    `static const uint8_t tables[] __attribute__((aligned(8))) = ${initialiser(tables)};`,
    ...windowFunction(
      windowsOf(
        inner.map((f) => plain(f.body)),
        bytes,
      ),
    ),
    '#include "wasm.h"',
    '#pragma GCC diagnostic push',
    ...UNUSED.map((what) => `#pragma GCC diagnostic ignored "-Wunused-${what}"`),
    '/* Imports: whoever includes this file defines them. */',
    ...Array.from(imports, ([, result, name, types]) => `static ${result} import_${name}(${types || 'void'});`),
    'static struct { /* one, so that neighbours share the literal of its address; what most functions use comes first */',
    ...ordered.map(({ each: [, name, value] }) => `  ${value!.endsWith('ull') ? 'u64' : 'u32'} ${name};`),
    '} globals;',
    ...start.map(({ bytes }, i) => `static const u8 start_${i}[] = ${initialiser(bytes)};`),
    ...inner.map((f) => `${signature(f)};`),
    ...inner.map((f) => `${signature(f)} {\n${plain(f.body)}}`),
    ...exported.map(wrapper),
    '/* Memory and globals as the module starts with them. */',
    `static void ${prefix}_reset(void) {`,
    '  memset(memory, 0, sizeof memory);',
    '  memset(&globals, 0, sizeof globals);',
    ...setGlobals,
    ...start.map(({ at, bytes }, i) => `  memcpy(memory_at(${at}u, ${bytes.length}u), start_${i}, ${bytes.length}u);`),
    '}',
    '#pragma GCC diagnostic pop',
    '',
  ].join('\n');
  refuseUnknown(text);
  return text;
}

/** memory_window(): where the window of a constant address begins; a chain of comparisons, of which nothing is compiled. */
function windowFunction(windows: number[]): string[] {
  const chain = windows.map((from, i) =>
    i + 1 < windows.length ? `at < ${windows[i + 1]}u ? ${from}u : ` : `${from}u`,
  );
  const open = 'static inline __attribute__((always_inline, unused)) uint32_t memory_window(uint32_t at) {';
  return ['#ifdef __ARM_ARCH_6M__', open, `  return ${chain.join('')};`, '}', '#endif'];
}

interface Segment {
  at: number;
  bytes: number[];
}

function segmentBytes(source: string, name: string): number[] {
  const text = new RegExp(`^static const u8 ${name}\\[\\] = \\{([^}]*)\\};$`, 'm').exec(source)?.[1] ?? '';
  return Array.from(text.matchAll(/0x[0-9a-f]+/g), ([byte]) => Number(byte));
}

/** What the segments put between two addresses, in one piece; what lies between them is 0. */
function join(segments: Segment[], from: number, to: number): number[] {
  const joined = new Array<number>(to - from).fill(0);
  for (const { at, bytes } of segments) if (at >= from) joined.splice(at - from, bytes.length, ...bytes);
  return joined;
}

const BYTES_PER_LINE = 24;

function initialiser(bytes: number[]): string {
  if (bytes.length === 0) return '{0}';
  const lines = Array.from({ length: Math.ceil(bytes.length / BYTES_PER_LINE) }, (_, i) =>
    bytes.slice(i * BYTES_PER_LINE, (i + 1) * BYTES_PER_LINE).join(','),
  );
  return `{\n${lines.join(',\n')}}`;
}

const signature = ({ result, name, parameters }: CFunction) => `static ${result} ${name}(${parameters || 'void'})`;

/** The function of wasm2c's that an export's wrapper calls. */
const called = ({ body }: CFunction) => /(w2c_\w+)\(instance/.exec(body)?.[1] ?? '';

function wrapper(f: CFunction): string {
  const values = [...f.parameters.matchAll(/var_p\d+/g)].join(', ');
  const name = f.name.replace(/^w2c_/, '');
  return `${signature({ ...f, name })} {\n  ${f.result === 'void' ? '' : 'return '}${called(f)}(${values});\n}`;
}

/** What an export without parameters always returns. */
function constantOf(functions: CFunction[], name: string): number {
  const outer = functions.find((f) => f.isExport && f.name === name);
  const body = functions.find((f) => outer && !f.isExport && f.name === called(outer))?.body ?? '';
  const value = /^ {2}var_i0 = (\d+)u;\n.*\n {2}return var_i0;\n$/m.exec(body)?.[1];
  if (value === undefined || Number(value) % 8)
    throw new Error(`port: the module does not export ${name}() with a constant in it, a multiple of 8`);
  return Number(value);
}

/** The body of a function without instance, runtime memory and 64-bit addresses. */
function plain(body: string): string {
  return body
    .replace(/w2c_hal_(\w+)\(instance->w2c_hal_instance(?:,\s*)?/g, 'import_$1(')
    .replace(/\(instance(?:,\s*|(?=\)))/g, '(')
    .replace(/instance->(w2c_g\d+)/g, 'globals.$1')
    .replace(/memory_copy\(&instance->w2c_memory, &instance->w2c_memory, /g, 'memory_copy(')
    .replace(/memory_fill\(&instance->w2c_memory, /g, 'memory_fill(')
    .replace(
      /(\w+)_default32\(&instance->w2c_memory, \(u64\)\((\w+)\)(?: \+ (\d+)u?)?/g,
      (_, access, address, offset = '0') => `${access}(${address}, ${offset}u`,
    )
    .replace(/^ {2}FUNC_(?:PROLOGUE|EPILOGUE);\n/gm, '');
}

/** wasm2c's words that no rule above has taken away: something that this port does not support. */
function refuseUnknown(text: string): void {
  const left = /^.*(?:\binstance\b|_default32|CALL_INDIRECT|wasm_rt_|\bf(?:32|64)\b).*$/m.exec(text);
  if (left) throw new Error(`port: cannot translate: ${left[0].trim()}`);
}
