// Flashers of other people behind the verdict, as docs/flashers.md has them, with what Debian has of them: avrdude writes to a boot
// loader that speaks STK500 (optiboot's part of it, scripted here), openocd to its own flash in memory, behind its own dummy
// adapter. dfu-util finds no device, and says so; esptool, picotool and west are not in Debian 12.

import { readFileSync, writeFileSync } from 'node:fs';
import type { AddressInfo } from 'node:net';
import { createServer, type Server, type Socket } from 'node:net';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type ForeignWorld, makeForeignWorld } from '../support/foreign-world.js';
import { have } from '../support/need.js';

const IMAGE = new Uint8Array(1500).map((_, at) => at * 13 + 5);
const APPROVED = ['--bootstrap', 'reject.cbor', '--approval', 'r.cose', '--installed', '1'];

let world: ForeignWorld;
beforeAll(async () => {
  world = await makeForeignWorld();
  world.bootstrap('reject.cbor', { unapproved: 'reject' });
  world.package('r.suit', 5n, IMAGE);
  world.approval('r.cose', 'r.suit', 2n);
});
afterAll(() => world.close());
const guard = (given: string[], ...tool: string[]) =>
  world.place.run('guard', 'r.suit', '--remember', 'guard.json', '--log', 'log.jsonl', ...given, '--', ...tool);

/** STK500 version 1, as the boot loader of an ATmega328P answers it: AVR061, and optiboot's answers to what it does not know. */
const STK = { inSync: 0x14, ok: 0x10, end: 0x20 } as const;
const SIGNATURE = [0x1e, 0x95, 0x0f];
/** How many bytes follow the command, without the end. */
const LENGTHS: Record<number, number> = { 65: 1, 66: 20, 69: 5, 85: 2, 86: 4, 116: 3 };

interface Bootloader {
  flash: Uint8Array;
  writes: number;
  port: number;
  close(): void;
}

async function startBootloader(): Promise<Bootloader> {
  const flash = new Uint8Array(32 * 1024).fill(0xff);
  const board = { flash, writes: 0, port: 0, close: () => server.close() };
  const answer = (command: number, body: Uint8Array, address: number): number[] => {
    if (command === 0x41) return [body[0]! < 0x83 ? 4 : 0];
    if (command === 0x75) return SIGNATURE;
    if (command === 0x56) return [0];
    if (command === 0x74) return [...flash.subarray(address, address + (body[0]! << 8) + body[1]!)];
    if (command !== 0x64) return [];
    const bytes = (body[0]! << 8) + body[1]!;
    flash.set(body.subarray(3, 3 + bytes), address);
    board.writes++;
    return [];
  };
  const server: Server = createServer((socket: Socket) => {
    let got = Buffer.alloc(0);
    let address = 0;
    socket.on('error', () => undefined);
    socket.on('data', (piece) => {
      got = Buffer.concat([got, piece]);
      for (;;) {
        const command = got[0];
        if (command === undefined) return;
        const length = command === 0x64 ? 3 + (got.length < 3 ? 0 : (got[1]! << 8) + got[2]!) : (LENGTHS[command] ?? 0);
        if (got.length < length + 2) return;
        const body = got.subarray(1, 1 + length);
        if (got[1 + length] !== STK.end) throw new Error(`stk500: ${command.toString(16)} has no end`);
        if (command === 0x55) address = 2 * (body[0]! + (body[1]! << 8)); // of words, in a boot loader
        socket.write(Uint8Array.of(STK.inSync, ...answer(command, body, address), STK.ok));
        got = got.subarray(length + 2);
      }
    });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  board.port = (server.address() as AddressInfo).port;
  return board;
}

describe.skipIf(!have('avrdude'))('avrdude', () => {
  it('writes exactly the image that was approved, verifies it, and is not run for what is not', async () => {
    const board = await startBootloader();
    try {
      const words = ['-c', 'arduino', '-p', 'm328p', '-P', `net:127.0.0.1:${board.port}`, '-U', 'flash:w:{image}:r'];
      const refused = await guard(['--bootstrap', 'reject.cbor', '--installed', '1'], 'avrdude', ...words);
      expect([refused.code, board.writes]).toEqual([20, 0]);
      const ended = await guard(APPROVED, 'avrdude', ...words);
      expect(ended, ended.stderr).toMatchObject({ code: 0, stdout: expect.stringContaining('written: avrdude') });
      expect(ended.stderr).toMatch(/1500 bytes of flash verified/);
      expect(board.flash.subarray(0, IMAGE.length)).toEqual(IMAGE);
    } finally {
      board.close();
    }
  });

  it('that finds no board has failed, and nothing is remembered', async () => {
    const words = ['-c', 'arduino', '-p', 'm328p', '-P', 'net:127.0.0.1:1', '-U', 'flash:w:{image}:r'];
    const ended = await guard([...APPROVED, '--json'], 'avrdude', ...words);
    expect([ended.code, ended.json().tool]).toEqual([1, { program: 'avrdude', exit: 1 }]);
  });
});

describe.skipIf(!have('openocd'))('openocd', () => {
  it('writes the image by its own command, and is told from one that fails', async () => {
    const target = [
      'adapter driver dummy',
      'adapter speed 1000',
      'transport select jtag',
      'jtag newtap sim cpu -irlen 4',
      'target create sim.cpu testee -chain-position sim.cpu',
      'flash bank sim.flash faux 0x08000000 0x10000 0 0 sim.cpu',
    ];
    writeFileSync(world.place.path('sim.cfg'), `${target.join('\n')}\n`);
    const words = ['openocd', '-f', 'sim.cfg', '-c'];
    const ended = await guard(APPROVED, ...words, 'program {image} 0x08000000 exit');
    expect(ended, ended.stderr).toMatchObject({
      code: 0,
      stderr: expect.stringContaining('** Programming Finished **'),
    });
    // Where nothing can be read back, openocd's own check fails: this flash keeps no bytes.
    const verified = await guard(APPROVED, ...words, 'program {image} verify 0x08000000 exit');
    expect([verified.code, verified.stderr]).toEqual([1, expect.stringContaining('** Verify Failed **')]);
  });
});

describe.skipIf(!have('dfu-util'))('dfu-util', () => {
  it('that finds no device ends with its own code, and nothing is remembered', async () => {
    const before = readFileSync(world.place.path('guard.json'), 'utf8');
    const ended = await guard(
      APPROVED,
      'dfu-util',
      '-d',
      '0483:df11',
      '-a',
      '0',
      '-s',
      '0x08000000:leave',
      '-D',
      '{image}',
    );
    expect([ended.code, ended.stderr]).toEqual([74, expect.stringContaining('No DFU capable USB device')]);
    expect(readFileSync(world.place.path('guard.json'), 'utf8')).toBe(before);
  });
});
