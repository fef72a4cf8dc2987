// The budgets of the micro:bit, held: flash, RAM and deepest stack of the whole agent, no unaligned access in a whole run
// of the main job, and no more C than a HAL takes. bench/sizes.mjs measures; this test reads what it wrote.

import { spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { canRunMicrobit } from '../support/microbit.js';
import { have } from '../support/need.js';

const HELD = ['agent, flash', 'agent, RAM and stack', 'unaligned accesses', 'lines of C'];

const RUN_MS = 150_000; // it takes about 35 s

test.skipIf(!canRunMicrobit() || !have('cc'))(
  'the agent keeps its budgets on the micro:bit',
  { timeout: 300_000, retry: 2 }, // the emulator, slowed by its plugin, has once been seen to stall
  () => {
    const folder = mkdtempSync(join(tmpdir(), 'countersign-sizes-'));
    try {
      const file = join(folder, 'sizes.json');
      const limits = { timeout: RUN_MS, killSignal: 'SIGKILL' } as const;
      const words = ['bench/sizes.mjs', '--json', file];
      const { stdout, stderr } = spawnSync(process.execPath, words, { encoding: 'utf8', ...limits });
      console.log(stdout || stderr);
      const rows = JSON.parse(readFileSync(file, 'utf8')) as { part: string; met: boolean }[];
      expect(rows.filter(({ part, met }) => HELD.includes(part) && met).map(({ part }) => part)).toEqual(HELD);
    } finally {
      rmSync(folder, { recursive: true });
    }
  },
);
