// So many executions of each target, as the command does them: nothing crashes; and an overrun of one record into the
// buffer behind it, planted, is found by its guard.

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
  test('finds nothing in the verifier, in the agent and in the decoder of blocks', { timeout: 10 * MINUTES }, () => {
    const { status, rows } = fuzz('--quick');
    expect(rows.map(({ target, crashes }) => [target, crashes])).toEqual([
      ['verifier', []],
      ['agent', []],
      ['lz', []],
    ]);
    for (const { executions } of rows) expect(executions).toBeGreaterThanOrEqual(10_000);
    // Less, and it does not get behind the signatures.
    for (const { covered, edges } of rows) expect(covered / edges).toBeGreaterThan(0.3);
    expect(status).toBe(0);
  });

  test('finds a planted overrun by the guard behind the buffer', { timeout: 40 * MINUTES }, () => {
    // It ends when it has found it: seconds where a processor is free, and however long it takes where none is.
    const { status, rows } = fuzz('--plant', '--target', 'verifier', '--minutes', '35');
    expect(rows.map(({ crashes }) => crashes.length)).toEqual([1]);
    expect(status).toBe(1);
    rmSync(rows[0]!.crashes[0]!);
  });
});
