// How long the command takes before it does anything: `--help`, and a check of a package that is refused at once, beside Node
// with nothing to do. They take turns, as processes. The exact part (files and bytes) is held by tests/cli/start-up.test.ts.

import { spawnSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';

const PROGRAM = fileURLToPath(new URL('../dist/bin/countersign.js', import.meta.url));
const ROUNDS = 15;
const TARGET = 1 / 1.8;

const BARE = ['-e', '0'];
const STARTS = {
  'countersign --help': [PROGRAM, '--help'],
  'countersign check, start': [PROGRAM, 'check', 'none.suit', '--bootstrap', 'none.yaml'],
};

function milliseconds(words) {
  const since = performance.now();
  spawnSync(process.execPath, words, { stdio: 'ignore' });
  return performance.now() - since;
}

/** Ratios of the fastest of many: what else the machine does makes none of them faster. */
export function starts() {
  const runs = [BARE, ...Object.values(STARTS)].map((words) => ({ words, fastest: Number.POSITIVE_INFINITY }));
  for (let round = 0; round < ROUNDS; round++) {
    for (const run of runs) run.fastest = Math.min(run.fastest, milliseconds(run.words));
  }
  const [bare, ...ours] = runs.map(({ fastest }) => 1000 / fastest);
  return Object.keys(STARTS).map((metric, at) => {
    const ratio = ours[at] / bare;
    const row = { group: 'command', metric, ours: ours[at], peer: 'bare Node', theirs: bare, unit: 'starts/s', ratio };
    return { ...row, target: Math.round(TARGET * 100) / 100, met: ratio >= TARGET };
  });
}
