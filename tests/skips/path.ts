// The whole agent's path with an instruction left out: upload, verdict, order, installation, swap, resets, the start of an image.
//
// The agent is the firmware of the micro:bit (boards/port, its flash driver included) with the slots small and its cryptography replaced
// (modules.ts), in a conversation that stands in the program (device.c). An image is installed and runs; then, with an
// instruction left out, somebody does all to have another one run that must not, and the board is reset again and again.

import { execFile, execFileSync } from 'node:child_process';
import { readFileSync, writeFileSync } from 'node:fs';
import { availableParallelism } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { translate } from '../../boards/port/translate.js';
import { CONVERSATIONS, FLASH, script } from './conversations.js';
import { compile, type Plant } from './modules.js';
import { disassembly, onQemu, type Program, symbolsOf, unlessBuilt } from './program.js';

const PAGE = 1024;
const AGENT_BYTES = 0x10000;
const SCRIPTS = 0x18000; // behind the slots: the conversations
const SCENARIO = 0x20003f80; // device.c
const STARTED = 7; // what path.c ends with when another image is started with every instruction

export const PATH_SCENARIOS = Object.keys(CONVERSATIONS);

// --- The program ---

const IMPORT = `
void sha256_block(u32 *hash, const u8 *block);
static void import_sha256(u32 state, u32 block) { sha256_block((u32 *)(void *)memory_at(state, 32), memory_at(block, 64)); }
`;

async function make(root: string, folder: string, elf: string, machine: string, plants: Plant[]): Promise<void> {
  const module = translate(await compile(root, 'agent', plants), 'agent');
  writeFileSync(join(folder, 'agent.wasm.c'), module + IMPORT);
  writeFileSync(join(folder, 'script.h'), script());
  const map = Object.entries(FLASH).flatMap(([name, [offset, pages]]) => [
    `#define BOARD_${name}_OFFSET ${offset}u`,
    `#define BOARD_${name}_BYTES ${pages * PAGE}u`,
  ]);
  writeFileSync(
    join(folder, 'board.h'),
    [
      ...map,
      ...[`#define BOARD_PAGE_BYTES ${PAGE}u`, `#define BOARD_ERASE_BYTES ${PAGE}u`, '#define BOARD_WRITE_BYTES 4u'],
      ...['#define BOARD_LARGE 0', '#define BOARD_USER 1', '#define BOARD_CARD 0', '#define BOARD_CLOCK 0'],
      ...['#define BOARD_COPIES 0', '#define BOARD_IMAGE BOARD_PRIMARY_OFFSET', ''],
    ].join('\n'),
  );
  const boards = join(root, 'boards');
  const { firmware, ram } = JSON.parse(readFileSync(join(boards, 'microbit/board.json'), 'utf8'));
  const symbols = {
    FLASH_BYTES: AGENT_BYTES,
    RAM_OFFSET: ram.offset,
    RAM_BYTES: ram.bytes,
    STACK_BYTES: ram.stackBytes,
  };
  execFileSync(
    firmware.compiler,
    [
      ...firmware.flags,
      ...['-std=gnu11', '-ffreestanding', '-ffunction-sections', '-fdata-sections', '-Wall', '-Wextra'],
      ...['-I', folder, '-I', join(boards, 'port'), '-nostartfiles', '--specs=nano.specs'],
      ...['-T', join(boards, firmware.script), '-Wl,--gc-sections,--build-id=none,--undefined=image_that_runs'],
      `-Wl,--section-start=.script=0x${SCRIPTS.toString(16)}`,
      ...Object.entries(symbols).map(([symbol, value]) => `-Wl,--defsym=${symbol}=${value}`),
      ...['port/agent.c', 'port/libc.c', 'port/cortexm.c'].map((file) => join(boards, file)),
      ...['device.c', 'hash.c'].map((file) => join(root, 'tests/skips', file)),
      ...['-lgcc', '-o', elf],
    ],
    { stdio: 'inherit' },
  );
  execFileSync('cc', ['-std=gnu11', '-O3', '-Wall', '-Wextra', join(root, 'tests/skips/path.c'), '-o', machine], {
    stdio: 'inherit',
  });
}

async function build(root: string, plants: Plant[] = []): Promise<Program> {
  const folder = join(root, plants.length ? 'build/skips-agent-planted' : 'build/skips-agent');
  const [elf, machine] = [join(folder, 'agent.elf'), join(folder, 'path')];
  await unlessBuilt(root, folder, JSON.stringify(plants), () => make(root, folder, elf, machine, plants));
  return { elf, machine, symbols: symbolsOf(elf) };
}

// --- Runs ---

/** Where the interpreter stops (path.c), in its order. */
const STOPS = ['hal_link_read', 'hal_flash_read', 'marked', 'finished', 'sha256_block', 'world'];
/** What is the board around the agent (device.c). */
const AROUND = ['marked', 'finished', 'sha256_block'].concat(
  ['idle', 'link_read', 'link_write', 'milliseconds', 'random', 'start', 'stop', 'user'].map((name) => `hal_${name}`),
);

