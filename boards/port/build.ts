// Builds the firmware of a C board: a module, translated, with the port's C and the board's HAL, into one ELF. The agent is
// made of the module that its abilities ask for (host/boards.ts); the conformance firmware (conformance.c) of build/core-small.wasm.
//
// Everything that differs between boards stands in its board.json: flash map, RAM, compiler, flags and files. The map
// goes into a generated board.h and to the linker, so that no number exists twice.
//
//   node dist/boards/port/build.js BOARD [PROGRAM]      writes build/BOARD/agent.elf, or PROGRAM.elf, and prints its path

import { execFileSync } from 'node:child_process';
import { appendFileSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { z } from 'zod';
import { agentName, type Board, deviceOf, type FlashMap, loadBoard, type Region } from '../../host/boards.js';
import { packageRoot } from '../../host/root.js';
import { findLwip } from '../net/lwip/lwip.js';
import { callTable } from './conformance.js';
import { keptFiles } from './kept.js';
import { translate } from './translate.js';

const ROOT = fileURLToPath(packageRoot);
const BOARDS = join(ROOT, 'boards');

/** What every program wants of a C library. */
const LIBRARY = 'port/libc.c';

/** The port's C stays free of warnings, and so does the translated module. */
const WARNINGS = ['-Wall', '-Wextra', '-Werror'];

const wholeNumber = z.number().int().nonnegative();

/** What a board.json says beyond the board itself when it is a board of the C port. */
const portSchema = z.object({
  ram: z.strictObject({ offset: wholeNumber, bytes: wholeNumber, stackBytes: wholeNumber }),
  firmware: z.strictObject({
    programs: z.array(z.enum(['agent', 'conformance'])).default(['agent', 'conformance']), // what the HAL suffices for
    compiler: z.string(),
    flags: z.array(z.string()),
    specs: z.string().default('nano.specs'), // of the C library
    sources: z.array(z.string()), // in boards/: the HAL, and the file of the processor family
    script: z.string(), // in boards/: the linker's
    network: z.string().optional(), // in boards/: the file of the MAC; with it come boards/net and lwIP
    application: z.strictObject({ source: z.string(), script: z.string() }).optional(), // of the demonstrations, in boards/
  }),
});

/** Where the processor sees a region; undefined: nowhere. */
function addressOf(flash: FlashMap, region: Region): number | undefined {
  const { address, offset } = deviceOf(flash, region)!;
  return address === undefined ? undefined : address + region.offset - offset;
}

/** The flash map and the abilities as C constants. */
function boardHeader(board: Board): string {
  const { flash, abilities } = board;
  const eraseBytes = Math.min(flash.pageBytes, ...(flash.sectors ?? []).map(({ bytes }) => bytes));
  const regions = (['primary', 'secondary', 'state'] as const).flatMap((name) => [
    `#define BOARD_${name.toUpperCase()}_OFFSET ${flash[name].offset}u`,
    `#define BOARD_${name.toUpperCase()}_BYTES ${flash[name].bytes}u`,
  ]);
  const devices = (flash.devices ?? []).flatMap(({ name, offset, bytes }) => [
    `#define BOARD_${name.toUpperCase()}_OFFSET ${offset}u`,
    `#define BOARD_${name.toUpperCase()}_BYTES ${bytes}u`,
  ]);
  const able = (['user', 'card', 'clock'] as const).map(
    (name) => `#define BOARD_${name.toUpperCase()} ${Number(abilities[name])}`,
  );
  return [
    '/* Generated from board.json. */',
    `#define BOARD_PAGE_BYTES ${flash.pageBytes}u`,
    `#define BOARD_ERASE_BYTES ${eraseBytes}u`,
    `#define BOARD_LARGE ${Number(agentName(board) === 'agent-large')}`,
    `#define BOARD_WRITE_BYTES ${flash.writeBytes}u`,
    `#define BOARD_ERASED_TO_ZERO ${Number(flash.erasedTo === 0)}u`,
    `#define BOARD_OVERWRITES ${Number(flash.overwrites)}u`,
    `#define BOARD_COPIES ${Number(flash.copiedTo !== undefined)}`,
    `#define BOARD_IMAGE ${flash.copiedTo?.address ?? addressOf(flash, flash.primary)}u`,
    ...regions,
    ...devices,
    ...able,
    '',
  ].join('\n');
}

/** What can be built for a board: the module, its name in C, and the C that runs it. */
const PROGRAMS = {
  agent: { module: agentName, prefix: 'agent', main: 'port/agent.c' },
  conformance: { module: () => 'core-small', prefix: 'core', main: 'port/conformance.c' },
} as const;
type Program = keyof typeof PROGRAMS;

interface BuildOptions {
  program?: Program;
  /** Where the ELF and what it is made of go; build/BOARD without it. */
  folder?: string;
  /** The module; the program's own of build/ without it. */
  wasm?: string;
  /** More compiler flags, for measurements. */
  flags?: string[];
  /** Every export of the module notes how deep it went (stack.h). */
  measureStack?: boolean;
}

/** The translated module and, for the conformance firmware, its table of calls. */
export function writeModule(folder: string, program: Program, wasm: string): void {
  const { prefix } = PROGRAMS[program];
  const text = translate(readFileSync(wasm), prefix);
  writeFileSync(join(folder, `${prefix}.wasm.c`), text);
  if (program === 'conformance') writeFileSync(join(folder, 'calls.h'), callTable(text));
}

/** All that a compiler may read in a folder, with its name. */
const sourcesIn = (folder: string): (string | Uint8Array)[] =>
  readdirSync(folder)
    .filter((name) => /\.(c|h|ld)$/.test(name))
    .sort()
    .flatMap((name) => [name, readFileSync(join(folder, name))]);

/** The files of a board's network, and where theirs are; one that does nothing where lwIP has not been fetched. */
function networkOf(network: string | undefined): { files: string[]; places: string[] } {
  if (network === undefined) return { files: [], places: [] };
  const lwip = findLwip();
  if (!lwip) return { files: [join(BOARDS, 'net/none.c')], places: [] };
  const [ours, glue] = [join(BOARDS, 'net'), join(BOARDS, 'net/lwip')];
  const mine = readdirSync(ours).filter((name) => name.endsWith('.c') && name !== 'none.c');
  const files = [...mine.sort().map((name) => join(ours, name)), join(glue, 'netif.c'), join(BOARDS, network)];
  const places = [glue, join(glue, 'arch'), lwip.include, dirname(join(BOARDS, network))];
  return { files: [...files, ...lwip.sources], places };
}

/** Compiles a program for a board, the agent if nothing else is said, and returns the path of the ELF. */
export async function buildFirmware(name: string, options: BuildOptions = {}): Promise<string> {
  const { program = 'agent', folder = join(ROOT, 'build', name), flags = [], measureStack } = options;
  const board = await loadBoard(name);
  const { wasm = join(ROOT, 'build', `${PROGRAMS[program].module(board)}.wasm`) } = options;
  const { flash } = board;
  const { firmware, ram } = portSchema.parse(board);
  if (!firmware.programs.includes(program))
    throw new Error(`port: the HAL of ${name} is not enough for the ${program}`);
  mkdirSync(folder, { recursive: true });
  writeFileSync(join(folder, 'board.h'), boardHeader(board));
  writeModule(folder, program, wasm);
  if (measureStack) appendFileSync(join(folder, 'agent.wasm.c'), '#include "stack.h"\n');
  const symbols = {
    FLASH_BASE: addressOf(flash, flash.agent)!,
    FLASH_BYTES: flash.agent.bytes,
    RAM_OFFSET: ram.offset,
    RAM_BYTES: ram.bytes,
    STACK_BYTES: ram.stackBytes,
  };
  const elf = join(folder, `${program}.elf`);
  const language = ['-std=gnu11', '-ffreestanding', '-ffunction-sections', '-fdata-sections', ...WARNINGS];
  const linking = ['-nostartfiles', `--specs=${firmware.specs}`, '-T', join(BOARDS, firmware.script)];
  const defines = Object.entries(symbols).map(([symbol, value]) => `-Wl,--defsym=${symbol}=${value}`);
  const map = `-Wl,--gc-sections,--build-id=none,-Map=${join(folder, `${program}.map`)}`;
  const network = networkOf(firmware.network);
  const places = [folder, join(BOARDS, 'port'), ...network.places].flatMap((place) => ['-I', place]);
  places.push(`-ffile-prefix-map=${ROOT}=`);
  const own = [PROGRAMS[program].main, LIBRARY, ...firmware.sources].map((file) => join(BOARDS, file));
  const sources = [...own, ...network.files];
  const words = [...firmware.flags, ...language, ...flags, ...places, ...linking, ...defines];
  words.push(map, ...sources, '-lgcc', '-o', elf);
  const read = [folder, ...new Set([...sources.map((file) => dirname(file)), ...network.places])].flatMap(sourcesIn);
  const made = [elf, join(folder, `${program}.map`)];
  const compiler = execFileSync(firmware.compiler, ['--version']);
  keptFiles([compiler, ...words.map((word) => word.replaceAll(folder, '')), ...read], made, () => {
    execFileSync(firmware.compiler, words, { stdio: ['ignore', 'inherit', 'inherit'] });
  });
  return elf;
}

/** The board's demonstration application in a version: the image, as it stands in the primary slot. */
export async function buildApplication(name: string, version: string, folder: string): Promise<Uint8Array> {
  const { application, compiler, flags, specs } = portSchema.parse(await loadBoard(name)).firmware;
  if (!application) throw new Error(`port: there is no application for ${name}`);
  mkdirSync(folder, { recursive: true });
  const elf = join(folder, `app-${version}.elf`);
  const script = join(BOARDS, application.script);
  const linking = ['-nostartfiles', `--specs=${specs}`, '-T', script, '-Wl,--build-id=none', '-lgcc', '-o', elf];
  const language = ['-std=gnu11', '-ffreestanding', ...WARNINGS, `-DVERSION="${version}"`];
  execFileSync(compiler, [...flags, ...language, join(BOARDS, application.source), ...linking]);
  const image = `${elf}.bin`;
  execFileSync(compiler.replace(/gcc$/, 'objcopy'), ['-O', 'binary', elf, image]);
  return readFileSync(image);
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const [name, program = 'agent'] = process.argv.slice(2);
  if (!name || !Object.hasOwn(PROGRAMS, program)) throw new Error('usage: build.js BOARD [agent|conformance]');
  process.stdout.write(`${await buildFirmware(name, { program: program as Program })}\n`);
}
