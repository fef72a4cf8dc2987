// What a broker sends is bounded: a giant message is cut before it is kept, and what comes behind it is heard.

import { createServer, type Socket } from 'node:net';
import { afterEach, expect, it } from 'vitest';
import { connectBroker } from '../../host/links/mqtt.js';
import { MESSAGE_BYTES_MAX } from '../../host/links/mqtt-bound.js';
import { seeded } from '../support/unruly.js';

const MEGABYTE = 1024 * 1024;
const cleanups: (() => unknown)[] = [];
afterEach(async () => {
  for (const cleanup of cleanups.splice(0).reverse()) await cleanup();
});

/** Says that it is connected, and then what it likes. */
async function hostile(then: (socket: Socket) => void): Promise<string> {
  const sockets = new Set<Socket>();
  const server = createServer((socket) => {
    sockets.add(socket);
    socket.on('error', () => undefined);
    socket.once('data', () => {
      socket.write(Buffer.from([0x20, 2, 0, 0]));
      then(socket);
    });
  });
  await new Promise<void>((done) => server.listen(0, '127.0.0.1', done));
  cleanups.push(() => {
    for (const socket of sockets) socket.destroy();
    server.close();
  });
  return `mqtt://127.0.0.1:${(server.address() as { port: number }).port}`;
}

function lengthBytes(length: number): number[] {
  const rest = Math.floor(length / 0x80);
  return rest > 0 ? [(length & 0x7f) | 0x80, ...lengthBytes(rest)] : [length];
}
const head = (topic: string, bytes: number) =>
  Buffer.from([
    ...[0x30, ...lengthBytes(2 + topic.length + bytes)],
    ...[topic.length >> 8, topic.length & 0xff, ...Buffer.from(topic)],
  ]);

it('a message of 200 MiB costs no memory, and the next one is heard', async () => {
  const url = await hostile(async (socket) => {
    const piece = Buffer.alloc(MEGABYTE);
    socket.write(head('giant', 200 * MEGABYTE));
    for (let sent = 0; sent < 200; sent++) {
      if (!socket.write(piece)) await new Promise((done) => socket.once('drain', done));
    }
    socket.write(Buffer.concat([head('exact', 3), Buffer.from('abc')]));
    for (const byte of Buffer.concat([head('slow', 2), Buffer.from('de')])) socket.write(Buffer.of(byte));
  });
  const before = process.memoryUsage().rss;
  const client = await connectBroker(url);
  cleanups.push(() => client.endAsync(true));
  const heard: [string, number][] = [];
  let most = 0;
  await new Promise<void>((done) => {
    const watch = setInterval(() => (most = Math.max(most, process.memoryUsage().rss)), 5);
    client.on('message', (topic, payload) => {
      heard.push([topic, payload.length]);
      if (topic === 'slow') done();
    });
    cleanups.push(() => clearInterval(watch));
  });
  expect(heard).toEqual([
    ['giant', MESSAGE_BYTES_MAX - 7],
    ['exact', 3],
    ['slow', 2],
  ]);
  expect((most - before) / MEGABYTE).toBeLessThan(100);
});

it('what is longer and no message, or no MQTT at all, ends the connection', async () => {
  for (const first of [
    [0x90, ...lengthBytes(MEGABYTE)],
    [0x30, 0xff, 0xff, 0xff, 0xff, 1],
  ]) {
    let hungUp!: () => void;
    const over = new Promise<void>((resolve) => (hungUp = resolve));
    const url = await hostile((socket) => {
      socket.once('close', hungUp);
      socket.write(Buffer.from(first));
    });
    const client = await connectBroker(url);
    cleanups.push(() => client.endAsync(true));
    await over;
  }
});

/** The topics that are heard, until that one is. */
async function heardUntil(url: string, last: string): Promise<string[]> {
  const client = await connectBroker(url);
  cleanups.push(() => client.endAsync(true));
  const heard: string[] = [];
  await new Promise<void>((done) =>
    client.on('message', (topic) => {
      heard.push(topic);
      if (topic === last) done();
    }),
  );
  return heard;
}

it('the longest topic is read as it is, and the next message is heard', async () => {
  const topic = 'x'.repeat(65_535);
  const url = await hostile((socket) => {
    socket.write(Buffer.concat([head(topic, 3), Buffer.from('abc'), head('next', 1), Buffer.from('d')]));
  });
  expect(await heardUntil(url, 'next')).toEqual([topic, 'next']);
});

it('what is no MQTT ends the connection, and the next one is heard', async () => {
  let connections = 0;
  const url = await hostile((socket) => {
    connections += 1;
    const junk = connections === 1 ? [0x30, 3, 0xff, 0xff, 0x61] : []; // a topic longer than its packet
    // Once the client stands: what comes before is the end of its beginning.
    setTimeout(() => socket.write(Buffer.from([...junk, ...head('next', 1), 0x64])), 100);
  });
  expect(await heardUntil(url, 'next')).toEqual(['next']);
  expect(connections).toBe(2);
});

it('however the line cuts it into pieces, each message is heard as it is, and what is too long as much of it as is allowed', async () => {
  const sizes = [
    0,
    1,
    100,
    120,
    130,
    5000,
    16_380,
    16_390,
    MESSAGE_BYTES_MAX - 4,
    MESSAGE_BYTES_MAX - 3,
    200_000,
    3,
    300_000,
    512,
    512,
  ];
  const body = (at: number, bytes: number) => Buffer.alloc(bytes, at + 1);
  const all = Buffer.concat(sizes.flatMap((bytes, at) => [head(`m${at}`, bytes), body(at, bytes)]));
  for (const seed of [1, 2, 3]) {
    const random = seeded(seed);
    const url = await hostile(async (socket) => {
      await new Promise((done) => setTimeout(done, 300)); // until somebody listens
      for (let at = 0; at < all.length; ) {
        const piece = 1 + Math.floor((random() < 0.5 ? 4 : 40_000) * random());
        socket.write(all.subarray(at, at + piece));
        at += piece;
        await new Promise(setImmediate);
      }
    });
    const client = await connectBroker(url);
    cleanups.push(() => client.endAsync(true));
    const heard: [string, boolean, number][] = [];
    await new Promise<void>((done) => {
      client.on('message', (topic, payload) => {
        const at = Number(topic.slice(1));
        heard.push([topic, payload.equals(body(at, payload.length)), payload.length]);
        if (at === sizes.length - 1) done();
      });
    });
    const kept = (at: number, bytes: number) => Math.min(bytes, MESSAGE_BYTES_MAX - 2 - `m${at}`.length);
    expect([seed, heard]).toEqual([seed, sizes.map((bytes, at) => [`m${at}`, true, kept(at, bytes)])]);
  }
}, 30_000);
