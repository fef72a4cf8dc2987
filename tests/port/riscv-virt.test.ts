// QEMU's RISC-V virt machine as a board that one starts and stops, and what is its own: the clock that is trusted, flash in a file of
// QEMU's, and traps, which are the agent's until the application takes them.

import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest';
import { buildFirmware } from '../../boards/port/build.js';
import type { Emulator } from '../../boards/port/emulator.js';
import { startVirt } from '../../boards/riscv-virt/qemu.js';
import { loadBoard } from '../../host/boards.js';
import { identify, provision } from '../../host/device/identity.js';
import { openTcp } from '../../host/links/tcp.js';
import { createClient } from '../../host/smp/client.js';
import { buildVirtApp, canRunVirt } from '../support/boards.js';
import { makeBootstrap, makeKey, ROLE } from '../support/make.js';
import { compileModule, openTerminal, type Terminal } from '../support/microbit.js';

const DEVICE_BYTES = 0x2000000;
const FAILED = 'ffffffff';
const MINUTES = 60_000;

/** Says what it is, and then does what no processor knows: with the agent's mtvec, or after it took traps itself. */
const TRAPPING = `
#include "virt.h"
static void put(const char *text) { for (; *text; text++) { while (!(UART_LSR & UART_LSR_THR_EMPTY)) {} UART_DATA = (uint8_t)*text; } }
__attribute__((aligned(4), used)) static void own(void) { put("own trap\\r\\n"); for (;;) {} }
__attribute__((used, noreturn)) static void run(void) {
    put("trapping\\r\\n");
    while (!(UART_LSR & UART_LSR_DATA_READY)) {}
    if (UART_DATA == 'o') __asm volatile(".option arch, +zicsr\\n csrw mtvec, %0" : : "r"(own));
    else __asm volatile("li sp, 0"); /* the handler of the agent needs none */
    __asm volatile("unimp");
    __builtin_unreachable();
}
__attribute__((naked, used, section(".entry"))) void reset(void) { __asm volatile("la sp, stack_top\\n j run\\n"); }
`;

const works = canRunVirt();

