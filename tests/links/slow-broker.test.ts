// A fleet behind a slow line, and a broker that says no: nobody is left out, and nothing is taken for an empty fleet.

import { connect, createServer, type Server } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterEach, expect, it } from 'vitest';
import { startBroker } from '../../host/links/broker.js';
import { connectBroker, listDevices } from '../../host/links/mqtt.js';
import { topicsOf } from '../../host/links/topics.js';

const DEVICES = 200;
const PIECE_BYTES = 150;
const PIECE_MS = 10;

const cleanups: (() => unknown)[] = [];
afterEach(async () => {
  for (const cleanup of cleanups.splice(0).reverse()) await cleanup();
});

/** A way to a broker; what comes back goes through `back`. */
async function way(url: string, back: (bytes: Buffer, send: (bytes: Buffer) => void) => void): Promise<string> {
  const server: Server = createServer((socket) => {
    const there = connect(Number(new URL(url).port), '127.0.0.1');
    there.on('data', (bytes) => back(bytes, (piece) => socket.write(piece))).on('error', () => undefined);
    socket.on('data', (bytes) => there.write(bytes)).on('error', () => undefined);
    socket.on('close', () => there.destroy());
  });
  await new Promise<void>((done) => server.listen(0, '127.0.0.1', done));
  cleanups.push(() => server.close());
  return `mqtt://127.0.0.1:${(server.address() as { port: number }).port}`;
}

it('every device of a fleet is listed, however slowly they come', async () => {
  const broker = await startBroker();
  cleanups.push(() => broker.close());
  const client = await connectBroker(broker.url);
  const leave = (at: number) =>
    client.publishAsync(topicsOf('plant', `device-${at}`).state, '{"version":1,"state":10}', { qos: 1, retain: true });
  await Promise.all(Array.from({ length: DEVICES }, (_, at) => leave(at)));
  await client.endAsync();
  let line = Promise.resolve();
  const slow = await way(broker.url, (bytes, send) => {
    for (let at = 0; at < bytes.length; at += PIECE_BYTES) {
      line = line.then(() => sleep(PIECE_MS)).then(() => send(bytes.subarray(at, at + PIECE_BYTES)));
    }
  });
  expect(await listDevices(slow, 'plant')).toHaveLength(DEVICES);
});

it('a subscription that the broker refuses is an error, not a fleet without devices', async () => {
  const broker = await startBroker();
  cleanups.push(() => broker.close());
  const SUBACK = 0x90;
  const refusing = await way(broker.url, (bytes, send) => {
    if (bytes[0] === SUBACK) bytes[4] = 0x80; // MQTT 3.1.1 section 3.9.3
    send(bytes);
  });
  await expect(listDevices(refusing, 'plant')).rejects.toMatchObject({ reason: { name: 'LinkUnavailable' } });
});
