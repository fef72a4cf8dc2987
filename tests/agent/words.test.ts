// Text in the agent is numbers, because code needs no memory: each number is held against the word written beside it.
import { readFileSync } from 'node:fs';
import { expect, it } from 'vitest';

const packed = (word: string) => `0x${Buffer.from(word, 'latin1').reverse().toString('hex')}`;
const unescaped = (word: string) => word.replace(/\\r/g, '\r').replace(/\\n/g, '\n');

it.each([
  ['assembly/smp/words.ts', /: u64 = (0x[0-9a-f]+); \/\/ (.+)$/gm, 60],
  ['assembly/tree/names.ts', /return (0x[0-9a-f]+); \/\/ (.+)$/gm, 28],
  ['assembly/smp/notice.ts', /say\((0x[0-9a-f]+)\); \/\/ "(.+)"$/gm, 10],
])('%s', (file, pattern, least) => {
  const text = readFileSync(file, 'utf8');
  const rows = [...text.matchAll(pattern)];
  expect(rows.length).toBeGreaterThanOrEqual(least);
  expect(rows.length).toBe(text.match(/(u64 = |return |say\()0x/g)!.length);
  for (const [, number, word] of rows) expect(number, word).toBe(packed(unescaped(word!)));
});
