// Text in the agent is numbers, because code needs no memory: each number is held against the word written beside it.
import { readFileSync } from 'node:fs';
import { expect, it } from 'vitest';
import { withVersion } from '../../assembly/set-version.mjs';
import { packageVersion } from '../../host/root.js';

const packed = (word: string) => `0x${Buffer.from(word, 'latin1').reverse().toString('hex')}`;
const unescaped = (word: string) => word.replace(/\\r/g, '\r').replace(/\\n/g, '\n');

it.each([
  ['assembly/tree/names.ts', /return (0x[0-9a-f]+); \/\/ (.+)$/gm, 28],
  ['assembly/smp/notice.ts', /say\((0x[0-9a-f]+)\); \/\/ "(.+)"$/gm, 10],
])('%s', (file, pattern, least) => {
  const text = readFileSync(file, 'utf8');
  const rows = [...text.matchAll(pattern)];
  expect(rows.length).toBeGreaterThanOrEqual(least);
  expect(rows.length).toBe(text.match(/(return |say\()0x/g)!.length);
  for (const [, number, word] of rows) expect(number, word).toBe(packed(unescaped(word!)));
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
