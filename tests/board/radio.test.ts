// What a broker keeps: commands that it kept are nobody's, what was known of a device outlives its connection, and whether
// it is there is a word of its own.

import { setTimeout as sleep } from 'node:timers/promises';
import { afterEach, describe, expect, it } from 'vitest';
import { connectRadio } from '../../boards/virtual/radio.js';
import { reasonData } from '../../host/json.js';
import { type Broker, startBroker } from '../../host/links/broker.js';
import { connectBroker, listDevices, openMqtt } from '../../host/links/mqtt.js';
import { topicsOf } from '../../host/links/topics.js';
import { encodePacket } from '../../host/smp/packet.js';

const DEVICE = { fleet: 'plant', device: 'one' };
const TOPICS = topicsOf(DEVICE.fleet, DEVICE.device);
const KEPT = { qos: 1, retain: true } as const;
const RESET = Buffer.from(encodePacket({ version: 2, op: 2, group: 0, sequence: 1, id: 5, body: {} }));
const QUIET_MS = 300;

const cleanups: (() => unknown)[] = [];
afterEach(async () => {
  for (const cleanup of cleanups.splice(0).reverse()) await cleanup();
});

async function broker(): Promise<Broker> {
  const started = await startBroker();
  cleanups.push(() => started.close());
  return started;
}

async function radio(url: string, heard: Uint8Array[] = []) {
  const connected = await connectRadio({ url, ...DEVICE }, (bytes) => heard.push(bytes), undefined);
  cleanups.push(() => connected.close());
  return connected;
}

/** Somebody else on the broker, and what the broker keeps for whoever subscribes. */
async function somebody(url: string) {
  const client = await connectBroker(url);
  cleanups.push(() => client.endAsync(true));
  const kept = async (topic: string): Promise<string | undefined> => {
    const reader = await connectBroker(url);
    let found: string | undefined;
    reader.on('message', (_, payload) => {
      found = payload.toString();
    });
    await reader.subscribeAsync(topic, { qos: 1 });
    await sleep(100);
    await reader.endAsync(true);
    return found;
  };
  return { client, kept };
}

/** A connection that breaks off without a farewell: the broker speaks the will. */
async function breakOff(url: string, work: (device: Awaited<ReturnType<typeof radio>>) => Promise<void>) {
  const { connect, createServer } = await import('node:net');
  const pairs: (() => void)[] = [];
  const server = createServer((socket) => {
    const there = connect(Number(new URL(url).port), '127.0.0.1');
    socket.pipe(there).on('error', () => undefined);
    there.pipe(socket).on('error', () => undefined);
    pairs.push(() => [socket, there].map((one) => one.destroy()));
  });
  await new Promise<void>((done) => server.listen(0, '127.0.0.1', done));
  const device = await radio(`mqtt://127.0.0.1:${(server.address() as { port: number }).port}`);
  await work(device);
  server.close();
  for (const end of pairs) end();
  await sleep(100);
}

describe('what was kept on the topics of requests and answers', () => {
  it('is not carried out, however often the device comes back; a request of now is', async () => {
    const { url } = await broker();
    const { client } = await somebody(url);
    await client.publishAsync(TOPICS.request, RESET, KEPT);
    for (let life = 0; life < 2; life++) {
      const heard: Uint8Array[] = [];
      const device = await radio(url, heard);
      await sleep(QUIET_MS);
      expect(heard).toEqual([]);
      await client.publishAsync(TOPICS.request, RESET, { qos: 1 });
      await sleep(QUIET_MS);
      expect(heard).toHaveLength(1);
      await device.close();
    }
  });

  it('is no answer to whoever asks now', async () => {
    const { url } = await broker();
    const { client } = await somebody(url);
    await client.publishAsync(TOPICS.response, RESET, KEPT);
    const link = await openMqtt({ url, ...DEVICE });
    cleanups.push(() => link.close());
    const heard: Uint8Array[] = [];
    link.listen({ packet: (bytes) => heard.push(bytes) });
    await sleep(QUIET_MS);
    expect(heard).toEqual([]);
    await client.publishAsync(TOPICS.response, RESET, { qos: 1 });
    await sleep(QUIET_MS);
    expect(heard).toHaveLength(1);
  });
});

describe('what is known of a device', () => {
  const KNOWN = { device: '0a0b', state: 100, firmwareVersion: '1.2.0', digest: 'ff' };
  const REFUSED = { state: 10, reason: reasonData(80) };

  it('outlives a connection that breaks off: only the word whether it is there changes', async () => {
    const { url } = await broker();
    const { kept } = await somebody(url);
    await breakOff(url, async (device) => {
      device.show(KNOWN);
      await sleep(100);
      expect([await kept(TOPICS.online), JSON.parse((await kept(TOPICS.state))!)]).toEqual([
        'online',
        { version: 1, ...KNOWN },
      ]);
    });
    expect([await kept(TOPICS.online), JSON.parse((await kept(TOPICS.state))!)]).toEqual([
      'offline',
      { version: 1, ...KNOWN },
    ]);
    expect(await listDevices(url, 'plant')).toEqual([
      { fleet: 'plant', name: 'one', state: { ...KNOWN, online: false } },
    ]);
  });

  it('is still known when it comes back and has said less; what it no longer has is gone', async () => {
    const { url } = await broker();
    const { kept } = await somebody(url);
    const first = await radio(url);
    first.show(KNOWN);
    await first.close();
    expect(await kept(TOPICS.online)).toBe('offline');
    const second = await radio(url);
    second.show(REFUSED);
    await sleep(100);
    expect(JSON.parse((await kept(TOPICS.state))!)).toEqual({ version: 1, ...KNOWN, ...REFUSED });
    second.show({ state: 10, device: undefined, firmwareVersion: undefined, digest: undefined });
    await sleep(100);
    expect(JSON.parse((await kept(TOPICS.state))!)).toEqual({ version: 1, ...REFUSED });
    expect(await listDevices(url, 'plant')).toMatchObject([{ state: { online: true } }]);
  });

  it('a will that comes late, of an earlier connection, does not last', async () => {
    const { url } = await broker();
    const { client, kept } = await somebody(url);
    await radio(url);
    await client.publishAsync(TOPICS.online, 'offline', KEPT);
    await sleep(100);
    expect(await kept(TOPICS.online)).toBe('online');
  });
});
