// The table of npm run coverage counts every file of assembly/, sees what was not reached, and changes nothing of what it counts.
// The command itself holds the floor: tests/nightly.mjs runs it.

import { execFileSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import ts from 'typescript';
import { describe, expect, it } from 'vitest';
import { FLOOR, tally } from './main.js';
import { sourcesOf } from './points.js';

const root = fileURLToPath(new URL('../..', import.meta.url));

/** A file with every kind of point, some of them nested in one line. */
const SAMPLE = `// A sample.
export const LIMIT: i32 = true ? 3 : 4;
export function pick(a: i32, b: i32): i32 {
  if (a > 0) if (b > 0) return 1; else return 2;
  else if (a < -5 && b < -5) return 3;
  for (let i = 0; i < a; i++) b++;
  switch (a + b) {
    case -1:
    case -2:
      return a === -1 || (b === -1 && a !== b) ? (a > b ? 4 : 5) : 6;
    default:
  }
  do b++; while (b < 0);
  return b;
}
`;

/** What a file says in JavaScript; \`reached\` hears of its points. */
function run(source: string, reached: (point: number) => void): (a: number, b: number) => number {
  const plain = source.replace(/^@external.*\n/m, '');
  const { outputText } = ts.transpileModule(plain, { compilerOptions: { module: ts.ModuleKind.CommonJS } });
  const exports: Record<string, unknown> = {};
  new Function('exports', '__reached', outputText)(exports, reached);
  return exports.pick as (a: number, b: number) => number;
}

function sample() {
  const folder = mkdtempSync(join(tmpdir(), 'countersign-points-'));
  mkdirSync(join(folder, 'assembly/room'), { recursive: true });
  writeFileSync(join(folder, 'assembly/a.ts'), 'export const A: i32 = 1;\n');
  writeFileSync(join(folder, 'assembly/room/b.ts'), SAMPLE);
  const sources = sourcesOf(folder);
  rmSync(folder, { recursive: true });
  return sources;
}

describe('points', () => {
  it('stand at each way that a function can go, in the order of the text', () => {
    const [constants, source] = sample();
    expect(constants!.points).toEqual([]);
    expect(source!.points.map(({ line, kind }) => `${line} ${kind}`)).toEqual([
      ...['3 function', '4 then', '4 then', '4 else', '5 &&', '5 then', '5 else', '6 loop'],
      ...['8 case', '9 case', '10 &&', '10 &&', '10 ?:', '10 ?:', '10 ?:', '10 ?:', '11 case', '13 loop'],
    ]);
  });

  it('change nothing but that they are told, and are told exactly where it was', () => {
    const [, source] = sample();
    const told = new Set<number>();
    const [plain, counting] = [run(SAMPLE, () => {}), run(source!.counting, (point) => told.add(point))];
    const went = (a: number, b: number) => {
      told.clear();
      expect(counting(a, b)).toBe(plain(a, b));
      return [...told].map((point) => `${source!.points[point]!.line} ${source!.points[point]!.kind}`);
    };
    for (let a = -8; a < 8; a++) for (let b = -8; b < 8; b++) went(a, b);
    expect(went(1, 1)).toEqual(['3 function', '4 then', '4 then']);
    expect(went(-6, -6)).toEqual(['3 function', '5 &&', '5 then']);
    expect(went(0, -2)).toEqual(['3 function', '5 else', '9 case', '10 &&', '10 ?:']);
    expect(went(0, 5)).toEqual(['3 function', '5 else', '11 case', '13 loop']);
  });
});

describe('the table', () => {
  const sources = sourcesOf(root);
  const points = sources.flatMap((source) => source.points);

  it('has a row for every file, 0 % where nothing was reached', () => {
    const files = execFileSync('git', ['ls-files', 'assembly'], { cwd: root, encoding: 'utf8' }).trim().split('\n');
    const { files: rows, total, missing } = tally(sources, new Uint8Array(points.length));
    expect(rows.map(({ file }) => `assembly/${file}`).sort()).toEqual(
      files.filter((name) => name.endsWith('.ts')).sort(),
    );
    expect([total.share, missing.length, rows[0]!.share]).toEqual([0, points.length, 0]);
  });

  it('gives each point to its file', () => {
    const reached = Uint8Array.from(points, ({ file }) => (file.startsWith('update/') ? 1 : 0));
    const { files, missing } = tally(sources, reached);
    for (const { file, points: all, share } of files)
      if (all > 0) expect([file, share]).toEqual([file, file.startsWith('update/') ? 100 : 0]);
    expect(missing.some(({ file }) => file.startsWith('update/'))).toBe(false);
  });
});

it('docs/testing.md says a figure over the floor, which the command has written', () => {
  const written = /<!-- written by npm run coverage -- --write -->\n([\d.]+) % of [\d,]+ points in \d+ files\n/;
  expect(Number(written.exec(readFileSync(join(root, 'docs/testing.md'), 'utf8'))?.[1])).toBeGreaterThanOrEqual(FLOOR);
});
