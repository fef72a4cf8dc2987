// The budgets of the micro:bit, held: flash, RAM and deepest stack of the whole agent and of each export, no unaligned access in a whole run
// of the main job, and no more C than a HAL takes. bench/sizes.mjs measures; this test reads what it wrote.

import { spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { stale } from '../support/figures.js';
import { canRunMicrobit } from '../support/microbit.js';
import { have } from '../support/need.js';

const HELD = [
  'agent, flash',
  'agent, RAM and stack',
  ...['start', 'input', 'inputBytes', 'receive', 'tick', 'busy'].map((each) => `stack of ${each}`),
  'unaligned accesses',
  'verifier alone',
  'lines of C',
];

interface Row {
  board: string;
  part: string;
  flash?: number;
  ram?: number;
  stack?: number;
  budget?: number;
  met: boolean;
}

const RUN_MS = 900_000; // about a minute on a machine that does nothing else

test.skipIf(!canRunMicrobit() || !have('cc'))(
  'the agent keeps its budgets on the micro:bit',
  { timeout: RUN_MS + 60_000 },
  () => {
    const folder = mkdtempSync(join(tmpdir(), 'countersign-sizes-'));
    try {
      const file = join(folder, 'sizes.json');
      const words = ['bench/sizes.mjs', '--json', file];
      const { stdout, stderr } = spawnSync(process.execPath, words, { encoding: 'utf8', timeout: RUN_MS });
      console.log(stdout || stderr);
      const rows = JSON.parse(readFileSync(file, 'utf8')) as Row[];
      const held = rows.filter(
        ({ board, part, budget }) => board === 'microbit' && HELD.includes(part) && budget !== undefined,
      );
      const met = held.filter((row) => row.met);
      expect(met.map(({ part }) => part)).toEqual(HELD);
      const depths = rows.filter(({ part }) => part.startsWith('stack of'));
      expect(depths.filter(({ stack }) => !stack)).toEqual([]); // each was called, and measured
      const shown = ['agent, flash', 'agent, RAM and stack', 'verifier alone'];
      const ours = ({ flash, ram = 0, stack }: Row) => (stack === undefined ? (flash ?? 0) : ram + stack);
      const written = held.filter(({ part }) => shown.includes(part));
      expect(stale(written.map((row) => ({ group: row.board, metric: row.part, ours: ours(row) })))).toEqual([]);
    } finally {
      rmSync(folder, { recursive: true });
    }
  },
);
