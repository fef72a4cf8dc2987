// Text in the agent is numbers, because code needs no memory: each number is held against the word written beside it.
import { readFileSync } from 'node:fs';
import { expect, it } from 'vitest';
import { withVersion } from '../../assembly/set-version.mjs';
import { packageVersion } from '../../host/root.js';

const unescaped = (word: string) => word.replace(/\\r/g, '\r').replace(/\\n/g, '\n');
const bytesOf = (row: string) => row.split(', ').filter(Boolean).map(Number);
const numbered = (names: string) =>
  new Map([...names.matchAll(/^ {2}(\w+),/gm)].map(([, name], number) => [name!, number]));

it('assembly/smp/notice.ts', () => {
  const text = readFileSync('assembly/smp/notice.ts', 'utf8');
  const rows = [...text.matchAll(/^ {4}(\d+, (?:0x[0-9a-f]{2}, )+)\/\/ (\w+): "(.+)"$/gm)];
  expect(rows.length).toBe(text.match(/^ {4}\d+, 0x/gm)!.length);
  const starts: [string, number][] = [];
  let at = 0;
  for (const [, row, name, quoted] of rows) {
    const said = unescaped(quoted!);
    expect(bytesOf(row!), name).toEqual([said.length, ...Buffer.from(said, 'latin1')]);
    starts.push([name!, at]);
    at += 1 + said.length;
  }
  const constants = [...text.matchAll(/^const ([A-Z_]+): u32 = (\d+);$/gm)]
    .map(([, name, value]) => [name, Number(value)])
    .filter(([name]) => starts.some(([row]) => row === name));
  expect(constants).toEqual(starts);
});

it('assembly/tree/nodes.ts', () => {
  const text = readFileSync('assembly/tree/nodes.ts', 'utf8');
  const nodes = numbered(/enum Node \{(.+?)\}/s.exec(text)![1]!);
  const formats = numbered(/enum Format \{(.+?)\}/s.exec(text)![1]!);
  const commands = new Map(
    [...text.matchAll(/^export const ([A-Z]+): u32 = (\d);$/gm)].map(([, name, bit]) => [name!, +bit!]),
  );
  const rows = [...text.matchAll(/^ {4}(.+)\/\/ (\w+): (\w+), (\w+), ([A-Z| ]+), "(.*)"$/gm)];
  expect(rows.map(([, , node]) => node)).toEqual([...nodes.keys()].slice(1)); // but for None
  for (const [, row, node, parent, format, allowed, name] of rows) {
    const mask = allowed!.split(' | ').reduce((sum, command) => sum | commands.get(command)!, 0);
    const letters = [...Buffer.from(name!, 'latin1')];
    const bytes = [nodes.get(parent!), (formats.get(format!)! << 4) | mask, letters.length, ...letters];
    expect(bytesOf(row!), node).toEqual(bytes);
  }
});

const WORDS = readFileSync('assembly/smp/words.ts', 'utf8');

it('the version that an agent says is that of package.json (node assembly/set-version.mjs writes it)', () => {
  expect(/\/\/ OWN_VERSION: (.+)$/m.exec(WORDS)?.[1]).toBe(packageVersion);
});

it('a version of more letters is refused', () => {
  expect(() => withVersion(WORDS, '10.20.30-rc.12345')).toThrow('at most 16 letters');
});

it.each([
  ['assembly/smp/words.ts', WORDS],
  ['the same with a longer version', withVersion(WORDS, '12.34.56-rc.1')],
  ['the same with a shorter version', withVersion(WORDS, '2.0')],
])('%s', (_, text) => {
  const constants = new Map(
    [...text.matchAll(/^export const (\w+): u32 = (\d+);$/gm)].map(([, name, at]) => [name!, Number(at)]),
  );
  const fields = /enum Field \{(.+?)Count,/s.exec(readFileSync('assembly/smp/request.ts', 'utf8'))![1]!;
  const keys = [...fields.matchAll(/^ {2}(\w+),$/gm)].map(([, field]) => field!.toUpperCase());
  const rows = [...text.matchAll(/^ {4}((?:0x[0-9a-f]{2}, )+)\/\/ (\w+): (.+)$/gm)];
  expect(rows.length).toBeGreaterThan(50);
  expect(rows.slice(0, keys.length).map(([, , name]) => name)).toEqual(keys);
  let at = 0;
  for (const [, bytes, name, word] of rows) {
    expect(word!.length, name).toBeLessThanOrEqual(16); // LETTERS of reply.ts
    const item = Buffer.from(bytes!.split(', ').filter(Boolean).map(Number));
    expect(item, name).toEqual(Buffer.from([0x60 + word!.length, ...Buffer.from(word!, 'latin1')]));
    if (constants.has(name!) || !keys.includes(name!)) expect(constants.get(name!), name).toBe(at);
    constants.delete(name!);
    at += item.length;
  }
  expect([...constants.keys()]).toEqual([]);
});
