// The budgets of the micro:bit, held: flash, RAM and deepest stack of the whole agent and of each export, no unaligned access in a whole run
// of the main job, and no more C than a HAL takes. bench/sizes.mjs measures; this test reads what it wrote.

import { spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { canRunMicrobit } from '../support/microbit.js';
import { have } from '../support/need.js';

const HELD = [
  'agent, flash',
  'agent, RAM and stack',
  ...['start', 'input', 'inputBytes', 'receive', 'tick', 'busy'].map((each) => `stack of ${each}`),
  'unaligned accesses',
  'lines of C',
];

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
      const rows = JSON.parse(readFileSync(file, 'utf8')) as { board: string; part: string; met: boolean }[];
      const met = rows.filter(({ board, part, met }) => board === 'microbit' && HELD.includes(part) && met);
      expect(met.map(({ part }) => part)).toEqual(HELD);
      const depths = (rows as { part: string; stack?: number }[]).filter(({ part }) => part.startsWith('stack of'));
      expect(depths.filter(({ stack }) => !stack)).toEqual([]); // each was called, and measured
    } finally {
      rmSync(folder, { recursive: true });
    }
  },
);
