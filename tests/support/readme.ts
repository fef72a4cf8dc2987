// The exact figures of README.md's performance section, which the measuring programs write (bench/readme.mjs), against
// what a test has just measured. A little may differ, for compilers of other patch levels and for work under way.

import { readFileSync } from 'node:fs';

const SLACK = 0.02;

/** What the table row of `group` and `metric` says as ours; NaN if there is none. */
function figureOf(group: string, metric: string): number {
  const rows = readFileSync('README.md', 'utf8').split('\n');
  const row = rows.map((line) => line.split(' | ')).find(([a, b]) => a === `| ${group}` && b === metric);
  return Number.parseFloat(row?.[2]?.replaceAll(',', '') ?? '');
}

/** The rows whose figure in README.md is not the one measured; to be empty. */
export function stale(rows: readonly { group: string; metric: string; ours: number }[]): string[] {
  return rows
    .map((row) => ({ ...row, written: figureOf(row.group, row.metric) }))
    .filter(({ ours, written }) => !(Math.abs(written - ours) <= SLACK * ours))
    .map(({ group, metric, ours, written }) => `${group} ${metric}: README.md says ${written}, measured: ${ours}`);
}
