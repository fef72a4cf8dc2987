// Which framing a serial line goes in: console with everybody, cobs with an agent that answers it on a line that lets it pass,
// and cobs from the first byte on where somebody says so.

import { afterEach, describe, expect, it } from 'vitest';
import { startVirtualBoard } from '../../boards/virtual/board.js';
import { openPty } from '../../boards/virtual/pty.js';
import { readState } from '../../host/device/identity.js';
import { openSerial } from '../../host/links/serial.js';
import type { Opening } from '../../host/links/stream.js';
import { type Client, createClient } from '../../host/smp/client.js';
import { echo, parameters } from '../../host/smp/commands.js';
import { CONSOLE_START, decodeConsole } from '../../host/smp/console.js';
import { sleep } from '../../host/wait.js';
import { byteLine } from '../support/byte-line.js';
import { OLD_IMAGE } from '../support/foreign-world.js';
import { cobs, frame, packet, uncobs } from '../support/smp.js';
import { overCobs, overConsole } from '../support/smp-lines.js';
import { makeServer, PERSONAS } from '../support/smp-server.js';

const cleanups: (() => unknown)[] = [];
afterEach(async () => {
  for (const cleanup of cleanups.splice(0).reverse()) await cleanup();
});
const later = <T extends { close(): unknown }>(thing: T): T => {
  cleanups.push(() => thing.close());
  return thing;
};

const opened = async (port: string, framing?: Opening['framing'], more = {}): Promise<Client> =>
  later(createClient(await openSerial(port, undefined, framing && { framing }), { retries: 1, ...more }));

/** The board's line as somebody else's adapter has it: what goes to the board, and what comes from it, passes here. */
async function through(to: (bytes: Buffer) => Buffer, from = (bytes: Buffer) => bytes) {
  const board = later(await startVirtualBoard({}));
  const { port } = later(await byteLine(board.port, { to, from }));
  return { board, port };
}

describe('a line to our agent', () => {
  it.each([undefined, 'auto', 'agent'] as const)(
    'goes over to cobs when the agent has answered (%s)',
    async (framing) => {
      const board = later(await startVirtualBoard({}));
      const client = await opened(board.port, framing);
      expect(await echo(client, 'anybody')).toBe('anybody');
      expect(client.link.framingBytes).toBe(4);
      expect(await readState(client)).toBe(10);
      await readState(client);
      expect(client.link.framingBytes).toBe(0);
      expect((await parameters(client)).bufferBytes).toBe(640);
      for (const length of [0, 240, 250, 251, 252, 500, 610]) {
        expect(await echo(client, 'x'.repeat(length))).toBe('x'.repeat(length));
      }
    },
  );

  it('stays in console framing where that was asked for', async () => {
    const board = later(await startVirtualBoard({}));
    const client = await opened(board.port, 'console');
    for (let n = 0; n < 3; n++) await readState(client);
    expect(client.link.framingBytes).toBe(4);
  });

  it('stays in console framing where the line takes a character for itself, and nothing is lost by the trial', async () => {
    let probes = 0;
    const { port } = await through((bytes) => {
      if (bytes.includes(0x11)) probes += 1;
      return bytes.filter((byte) => byte !== 0x11 && byte !== 0x13) as Buffer; // XON, XOFF
    });
    const client = await opened(port);
    for (let n = 0; n < 8; n++) expect(await readState(client)).toBe(10);
    expect(client.link.framingBytes).toBe(4);
    expect(probes).toBe(2);
  });

  it('falls back to console framing when nobody answers cobs any more: another board may be there', async () => {
    let old = false; // an agent before cobs
    const { port } = await through((bytes) => (old && (bytes[0] === 1 || bytes[0] === 2) ? Buffer.of(0) : bytes));
    const client = await opened(port, undefined, { timeoutMs: 500, retries: 6 });
    for (let n = 0; n < 2; n++) await readState(client);
    expect(client.link.framingBytes).toBe(0);
    old = true;
    for (let n = 0; n < 3; n++) expect(await readState(client)).toBe(10);
  });

  it('wakes an agent that has started its application, which knows console frames only, and goes on in cobs', async () => {
    const first: number[] = [];
    const { port } = await through((bytes) => {
      first.push(bytes[0]!);
      return bytes;
    });
    const client = await opened(port);
    for (let n = 0; n < 2; n++) await readState(client);
    expect(client.link.framingBytes).toBe(0);
    await sleep(8200); // longer than host/links/stream.ts takes an agent to be awake for, less than it is
    first.length = 0;
    await readState(client);
    expect(first[0]).toBe(6);
    // Where the machine was so busy that the agent has left meanwhile, the first one only woke it.
    for (let n = 0; n < 4 && first.at(-1) !== 2; n++) await readState(client);
    expect(first.at(-1)).toBe(2);
  });

  it('shows the text between cobs frames, and no frame as text', async () => {
    const board = later(await startVirtualBoard({}));
    const client = await opened(board.port);
    const said: string[] = [];
    client.link.listen({ text: (bytes) => void said.push(Buffer.from(bytes).toString('latin1')) });
    for (let n = 0; n < 2; n++) await readState(client);
    board.reset();
    for (let n = 0; n < 3; n++) await readState(client);
    expect(said.join('')).not.toMatch(/[^\r\n -~]/);
  });
});

