// npm run powercut: the loop as a command; HELP says how. Stopped, --full goes on where it was (kept.ts).
//
// Prints scenarios x cuts = cases and `lost: 0, bricked: 0, unapproved: 0`; ends 1 if anything was lost, bricked or
// unapproved, if a planted bug survives, or if an update wears the flash more than it has to.

import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { agentModule } from '../support/bench-hal.js';
import { CUTS } from '../support/flash.js';
import { powercutOn } from './board.js';
import { buildAgent, nodesCrypto } from './build.js';
import { addDamages, type Counts, type Damages, noDamages } from './damage.js';
import { type Kind, World } from './engine.js';
import { geometries } from './geometries.js';
import { type Kept, keptIn } from './kept.js';
import { PLANTS } from './plants.js';
import { runAll } from './pool.js';
import { type MapName, SCENARIOS } from './scenarios.js';
import { wearOf } from './wear.js';
import type { Job, Result } from './work.js';

const WEAR_MAX = 1.1;
const FULL_PARTS = 8; // so that threads end at about the same time, and little is done twice

const KINDS: readonly Kind[] = ['lost', 'bricked', 'unapproved'];

const HELP = `npm run powercut [-- OPTIONS]: cuts the power, and sees what becomes of the device

  --full            every operation, and 200 second cuts behind each; every bit flipped, every word unreadable, and
                    105,000 pairs of these: two hours of the processor, where the fast
                    subset takes a minute or two; stopped, it goes on where it was
  --scenario NAME   only this one; may be repeated
  --no-teeth        without the planted bugs
  --json FILE       also writes the table
  --geometries      on flash as nine chips have it instead: large sectors, write units, erased to 0, serial NOR
  --board NAME      300 resets and 20 full stops of an emulated board instead, at random moments: microbit, riscv-virt or
                    emcraft-sf2; a quarter of an hour

ends 0 only if nothing was lost, nothing bricked, nothing unapproved ran, and every planted bug was found`;

interface Row extends Result {
  agent: string;
}

export async function main(root: string, argv: string[]): Promise<number> {
  const { values } = parseArgs({
    args: argv,
    options: {
      full: { type: 'boolean', default: false },
      teeth: { type: 'boolean', default: true },
      scenario: { type: 'string', multiple: true },
      json: { type: 'string' },
      board: { type: 'string' },
      geometries: { type: 'boolean', default: false },
      help: { type: 'boolean', short: 'h', default: false },
    },
    allowNegative: true,
  });
  if (values.help) {
    console.log(HELP);
    return 0;
  }
  if (values.board !== undefined) return powercutOn(values.board, root);
  if (values.geometries) return geometries(root);
  const began = Date.now();
  const agent = join(root, 'build/powercut.wasm');
  mkdirSync(join(root, 'build'), { recursive: true });
  writeFileSync(agent, await buildAgent(root, PLANTS));

  const wanted = SCENARIOS.filter(({ name }) => values.scenario?.includes(name) ?? true).map(({ name }) => name);
  if (wanted.length === 0)
    throw new Error(`powercut: no such scenario; there are: ${SCENARIOS.map((s) => s.name).join(', ')}`);
  const sources = [agent, join(root, 'build/agent.wasm'), fileURLToPath(new URL('.', import.meta.url))];
  const kept = values.full ? keptIn(join(root, 'build/powercut-full'), sources) : undefined;
  const rows = await loop(wanted, agent, values.full, kept);
  const damages = await damage(wanted, agent, values.full);
  const bugs = values.teeth ? await teeth(wanted, agent) : undefined;
  const wear = wanted.includes('install') ? wearOfInstall(agent) : undefined;

  const total = { lost: 0, bricked: 0, unapproved: 0 };
  for (const row of [...rows, ...damages]) for (const kind of KINDS) total[kind] += row.counts[kind];
  const cases = rows.reduce((sum, { singles, pairs }) => sum + singles + pairs, 0);
  const good = Object.values(total).every((count) => count === 0) && !bugs?.survivors.length;
  const worn = wear !== undefined && wear.ratio > WEAR_MAX;
  if (wear) {
    console.log(
      `wear of one update: ${wear.erases} erases in the slots where ${wear.minimum} are the least, ratio ` +
        `${wear.ratio.toFixed(2)} (at most ${WEAR_MAX}); state region: at most ${wear.stateRegion} erases of a page`,
    );
  }
  const runs = rows.reduce((sum, row) => sum + row.runs, 0);
  const cpu = rows.reduce((sum, { cpuMs }) => sum + cpuMs, 0);
  console.log(
    `${cases} cases, of which ${runs} were not known from another one (memo.ts): ${Math.round(cpu / 1000)} s of the ` +
      `processor; with all the rest ${Math.round((Date.now() - began) / 1000)} s by the clock`,
  );
  console.log('on an emulated board (300 resets, 20 full stops): npm run powercut -- --board microbit');
  console.log(
    Object.entries(total)
      .map(([kind, count]) => `${kind}: ${count}`)
      .join(', '),
  );
  if (values.json)
    writeFileSync(values.json, `${JSON.stringify({ rows, damages, total, cases, bugs, wear }, null, 2)}\n`);
  return good && !worn ? 0 : 1;
}

