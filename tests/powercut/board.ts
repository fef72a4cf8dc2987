// npm run powercut -- --board microbit: the same law on the emulated micro:bit, where power goes at random moments: 300
// resets and 20 full stops (flash saved and restored, RAM lost) during updates. tests/port/resets.test.ts does it and says
// what must hold; here all of it is asked for, and it is not skipped where the emulator is missing.

import { spawnSync } from 'node:child_process';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';

const SUITES: Record<string, string> = { microbit: 'tests/port/resets.test.ts' };

export function powercutOn(board: string, root: string): number {
  const suite = SUITES[board];
  if (!suite) throw new Error(`powercut: no board ${board}; there are: ${Object.keys(SUITES).join(', ')}`);
  const vitest = join(dirname(createRequire(import.meta.url).resolve('vitest/package.json')), 'vitest.mjs');
  const options = ['run', '--config', 'tests/vitest.config.ts', '--coverage.enabled=false', suite];
  const { status } = spawnSync(process.execPath, [vitest, ...options], {
    cwd: root,
    stdio: 'inherit',
    env: { ...process.env, COUNTERSIGN_RESETS: 'full', CI: 'true' },
  });
  return status === 0 ? 0 : 1;
}
