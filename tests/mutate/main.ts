// npm run mutate: breaks assembly/ in places that a seed chooses, one at a time, and sees whether a test notices; HELP says how.
//
// A mutant whose modules are the same bytes is none; one that does not compile neither. One that survives is a place that no
// fast test looks at: it wants a test, or a line in equivalents.json that says why no test can tell.

import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { createKillers, type Killers } from './killers.js';
import { type Mutant, nameOf, placesOf, shuffled } from './places.js';
import { createTree } from './tree.js';

const COUNT = 200;
const KILLED_LEAST = 0.95;

const HELP = `npm run mutate -- --seed N [OPTIONS]: breaks ${COUNT} places of assembly/, one at a time, and runs what is fast

  --seed N       chooses the places; the same ones each time
  --count N      how many; ${COUNT} without it
  --file NAME    only of files whose name begins so (policy/, approval/evidence.ts)
  --known FILE   the mutants of this list instead (JSON, as tests/mutate/must-die.json), on the agent alone, by the quickest suites
  --again        asks again about those that an earlier run with this seed has asked about

what is known of a seed stays in build/mutate, so a run that was stopped goes on. Ends 0 only if at least ${100 * KILLED_LEAST} % die of those that
are not in tests/mutate/equivalents.json`;

type Fate = 'killed' | 'survived' | 'same' | 'invalid' | 'equivalent';
interface Row extends Mutant {
  fate: Fate;
  by?: string;
}

/** Names of mutants that no test can tell from the original, with the reason why. */
const equivalents = (root: string): Record<string, string> =>
  JSON.parse(readFileSync(join(root, 'tests/mutate/equivalents.json'), 'utf8'));

interface Kept {
  rows: Row[];
  add(row: Row): void;
}

/** What was found out before about the same mutants. */
function keptIn(folder: string, name: string, again: boolean): Kept {
  mkdirSync(folder, { recursive: true });
  const path = join(folder, name);
  let rows: Row[] = [];
  try {
    if (!again) rows = JSON.parse(readFileSync(path, 'utf8'));
  } catch {
    // Nothing was kept.
  }
  return {
    rows,
    add(row) {
      rows.push(row);
      writeFileSync(path, JSON.stringify(rows));
    },
  };
}

/** Those of a list that still stand in the sources, with the line where they do. */
function known(root: string, file: string): Mutant[] {
  const places = placesOf(root);
  const wanted: string[] = JSON.parse(readFileSync(file, 'utf8'));
  return wanted.map((name) => {
    const place = places.find((each) => nameOf(each) === name);
    if (!place) throw new Error(`mutate: assembly/ has no place any more for ${name}`);
    return place;
  });
}

const place = ({ file, line, kind, right, wrong }: Mutant) =>
  `assembly/${file}:${line} ${kind}: ${right.trim()} -> ${wrong.trim()}`;
const shown = (row: Row) => `${row.fate.padEnd(10)} ${place(row)}${row.by ? `   (${row.by})` : ''}`;

export async function main(root: string, argv: string[]): Promise<number> {
  const { values } = parseArgs({
    args: argv,
    options: {
      seed: { type: 'string' },
      count: { type: 'string', default: `${COUNT}` },
      file: { type: 'string', default: '' },
      known: { type: 'string' },
      again: { type: 'boolean', default: false },
      help: { type: 'boolean', short: 'h', default: false },
    },
  });
  if (values.help || (values.seed === undefined && values.known === undefined)) {
    console.log(HELP);
    return values.help ? 0 : 1;
  }
  const [seed, count] = [Number(values.seed ?? 1), Number(values.count)];
  if (!Number.isInteger(seed)) throw new Error(`mutate: --seed ${values.seed} is no whole number`);
  if (!(count >= 1)) throw new Error(`mutate: --count ${values.count} is no number`);
  const places = placesOf(root).filter(({ file }) => file.startsWith(values.file));
  const chosen = values.known ? known(root, values.known) : shuffled(places, seed);
  const wanted = values.known ? chosen.length : Math.min(count, chosen.length);
  const listed = equivalents(root);
  const kept = values.known
    ? { rows: [] as Row[], add: (row: Row) => void kept.rows.push(row) }
    : keptIn(join(root, 'build/mutate'), `seed-${seed}${values.file.replaceAll('/', '-')}.json`, values.again);
  const before = new Map(kept.rows.map((row) => [row.key, row]));
  const quick = values.known !== undefined;
  const tree = await createTree(root, quick ? ['agent'] : undefined);
  const killers = createKillers(tree, quick);
  const close = () => {
    killers.close();
    tree.close();
  };
  for (const [signal, code] of [
    ['SIGINT', 130],
    ['SIGTERM', 143],
  ] as const)
    process.once(signal, () => {
      close();
      process.exit(code);
    });
  const rows: Row[] = [];
  const counted = () => rows.filter(({ fate }) => fate === 'killed' || fate === 'survived');
  console.log(`${places.length} places; seed ${seed}, ${wanted} mutants`);
  try {
    for (const mutant of chosen) {
      if (counted().length >= wanted) break;
      let row = before.get(mutant.key);
      if (!row || row.fate === 'survived') {
        row = await tried(mutant, killers.early);
        if (row.fate !== 'survived') kept.add(row);
      }
      rows.push(row);
      if (row.fate === 'survived') console.log(`later      ${place(row)}`);
      else if (row.fate !== 'invalid') console.log(shown(row));
    }
    // What the fast suites did not notice. Each takes minutes, so all the others are known first.
    for (const [i, row] of rows.entries()) {
      if (quick || row.fate !== 'survived') continue;
      rows[i] = await tried(row, killers.late);
      kept.add(rows[i]!);
      console.log(shown(rows[i]!));
    }
    // Were a module kept from one mutant to the next, they would all seem to die.
    if (quick) await killers.expectSound();
  } finally {
    close();
  }
  const all = counted();
  const survived = all.filter(({ fate }) => fate === 'survived');
  const of = (fate: Fate) => rows.filter((row) => row.fate === fate).length;
  const share = all.length === 0 ? 1 : 1 - survived.length / all.length;
  console.log(
    `${all.length} mutants: ${all.length - survived.length} killed (${(100 * share).toFixed(1)} %), ${survived.length} survived; ` +
      `besides, ${of('same')} whose modules are the same bytes and ${of('equivalent')} listed as equivalent`,
  );
  return share >= KILLED_LEAST ? 0 : 1;

  async function tried({ key, file, line, kind, right, wrong }: Mutant, ask: Killers['early']): Promise<Row> {
    const mutant = { key, file, line, kind, right, wrong };
    if (Object.hasOwn(listed, nameOf(mutant))) return { ...mutant, fate: 'equivalent' };
    const by = await ask(mutant, [...before.values(), ...rows]);
    if (by === 'same' || by === 'invalid') return { ...mutant, fate: by };
    return by === undefined ? { ...mutant, fate: 'survived' } : { ...mutant, fate: 'killed', by };
  }
}
