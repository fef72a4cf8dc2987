// The HAL of every board, function by function, in QEMU: what hal.h promises is what the chip's registers do. A probe
// program stands in the agent's place (tests/assembly/port/probe.ts) and does one thing for each letter on the UART.

import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest';
import type { MicrobitEmulator } from '../../boards/microbit/qemu.js';
import type { Emulator } from '../../boards/port/emulator.js';
import { agentName, type Board, deviceOf, loadBoard } from '../../host/boards.js';
import { readImage } from '../../host/formats/images/image.js';
import { EMULATED, type Board as TestBoard } from '../support/boards.js';
import {
  type Bench,
  canRunMicrobit,
  compileModule,
  microbitBench,
  openTerminal,
  type Terminal,
} from '../support/microbit.js';

const FED = '10600 6e524635'; // RR[0]
const FAILED = 'ffffffff';
const OLD = 0x5a; // what flash holds before
const PRIMARY = 0x10000; // of the micro:bit

const line = (letter: string) => new RegExp(`${letter}[0-9a-f]{8}\n`);

function probe(folder: string): string {
  const wasm = join(folder, 'probe.wasm');
  compileModule('tests/assembly/port/probe.ts', wasm);
  return wasm;
}

describe.each(EMULATED.map(({ name, ...kind }) => ({ name, kind })))('the HAL of $name', ({ name, kind }) => {
  const works = kind.canRun();
  let bench: TestBoard;
  let board: Emulator;
  let described: Board;
  let uart: Terminal;
  const value = async (letter: string) => (await uart.ask(letter, line(letter))).trim().slice(-8);

  beforeAll(async () => {
    if (!works) return;
    described = await loadBoard(name);
    bench = await kind.open(probe);
    const { primary, pageBytes } = described.flash;
    const used = await bench.emulated!.emulator.readFlash();
    await bench.stopAndStart(used.fill(OLD, primary.offset, primary.offset + 3 * pageBytes));
    board = bench.emulated!.emulator;
    uart = await openTerminal(board.url);
    await vi.waitFor(() => uart.ask('t', line('t'), 500), 10_000); // what is sent before it has started may be gone
    await uart.ask('t', new RegExp(`(${line('t').source})+$`));
  });
  afterAll(() => bench?.end());

  test.runIf(works)('erases to 0xff, writes words, reads at any alignment', async () => {
    expect(await value('e')).toBe('00000000');
    expect(await value('w')).toBe('00000000');
    expect(await uart.ask('r', /r0{8}\n[0-9a-f]+\n/)).toContain('\nff1122334455667788ff');
    const { primary, pageBytes } = described.flash;
    const flash = (await board.readFlash()).subarray(primary.offset, primary.offset + 3 * pageBytes);
    expect([...flash.subarray(0, 8)]).toEqual(Array(8).fill(0xff));
    expect(flash.subarray(16, 2 * pageBytes).every((byte) => byte === 0xff)).toBe(true);
    expect(flash.subarray(2 * pageBytes).every((byte) => byte === OLD)).toBe(true); // the page behind them
  });

  test.runIf(works)('the image is read where it runs: a copy of what is asked for, and no more', async () => {
    expect(await uart.ask('i', /i0{8}\n[0-9a-f]+\n/)).toMatch(/if{8}\ni0{8}\nff1122334455667788ff\n$/);
    const { copiedTo } = described.flash;
    if (!copiedTo) return;
    const copy = Buffer.from(await board.readMemory(copiedTo.address, 20)).toString('hex');
    expect(copy).toBe('00000000000000ff1122334455667788ff000000');
  });

  test.runIf(works)('touches nothing outside the regions, and no part of a word or page', async () => {
    const before = await board.readFlash();
    const answers = [...(await uart.ask('o', /(o[0-9a-f]{8}\n){9}/)).matchAll(/o([0-9a-f]{8})/g)].map((m) => m[1]);
    expect(answers).toEqual([...Array(8).fill(FAILED), '00000000']);
    expect(Buffer.compare(before, await board.readFlash())).toBe(0);
  });

  test.runIf(works)('tells the map of board.json, and more of it to large agents alone', async () => {
    const { flash } = described;
    const answers = [...(await uart.ask('m', /(m[0-9a-f]{8}\n){8}/)).matchAll(/m([0-9a-f]{8})\n/g)].map((m) =>
      Number.parseInt(m[1]!, 16),
    );
    expect(answers).toEqual([
      flash.pageBytes,
      ...[flash.primary, flash.secondary, flash.state].flatMap(({ offset, bytes }) => [offset, bytes]),
      agentName(described) === 'agent-large' ? flash.writeBytes : 0,
    ]);
  });

  test.runIf(works)('random bytes differ, the clock tells the time where there is one, there is no card', async () => {
    const one = await uart.ask('n', /[0-9a-f]{32}\n/);
    expect(await uart.ask('n', /[0-9a-f]{32}\n/)).not.toBe(one);
    const clock = /c([0-9a-f]{8})\ncf{8}\n/;
    const seconds = Number.parseInt(clock.exec(await uart.ask('c', clock))![1]!, 16);
    if (described.abilities.clock) expect(Math.abs(seconds - Date.now() / 1000)).toBeLessThan(60);
    else expect(seconds).toBe(0);
  });

  test.runIf(works)('time passes as fast as it should', async () => {
    const before = Number.parseInt(await value('t'), 16);
    const began = Date.now();
    await new Promise((resolve) => setTimeout(resolve, 500));
    const passed = Number.parseInt(await value('t'), 16) - before;
    expect(passed).toBeGreaterThan(400);
    expect(passed).toBeLessThan((Date.now() - began) * 1.5 + 200);
  });

  test.runIf(works)('input is kept while the program is busy: 200 bytes at once', async () => {
    const answers = await uart.ask('l'.repeat(200), /(l0{8}\n){200}/);
    expect(answers.length).toBe(2000);
  });

  test.runIf(works)('restart(0) resets into the program, with an empty mailbox', async () => {
    expect(await uart.ask('z', line('m'))).toContain('m00000000');
  });

  test.runIf(works)('a fault is recorded, reported, and stays in the agent; the third in a row stops it', async () => {
    const { address } = deviceOf(described.flash, described.flash.agent)!;
    const high = (address! >>> 16).toString(16).padStart(4, '0');
    const fault = new RegExp(`agent: fault at ${high}[0-9a-f]{4} .*\r\nm00000001\n$`, 's');
    expect(await uart.ask('!', line('m'))).toMatch(fault);
    await uart.ask('!', line('m'));
    expect(await uart.ask('!', /stopped\r\n/)).toMatch(/agent: fault at/);
    await expect(uart.ask('t', line('t'), 500)).rejects.toThrow();
    await board.reset();
    await uart.ask('', /m00000001\n/);
  });

  test.runIf(works)('faults far apart are not in a row', async () => {
    for (let i = 0; i < 3; i++) {
      await new Promise((resolve) => setTimeout(resolve, 1100));
      expect(await uart.ask('!', line('m'))).toMatch(/agent: fault/);
    }
  });
});

