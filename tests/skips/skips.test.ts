// One instruction left out, anywhere in the verifier's judgement: it installs nothing that must not be installed. And the
// interpreter that leaves them out computes as QEMU does.

import { spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, describe, expect, test } from 'vitest';
import { have } from '../support/need.js';
import { type Figures, references } from './main.js';

const root = fileURLToPath(new URL('../..', import.meta.url));
const run = fileURLToPath(new URL('run.mjs', import.meta.url));
const MINUTES = 60_000;

/** Before the verdict was taken twice: 10, 12 and 9. */
const SCENARIOS = ['unapproved', 'forged', 'denied'];

describe.runIf(have('cc', 'arm-none-eabi-gcc'))('one instruction left out', () => {
  const folder = mkdtempSync(join(tmpdir(), 'countersign-skips-'));
  afterAll(() => rmSync(folder, { recursive: true }));

  test('installs nothing that must not be installed', { timeout: 10 * MINUTES }, () => {
    const json = join(folder, 'figures.json');
    const { stdout, stderr } = spawnSync(process.execPath, [run, '--list', '--json', json], { encoding: 'utf8' });
    console.log(stdout, stderr);
    const rows: Figures[] = JSON.parse(readFileSync(json, 'utf8'));
    expect(rows.map(({ scenario }) => scenario)).toEqual(SCENARIOS);
    expect(rows.map(({ installs, verdicts }) => [installs, verdicts])).toEqual(SCENARIOS.map(() => [0, 0]));
    for (const { skips, faults, hangs } of rows) {
      expect(skips).toBeGreaterThan(2000); // it really leaves out
      expect(faults + hangs).toBeLessThan(skips / 2); // and the program goes on without
    }
  });

  test.runIf(have('qemu-system-arm'))(
    'and none: the interpreter computes as QEMU does',
    { timeout: 5 * MINUTES },
    async () => {
      const { ours, qemu } = await references(root, folder);
      expect(ours).toEqual(qemu);
      expect(ours.map(([verdict]) => verdict)).toEqual([3, 3, 3, 1]);
    },
  );
});