export interface PathFigures {
  scenario: string;
  steps: number;
  skips: number;
  /** An image that must not run was started, at once or after a later reset. */
  installed: number;
  /** At the end something else than what may run stands in the primary slot, and was not started. */
  lies: number;
  faults: number;
  hangs: number;
  at: { address: string; step: number; what: string; turns: number }[];
}

export type How = 'every' | 'first' | 'find' | 'none';

function words({ elf, symbols }: Program, number: number, how: How, shard: number, shards: number): string[] {
  const of = (name: string) => {
    const symbol = symbols.get(name);
    if (!symbol) throw new Error(`skips: the program has no ${name}`);
    return symbol;
  };
  const around = AROUND.map(of).flatMap(({ at, bytes }) => [at, at + bytes]);
  const places = [...STOPS.map((name) => of(name).at), ...around].map((at) => at.toString(16)).join(',');
  const image = of('image_that_runs');
  return [elf, places, `${number}`, image.at.toString(16), `${image.bytes}`, how, `${shard}`, `${shards}`];
}

const execute = promisify(execFile);

/** A run that looks at fewer ends sooner: each is held against all those before it. */
const SHARDS = 40;

/** The skips of a scenario, one in `sample` (at most SHARDS) of them, on as many processors as there are. */
async function run(program: Program, number: number, how: How, sample = 1): Promise<string[]> {
  const shards = how === 'none' ? 1 : SHARDS;
  const said: string[] = [];
  let next = 0;
  const work = async () => {
    for (let shard = next++; shard < Math.ceil(shards / sample); shard = next++) {
      const { stdout } = await execute(program.machine, words(program, number, how, shard, shards), {
        maxBuffer: 1 << 28,
      });
      said.push(stdout);
    }
  };
  await Promise.all(Array.from({ length: availableParallelism() }, work));
  return said;
}

function figuresOf(scenario: string, said: string[]): PathFigures {
  const row: PathFigures = { scenario, steps: 0, skips: 0, installed: 0, lies: 0, faults: 0, hangs: 0, at: [] };
  for (const text of said) {
    const end = /^steps (\d+) skips (\d+) installed (\d+) lies (\d+) faults (\d+) hangs (\d+)$/m.exec(text)!;
    const [, steps, skips, installed, lies, faults, hangs] = end.map(Number) as number[];
    row.steps = steps!;
    row.skips += skips!;
    row.installed += installed!;
    row.lies += lies!;
    row.faults += faults!;
    row.hangs += hangs!;
    for (const [, address, step, what, turns] of text.matchAll(/^([0-9a-f]+) (\d+) (installed|lies) (\d+)$/gm))
      row.at.push({ address: address!, step: Number(step), what: what!, turns: Number(turns) });
  }
  return row;
}

const undisturbed = (said: string) => /^reference (\d+) ([0-9a-f]+) ([0-9a-f]+)/m.exec(said)!;

/** What the interpreter and QEMU say of each conversation as it is: turns, the sum of all that was sent, and that of flash. */
export async function pathReferences(root: string): Promise<{ ours: number[][]; qemu: number[][] }> {
  const program = await build(root);
  const numbers = PATH_SCENARIOS.map((_, i) => i);
  const ours: number[][] = [];
  for (const number of numbers) {
    const [, turns, said, flash] = undisturbed((await run(program, number, 'none')).join(''));
    ours.push([Number(turns), Number.parseInt(said!, 16), Number.parseInt(flash!, 16)]);
  }
  return { ours, qemu: numbers.map((number) => onQemu(program, SCENARIO, number)) };
}

/** Does the agent install, with every instruction, what it has to? */
async function isSound(program: Program): Promise<boolean> {
  try {
    await run(program, PATH_SCENARIOS.length, 'none');
    return false;
  } catch (error) {
    return (error as { code?: number }).code === STARTED;
  }
}

/** Every scenario that `wanted` has, and a line for each. */
export async function path(
  root: string,
  wanted: (name: string) => boolean,
  { how, listed, sample = 1, plants = [] }: { how: How; listed: boolean; sample?: number; plants?: Plant[] },
): Promise<PathFigures[]> {
  const program = await build(root, plants);
  if (!(await isSound(program))) throw new Error('skips: what is approved is not started');
  const where = listed ? disassembly(program) : undefined;
  const rows: PathFigures[] = [];
  for (const [i, name] of PATH_SCENARIOS.entries()) {
    if (!wanted(name)) continue;
    const row = figuresOf(name, await run(program, i, how, sample));
    console.log(
      `agent    ${name.padEnd(11)} ${row.skips} skips in ${row.steps} steps: ${row.installed} start it, ${row.lies} leave something else ` +
        `where it would stand; ${row.faults} faults, ${row.hangs} hangs`,
    );
    if (where)
      for (const { address, step, what, turns } of row.at)
        console.log(`    ${where(address)}, step ${step} -> ${what} ${turns} turns later`);
    rows.push(row);
  }
  return rows;
}
