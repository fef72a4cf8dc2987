// Builds the firmware of a C board: build/agent.wasm, translated, with the port's C and the board's HAL, into one ELF.
//
// Everything that differs between boards stands in its board.json: flash map, RAM, compiler, flags and files. The map
// goes into a generated board.h and to the linker, so that no number exists twice.
//
//   node dist/boards/port/build.js BOARD      writes build/BOARD/agent.elf and prints its path

import { execFileSync } from 'node:child_process';
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { z } from 'zod';
import { type FlashMap, loadBoard } from '../../host/boards.js';
import { packageRoot } from '../../host/root.js';
import { translate } from './translate.js';

const ROOT = fileURLToPath(packageRoot);
const BOARDS = join(ROOT, 'boards');

/** The port's C stays free of warnings, and so does the translated module. */
const WARNINGS = ['-Wall', '-Wextra', '-Werror'];

const wholeNumber = z.number().int().nonnegative();

/** What a board.json says beyond the board itself when it is a board of the C port. */
const portSchema = z.object({
  ram: z.strictObject({ offset: wholeNumber, bytes: wholeNumber, stackBytes: wholeNumber }),
  firmware: z.strictObject({
    compiler: z.string(),
    flags: z.array(z.string()),
    sources: z.array(z.string()), // in boards/: the HAL, and the file of the processor family
    script: z.string(), // in boards/: the linker's
  }),
});

/** The flash map as C constants. */
function boardHeader(flash: FlashMap): string {
  const regions = (['primary', 'secondary', 'state'] as const).flatMap((name) => [
    `#define BOARD_${name.toUpperCase()}_OFFSET ${flash[name].offset}u`,
    `#define BOARD_${name.toUpperCase()}_BYTES ${flash[name].bytes}u`,
  ]);
  return ['/* Generated from board.json. */', `#define BOARD_PAGE_BYTES ${flash.pageBytes}u`, ...regions, ''].join(
    '\n',
  );
}

interface BuildOptions {
  /** Where the ELF and what it is made of go; build/BOARD without it. */
  folder?: string;
  /** The module; build/agent.wasm without it. */
  wasm?: string;
  /** More compiler flags, for measurements. */
  flags?: string[];
}

/** Compiles the agent for a board and returns the path of the ELF. */
export async function buildFirmware(name: string, options: BuildOptions = {}): Promise<string> {
  const { folder = join(ROOT, 'build', name), wasm = join(ROOT, 'build', 'agent.wasm'), flags = [] } = options;
  const board = await loadBoard(name);
  const { flash } = board;
  const { firmware, ram } = portSchema.parse(board);
  mkdirSync(folder, { recursive: true });
  writeFileSync(join(folder, 'board.h'), boardHeader(flash));
  writeFileSync(join(folder, 'agent.wasm.c'), translate(readFileSync(wasm), 'agent'));
  const symbols = {
    FLASH_BYTES: flash.agent.bytes,
    RAM_OFFSET: ram.offset,
    RAM_BYTES: ram.bytes,
    STACK_BYTES: ram.stackBytes,
  };
  const elf = join(folder, 'agent.elf');
  const language = ['-std=gnu11', '-ffreestanding', '-ffunction-sections', '-fdata-sections', ...WARNINGS];
  const places = ['-I', folder, '-I', join(BOARDS, 'port'), `-ffile-prefix-map=${ROOT}=`];
  const linking = ['-nostartfiles', '--specs=nano.specs', '-T', join(BOARDS, firmware.script)];
  const defines = Object.entries(symbols).map(([symbol, value]) => `-Wl,--defsym=${symbol}=${value}`);
  const map = `-Wl,--gc-sections,--build-id=none,-Map=${join(folder, 'agent.map')}`;
  const sources = ['port/agent.c', ...firmware.sources].map((file) => join(BOARDS, file));
  execFileSync(
    firmware.compiler,
    [...firmware.flags, ...language, ...flags, ...places, ...linking, ...defines, map, ...sources, '-lgcc', '-o', elf],
    { stdio: ['ignore', 'inherit', 'inherit'] },
  );
  return elf;
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const name = process.argv[2];
  if (!name) throw new Error('usage: build.js BOARD');
  process.stdout.write(`${await buildFirmware(name)}\n`);
}
