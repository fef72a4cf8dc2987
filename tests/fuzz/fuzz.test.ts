// What half a minute of fuzzing is for each target, as the command does it, counted in executions: a busy machine does no less. Nothing
// crashes; and an overrun of one record into the buffer behind it, planted, is found by its guard.

import { spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, test } from 'vitest';
import { have } from '../support/need.js';
import type { Figures } from './main.js';

const run = fileURLToPath(new URL('run.mjs', import.meta.url));
const MINUTES = 60_000;
const RUNS = { verifier: 240_000, agent: 15_000 };

function fuzz(...words: string[]): { status: number | null; rows: Figures[] } {
  const folder = mkdtempSync(join(tmpdir(), 'countersign-fuzz-'));
  try {
    const json = join(folder, 'figures.json');
    const { status, stdout, stderr } = spawnSync(process.execPath, [run, '--json', json, ...words], {
      encoding: 'utf8',
    });
    console.log(stdout);
    if (!words.includes('--plant')) console.log(stderr);
    return { status, rows: JSON.parse(readFileSync(json, 'utf8')) };
  } finally {
    rmSync(folder, { recursive: true });
  }
}

describe.runIf(have('clang'))('npm run fuzz', () => {
  test.each(Object.entries(RUNS))('finds nothing in the %s', { timeout: 10 * MINUTES }, (target, runs) => {
    const { status, rows } = fuzz('--target', target, '--runs', `${runs}`);
    expect(rows.map(({ crashes }) => crashes)).toEqual([[]]);
    const [{ executions, covered, edges }] = rows as [Figures];
    expect(executions).toBeGreaterThanOrEqual(runs);
    expect(covered / edges).toBeGreaterThan(0.3); // less, and it does not get behind the signatures
    expect(status).toBe(0);
  });

  test('finds a planted overrun by the guard behind the buffer', { timeout: 5 * MINUTES }, () => {
    const { status, rows } = fuzz('--plant', '--target', 'verifier');
    expect(rows.map(({ crashes }) => crashes.length)).toEqual([1]);
    expect(status).toBe(1);
    rmSync(rows[0]!.crashes[0]!);
  });
});
