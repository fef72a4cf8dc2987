// One instruction left out, anywhere in the verifier's judgement or on the whole path of the agent: it installs nothing that must not
// be installed. And the interpreter that leaves them out computes as QEMU does.

import { spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, describe, expect, test } from 'vitest';
import { have } from '../support/need.js';
import { PATH_SCENARIOS, type PathFigures, pathReferences } from './path.js';
import { VERIFIER_PLANTS } from './plants.js';
import { type Figures, references, verifier } from './verifier.js';

const root = fileURLToPath(new URL('../..', import.meta.url));
const run = fileURLToPath(new URL('run.mjs', import.meta.url));
const MINUTES = 60_000;

/** Before the verdict was taken twice: 10, 12 and 9. */
const VERIFIER = ['unapproved', 'forged', 'denied'];
/** Before a swap looked again at why it begins: 2 of "withdrawn". Before documents were read twice: 5 of "refused", and some of each
 * of "other" and what comes behind it. Before a signed yes was proven twice: 4 of "nobody". */
const AGENT = [
  'unapproved',
  'forged',
  'denied',
  'withdrawn',
  'outdated',
  'refused',
  'other',
  'lapsed',
  'few',
  'stale',
  'nobody',
  'confirm',
];
/** One in so many of the agent's; the command takes all of them in some minutes, every night. */
const SAMPLE = 20;

describe.runIf(have('cc', 'arm-none-eabi-gcc'))('one instruction left out', () => {
  const folder = mkdtempSync(join(tmpdir(), 'countersign-skips-'));
  afterAll(() => rmSync(folder, { recursive: true }));

  test('installs nothing that must not be installed', { timeout: 20 * MINUTES }, () => {
    const json = join(folder, 'figures.json');
    const words = [run, '--list', '--json', json, '--sample', `${SAMPLE}`];
    const { stdout, stderr } = spawnSync(process.execPath, words, { encoding: 'utf8' });
    console.log(stdout, stderr);
    const rows: { verifier: Figures[]; agent: PathFigures[] } = JSON.parse(readFileSync(json, 'utf8'));
    expect(rows.verifier.map(({ scenario, installs, verdicts }) => [scenario, installs, verdicts])).toEqual(
      VERIFIER.map((scenario) => [scenario, 0, 0]),
    );
    expect(rows.agent.map(({ scenario, installed, lies }) => [scenario, installed, lies])).toEqual(
      AGENT.map((scenario) => [scenario, 0, 0]),
    );
    for (const { skips, faults, hangs } of [...rows.verifier, ...rows.agent]) {
      expect(skips).toBeGreaterThan(200); // it really leaves out
      expect(faults + hangs).toBeLessThan(skips / 2); // and the program goes on without
    }
  });

  test('and of a verifier with one verdict, it does', { timeout: 10 * MINUTES }, async () => {
    const how = { every: false, listed: true, plants: VERIFIER_PLANTS };
    const [found] = await verifier(root, (name) => name === 'unapproved', how);
    expect(found?.installs).toBeGreaterThan(0);
  });

  test.runIf(have('qemu-system-arm'))(
    'and none: the interpreter computes as QEMU does',
    { timeout: 5 * MINUTES },
    async () => {
      const { ours, qemu } = await references(root);
      expect(ours).toEqual(qemu);
      expect(ours.map(([verdict]) => verdict)).toEqual([3, 3, 3, 1]);
      const whole = await pathReferences(root);
      expect(whole.ours).toEqual(whole.qemu);
      expect(whole.ours).toHaveLength(PATH_SCENARIOS.length);
    },
  );
});
