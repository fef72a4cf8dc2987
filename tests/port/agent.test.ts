// The agent on the emulated Cortex-M0, over its UART: any SMP client can talk to it, and nothing that comes down the
// line, no reset and no power cut leaves it deaf.

import { once } from 'node:events';
import { connect } from 'node:net';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { MicrobitEmulator } from '../../boards/microbit/qemu.js';
import { openTcp } from '../../host/links/tcp.js';
import { type Client, createClient } from '../../host/smp/client.js';
import { echo, parameters } from '../../host/smp/commands.js';
import { encodeConsole } from '../../host/smp/console.js';
import { type Bench, canRunMicrobit, microbitBench } from '../support/microbit.js';

const STORM_BYTES = 1 << 20;

describe.skipIf(!canRunMicrobit())('the agent on the micro:bit', () => {
  let bench: Bench;
  let board: MicrobitEmulator;
  beforeAll(async () => {
    bench = await microbitBench();
    board = await bench.start();
  });
  afterAll(() => bench.end());

  const talk = async <T>(use: (client: Client) => Promise<T>): Promise<T> => {
    const client = createClient(await openTcp(board.url), { timeoutMs: 1000 });
    try {
      return await use(client);
    } finally {
      await client.close();
    }
  };
  const answers = async () => {
    const text = `echo ${Math.random()}`;
    expect(await talk((client) => echo(client, text))).toBe(text);
  };
  /** A terminal's worth of bytes, whatever they are. */
  const pour = async (bytes: Uint8Array) => {
    const socket = connect(Number(new URL(board.url).port), '127.0.0.1');
    await once(socket, 'connect');
    socket.resume();
    await new Promise<void>((resolve) => socket.write(bytes, () => resolve()));
    socket.end();
    await once(socket, 'close');
  };

  test('answers an echo as long as its buffer', async () => {
    const { bufferBytes } = await talk(parameters);
    const text = 'e'.repeat(bufferBytes - 8 - 6); // header, and what CBOR adds around the text
    expect(await talk((client) => echo(client, text))).toBe(text);
  });

  test('answers after a megabyte of random bytes', async () => {
    let state = 0x9e3779b9;
    const noise = new Uint8Array(STORM_BYTES);
    for (let i = 0; i < noise.length; i++) {
      state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
      noise[i] = state >>> 24;
    }
    await pour(noise);
    await answers();
  });

  test('answers after half frames, every length of one', async () => {
    const frames = Buffer.concat(encodeConsole(new Uint8Array(200).fill(7)));
    for (let length = 1; length < frames.length; length += 5) await pour(frames.subarray(0, length));
    await answers();
  });

  test('answers after frames that claim too much', async () => {
    const lines = Array(40)
      .fill(`\x06\x09${'A'.repeat(124)}\n\x04\x14${'/'.repeat(124)}\n`)
      .join('');
    await pour(Buffer.from(lines, 'latin1'));
    await answers();
  });

  test('answers after breaks on the line', async () => {
    const frames = Buffer.concat(encodeConsole(new Uint8Array(200).fill(7)));
    for (let i = 0; i < 20; i++) {
      await pour(frames.subarray(0, (frames.length * i) / 20)); // also in the middle of a frame
      await board.control('chardev-send-break', { id: 'uart' });
    }
    await answers();
  });

  test('answers after a reset at any moment of a request', async () => {
    const frames = Buffer.concat(encodeConsole(new Uint8Array(100)));
    for (let i = 0; i < 10; i++) {
      await pour(frames.subarray(0, (frames.length * i) / 10));
      await board.reset();
    }
    await answers();
  });

  test('answers after a full stop and a start with the flash it had', async () => {
    const flash = await board.readFlash();
    await board.close();
    board = await bench.start({ flash });
    await answers();
    const after = await board.readFlash();
    expect(Buffer.compare(after.subarray(0x10000, 0x3c000), flash.subarray(0x10000, 0x3c000))).toBe(0);
  });
});
