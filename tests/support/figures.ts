// The exact figures of docs/performance.md, which the measuring programs write (bench/figures.mjs), against
// what a test has just measured. A little may differ, for compilers of other patch levels and for work under way.

import { readFileSync } from 'node:fs';

const PAGE = 'docs/performance.md';
const SLACK = 0.02;

/** What the table row of `group` and `metric` says as ours; NaN if there is none. */
function figureOf(group: string, metric: string): number {
  const rows = readFileSync(PAGE, 'utf8').split('\n');
  const row = rows.map((line) => line.split(' | ')).find(([a, b]) => a === `| ${group}` && b === metric);
  return Number.parseFloat(row?.[2]?.replaceAll(',', '') ?? '');
}

/** The rows whose figure on that page is not the one measured; to be empty. */
export function stale(rows: readonly { group: string; metric: string; ours: number }[]): string[] {
  return rows
    .map((row) => ({ ...row, written: figureOf(row.group, row.metric) }))
    .filter(({ ours, written }) => !(Math.abs(written - ours) <= SLACK * ours))
    .map(({ group, metric, ours, written }) => `${group} ${metric}: ${PAGE} says ${written}, measured: ${ours}`);
}
