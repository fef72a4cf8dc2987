// npm run bench: what the project's code costs, beside what else there is, on this machine and now.
//
//   --json FILE   also writes the rows {group, metric, ours, peer, theirs, unit, ratio, target, met}
//
// Times are compared, never promised: a ratio of two programs that took turns in one process. Sizes are exact.

import { statSync, writeFileSync } from 'node:fs';
import { parseArgs } from 'node:util';
import { inV8 } from './v8.mjs';
import { wholeVerdict } from './verdict.mjs';

const CORE = new URL('../build/core.wasm', import.meta.url);
const HOST = new URL('../dist/host/', import.meta.url);
const CORE_BYTES_MAX = 48 * 1024;
const VERDICT_TARGET = 0.3;

const { values } = parseArgs({ options: { json: { type: 'string' } } });

function size() {
  const bytes = statSync(CORE).size;
  return {
    group: 'size',
    metric: 'core.wasm',
    ours: bytes,
    unit: 'bytes',
    target: CORE_BYTES_MAX,
    met: bytes <= CORE_BYTES_MAX,
  };
}

const figure = (value) => (value >= 100 ? Math.round(value).toString() : value.toPrecision(3));

function line({ metric, ours, peer, theirs, unit, ratio, target, met }) {
  const verdict = target === undefined ? '' : `  target ${target}${met ? ', met' : ', MISSED'}`;
  if (peer === undefined) return `${metric.padEnd(32)} ${figure(ours)} ${unit}${verdict}`;
  const compared = `${figure(ratio)}x of ${peer}`;
  return `${metric.padEnd(32)} ${compared.padEnd(36)} (${figure(ours)} : ${figure(theirs)} ${unit})${verdict}`;
}

const rows = [size(), ...(await inV8(CORE)), ...(await wholeVerdict(HOST, VERDICT_TARGET))];
for (const row of rows) console.log(line(row));
if (values.json) writeFileSync(values.json, `${JSON.stringify(rows, null, 2)}\n`);