const quickPlan = (wanted: string) => (SCENARIOS.find(({ name }) => name === wanted)?.like ? 'turns' : 'quick');

async function loop(wanted: string[], agent: string, full: boolean, kept?: Kept): Promise<Row[]> {
  const jobs: Job[] = [];
  const add = (scenario: string, map: MapName, plan: Job['plan'], pairs: boolean, more: Partial<Job> = { agent }) => {
    const parts = plan === 'full' ? FULL_PARTS : 1;
    for (let part = 0; part < parts; part++) jobs.push({ scenario, map, plan, pairs, part, parts, ...more });
  };
  for (const scenario of wanted) {
    add(scenario, 'small', full ? 'full' : quickPlan(scenario), true);
    if (full) add(scenario, 'microbit', 'full', false);
    // The agent as it is delivered, with its own arithmetic.
    if (full || scenario === 'bootstrap') add(scenario, 'microbit', 'quick', false, {});
  }
  console.log(
    `power cuts${full ? '' : ', fast subset'}: ${CUTS.join(', ')}; no chance is involved, each case can be made again`,
  );
  console.log('firsts: cuts with others in the recovery behind them; all: those of them with one at each operation\n');
  console.log(line('scenario', 'agent', 'map', 'cut at', 'of', 'x ways', 'firsts', 'all', 'pairs', 'cases', ...KINDS));
  const results = new Map(jobs.map((job) => [job, kept?.find(job)]));
  const left = jobs.filter((job) => !results.get(job));
  const show = ({ failures, map }: Result) => {
    for (const { kind, where, what } of failures) console.log(`  ${kind.toUpperCase()}  ${where} (${map}): ${what}`);
  };
  for (const result of results.values()) if (result) show(result);
  if (kept) console.error(`${jobs.length - left.length} of ${jobs.length} parts were done before`);
  await runAll(left, (job, result) => {
    results.set(job, result);
    kept?.keep(job, result);
    if (kept) console.error(`${job.scenario} (${job.map}) ${job.part + 1} of ${job.parts}: ${result.runs} runs`);
    show(result);
  });
  const rows = new Map<string, Row>();
  results.forEach((done, job) => {
    const result = done!;
    const name = job.agent ? 'loop' : 'agent.wasm';
    const key = [job.scenario, name, job.map].join();
    const row = rows.get(key);
    rows.set(key, row ? merge(row, result) : { ...result, agent: name });
  });
  for (const row of rows.values()) {
    const { scenario, agent, map, operations, tried, ways, firsts, exhausted, singles, pairs, counts } = row;
    const kinds = KINDS.map((kind) => counts[kind]);
    const cut = Math.min(tried, operations);
    console.log(line(scenario, agent, map, cut, operations, ways, firsts, exhausted, pairs, singles + pairs, ...kinds));
  }
  return [...rows.values()];
}

function merge(row: Row, result: Result): Row {
  const sum = { ...row, counts: { ...row.counts }, failures: [...row.failures, ...result.failures] };
  for (const kind of KINDS) sum.counts[kind] += result.counts[kind];
  for (const key of ['tried', 'singles', 'firsts', 'exhausted', 'pairs', 'runs', 'cpuMs'] as const)
    sum[key] += result[key];
  return sum;
}

