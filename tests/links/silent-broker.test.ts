// A broker that takes the connection and then says nothing more, as one does behind a stuck proxy: whoever waits for it is told
// so after the usual limit, and leaves no connection behind.

import { createServer, type Socket } from 'node:net';
import { afterEach, expect, it } from 'vitest';
import type { CountersignError } from '../../host/errors.js';
import { openShelf, readKeptApprovals } from '../../host/links/approvals.js';
import { listDevices, openMqtt, untilOnline, watchStates } from '../../host/links/mqtt.js';
import { connectRadio } from '../../host/radio/radio.js';

const CONNACK = Buffer.of(0x20, 2, 0, 0); // MQTT 3.1.1 section 3.2
const LIMIT_MS = 15_000;

const sockets = new Set<Socket>();
const server = createServer((socket) => {
  sockets.add(socket);
  socket.once('data', () => socket.write(CONNACK)).on('error', () => undefined);
  socket.on('data', () => undefined).once('close', () => sockets.delete(socket));
});
afterEach(async () => {
  await new Promise((done) => server.close(done));
});

it('is an error after the usual limit, for everybody who waits', async () => {
  await new Promise<void>((done) => server.listen(0, '127.0.0.1', done));
  const url = `mqtt://127.0.0.1:${(server.address() as { port: number }).port}`;
  const address = { url, fleet: 'demo', device: 'one' };
  const put = async () => {
    const shelf = await openShelf(url, 'demo');
    await shelf.put('operator', new Uint8Array(3)).finally(() => shelf.close());
  };
  const waits: Record<string, Promise<unknown>> = {
    'a link': openMqtt(address),
    'the devices': listDevices(url, '+'),
    'a device': untilOnline(address),
    'their states': watchStates(url, '+', () => undefined, undefined),
    'approvals, to read': readKeptApprovals(url, 'demo'),
    'approvals, to put': put(),
    'a board': connectRadio(address, { receive: () => undefined, away: false }, undefined),
  };
  const began = performance.now();
  const errors = await Promise.all(
    Object.entries(waits).map(async ([who, wait]) => {
      const error: CountersignError = await wait.then(
        () => expect.unreachable(who),
        (thrown) => thrown,
      );
      return [who, error.reason.name, error.reason.exit];
    }),
  );
  expect(errors).toEqual(Object.keys(waits).map((who) => [who, 'LinkUnavailable', 41]));
  expect(performance.now() - began).toBeLessThan(LIMIT_MS);
  for (let wait = 0; wait < 100 && sockets.size > 0; wait++) await new Promise((done) => setTimeout(done, 20));
  expect(sockets.size).toBe(0);
});
