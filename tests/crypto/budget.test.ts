// What the verifier may cost on a chip and in bytes: exact figures of the bench, held as budgets. A change that makes one
// grow fails here and has to raise the budget on purpose. Times are never tested.

import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import { stale } from '../support/figures.js';
import { have } from '../support/need.js';

const root = fileURLToPath(new URL('../..', import.meta.url));

/** Cells: processor, metric, budget. A little above what was measured, for compilers of other patch levels. */
const BUDGETS = [
  ['Cortex-M0', 'SHA-256', 73.5],
  ['Cortex-M0', 'SHA-256, flash', 2260], // with SHA-512's constants, of which it takes the upper halves
  ['Cortex-M0', 'SHA-256, translated to the same loops in C', 1.15],
  ['Cortex-M0', 'SHA-512', 116],
  ['Cortex-M0', 'SHA-512, flash', 5000],
  ['Cortex-M0', 'SHA-512, small shape', 167],
  ['Cortex-M0', 'SHA-512, small shape, flash', 1860],
  ['Cortex-M0', 'Ed25519 verify', 12_300_000],
  ['Cortex-M0', 'Ed25519 verify without SHA-512, flash', 5200],
  ['Cortex-M0', 'Ed25519 verify, stack', 200],
  ['Cortex-M0', 'P-256 verify', 13_400_000],
  ['Cortex-M0', 'P-256 verify, flash', 5400],
  ['Cortex-M0', 'P-256 verify, stack', 240],
  ['Cortex-M4', 'SHA-256', 33.5],
  ['Cortex-M4', 'SHA-256, translated to the same loops in C', 1.15],
  ['Cortex-M4', 'SHA-512', 71],
  ['Cortex-M4', 'SHA-512, small shape', 106],
  ['Cortex-M4', 'Ed25519 verify', 1_440_000],
  ['Cortex-M4', 'P-256 verify', 2_100_000],
] as const;

/** The small one, which boards get as C, is larger than the 20 KB aimed at; here it is only kept from growing. */
const BYTES_MAX: Record<string, number> = { 'core.wasm': 48 * 1024, 'core-small.wasm': 29 * 1024 };

interface Row {
  group: string;
  metric: string;
  ours: number;
}

it('core.wasm fits a web page', () => {
  const rows = Object.keys(BYTES_MAX).map((name) => ({
    group: 'wasm',
    metric: name,
    ours: statSync(`${root}build/${name}`).size,
  }));
  console.log(rows.map(({ metric, ours }) => `${metric}: ${ours} bytes`).join('\n'));
  expect(rows.filter(({ metric, ours }) => ours > (BYTES_MAX[metric] ?? 0))).toEqual([]);
  expect(stale(rows)).toEqual([]);
});

describe.runIf(have('arm-none-eabi-gcc', 'qemu-system-arm', 'cc'))('on the chip, emulated', () => {
  it('costs what it may', () => {
    const folder = mkdtempSync(join(tmpdir(), 'countersign-bench-'));
    const file = join(folder, 'rows.json');
    execFileSync(process.execPath, ['bench/main.mjs', '--chip', '--json', file], { cwd: root, stdio: 'pipe' });
    const rows = JSON.parse(readFileSync(file, 'utf8')) as Row[];
    rmSync(folder, { recursive: true });
    const over: string[] = [];
    for (const [group, metric, budget] of BUDGETS) {
      const ours = rows.find((row) => row.group === group && row.metric === metric)?.ours;
      console.log(`${group} ${metric}: ${ours} of ${budget}`);
      if (ours === undefined || ours > budget) over.push(`${group} ${metric}: ${ours} > ${budget}`);
    }
    expect(over).toEqual([]);
    expect(stale(rows)).toEqual([]);
  }, 900_000);
});