describe.runIf(works)('the HAL and the chip of riscv-virt', () => {
  const folder = mkdtempSync(join(tmpdir(), 'countersign-riscv-hal-'));
  let board: Emulator;
  let uart: Terminal;
  const line = (letter: string) => new RegExp(`${letter}[0-9a-f]{8}\n`);
  const value = async (letter: string) => (await uart.ask(letter, line(letter))).trim().slice(-8);

  beforeAll(async () => {
    const wasm = join(folder, 'probe.wasm');
    compileModule('tests/assembly/port/probe.ts', wasm);
    const firmware = await buildFirmware('riscv-virt', { folder, wasm });
    const source = join(folder, 'trapping.c');
    writeFileSync(source, TRAPPING);
    const flash = new Uint8Array(DEVICE_BYTES + 0x2c0000).fill(0xff);
    flash.set(buildVirtApp(folder, 'trapping', source), DEVICE_BYTES);
    board = await startVirt({ firmware, flash });
    uart = await openTerminal(board.url);
    await uart.ask('', /m00000000\n/); // what is sent before it has started is gone
  });
  afterAll(async () => {
    await board.close();
    rmSync(folder, { recursive: true });
  });

  test('a trap in the application is recorded by the agent, whatever its stack pointer is', async () => {
    await uart.ask('x', /trapping\r\n/);
    expect(await uart.ask('!', line('m'))).toMatch(/agent: fault at 220000[0-9a-f]{2} .*\r\nm00000001\n$/s);
  });

  test('it is the application that has it once mtvec is its own', async () => {
    await uart.ask('x', /trapping\r\n/);
    await uart.ask('o', /own trap\r\n/);
    await board.reset();
    await uart.ask('', /m00000000\n/);
  });

  test('erases to 0xff, writes words, reads at any alignment', async () => {
    expect(await value('e')).toBe('00000000');
    expect(await value('w')).toBe('00000000');
    expect(await uart.ask('r', /r0{8}\n[0-9a-f]+\n/)).toContain('\nff1122334455667788ff');
    const flash = (await board.readFlash()).subarray(DEVICE_BYTES);
    expect([...flash.subarray(0, 8)]).toEqual(Array(8).fill(0xff));
    expect(flash.subarray(16, 2048).every((byte) => byte === 0xff)).toBe(true);
  });

  test('touches nothing outside the regions, and no part of a word or page', async () => {
    const before = await board.readFlash();
    const answers = [...(await uart.ask('o', /(o[0-9a-f]{8}\n){9}/)).matchAll(/o([0-9a-f]{8})/g)].map((m) => m[1]);
    expect(answers).toEqual([...Array(8).fill(FAILED), '00000000']);
    expect(Buffer.compare(before, await board.readFlash())).toBe(0);
  });

  test('tells the map of board.json, and what large agents ask for', async () => {
    const { flash } = await loadBoard('riscv-virt');
    const answers = [...(await uart.ask('m', /(m[0-9a-f]{8}\n){8}/)).matchAll(/m([0-9a-f]{8})\n/g)].map((m) =>
      Number.parseInt(m[1]!, 16),
    );
    const regions = [flash.primary, flash.secondary, flash.state].flatMap(({ offset, bytes }) => [offset, bytes]);
    expect(answers).toEqual([flash.pageBytes, ...regions, flash.writeBytes]);
  });

  test('random bytes differ, the clock tells the time, there is no card', async () => {
    const one = await uart.ask('n', /[0-9a-f]{32}\n/);
    expect(await uart.ask('n', /[0-9a-f]{32}\n/)).not.toBe(one);
    const clock = /c([0-9a-f]{8})\ncf{8}\n/;
    const seconds = Number.parseInt(clock.exec(await uart.ask('c', clock))![1]!, 16);
    expect(Math.abs(seconds - Date.now() / 1000)).toBeLessThan(60);
  });

  test('time passes as fast as it should', async () => {
    const before = Number.parseInt(await value('t'), 16);
    const began = Date.now();
    await new Promise((done) => setTimeout(done, 500));
    const passed = Number.parseInt(await value('t'), 16) - before;
    expect(passed).toBeGreaterThan(400);
    expect(passed).toBeLessThan((Date.now() - began) * 1.5 + 200);
  });

  test('restart(0) resets into the program, with an empty mailbox', async () => {
    expect(await uart.ask('z', line('m'))).toContain('m00000000');
  });

  test('a fault is recorded, reported, and stays in the agent; the third in a row stops it', async () => {
    await new Promise((done) => setTimeout(done, 1100)); // the fault of before is over
    await value('t');
    expect(await uart.ask('!', line('m'))).toMatch(/agent: fault at 2000[0-9a-f]{4} .*\r\nm00000001\n$/s);
    await uart.ask('!', line('m'));
    expect(await uart.ask('!', /stopped\r\n/)).toMatch(/agent: fault at/);
    await expect(uart.ask('t', line('t'), 500)).rejects.toThrow();
    await board.reset();
    await uart.ask('', /m00000001\n/);
  });
});

describe.runIf(works)('countersign board riscv-virt', () => {
  const folder = mkdtempSync(join(tmpdir(), 'countersign-riscv-board-'));
  const flash = join(folder, 'riscv-virt-board.flash');
  afterAll(() => rmSync(folder, { recursive: true }));

  test('keeps its flash in a file, and says who may answer', { timeout: 4 * MINUTES }, async () => {
    const anchors = [ROLE.vendor, ROLE.operator].map((role) => ({ role, key: makeKey('ed25519', `${role}`) }));
    for (const first of [true, false]) {
      const child = spawn(process.execPath, [resolve('dist/bin/countersign.js'), 'board', 'riscv-virt', '--json'], {
        cwd: folder,
        env: { ...process.env, HOME: folder, XDG_STATE_HOME: folder },
      });
      let said = '';
      let results = '';
      child.stderr.setEncoding('utf8').on('data', (piece: string) => (said += piece));
      child.stdout.setEncoding('utf8').on('data', (piece: string) => (results += piece));
      const port = await vi.waitFor(() => JSON.parse(results.split('\n')[0]!).port, { timeout: MINUTES });
      const client = createClient(await openTcp(port), { timeoutMs: 4000 });
      if (first) await provision(client, makeBootstrap({ deviceId: Uint8Array.of(1, 2, 3, 4), anchors }));
      expect((await identify(client)).deviceId).toBe('01020304');
      await client.close();
      child.kill('SIGINT');
      expect((await once(child, 'exit'))[0]).toBe(130);
      expect(said).toContain('it has no buttons');
    }
    expect(statSync(flash).size).toBe(DEVICE_BYTES);
  });
});
