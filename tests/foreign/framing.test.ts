// Raw framing (Zephyr's raw UART transport, MCUboot's raw protocol): packets split anywhere, noise that looks like a header,
// and a line of which nobody knows yet how packets stand on it.

import { afterEach, describe, expect, it } from 'vitest';
import { openPty } from '../../boards/virtual/pty.js';
import { openSerial } from '../../host/links/serial.js';
import { createClient } from '../../host/smp/client.js';
import { echo } from '../../host/smp/commands.js';
import { encodePacket } from '../../host/smp/packet.js';
import { decodeRaw, resync } from '../../host/smp/raw.js';
import { makePlace } from '../support/command.js';
import { OLD_IMAGE } from '../support/foreign-world.js';
import { overConsole, overRaw } from '../support/smp-lines.js';
import { makeServer, PERSONAS } from '../support/smp-server.js';

const cleanups: (() => unknown)[] = [];
afterEach(async () => {
  for (const cleanup of cleanups.splice(0).reverse()) await cleanup();
});
const later = <T extends { close(): unknown }>(thing: T): T => {
  cleanups.push(() => thing.close());
  return thing;
};

const PACKET = encodePacket({ version: 2, op: 3, group: 1, sequence: 7, id: 1, body: { off: 97 } });
const textOf = (items: ReturnType<typeof decodeRaw>[0]) =>
  items.filter(({ kind }) => kind === 'text').map(({ bytes }) => Buffer.from(bytes).toString('latin1'));
const packetsIn = (items: ReturnType<typeof decodeRaw>[0]) =>
  items.filter(({ kind }) => kind === 'packet').map(({ bytes }) => Buffer.from(bytes));

describe('raw framing', () => {
  it('takes packets split anywhere, with text between', () => {
    const stream = Buffer.concat([Buffer.from('boot\n'), PACKET, PACKET, Buffer.from('log\n')]);
    for (let at = 0; at <= stream.length; at++) {
      const [first, rest] = decodeRaw(new Uint8Array(), stream.subarray(0, at));
      const [second] = decodeRaw(rest, stream.subarray(at));
      const items = [...first, ...second];
      expect(packetsIn(items)).toEqual([Buffer.from(PACKET), Buffer.from(PACKET)]);
      expect(textOf(items).join('')).toBe('boot\nlog\n');
    }
  });

  it('finds the packet behind what only looked like a header, and loses no byte', () => {
    const falseStart = Buffer.from('0b00020000010701', 'hex'); // a header of a packet of 512 bytes
    const [items, rest] = decodeRaw(new Uint8Array(), Buffer.concat([falseStart, PACKET, Buffer.from('log')]));
    expect(packetsIn(items)).toEqual([]);
    const [found, left] = resync(rest);
    expect(packetsIn(found)).toEqual([Buffer.from(PACKET)]);
    expect(textOf(found).join('')).toBe(`${falseStart.toString('latin1')}log`);
    expect(left.length).toBe(0);
  });

  it('on a line: noise before an answer costs a moment, not the answer', async () => {
    const server = makeServer(PERSONAS['Zephyr 4 application'], OLD_IMAGE);
    const noise = Uint8Array.from(Buffer.from('0b00020000010701', 'hex'));
    const pty = later(
      openPty((bytes) => {
        const answer = server.take(bytes);
        if (answer) pty.write(Buffer.concat([noise, answer]));
      }),
    );
    const client = createClient(await openSerial(pty.path, undefined, { framing: 'raw' }), {
      timeoutMs: 20_000,
      retries: 0,
    });
    cleanups.push(() => client.close());
    expect(await echo(client, 'hello')).toBe('hello');
  });
});

describe('a raw line that nobody said to be one', () => {
  it('is found by a command as it is; told console, the hint names auto', async () => {
    const server = makeServer(PERSONAS['Zephyr 4 application'], OLD_IMAGE);
    const { port } = later(overRaw(server));
    const place = await makePlace();
    cleanups.push(() => place.remove());
    const words = ['tree', 'get', '.', '--port', port];
    const found = await place.run(...words);
    expect(found).toMatchObject({ code: 1, stderr: expect.stringContaining('does not know our agent’s commands') });
    const told = await place.run(...words, '--framing', 'console', '--timeout', '0.3', '--retries', '1');
    expect(told).toMatchObject({ code: 41, stderr: expect.stringContaining('--framing auto') });
  });
});

describe('--framing auto', () => {
  const ROADS = [
    ['console', overConsole, 4],
    ['raw', overRaw, 0],
  ] as const;
  it.each(ROADS)('speaks %s with who speaks it', async (_, line, framingBytes) => {
    const server = makeServer(PERSONAS['MCUboot serial recovery'], OLD_IMAGE);
    const { port } = later(line(server));
    const client = createClient(await openSerial(port, undefined, { framing: 'auto' }), {
      timeoutMs: 5000,
      retries: 5,
    });
    cleanups.push(() => client.close());
    expect(await echo(client, 'x'.repeat(200))).toBe('x'.repeat(200));
    expect(client.link.framingBytes).toBe(framingBytes);
    const requests = server.heard.length;
    expect(await echo(client, 'again')).toBe('again');
    expect(server.heard.length).toBe(requests + 1);
  });
});