describe('a line to somebody else', () => {
  it('never carries a byte that is not of console framing, whatever is asked', async () => {
    const heard: Buffer[] = [];
    const server = makeServer(PERSONAS['Zephyr 4 application'], OLD_IMAGE);
    const line = later(overConsole(server));
    const to = (bytes: Buffer) => {
      heard.push(bytes);
      return bytes;
    };
    const client = await opened(later(await byteLine(line.port, { to })).port, 'auto');
    expect(await echo(client, 'hello')).toBe('hello');
    await readState(client).catch(() => undefined);
    expect(await echo(client, 'hello')).toBe('hello');
    const [items] = decodeConsole(CONSOLE_START, Buffer.concat(heard));
    expect(items.filter(({ kind }) => kind !== 'packet').map(({ bytes }) => Buffer.from(bytes).toString())).toEqual([
      '\n',
    ]);
  });

  it('with a group 64 of its own is no agent of ours', async () => {
    const body = { fmt: 'sensor', len: 1, off: 0, data: Uint8Array.of(1) };
    const answer = (request: Uint8Array) => packet({ group: 64, id: 0, body, sequence: request[6]! });
    let strange = 0;
    const pty = later(
      openPty((bytes) => {
        if (bytes.includes(2) || bytes.includes(1)) strange += 1;
        const [items] = decodeConsole(CONSOLE_START, bytes);
        for (const item of items) {
          if (item.kind !== 'packet') continue;
          const response = answer(item.bytes);
          response[0] = 9;
          pty.write(frame(response));
        }
      }),
    );
    const client = await opened(pty.path);
    for (let n = 0; n < 2; n++) await expect(readState(client)).rejects.toThrow();
    expect(strange).toBe(0);
  });

  it('that speaks cobs alone is spoken to in it, from the first byte on', async () => {
    const server = makeServer(PERSONAS['MCUboot serial recovery'], OLD_IMAGE);
    const { port } = later(overCobs(server));
    const client = await opened(port, 'cobs', { timeoutMs: 3000 });
    expect(await echo(client, 'x'.repeat(300))).toBe('x'.repeat(300));
    expect(server.heard.length).toBe(1);
    expect(client.link.framingBytes).toBe(0);
  });

  it('that answers with half a frame costs a moment, not the next answer', async () => {
    let answered = 0;
    const pty = later(
      openPty((bytes) => {
        for (const request of uncobs(bytes.subarray(bytes.lastIndexOf(0, -2) + 1))) {
          const answer = packet({ group: 0, id: 0, body: { r: 'hello' }, sequence: request[6]! });
          answer[0] = 11;
          const whole = cobs(answer);
          pty.write(answered++ === 0 ? whole.subarray(0, 12) : whole);
        }
      }),
    );
    const client = await opened(pty.path, 'cobs', { timeoutMs: 1000, retries: 3 });
    expect(await echo(client, 'hello')).toBe('hello');
  });
});
