// What the built modules are, read from the files themselves: everything they can do to a host is in their imports, and
// all the memory that they ever have is the page they start with.
//
// core.wasm imports nothing, nor does core-small.wasm. agent-large.wasm imports exactly the functions of assembly/hal.ts,
// from "hal", and agent.wasm all of them but the one that boards with copied images have. Neither runs
// anything by itself or grows its memory, and both need one page, so that their C form has one static array.

import { readFileSync } from 'node:fs';
import { beforeAll, describe, expect, it } from 'vitest';
import wabt from 'wabt';

const file = (path: string) => readFileSync(new URL(`../../${path}`, import.meta.url));

/** The module in text form: one instruction, import or memory a line. */
async function textOf(path: string): Promise<string> {
  const { readWasm } = await wabt();
  const module = readWasm(file(path), { readDebugNames: false });
  const text = module.toText({ foldExprs: false, inlineExport: false });
  module.destroy();
  return text;
}

const HAL = [
  ...file('assembly/hal.ts')
    .toString()
    .matchAll(/^export declare function (\w+)\(/gm),
].map((m) => m[1]!);

const imported = (names: string[]) => names.map((name) => `hal.${name}`);

/** SIMD is for V8 and browsers: what becomes C, or serves where there is none, has no vector in it. */
const SIMD = /^\s*(v128|[if]\d+x\d+)\./m;

const MODULES: [name: string, path: string, imports: string[], simd: boolean][] = [
  ['core.wasm', 'build/core.wasm', [], true],
  ['core-small.wasm', 'build/core-small.wasm', [], false],
  ['agent.wasm', 'build/agent.wasm', imported(HAL.filter((name) => name !== 'image_read')), false],
  ['agent-large.wasm', 'build/agent-large.wasm', imported(HAL), false],
];

it('the HAL page names its functions', () => {
  expect(HAL).toContain('flash_write');
  expect(HAL.length).toBeGreaterThan(8);
});

describe.each(MODULES)('%s', (_name, path, imports, simd) => {
  let text = '';
  let module: WebAssembly.Module;
  beforeAll(async () => {
    text = await textOf(path);
    module = new WebAssembly.Module(file(path));
  });

  it(`imports ${imports.length} functions and nothing else`, () => {
    const found = WebAssembly.Module.imports(module);
    expect(found.map((each) => `${each.module}.${each.name}`).sort()).toEqual([...imports].sort());
    expect(found.filter((each) => each.kind !== 'function')).toEqual([]);
  });
  it('has no start function', () => expect(text.match(/^\s*\(start /gm)).toBeNull());
  it('never grows its memory', () => {
    expect(text.match(/^\s*memory\.grow/gm)).toBeNull();
    expect(text.match(/^\s*i32\.load/gm)).not.toBeNull(); // the pattern would see an instruction
  });
  it('has one page of memory, first and last', () => {
    expect([...text.matchAll(/^\s*\(memory .*$/gm)].map(([line]) => line!.trim())).toEqual(['(memory (;0;) 1 1)']);
  });
  it(simd ? 'has SIMD, to hash with' : 'has no SIMD', () => expect(SIMD.test(text)).toBe(simd));
  it('has no table of functions to jump through', () => expect(text.match(/^\s*call_indirect/gm)).toBeNull());
  it('exports functions and its memory only', () => {
    const kinds = new Set(
      WebAssembly.Module.exports(module).map(({ kind, name }) => `${kind}${name === 'memory' ? '' : ' x'}`),
    );
    expect([...kinds].sort()).toEqual(['function x', 'memory']);
  });
});

it('a module that breaks every rule is seen', async () => {
  const { parseWat } = await wabt();
  const source =
    '(module (import "env" "abort" (func $a)) (memory 1 2) (start $s) (func $s i32.const 1 memory.grow drop call $a))';
  const text = parseWat('bad', source).toText({ foldExprs: false, inlineExport: false });
  expect(text.match(/^\s*\(start /gm)).not.toBeNull();
  expect(text.match(/^\s*memory\.grow/gm)).not.toBeNull();
  expect([...text.matchAll(/^\s*\(memory .*$/gm)].map(([line]) => line!.trim())).toEqual(['(memory (;0;) 1 2)']);
});
