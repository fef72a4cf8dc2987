// npm run coverage: how much of assembly/ the tests reach, over all of its files; HELP says how.
//
// The suites run in a copy of the checkout, in which every file of assembly/ tells what is reached of it (points.ts): the modules
// that are made there, those that suites make for themselves, and as-pect's all count alike, and the modules of build/ stay what
// they are. What is printed says that a test went there, not that it would notice a fault: for that, npm run mutate.

import { mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import { parseArgs } from 'node:util';
import { compile, copyCheckout, MODULES, type Module } from '../mutate/tree.js';
import { type Point, type Source, sourcesOf } from './points.js';
import { fails, stages } from './suites.js';

/** Of all points, in percent. */
export const FLOOR = 96;
/** Of what --quick reaches. */
const FLOOR_QUICK = 83;

const HELP = `npm run coverage -- [OPTIONS]: counts what the tests reach of every file of assembly/

  --quick       the agent's main suites alone, a minute; its figure is a lower one
  --missing     lists what is not reached, by file and line
  --json FILE   also writes { total, files, missing }
  --write       also writes the figure into docs/testing.md; not with --quick

Ends 1 if a suite fails, if less than ${FLOOR} % are reached (--quick: ${FLOOR_QUICK} %), or if nothing is of a file that has points (not asked of --quick).`;

export interface Row {
  file: string;
  points: number;
  reached: number;
  /** Percent; of a file without points, which has constants alone, null. */
  share: number | null;
}

const shareOf = (reached: number, points: number) => (points === 0 ? null : (100 * reached) / points);

/** A row for every file, the least reached first, and the sum of them. */
export function tally(sources: readonly Source[], reached: Uint8Array): { total: Row; files: Row[]; missing: Point[] } {
  const files: Row[] = [];
  const missing: Point[] = [];
  let at = 0;
  for (const { file, points } of sources) {
    const seen = reached.subarray(at, at + points.length).filter((byte) => byte !== 0).length;
    missing.push(...points.filter((_, i) => reached[at + i] === 0));
    files.push({ file, points: points.length, reached: seen, share: shareOf(seen, points.length) });
    at += points.length;
  }
  files.sort((a, b) => (a.share ?? 101) - (b.share ?? 101) || (a.file < b.file ? -1 : 1));
  const sum = files.reduce((all, row) => all + row.reached, 0);
  return { total: { file: 'total', points: at, reached: sum, share: shareOf(sum, at) }, files, missing };
}

const percent = (share: number | null) => (share === null ? '' : share.toFixed(1));
const shown = ({ file, points, reached, share }: Row) =>
  `${file.padEnd(32)}${`${points}`.padStart(8)}${`${reached}`.padStart(9)}${percent(share).padStart(8)}`;

/** Fills the copy with counting sources and the modules made of them. */
async function prepare(folder: string, sources: readonly Source[], reached: string): Promise<void> {
  for (const { file, counting } of sources) writeFileSync(join(folder, 'assembly', file), counting);
  writeFileSync(reached, new Uint8Array(sources.reduce((all, { points }) => all + points.length, 0)));
  for (const name of Object.keys(MODULES) as Module[]) {
    const wasm = await compile(folder, name);
    if (!wasm) throw new Error(`coverage: assembly/${MODULES[name]}.ts does not compile with its points`);
    writeFileSync(join(folder, 'build', `${name}.wasm`), wasm);
  }
}

const BEGIN = '<!-- written by npm run coverage -- --write -->';
const END = '<!-- end -->';
function writeFigure(root: string, { points, share }: Row, files: number): void {
  const path = join(root, 'docs/testing.md');
  const text = readFileSync(path, 'utf8');
  const from = text.indexOf(BEGIN);
  const to = text.indexOf(END, from);
  if (from < 0 || to < 0) throw new Error('coverage: docs/testing.md has no place for the figure');
  const said = `${percent(share)} % of ${points.toLocaleString('en-GB')} points in ${files} files`;
  writeFileSync(path, `${text.slice(0, from)}${BEGIN}\n${said}\n${text.slice(to)}`);
}

export async function main(root: string, argv: string[]): Promise<number> {
  const { values } = parseArgs({
    args: argv,
    options: {
      quick: { type: 'boolean', default: false },
      missing: { type: 'boolean', default: false },
      json: { type: 'string' },
      write: { type: 'boolean', default: false },
      help: { type: 'boolean', short: 'h', default: false },
    },
  });
  if (values.help) {
    console.log(HELP);
    return 0;
  }
  if (values.write && values.quick) throw new Error('coverage: the figure of docs/testing.md is that of all suites');
  const sources = sourcesOf(root);
  const folder = copyCheckout(root, 'coverage');
  const reached = join(folder, 'reached');
  const failed: string[] = [];
  let found: ReturnType<typeof tally>;
  try {
    await prepare(folder, sources, reached);
    for (const stage of stages(folder, values.quick)) {
      const began = Date.now();
      const bad = await fails(folder, stage, reached);
      if (bad) failed.push(stage.name);
      console.log(`${stage.name}: ${bad ? 'FAILED' : 'passed'}, ${((Date.now() - began) / 1000).toFixed(0)} s`);
    }
    found = tally(sources, readFileSync(reached));
  } finally {
    rmSync(folder, { recursive: true });
  }
  const { total, files, missing } = found;
  console.log(`\n${'file'.padEnd(32)}${'points'.padStart(8)}${'reached'.padStart(9)}${'%'.padStart(8)}`);
  for (const row of [...files, total]) console.log(shown(row));
  if (values.missing)
    for (const { file, line, kind, text } of missing) console.log(`assembly/${file}:${line} ${kind}: ${text}`);
  if (values.json) {
    const path = resolve(values.json);
    mkdirSync(dirname(path), { recursive: true });
    writeFileSync(path, JSON.stringify(found));
  }
  const floor = values.quick ? FLOOR_QUICK : FLOOR;
  const never = values.quick ? [] : files.filter(({ share }) => share === 0);
  if (failed.length > 0) console.log(`these suites fail on modules that count: ${failed.join(', ')}`);
  if (never.length > 0) console.log(`nothing is reached of: ${never.map(({ file }) => file).join(', ')}`);
  if (total.share! < floor) console.log(`${percent(total.share)} % are less than the ${floor} that have to be reached`);
  const good = failed.length === 0 && never.length === 0 && total.share! >= floor;
  if (good && values.write) writeFigure(root, total, files.length);
  return good ? 0 : 1;
}
