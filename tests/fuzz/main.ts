// npm run fuzz: coverage-guided fuzzing as a command; HELP says how.
//
// Three programs are built with clang's libFuzzer, address and undefined-behaviour sanitizers: the verifier (core-small), the whole
// agent, and the decoder of blocks (codec/lz.ts, with delta) alone, all translated to C as for a board, with guards between their buffers (module.ts). What a run learns stays in
// build/fuzz/TARGET/corpus, and the next one begins with it.

import { execFileSync, spawn } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { translate } from '../../boards/port/translate.js';
import { guardedModule } from './module.js';
import { fixturesHeader, seedsOf } from './seeds.js';

const TARGETS = {
  verifier: { entry: 'core', target: 'core-small', buffers: 43 }, // and packages of several components
  agent: { entry: 'agent', target: 'agent-delta', buffers: 35 }, // with all that boards may have
  lz: { entry: 'lz', target: 'agent', buffers: 2 },
} as const;
/** `buffers`: how many have a guard, at least; fewer, and the sources are written in a way that module.ts does not know. */
type Target = keyof typeof TARGETS;
const NAMES = Object.keys(TARGETS) as Target[];

const MINUTES = 1;
/** Of --quick, some more than half a minute is enough for beside other work: the same amount on any machine. */
const QUICK: Record<Target, number> = { verifier: 200_000, agent: 10_000, lz: 1_000_000 };
const INPUT_BYTES_MAX = 4096;
const INPUT_SECONDS_MAX = 20; // an input that takes longer is a fault: the agent has to come to rest
const MEMORY_MB_MAX = 1024;

const FLAGS = ['-std=gnu11', '-O1', '-g', '-fsanitize=fuzzer,address,undefined', '-fno-sanitize-recover=undefined'];

const HELP = `npm run fuzz [-- OPTIONS]: feeds the verifier, the agent and the decoder of blocks what nobody would send

  --minutes N       for each target; ${MINUTES / 2} without it
  --quick           ${NAMES.map((name) => `${QUICK[name]} of ${name}`).join(', ')} instead of a time, however long they take
  --target NAME     ${NAMES.join(', ')} alone
  --seed N          of the fuzzer's choices; another one each time without it
  --json FILE       also writes the figures
  --plant           with a planted bug, which has to be found: that the guards are worth something
  --input FILE      runs this one input, of the folder that a crash was kept in

needs clang. Ends 0 only if nothing crashed; an input that did is kept in build/fuzz/TARGET/crashes`;

export interface Figures {
  target: Target;
  executions: number;
  /** Edges of the translated module and the harness: reached, and all there are. */
  covered: number;
  edges: number;
  /** Buffers with a guard behind them. */
  guards: number;
  crashes: string[];
  seconds: number;
}

interface Built {
  program: string;
  folder: string;
  guards: number;
}

/** Compiles what is fuzzed, unless the same C stands there compiled already. */
async function build(root: string, name: Target, planted: boolean): Promise<Built> {
  const folder = join(root, 'build/fuzz', planted ? `${name}-planted` : name);
  for (const each of ['seeds', 'corpus', 'crashes']) mkdirSync(join(folder, each), { recursive: true });
  const { entry, target, buffers: least } = TARGETS[name];
  const { wasm, buffers } = await guardedModule(root, entry, target, planted);
  if (buffers < least) throw new Error(`fuzz: only ${buffers} buffers of ${entry}.ts have a guard`);
  const files = { [`${entry}.wasm.c`]: translate(wasm, entry), 'fixtures.h': fixturesHeader(root) };
  for (const [file, text] of Object.entries(files)) writeFileSync(join(folder, file), text);
  seedsOf(name, root).forEach((bytes, i) => {
    writeFileSync(join(folder, 'seeds', `${i}`), bytes);
  });
  const places = [folder, 'tests/fuzz', 'boards/port'];
  const own = [
    `tests/fuzz/${name}.c`,
    'tests/fuzz/fuzz.h',
    'tests/fuzz/flash.h',
    'tests/fuzz/packet.h',
    'boards/port/wasm.h',
  ];
  const hash = createHash('sha256').update(FLAGS.join());
  for (const text of [...Object.values(files), ...own.map((file) => readFileSync(join(root, file), 'utf8'))])
    hash.update(text);
  const of = hash.digest('hex');
  const program = join(folder, 'fuzzer');
  const mark = join(folder, 'fuzzer.of');
  if (!existsSync(program) || !existsSync(mark) || readFileSync(mark, 'utf8') !== of) {
    const includes = places.flatMap((place) => ['-I', place]);
    execFileSync('clang', [...FLAGS, ...includes, own[0]!, '-o', program], { cwd: root, stdio: 'inherit' });
    writeFileSync(mark, of);
  }
  return { program, folder, guards: buffers };
}

