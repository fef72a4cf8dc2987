// What is kept by the hash of all that it depends on: made once, and anew when one of these is another.

import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, expect, it } from 'vitest';
import { keptFiles } from '../../boards/port/kept.js';

const folder = mkdtempSync(join(tmpdir(), 'countersign-kept-'));
afterAll(() => rmSync(folder, { recursive: true }));

it('is made once, whoever asks, and never for something else', () => {
  const own = folder; // of this run: nobody has kept it before
  let made = 0;
  const ask = (of: (string | Uint8Array)[], name: string) => {
    const paths = ['c', 'h'].map((end) => join(folder, `${name}.${end}`));
    keptFiles(of, paths, () => {
      made++;
      for (const path of paths) writeFileSync(path, `${of.join('|')} ${path.at(-1)}`);
    });
    return [made, ...paths.map((path) => readFileSync(path, 'utf8'))];
  };
  const both = (text: string) => [`${text} c`, `${text} h`];
  expect(ask([own, 'ab', 'c'], 'first')).toEqual([1, ...both(`${own}|ab|c`)]);
  expect(ask([own, 'ab', Buffer.from('c')], 'second')).toEqual([1, ...both(`${own}|ab|c`)]);
  expect(ask([own, 'a', 'bc'], 'third')).toEqual([2, ...both(`${own}|a|bc`)]);
  expect(ask([own, 'ab', 'c', ''], 'fourth')).toEqual([3, ...both(`${own}|ab|c|`)]);
});
