// The core gives the same answers on every machine: one script of calls, made of the vectors that the other suites check one by
// one, and one digest over all answers of each machine. Emulated boards are slow: they play every STEPth vector of each part,
// unless CONFORMANCE=all, and V8 plays the same.

import { execFileSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, describe, expect, test } from 'vitest';
import { virtWords } from '../../boards/riscv-virt/qemu.js';
import { BROWSER } from '../support/browser.js';
import { have } from '../support/need.js';
import { playInBrowser } from './conformance/browser.js';
import { type Machine, natively, onBoard } from './conformance/machines.js';
import { type Played, play } from './conformance/player.js';
import { type Play, scriptOf } from './conformance/vectors.js';

const MINUTES = 60_000;
const STEP = process.env.CONFORMANCE === 'all' ? 1 : 8;

const file = (name: string) => new URL(`../../build/${name}.wasm`, import.meta.url);
const moduleOf = (name: string) => new WebAssembly.Module(readFileSync(file(name)));
const fast = moduleOf('core');

const all = scriptOf(fast);
const some = STEP === 1 ? all : scriptOf(fast, STEP);
const digests = new Map([all, some].map((each) => [each, play(fast, each.script)]));
const folder = mkdtempSync(join(tmpdir(), 'countersign-conformance-'));
afterAll(() => rmSync(folder, { recursive: true }));

function place(name: string): string {
  mkdirSync(join(folder, name));
  return join(folder, name);
}

function agrees(machine: string, { vectors, of }: Play, played: Played, wanted: Played): void {
  const how = `${vectors} of ${of} vectors, ${played.calls} calls, ${played.bytes} bytes of script`;
  console.log(`${machine.padEnd(32)} digest ${played.digest}: ${how}`);
  expect(played).toEqual(wanted);
}

test("V8: the browsers' profile and the small one", () => {
  expect(all.of).toBeGreaterThan(500);
  agrees('V8, core.wasm', all, digests.get(all)!, digests.get(all)!);
  agrees('V8, core-small.wasm', all, play(moduleOf('core-small'), all.script), digests.get(all)!);
});

describe.runIf(have('cc'))('C on this machine, under sanitizers', () => {
  test('all vectors', { timeout: 10 * MINUTES }, async () => {
    const played = await natively(place('native'), all.script);
    agrees('C, sanitized, core-small.wasm', all, played, digests.get(all)!);
  });

  test('one wrong bit in one constant shows', { timeout: 10 * MINUTES }, async () => {
    const wrong = spoilt(readFileSync(file('core-small')));
    const played = play(new WebAssembly.Module(wrong), some.script);
    expect(played).toMatchObject({ calls: digests.get(some)!.calls, bytes: digests.get(some)!.bytes });
    expect(played.digest).not.toBe(digests.get(some)!.digest);
    const wasm = join(folder, 'wrong.wasm');
    writeFileSync(wasm, wrong);
    expect(await natively(place('wrong'), some.script, wasm)).toEqual(played);
  });
});

/** Flips the lowest bit of SHA-256's first round constant, 428a2f98 (FIPS 180-4 section 4.2.2), in code or in a table. */
function spoilt(wasm: Uint8Array): Uint8Array<ArrayBuffer> {
  const bytes = Uint8Array.from(wasm);
  const places = ['98dfa89404', '982f8a42'].map((hex) => Buffer.from(bytes).indexOf(Buffer.from(hex, 'hex')));
  const at = Math.max(...places);
  expect(at).toBeGreaterThan(0);
  bytes[at]! ^= 1;
  return bytes;
}

interface Emulated extends Machine {
  needs: string[];
  /** Those of a build of its own (assembly/profile.ts) in place of core-small.wasm. */
  uses?: string[];
}

/** The core, compiled for one machine. */
function compiled(folder: string, uses: string[]): string {
  const wasm = join(folder, 'own.wasm');
  const asc = createRequire(import.meta.url).resolve('assemblyscript/bin/asc.js');
  const output = ['--target', 'core', '--outFile', wasm, '--textFile', `${wasm}.wat`];
  const words = ['--liftoff-only', asc, 'assembly/core.ts', ...output, ...uses.flatMap((use) => ['--use', use])];
  execFileSync(process.execPath, words, {
    cwd: fileURLToPath(new URL('../..', import.meta.url)),
    stdio: ['ignore', 'ignore', 'pipe'],
  });
  return wasm;
}

const ARM = ['qemu-system-arm', 'arm-none-eabi-gcc'];
const RISCV = ['qemu-system-riscv32', 'riscv64-unknown-elf-gcc'];
/** 64-bit products, and SHA-512 in its larger shape. */
const M4 = ['PROFILE_SMALL=1', 'PROFILE_SHA512=1'];
const kernel = (machine: string) => (firmware: string) => ['-M', machine, '-kernel', firmware];
const BOARDS: Emulated[] = [
  { board: 'microbit', emulator: 'qemu-system-arm', words: kernel('microbit'), needs: ARM },
  { board: 'mps2-an386', emulator: 'qemu-system-arm', words: kernel('mps2-an386'), needs: ARM, uses: M4 },
  { board: 'riscv-virt', emulator: 'qemu-system-riscv32', words: virtWords, needs: RISCV },
];

describe.each(BOARDS)('$board, emulated', ({ needs, uses, ...machine }) => {
  test.runIf(have(...needs, 'timeout'))('answers as V8 does', { timeout: 10 * MINUTES }, async () => {
    const folder = place(machine.board);
    const wasm = uses && compiled(folder, uses);
    agrees(machine.board, some, await onBoard(folder, machine, some.script, wasm), digests.get(some)!);
  });
});

test.runIf(have(BROWSER, 'timeout'))('Chromium answers as V8 in Node does', { timeout: 10 * MINUTES }, async () => {
  const played = await playInBrowser(readFileSync(file('core')), all.script);
  agrees('Chromium, core.wasm', all, played, digests.get(all)!);
});
