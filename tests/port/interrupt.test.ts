// An application with interrupts, on a processor whose vector table cannot move: the agent's table hands each one on to
// the application's (boards/port/cortexm.c), and the application's faults are still the agent's to record.

import { execFileSync } from 'node:child_process';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { MicrobitEmulator } from '../../boards/microbit/qemu.js';
import { readImage } from '../../host/formats/images/image.js';
import {
  type Bench,
  canRunMicrobit,
  compileModule,
  microbitBench,
  openTerminal,
  type Terminal,
} from '../support/microbit.js';

const PRIMARY = 0x10000;
const APPLICATION = `
#include "nrf51.h"
extern uint32_t stack_top[];
static void put(char c) { UART_TXDRDY = 0; UART_TXD = (uint8_t)c; while (!UART_TXDRDY) {} }
static void tick(void) { TIMER1_COMPARE0 = 0; put('!'); }
void reset(void) {
  UART_PSELTXD = PIN_TXD; UART_PSELRXD = PIN_RXD; UART_BAUDRATE = UART_BAUD_115200; UART_ENABLE = UART_ENABLED;
  UART_STARTTX = 1; UART_STARTRX = 1; UART_RXDRDY = 0;
  TIMER1_PRESCALER = TIMER_1_MHZ; TIMER1_CC0 = 20000; TIMER1_SHORTS = TIMER_COMPARE0_CLEAR;
  TIMER1_INTENSET = TIMER_INT_COMPARE0; TIMER1_CLEAR = 1; TIMER1_START = 1;
  NVIC_ISER = 1u << IRQ_TIMER1;
  put('>');
  while (!UART_RXDRDY) __asm volatile("wfi"); /* then something no processor knows */
  __asm volatile("udf #1");
}
__attribute__((section(".vectors"), used)) static const void *const vectors[48] = {
  stack_top, (void *)reset, [16 + IRQ_TIMER1] = (void *)tick,
};
`;

describe.skipIf(!canRunMicrobit())('an application with interrupts', () => {
  let bench: Bench;
  let board: MicrobitEmulator;
  let uart: Terminal;
  beforeAll(async () => {
    let elf = '';
    bench = await microbitBench((folder) => {
      elf = join(folder, 'application.elf');
      writeFileSync(join(folder, 'application.c'), APPLICATION);
      execFileSync('arm-none-eabi-gcc', [
        ...['-mcpu=cortex-m0', '-mthumb', '-Os', '-ffreestanding', '-nostdlib', '-I', 'boards/microbit'],
        ...['-T', 'boards/microbit/app/app.ld', join(folder, 'application.c'), '-o', elf],
      ]);
      const wasm = join(folder, 'probe.wasm');
      compileModule('tests/assembly/port/probe.ts', wasm);
      return wasm;
    });
    const flash = new Uint8Array(0x40000).fill(0xff);
    flash.set((await readImage(readFileSync(elf), elf)).bytes, PRIMARY);
    board = await bench.start({ flash });
    uart = await openTerminal(board.url);
    await uart.ask('t', /t[0-9a-f]{8}\n/);
  });
  afterAll(() => bench.end());

  test('gets its interrupts', async () => {
    expect(await uart.ask('x', />!{5}/)).toMatch(/>!{5}$/);
  });

  test('that faults is recorded by the agent, which stays', async () => {
    expect(await uart.ask('?', /m[0-9a-f]{8}\n/)).toMatch(/agent: fault at 0001[0-9a-f]{4} .*m00000001\n$/s);
  });
});
