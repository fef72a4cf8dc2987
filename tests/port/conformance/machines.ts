// The machines that play a script in C: this one, under sanitizers, and emulated boards.

import { execFileSync, spawn } from 'node:child_process';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { buildFirmware, writeModule } from '../../../boards/port/build.js';
import type { Played } from './player.js';

const ROOT = fileURLToPath(new URL('../../..', import.meta.url));
const BLOCK_BYTES = 200; // boards/port/conformance.c
const TIMEOUT_S = 600; // no machine is left running, whatever becomes of us

/** Runs a program whose standard input and output are the script's UART. */
async function overPipes(command: string, args: readonly string[], script: Uint8Array): Promise<Played> {
  const child = spawn('timeout', [`${TIMEOUT_S}`, command, ...args], { stdio: 'pipe' });
  let said = '';
  let complained = '';
  let at = 0;
  child.stdin.on('error', () => {}); // its end is what is told
  child.stderr.setEncoding('utf8').on('data', (text: string) => {
    complained = (complained + text).slice(-4000);
  });
  try {
    return await new Promise((resolve, reject) => {
      child.on('error', reject);
      child.on('close', (code) => reject(new Error(`${command} ended (${code}): ${said}${complained}`)));
      child.stdout.setEncoding('latin1').on('data', (text: string) => {
        for (const letter of text) {
          if (letter !== '?') {
            said += letter;
            continue;
          }
          const block = script.subarray(at, at + BLOCK_BYTES);
          at += block.length;
          child.stdin.write(Uint8Array.from([block.length, ...block]));
        }
        if (!said.endsWith('\n')) return;
        const end = /^digest (\w{16}) calls (\d+) bytes (\d+)$/.exec(said.trim());
        if (end) resolve({ digest: end[1]!, calls: Number(end[2]), bytes: Number(end[3]) });
        else reject(new Error(`${command} says: ${said}`));
      });
    });
  } finally {
    child.kill();
  }
}

/** The translated module as a program of this machine. */
export function natively(
  folder: string,
  script: Uint8Array,
  wasm = join(ROOT, 'build/core-small.wasm'),
): Promise<Played> {
  writeModule(folder, 'conformance', wasm);
  const program = join(folder, 'conformance');
  execFileSync('cc', [
    ...['-std=gnu11', '-O1', '-g', '-Wall', '-Wextra', '-Werror'],
    ...['-fsanitize=address,undefined', '-fno-sanitize-recover=all'],
    ...['-I', folder, '-I', join(ROOT, 'boards/port'), join(ROOT, 'tests/port/conformance/native.c')],
    ...['-o', program],
  ]);
  return overPipes(program, [], script);
}

export interface Machine {
  board: string;
  emulator: string;
  /** With this program in it. */
  words(firmware: string): string[];
}

/** The conformance firmware on an emulated board. */
export async function onBoard(folder: string, machine: Machine, script: Uint8Array, wasm?: string): Promise<Played> {
  const firmware = await buildFirmware(machine.board, { program: 'conformance', folder, ...(wasm && { wasm }) });
  const quiet = ['-display', 'none', '-monitor', 'none', '-serial', 'stdio'];
  return overPipes(machine.emulator, [...machine.words(firmware), ...quiet], script);
}
