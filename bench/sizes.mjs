// npm run sizes: what the agent and the verifier take of each microcontroller of boards/, measured on what is built for it
// and on the emulated board.
//
//   --write       also writes the table of the micro:bit into docs/performance.md
//   --json FILE   also writes the rows {board, part, profile, text, rodata, flash, ram, stack, count, budget, met}
//
// flash is text (code), rodata (constant tables) and start values; ram is static; stack is the deepest use of a painted
// stack while the board is provisioned, refuses a package, and installs two (a P-256 and an Ed25519 signature each): of the
// firmware as it is, and of each export of the module by itself (boards/port/stack.h). The first of these runs counts
// memory accesses that are not aligned, under a QEMU plugin: silicon faults on them, not every QEMU does.
// Ends 1 if a budget is not kept. Needs gcc-arm-none-eabi, qemu-system-arm and cc; boards whose compiler is not there are
// left out, and named.

import { execFileSync, spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { buildFirmware } from '../dist/boards/port/build.js';
import { translate } from '../dist/boards/port/translate.js';
import { deviceOf, listBoards, loadBoard } from '../dist/host/boards.js';
import { writeFigures } from './figures.mjs';
import { EXPORTS, runMicrobit } from './microbit.mjs';

const ROOT = fileURLToPath(new URL('..', import.meta.url));
const EMULATED = 'microbit'; // the board whose agent runs here
const PROFILES = { small: 'core-small.wasm' }; // of build/; the fast one has SIMD, which is not for C
const HELD_PROFILE = 'small'; // the one that microcontrollers get
const BUDGET = {
  agentFlash: 55.75 * 1024, // of the 64 KB that board.json leaves it: 52, 2.5 for cobs, the window of a pull and lz, the rest beside an application
  agentRam: 12.75 * 1024 + 300, // static and stack, of 16 KB: the same
  verifierFlash: 25 * 1024,
  unaligned: 0,
  sf2Flash: 96 * 1024, // of 128 KB, the network with it
  cLines: 300, // a HAL is no more
};
const FLASH_BUDGETS = { 'emcraft-sf2': BUDGET.sf2Flash };
/** What is aimed at: shown in docs/performance.md, met or not. */
const AIM = {
  'agent, flash': 54.5 * 1024 + 600,
  'agent, RAM and stack': 12.75 * 1024 + 300,
  'verifier alone': 25 * 1024,
};
const COLUMNS = ['board', 'part', 'profile', 'text', 'rodata', 'flash', 'ram', 'stack', 'count', 'budget'];

const { values } = parseArgs({ options: { write: { type: 'boolean' }, json: { type: 'string' } } });

/** One line of the table; without a budget there is nothing to keep. */
const row = (board, part, what, measured, budget) => ({
  board,
  part,
  ...what,
  ...(budget === undefined ? { met: true } : { budget, met: measured <= budget }),
});

/** Bytes of an ELF's sections: flash is what is programmed, ram what is static besides the stack. */
function sizeOf(compiler, elf) {
  const lines = execFileSync(compiler.replace(/gcc$/, 'size'), ['-A', elf], { encoding: 'utf8' }).split('\n');
  const sections = Object.fromEntries(
    lines.map((line) => line.trim().split(/\s+/)).map(([name, bytes]) => [name, +bytes]),
  );
  const sum = (...names) => names.reduce((total, name) => total + (sections[name] ?? 0), 0);
  return {
    text: sum('.text'),
    rodata: sum('.rodata'),
    flash: sum('.text', '.rodata', '.data'),
    ram: sum('.data', '.bss'),
  };
}

/** All of core.ts, every export kept, linked with what it needs of the compiler's library. */
function verifier({ flash, ram, firmware }, wasm, folder) {
  const text = translate(readFileSync(join(ROOT, 'build', wasm)), 'core');
  const names = [...text.matchAll(/^static \w+ (core_\w+)\(.*\{$/gm)].map((match) => match[1]);
  const main = join(folder, 'core.c');
  // What keeps the exports linked is not the verifier's: it stands in a section that is not counted.
  const list = `void *const exports[] __attribute__((section(".exports"))) = {${names.map((name) => `(void *)${name}`)}}`;
  writeFileSync(main, `${text}\n${list};\n`);
  const elf = join(folder, 'core.elf');
  const symbols = { FLASH_BASE: deviceOf(flash, flash.agent).address, FLASH_BYTES: 0x40000, RAM_OFFSET: ram.offset };
  const memory = { ...symbols, RAM_BYTES: 1 << 20, STACK_BYTES: 0 };
  const language = ['-std=gnu11', '-ffreestanding', '-ffunction-sections', '-fdata-sections', '-w'];
  execFileSync(firmware.compiler, [
    ...firmware.flags,
    ...language,
    ...['-I', join(ROOT, 'boards/port')],
    ...['-nostartfiles', `--specs=${firmware.specs ?? 'nano.specs'}`, '-T', join(ROOT, 'boards', firmware.script)],
    ...Object.entries(memory).map(([name, value]) => `-Wl,--defsym=${name}=${value}`),
    ...['-Wl,--gc-sections,-e,exports', main, join(ROOT, 'boards/port/libc.c'), '-lgcc', '-o', elf],
  ]);
  return sizeOf(firmware.compiler, elf);
}

/** Of its HAL: drivers of parts that a board has beside its chip are files of their own. */
const linesOfC = ({ name }) => readFileSync(join(ROOT, `boards/${name}/hal.c`), 'utf8').split('\n').length - 1;

async function agentRows(board, folder) {
  const { name, ram, firmware } = board;
  const elf = await buildFirmware(name, { folder });
  const agent = sizeOf(firmware.compiler, elf);
  if (name !== EMULATED) return [row(name, 'agent, flash', agent, agent.flash, FLASH_BUDGETS[name])];
  const measuring = await buildFirmware(name, { folder: join(folder, 'stack'), measureStack: true });
  const { stack, unaligned, exports } = await runMicrobit(board, { elf, measuring, folder });
  return [
    row(name, 'agent, flash', { ...agent, profile: 'small' }, agent.flash, BUDGET.agentFlash),
    row(name, 'agent, RAM and stack', { ram: agent.ram, stack }, agent.ram + stack, BUDGET.agentRam),
    // What the linker keeps free for the stack is what an export may use; below it RAM ends.
    ...EXPORTS.map((each) => row(name, `stack of ${each}`, { stack: exports[each] }, exports[each], ram.stackBytes)),
    row(name, 'unaligned accesses', { count: unaligned }, unaligned, BUDGET.unaligned),
  ];
}

async function boardRows(board, folder) {
  const { name, firmware } = board;
  const { programs = ['agent'] } = firmware;
  const agent = programs.includes('agent') ? await agentRows(board, folder) : [];
  const alone = Object.entries(PROFILES).map(([profile, wasm]) => {
    const size = verifier(board, wasm, folder);
    const budget = name === EMULATED && profile === HELD_PROFILE ? BUDGET.verifierFlash : undefined;
    return row(name, 'verifier alone', { ...size, profile }, size.flash, budget);
  });
  const lines = linesOfC(board);
  return [...agent, ...alone, row(name, 'lines of C', { count: lines }, lines, BUDGET.cLines)];
}

function print(rows) {
  const cells = (each) => [...COLUMNS.map((name) => each[name] ?? ''), each.budget === undefined ? '' : verdict(each)];
  const verdict = ({ met }) => (met ? 'met' : 'NOT MET');
  for (const line of [[...COLUMNS, ''], ...rows.map(cells)]) {
    console.log(
      line
        .map((cell, i) => (i < 3 ? `${cell}`.padEnd([14, 24, 8][i]) : `${cell}`.padStart(8)))
        .join('')
        .trimEnd(),
    );
  }
}

/** The rows with an aim, as bench/figures.mjs takes them. */
const aims = (rows) =>
  Object.entries(AIM).map(([part, target]) => {
    const { flash, ram, stack } = rows.find((each) => each.board === EMULATED && each.part === part);
    const ours = stack === undefined ? flash : ram + stack;
    return { group: EMULATED, metric: part, ours, unit: 'bytes', target, met: ours <= target };
  });

const rows = [];
for (const name of await listBoards()) {
  const board = await loadBoard(name);
  if (!board.firmware) continue;
  if (spawnSync(board.firmware.compiler, ['--version']).status !== 0) {
    console.log(`${name}: left out, ${board.firmware.compiler} is not installed`);
    continue;
  }
  const folder = mkdtempSync(join(tmpdir(), 'countersign-sizes-'));
  try {
    rows.push(...(await boardRows(board, folder)));
  } finally {
    rmSync(folder, { recursive: true });
  }
}
print(rows);
const whole = rows.find(({ board, part }) => board === EMULATED && part === 'agent, RAM and stack');
if (whole) {
  const { ram } = await loadBoard(EMULATED);
  const [deepest, last] = [whole.stack, ram.bytes - whole.ram - ram.stackBytes];
  console.log(
    `\n${EMULATED}, emulated: the stack stands at the beginning of RAM, ${ram.stackBytes - deepest} bytes of it are never used;`,
  );
  console.log(`${last} bytes between the variables and the end of RAM are free (the last 32 are the mailbox)`);
}
if (values.write) writeFigures('sizes -- --write', aims(rows));
if (values.json) writeFileSync(values.json, `${JSON.stringify(rows, null, 2)}\n`);
process.exitCode = rows.every(({ met }) => met) ? 0 : 1;
