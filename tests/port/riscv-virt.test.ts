// QEMU's RISC-V virt machine: traps are the agent's until the application takes them; and the board as one starts and stops it, its
// flash in a file of QEMU's.

import { execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest';
import { buildFirmware } from '../../boards/port/build.js';
import type { Emulator } from '../../boards/port/emulator.js';
import { lockFlash } from '../../boards/port/flash-lock.js';
import { startVirt } from '../../boards/riscv-virt/qemu.js';
import { identify, provision } from '../../host/device/identity.js';
import { openTcp } from '../../host/links/tcp.js';
import { createClient } from '../../host/smp/client.js';
import { canRunVirt } from '../support/boards.js';
import { makeBootstrap, makeKey, ROLE } from '../support/make.js';
import { compileModule, openTerminal, type Terminal } from '../support/microbit.js';

const DEVICE_BYTES = 0x2000000;
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

/** A program for the primary slot. */
function build(source: string): Uint8Array {
  const elf = `${source}.elf`;
  execFileSync('riscv64-unknown-elf-gcc', [
    ...['-march=rv32imac', '-mabi=ilp32', '-mcmodel=medany', '-Os', '-Wall', '-Werror', '-ffreestanding', '-nostdlib'],
    ...['-Wl,--build-id=none', '-I', 'boards/riscv-virt', '-T', 'boards/riscv-virt/app/app.ld', source, '-o', elf],
  ]);
  execFileSync('riscv64-unknown-elf-objcopy', ['-O', 'binary', elf]);
  return readFileSync(elf);
}

const works = canRunVirt();

describe.runIf(works)('an application on RISC-V', () => {
  const folder = mkdtempSync(join(tmpdir(), 'countersign-riscv-hal-'));
  let board: Emulator;
  let uart: Terminal;

  beforeAll(async () => {
    const wasm = join(folder, 'probe.wasm');
    compileModule('tests/assembly/port/probe.ts', wasm);
    const firmware = await buildFirmware('riscv-virt', { folder, wasm });
    const source = join(folder, 'trapping.c');
    writeFileSync(source, TRAPPING);
    const flash = new Uint8Array(DEVICE_BYTES + 0x2c0000).fill(0xff);
    flash.set(build(source), DEVICE_BYTES);
    board = await startVirt({ firmware, flash });
    uart = await openTerminal(board.url);
    await vi.waitFor(() => uart.ask('t', /t[0-9a-f]{8}\n/, 500), 10_000); // what is sent before it has started is gone
  });
  afterAll(async () => {
    await board.close();
    rmSync(folder, { recursive: true });
  });

  test('a trap in the application is recorded by the agent, whatever its stack pointer is', async () => {
    await uart.ask('x', /trapping\r\n/);
    expect(await uart.ask('!', /m[0-9a-f]{8}\n/)).toMatch(/agent: fault at 220000[0-9a-f]{2} .*\r\nm00000001\n$/s);
  });

  test('it is the application that has it once mtvec is its own', async () => {
    await uart.ask('x', /trapping\r\n/);
    await uart.ask('o', /own trap\r\n/);
    await board.reset();
    await uart.ask('', /m00000000\n/);
  });
});

describe.runIf(works)('flash that refuses', () => {
  test('an erase and a write that the chips complain about have failed, and the chips are read again', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'countersign-riscv-flash-'));
    const wasm = join(folder, 'probe.wasm');
    compileModule('tests/assembly/port/probe.ts', wasm);
    const firmware = await buildFirmware('riscv-virt', { folder, wasm });
    const flash = new Uint8Array(DEVICE_BYTES + 32).fill(0xff);
    flash.set(Buffer.from('1122334455667788', 'hex'), DEVICE_BYTES + 8); // what the probe writes
    const board = await startVirt({ firmware, flash, protect: true });
    try {
      const uart = await openTerminal(board.url);
      await vi.waitFor(() => uart.ask('t', /t[0-9a-f]{8}\n/, 500), 10_000);
      await uart.ask('e', /ef{8}\n/);
      await uart.ask('w', /wf{8}\n/); // although it stands there already
      await uart.ask('r', /r0{8}\nff1122334455667788ff\n/);
    } finally {
      await board.close();
      rmSync(folder, { recursive: true });
    }
  });
});

describe.runIf(works)('countersign board riscv-virt', () => {
  const folder = mkdtempSync(join(tmpdir(), 'countersign-riscv-board-'));
  const flash = join(folder, 'riscv-virt-board.flash');
  afterAll(() => rmSync(folder, { recursive: true }));

  test('what QEMU does not take is said at once, in its words', async () => {
    await expect(startVirt({ firmware: '/no/such.elf' })).rejects.toThrow(/ended: .*such\.elf/);
    const short = join(folder, 'short.flash');
    writeFileSync(short, new Uint8Array(1000));
    await expect(startVirt({ firmware: '/no/such.elf', flashPath: short })).rejects.toThrow('has 1000 bytes');
    await expect(startVirt({ firmware: '/no/such.elf', flashPath: folder })).rejects.toThrow('is no file');
    expect(readFileSync(short).length).toBe(1000);
  });

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
      if (first) expect(() => lockFlash(flash)).toThrow('is the flash of a board that runs');
      child.kill('SIGINT');
      expect((await once(child, 'exit'))[0]).toBe(130);
      expect(existsSync(`${flash}.lock`)).toBe(false);
      expect(said).toContain('it has no buttons');
    }
    expect(statSync(flash).size).toBe(DEVICE_BYTES);
  });
});
