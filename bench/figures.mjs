// The tables of docs/performance.md, which the measuring programs write: a table per kind of run, between two marks
// that name the kind. Nobody edits between them.
//
// What is exact (sizes, instructions, stack) is written as it was counted, and tests hold it to what they measure
// (tests/support/figures.ts). Of what was timed only ratios are written: times say more of the machine than of a program.
// What misses its target says so, and what stands in the way.

import { readFileSync, writeFileSync } from 'node:fs';
import { cpus } from 'node:os';

const PAGE = new URL('../docs/performance.md', import.meta.url);
const END = '<!-- end -->';
const begin = (kind) => `<!-- written by npm run ${kind} -->`;

const HEADS = {
  'bench -- --write': ['V8', '', 'ours', 'beside', 'target'],
  'bench -- --chip --write': ['emulated', '', 'ours', 'beside', 'target'],
  'bench -- --fleet --write': ['fleet', '', 'ours', 'beside', 'target'],
  'bench -- --wire --write': ['line', '', 'ours', 'beside', 'target'],
  'bench -- --lz --write': ['encoded', '', 'ours', 'beside', 'target'],
  'sizes -- --write': ['firmware', '', 'ours', 'beside', 'target'],
};

/** Tables in which the processor of this machine shows. */
const ON_THIS_MACHINE = ['bench -- --write', 'bench -- --fleet --write', 'bench -- --wire --write'];

const NOISE = 'met in most runs; this one was on a machine with much else to do.';

const BY_PROCESSOR =
  'missed in each of five runs on this processor, and met on another: what V8 makes of the same code differs.\n  Nobody has looked further.';

const COMPUTING =
  'all agents share one thread: signatures, two hashes and the flash of each take about 14 ms, twice as long as the pull.\n' +
  '  Those who are ready begin to install, too, before the last one has all.';
const LINES = 'each device also says what state it is in, and wraps its blocks into packets for its agent.';

const FRAMES = 'frame, header and CBOR of a block take 24 bytes beside its 512.';

/** What stands in the way of what may miss its target, by group and metric. */
const IN_THE_WAY = {
  'V8 SHA-256, 64 KiB chunks': NOISE,
  'V8 SHA-256, 256 B chunks': BY_PROCESSOR,
  'V8 SHA-512, 64 KiB chunks': NOISE,
  'V8 Ed25519 verify': NOISE,
  'V8 ECDSA P-256 verify': NOISE,
  'command countersign --help': NOISE,
  'command countersign check, start':
    'a quarter is YAML and its file, a quarter the schemas that zod makes of all that a check may read.',
  'fleet 100 KiB to each of 10': COMPUTING,
  'fleet 100 KiB to each of 100': COMPUTING,
  'fleet 100 KiB to each of 1,000': COMPUTING,
  "fleet 100 KiB to each of 10, without the agents' computing": LINES,
  "fleet 100 KiB to each of 100, without the agents' computing": LINES,
  "fleet 100 KiB to each of 1,000, without the agents' computing": LINES,
  'wire bytes on the line, both directions': FRAMES,
  'wire share of the line, 115,200 baud': FRAMES,
  'wire share of the line, 921,600 baud': `${FRAMES}\n  Between two windows of 16 KiB, which take 186 ms, there are 3 to 7 ms of silence: both programs and the line take turns on this machine.`,
  'wire with 20 ms of latency each way, 921,600 baud':
    'the device asks for the next window of 16 KiB when it has all of the last: 40 ms of silence for 186 ms of blocks.',
  'wasm core-small.wasm':
    'two curves and two hashes take 8 KB of it, the readers of CBOR, COSE and SUIT 7, evidence, policy and exports 8. Tried:\n' +
    "  more of Binaryen's passes (at most 300 bytes less), 64-bit products (4.6 KB more). As C it takes less, see below.",
  'microbit agent, flash':
    'the verifier is more than half of it; the rest is updates, flash, SMP, the tree and the HAL.',
  'microbit agent, RAM and stack':
    'static areas: 2.5 KB of scratch for the verifiers, 2 for the head of a package, 1.3 for frames, 1 for the bootstrap.',
  'microbit verifier alone':
    'signatures and hashes are about half of it, the readers, the evidence and the policy the rest.',
};

