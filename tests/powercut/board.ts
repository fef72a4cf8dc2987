// npm run powercut -- --board NAME: the same law on an emulated board, where power goes at random moments: 300
// resets and 20 full stops (flash saved and restored, RAM lost) during updates. tests/port/resets.test.ts does it and says
// what must hold; here all of it is asked for, and it is not skipped where the emulator is missing.

import { spawnSync } from 'node:child_process';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';

const SUITE = 'tests/port/resets.test.ts';
const BOARDS = ['microbit', 'riscv-virt', 'emcraft-sf2'];

export function powercutOn(board: string, root: string): number {
  if (!BOARDS.includes(board)) throw new Error(`powercut: no board ${board}; there are: ${BOARDS.join(', ')}`);
  const vitest = join(dirname(createRequire(import.meta.url).resolve('vitest/package.json')), 'vitest.mjs');
  const options = [
    'run',
    '--config',
    'tests/vitest.config.ts',
    '--coverage.enabled=false',
    SUITE,
    '-t',
    `power cuts on '${board}'`,
  ];
  const { status } = spawnSync(process.execPath, [vitest, ...options], {
    cwd: root,
    stdio: 'inherit',
    env: { ...process.env, COUNTERSIGN_RESETS: 'full', CI: 'true' },
  });
  return status === 0 ? 0 : 1;
}