const last = (text: string, pattern: RegExp): number => Number([...text.matchAll(pattern)].at(-1)?.[1] ?? 0);

/** `limit`: the option of libFuzzer that ends it. */
function run({ program, folder, guards }: Built, target: Target, limit: string, seed: number): Promise<Figures> {
  const kept = () => readdirSync(join(folder, 'crashes')).map((name) => join(folder, 'crashes', name));
  const before = new Set(kept());
  const words = [
    ...[join(folder, 'corpus'), join(folder, 'seeds'), limit, `-seed=${seed}`],
    ...[`-max_len=${INPUT_BYTES_MAX}`, `-timeout=${INPUT_SECONDS_MAX}`, `-rss_limit_mb=${MEMORY_MB_MAX}`],
    ...['-print_final_stats=1', '-use_value_profile=0', `-artifact_prefix=${folder}/crashes/`],
  ];
  const began = Date.now();
  return new Promise((resolve, reject) => {
    const child = spawn(program, words, { stdio: ['ignore', 'ignore', 'pipe'] });
    let said = '';
    child.stderr.setEncoding('utf8').on('data', (text: string) => {
      said += text;
    });
    child.on('error', reject);
    child.on('close', (code) => {
      const crashes = kept().filter((file) => !before.has(file));
      if (code !== 0) console.error(said.slice(-6000));
      if (code !== 0 && crashes.length === 0) crashes.push(`nothing was kept: the fuzzer ended with ${code}`);
      resolve({
        target,
        executions: last(said, /stat::number_of_executed_units: *(\d+)/g) || last(said, /^#(\d+)/gm),
        covered: last(said, / cov: (\d+)/g),
        edges: last(said, /\((\d+) inline 8-bit counters\)/g),
        guards,
        crashes,
        seconds: (Date.now() - began) / 1000,
      });
    });
  });
}

function again({ program }: Built, file: string): Promise<number> {
  return new Promise((resolve, reject) => {
    const child = spawn(program, [file], { stdio: 'inherit' });
    child.on('error', reject);
    child.on('close', (code) => resolve(code === 0 ? 0 : 1));
  });
}

const shown = ({ target, executions, covered, edges, guards, crashes, seconds }: Figures) =>
  [
    `${target.padEnd(9)} ${executions} executions in ${seconds.toFixed(0)} s (${Math.round(executions / seconds)} a second)`,
    `${covered} of ${edges} edges (${((100 * covered) / edges).toFixed(1)} %), ${guards} guards, crashes: ${crashes.length}`,
    ...crashes,
  ].join('\n          ');

export async function main(root: string, argv: string[]): Promise<number> {
  const { values } = parseArgs({
    args: argv,
    options: {
      minutes: { type: 'string', default: `${MINUTES / 2}` },
      target: { type: 'string' },
      seed: { type: 'string' },
      json: { type: 'string' },
      input: { type: 'string' },
      quick: { type: 'boolean', default: false },
      plant: { type: 'boolean', default: false },
      help: { type: 'boolean', short: 'h', default: false },
    },
  });
  if (values.help) {
    console.log(HELP);
    return 0;
  }
  const seconds = Math.round(60 * Number(values.minutes));
  const seed = values.seed === undefined ? Date.now() % 2 ** 32 : Number(values.seed);
  const chosen = NAMES.filter((name) => values.target === undefined || values.target === name);
  if (chosen.length === 0) throw new Error(`fuzz: no target ${values.target}; ${NAMES.join(', ')}`);
  if (!(seconds >= 1)) throw new Error(`fuzz: --minutes ${values.minutes} is no time`);
  if (!Number.isInteger(seed) || seed < 1) throw new Error(`fuzz: --seed ${values.seed} is no number above 0`);
  if (values.input !== undefined && chosen.length !== 1) throw new Error('fuzz: --input wants a --target');
  const rows: Figures[] = [];
  for (const name of chosen) {
    const built = await build(root, name, values.plant);
    if (values.input !== undefined) return again(built, values.input);
    const row = await run(built, name, values.quick ? `-runs=${QUICK[name]}` : `-max_total_time=${seconds}`, seed);
    console.log(shown(row));
    rows.push(row);
  }
  if (values.json) writeFileSync(values.json, JSON.stringify(rows));
  const crashes = rows.reduce((sum, row) => sum + row.crashes.length, 0);
  console.log(`${rows.reduce((sum, row) => sum + row.executions, 0)} executions, crashes: ${crashes}`);
  return crashes === 0 ? 0 : 1;
}
