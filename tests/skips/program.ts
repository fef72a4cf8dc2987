// A program that has instructions left out, and what is asked of it: its symbols, its text, and the same run on QEMU.

import { execFileSync, spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

const QEMU_MS = 120_000;

export interface Program {
  elf: string;
  /** The interpreter that leaves out. */
  machine: string;
  symbols: Map<string, { at: number; bytes: number }>;
}

/** What a program is made of. */
const SOURCES = ['assembly', 'asconfig.json', 'boards', 'package-lock.json', 'tests/skips', 'tests/support'];

function hashOf(root: string, more: string): string {
  const hash = createHash('sha256').update(more);
  for (const source of SOURCES) {
    const path = join(root, source);
    const names = statSync(path).isDirectory() ? readdirSync(path, { recursive: true, encoding: 'utf8' }).sort() : [''];
    for (const name of names) {
      if (statSync(join(path, name)).isFile()) hash.update(`${name}:`).update(readFileSync(join(path, name)));
    }
  }
  return hash.digest('hex');
}

/** Has a program made in its folder, unless the one there is of the same sources, and `more`. */
export async function unlessBuilt(
  root: string,
  folder: string,
  more: string,
  make: () => Promise<void>,
): Promise<void> {
  mkdirSync(folder, { recursive: true });
  const [mark, of] = [join(folder, 'made-of'), hashOf(root, more)];
  if (existsSync(mark) && readFileSync(mark, 'utf8') === of) return;
  writeFileSync(mark, 'it is being made');
  await make();
  writeFileSync(mark, of);
}

export function symbolsOf(elf: string): Program['symbols'] {
  const listed = execFileSync('arm-none-eabi-nm', ['-S', elf], { encoding: 'utf8' });
  return new Map(
    Array.from(listed.matchAll(/^(\w+) (\w+) \w (\w+)$/gm), ([, at, bytes, name]) => [
      name!,
      { at: Number.parseInt(at!, 16), bytes: Number.parseInt(bytes!, 16) },
    ]),
  );
}

/** Says what stands at an address: the function, and the instruction as objdump has it. */
export function disassembly({ elf, symbols }: Program): (address: string) => string {
  const text = execFileSync('arm-none-eabi-objdump', ['-d', elf], { encoding: 'utf8', maxBuffer: 1 << 26 });
  return (address) => {
    const at = Number.parseInt(address, 16);
    const inside = ([, each]: [string, { at: number; bytes: number }]) =>
      (each.at & ~1) <= at && at < (each.at & ~1) + each.bytes;
    const line = new RegExp(`^ *${address}:\\t(.*)$`, 'm').exec(text)?.[1] ?? '';
    return `${address} ${[...symbols].find(inside)?.[0] ?? '?'}: ${line.replace(/\s+/g, ' ')}`;
  };
}

/** The words that the program tells at its end on QEMU, which is another reading of ARMv6-M than machine.h's. */
export function onQemu({ elf }: Program, scenario: number, number: number): number[] {
  const loader = `loader,addr=${scenario},data=${number},data-len=4`;
  const quiet = ['-display', 'none', '-monitor', 'none', '-serial', 'none', '-semihosting'];
  const words = ['-M', 'microbit', ...quiet, '-kernel', elf, '-device', loader];
  const { stdout, stderr } = spawnSync('qemu-system-arm', words, { encoding: 'utf8', timeout: QEMU_MS });
  return (stdout + stderr)
    .trim()
    .split(' ')
    .map((word) => Number.parseInt(word, 16));
}
