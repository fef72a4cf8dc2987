// npm run bench: what the project's code costs, beside what else there is, on this machine and now.
//
//   --chip        counts on Cortex-M0 and M4 under QEMU instead of times in V8 (needs the Debian packages of the tests)
//   --fleet       fleets of 10, 100 and 1,000 devices on mosquitto, beside bare clients; --full: 10,000, too (minutes, 4 GB)
//   --wire        deliveries over serial lines of two speeds, with latency and damage; the micro:bit in QEMU (about ten minutes; nothing else should run)
//   --lz          sizes of firmware as lz and delta, beside heatshrink, bsdiff and xz (downloads packages of Debian)
//   --write       also writes the table of this kind of run into docs/performance.md
//   --exact       measures sizes alone, which no other load of the machine changes; --write leaves the timed rows as they are
//   --json FILE   also writes the rows {group, metric, ours, peer, theirs, unit, ratio, target, met}
//
// Times are compared, never promised: a ratio of two programs that took turns in one process. Sizes are exact.

import { statSync, writeFileSync } from 'node:fs';
import { parseArgs } from 'node:util';
import { onChips } from './chip.mjs';
import { writeFigures, writeRows } from './figures.mjs';
import { overFleet } from './fleet/fleet.mjs';
import { ofImages } from './lz.mjs';
import { starts } from './start.mjs';
import { inV8 } from './v8.mjs';
import { wholeVerdict } from './verdict.mjs';
import { overWire } from './wire/wire.mjs';

const CORE = new URL('../build/core.wasm', import.meta.url);
const HOST = new URL('../dist/host/', import.meta.url);
const BYTES_MAX = { 'core.wasm': 48 * 1024, 'core-small.wasm': 20 * 1024 };
const VERDICT_TARGET = 0.3;

const { values } = parseArgs({
  options: {
    chip: { type: 'boolean' },
    fleet: { type: 'boolean' },
    full: { type: 'boolean' },
    wire: { type: 'boolean' },
    lz: { type: 'boolean' },
    write: { type: 'boolean' },
    exact: { type: 'boolean' },
    json: { type: 'string' },
  },
});

function size([name, target]) {
  const bytes = statSync(new URL(`../build/${name}`, import.meta.url)).size;
  return { group: 'wasm', metric: name, ours: bytes, unit: 'bytes', target, met: bytes <= target };
}

const figure = (value) => (value >= 100 ? Math.round(value).toString() : value.toPrecision(3));

function line({ group, metric, ours, peer, theirs, unit, ratio, target, met }) {
  const judged = target === undefined ? '' : `  target ${figure(target)}${met ? ', met' : ', MISSED'}`;
  const name = `${group.padEnd(10)} ${metric.padEnd(34)}`;
  if (peer === undefined) return `${name} ${figure(ours)} ${unit}${judged}`;
  const compared = `${figure(ratio)}x of ${peer}`;
  return `${name} ${compared.padEnd(34)} (${figure(ours)} : ${figure(theirs)} ${unit})${judged}`;
}

const sizes = Object.entries(BYTES_MAX).map(size);
const measured = async () => {
  if (values.chip) return onChips();
  if (values.fleet) return overFleet(values);
  if (values.wire) return overWire(values);
  if (values.lz) return ofImages();
  return values.exact
    ? sizes
    : [...sizes, ...(await inV8(CORE)), ...(await wholeVerdict(HOST, VERDICT_TARGET)), ...starts()];
};
const rows = await measured();
for (const row of rows) console.log(line(row));
if (values.write) {
  const write = values.exact && !values.chip ? writeRows : writeFigures;
  const kind = ['chip', 'fleet', 'wire', 'lz'].find((one) => values[one]);
  write(kind ? `bench -- --${kind} --write` : 'bench -- --write', rows);
}
if (values.json) writeFileSync(values.json, `${JSON.stringify(rows, null, 2)}\n`);