/** What stands below a table. */
const NOTES = {
  'bench -- --chip --write':
    'SHA-512 has two shapes. Firmware uses the small one, unless `PROFILE_SHA512` is set: only Ed25519 needs SHA-512, for about one\n' +
    'kilobyte per update. The row "Ed25519 verify without SHA-512, flash" leaves it out. On a Cortex-M0, SHA-256 takes its constants from\n' +
    'the table of SHA-512; these 640 bytes are counted in both.\n' +
    '\n' +
    'Ed25519 has two shapes, too. A Cortex-M0 uses the small one. The fast one, which the Cortex-M4 uses, would take 9.4 M instructions on a\n' +
    'Cortex-M0, and 600 more bytes of flash. A device verifies only a few signatures per update, so flash counts for more than time.',
};

const TIMED = /\/s$/;
const exact = (value) => {
  if (Number.isInteger(value)) return value.toLocaleString('en-GB');
  return value.toFixed(value < 10 ? 2 : 1);
};

function cells({ group, metric, ours, unit, peer, theirs, ratio, target, met }) {
  const timed = TIMED.test(unit);
  const limit = timed ? `at least ${target}x` : `${unit === '%' ? 'at least' : 'at most'} ${exact(target ?? 0)}`;
  return [
    group,
    metric,
    timed ? `${ratio.toFixed(2)}x` : `${exact(ours)} ${unit}`,
    peer === undefined ? '' : timed ? peer : `${peer}: ${exact(theirs)}`,
    target === undefined ? '' : met ? limit : `${limit}: **missed**`,
  ];
}

const UNKNOWN = 'nobody has looked into it yet.';
const missed = ({ group, metric }) => `- ${group}, ${metric}: ${IN_THE_WAY[`${group} ${metric}`] ?? UNKNOWN}`;

function table(kind, rows) {
  const lines = [HEADS[kind], HEADS[kind].map(() => '---'), ...rows.map(cells)].map((row) => `| ${row.join(' | ')} |`);
  const reasons = rows.filter(({ met }) => met === false).map(missed);
  if (ON_THIS_MACHINE.includes(kind)) lines.unshift(`Measured on ${cpus().length} x ${cpus()[0].model.trim()}.`, '');
  if (NOTES[kind]) lines.push('', NOTES[kind]);
  if (reasons.length > 0) lines.push('', 'Missed, and what stands in the way:', '', ...reasons);
  return lines.join('\n');
}

function replaceSection(kind, section) {
  const text = readFileSync(PAGE, 'utf8');
  const from = text.indexOf(begin(kind));
  const to = text.indexOf(END, from);
  if (from < 0 || to < 0) throw new Error(`bench: docs/performance.md has no place for ${kind}`);
  const body = from + begin(kind).length;
  writeFileSync(PAGE, `${text.slice(0, body)}${section(text.slice(body, to))}${text.slice(to)}`);
}

/** Replaces what docs/performance.md says of this kind of run, `bench -- --write` and the like. */
export const writeFigures = (kind, rows) => replaceSection(kind, () => `\n${table(kind, rows)}\n`);

/** Replaces these rows alone, and leaves what was timed, on a quiet machine, as it stands. What newly misses its target is not written. */
export const writeRows = (kind, rows) =>
  replaceSection(kind, (before) =>
    rows.reduce((section, row) => {
      const line = `| ${cells(row).join(' | ')} |`;
      const old = section.split('\n').find((each) => each.startsWith(`| ${row.group} | ${row.metric} |`));
      if (old?.includes('missed') !== line.includes('missed'))
        throw new Error(`bench: ${row.metric} needs the whole table: npm run ${kind}`);
      return section.replace(old, line);
    }, before),
  );