describe.skipIf(!canRunMicrobit())('buttons and watchdog of the micro:bit', () => {
  let bench: Bench;
  let board: MicrobitEmulator;
  let uart: Terminal;
  beforeAll(async () => {
    bench = await microbitBench(probe);
    board = await bench.start();
    uart = await openTerminal(board.url);
    await uart.ask('t', line('t'));
  });
  afterAll(() => bench.end());

  test('button A answers yes and button B no, only while a question is shown', async () => {
    const ask = () => uart.ask('qt', line('t')); // the time's answer shows that the question is up
    await board.press('a');
    await ask();
    await new Promise((resolve) => setTimeout(resolve, 100));
    expect(uart.text).toBe('');
    await board.press('a');
    await uart.ask('', /a00000001\n/);
    await ask();
    await board.press('b');
    await uart.ask('', /a00000002\n/);
    await uart.ask('qdt', line('t'));
    await board.press('b');
    expect(uart.text).toBe('');
  });

  // QEMU has no watchdog of this chip; it tells what is written where one should be.
  test('the watchdog is set, started and fed through its registers', async () => {
    const log = join(mkdtempSync(join(tmpdir(), 'countersign-hal-')), 'unimplemented');
    const watched = await bench.start({ arguments: ['-d', 'unimp', '-D', log] });
    try {
      const terminal = await openTerminal(watched.url);
      await terminal.ask('h', line('h'));
      // QEMU writes its log when it gets round to it.
      const written = () =>
        [...readFileSync(log, 'utf8').matchAll(/write.*offset 0x0*(10[0-9a-f]{3}), value 0x0*([0-9a-f]+)/g)].map(
          ([, offset, value]) => `${offset} ${value}`,
        );
      for (let turn = 0; turn < 100 && !written().slice(written().indexOf('10000 1')).includes(FED); turn++) {
        await watched.readMemory(0, 4);
      }
      const seen = written();
      const set = seen.indexOf('10504 ffff'); // CRV: 2 s at 32,768 Hz
      expect(set).toBeGreaterThan(0);
      expect(seen[set + 1]).toBe('10000 1'); // START
      expect(seen[0]).toBe(FED);
      expect(seen.at(-1)).toBe(FED);
    } finally {
      await watched.close();
      rmSync(dirname(log), { recursive: true });
    }
  });
});

describe.skipIf(!canRunMicrobit())('the application on the micro:bit', () => {
  let bench: Bench;
  let board: MicrobitEmulator;
  let uart: Terminal;
  beforeAll(async () => {
    bench = await microbitBench(probe);
    const flash = new Uint8Array(0x40000).fill(0xff);
    const hex = 'boards/microbit/app/app-1.0.0.hex';
    flash.set((await readImage(readFileSync(hex), hex)).bytes, PRIMARY);
    board = await bench.start({ flash });
    uart = await openTerminal(board.url);
    await uart.ask('t', /t[0-9a-f]{8}\n/);
  });
  afterAll(() => bench.end());

  test('is started by the agent and says its version', async () => {
    await uart.ask('x', /demo-app 1\.0\.0\r\n/);
    expect(await uart.ask('v?', /this list\r\n/)).toMatch(/demo-app 1\.0\.0\r\n.*time since start/s);
  });

  test('counts time and button presses', async () => {
    await board.press('a');
    await board.press('a');
    await uart.ask('b', /pressed 2 times/);
    await uart.ask('u', /up 0:00:0\d\r\n/);
  });

  test('answers the knock: confirms itself and stays in the agent', async () => {
    await uart.ask('\x06\x08\x06\x06\x09', /m00000003\n/);
  });

  test('confirms by command', async () => {
    await uart.ask('x', /demo-app/);
    await uart.ask('c', /confirmed, restarting\r\nm00000002\n/);
  });

  test('a reset at any moment comes back to the agent', async () => {
    await uart.ask('x', /demo-app/);
    await board.reset();
    await uart.ask('', /m00000000\n/);
  });
});