// Flipped bits and failed reads instead of cuts; the agent is the one with its bugs asleep.
async function damage(wanted: string[], agent: string, full: boolean): Promise<Result[]> {
  const parts = full ? FULL_PARTS : 1;
  const jobs = wanted.flatMap((scenario) =>
    Array.from({ length: parts }, (_, part): Job => {
      const damage = full ? 'all' : 'some';
      return { scenario, map: 'small', plan: 'quick', pairs: false, part, parts, agent, damage };
    }),
  );
  console.log(
    '\ndamage in the state region: each case is healed, or the device is damaged and says so; never older, never blank',
  );
  const cells = ({ healed, damaged, older, blank }: Counts) => `${healed} ${damaged} ${older} ${blank}`;
  const row = (name: string, { flips, unreadable, reads, pairs }: Damages) =>
    [name.padEnd(28), ...[flips, unreadable, reads, pairs].map((each) => cells(each).padEnd(20))].join('');
  const heads = ['flipped bits', 'words not read', 'reads failed once', 'two at once'];
  console.log(`${'scenario'.padEnd(28)}${heads.map((head) => head.padEnd(20)).join('')}`);
  const results = await runAll(jobs, (_, { failures }) => {
    for (const { kind, where, what } of failures) console.log(`  ${kind.toUpperCase()}  ${where}: ${what}`);
  });
  const all = noDamages();
  for (const scenario of wanted) {
    const sum = noDamages();
    for (const result of results) if (result.scenario === scenario && result.damages) addDamages(sum, result.damages);
    addDamages(all, sum);
    console.log(row(scenario, sum));
  }
  console.log(row('all', all));
  return results;
}

const WIDTHS = [28, 11, 9, 7, 7, 7, 8, 7, 9, 9, 6, 8, 11];
const line = (...cells: (string | number)[]) =>
  cells.map((cell, i) => (i < 3 ? `${cell}`.padEnd(WIDTHS[i]!) : `${cell}`.padStart(WIDTHS[i]!))).join('');

interface Teeth {
  planted: number;
  byCut: number; // found, and not by the plain scenario already
  survivors: string[]; // nothing was found of them
}

async function teeth(wanted: string[], agent: string): Promise<Teeth> {
  const planted = PLANTS.map((plant, i) => ({ ...plant, bug: i + 1 })).filter(({ scenario }) =>
    wanted.includes(scenario),
  );
  const jobs = planted.map(({ scenario, bug, plan = 'quick' as const, damage, from = 0 }): Job => {
    const job: Job = { scenario, map: 'small', plan, pairs: true, part: 0, parts: 1, agent, bug, enough: 1, from };
    return damage ? { ...job, damage: 'some' } : job;
  });
  const results = await runAll(jobs, () => {});
  const found = (way: 'by a cut' | 'without one' | 'SURVIVED') =>
    planted.filter((_, i) => {
      const { failures, operations } = results[i]!;
      return way === (failures.length === 0 ? 'SURVIVED' : operations > 0 ? 'by a cut' : 'without one');
    });
  console.log(`\nplanted bugs: ${planted.length}, found by a cut: ${found('by a cut').length}`);
  for (const way of ['by a cut', 'without one', 'SURVIVED'] as const) {
    for (const plant of found(way)) {
      const [failure] = results[planted.indexOf(plant)]!.failures;
      console.log(`  ${way.padEnd(12)}${plant.name}${failure ? `: ${failure.kind}, ${failure.where}` : ''}`);
    }
  }
  const survivors = found('SURVIVED').map(({ name }) => name);
  return { planted: planted.length, byCut: found('by a cut').length, survivors };
}

function wearOfInstall(agent: string) {
  const install = SCENARIOS.find(({ name }) => name === 'install')!;
  const options = {
    module: agentModule(agent),
    more: (memory: () => WebAssembly.Memory) => ({ crypto: nodesCrypto(memory, 0) }),
  };
  return wearOf(new World(install, 'microbit', options).base);
}
