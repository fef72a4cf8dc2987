// What a broker keeps: commands that it kept are nobody's, what was known of a device outlives its connection, and whether
// it is there is a word of its own.

import { setTimeout as sleep } from 'node:timers/promises';
import { afterEach, describe, expect, it } from 'vitest';
import { reasonData } from '../../host/json.js';
import { type Broker, startBroker } from '../../host/links/broker.js';
import { connectBroker, listDevices, openMqtt } from '../../host/links/mqtt.js';
import { readAlertPaper } from '../../host/links/papers.js';
import { type DeviceState, exchangeTopics, stateDocument, topicsOf } from '../../host/links/topics.js';
import { connectRadio, type Radio } from '../../host/radio/radio.js';
import { type Alert, alertOf } from '../../host/smp/commands.js';
import { decodePacket, encodePacket } from '../../host/smp/packet.js';
import { startMosquitto } from '../support/mosquitto.js';
import { have } from '../support/need.js';

const DEVICE = { fleet: 'plant', device: 'one' };
const TOPICS = { ...topicsOf('plant', 'one'), ...exchangeTopics('plant', 'one', 'somebody') };
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

async function radio(url: string, heard: Uint8Array[] = [], groups: string[] = [], earlier?: DeviceState) {
  const connected = await connectRadio(
    { url, ...DEVICE, groups, earlier },
    { receive: (bytes) => void heard.push(bytes), away: false },
    undefined,
  );
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

  it('is no answer to whoever asks now: each connection has topics of its own', async () => {
    const { url } = await broker();
    const { client } = await somebody(url);
    const asked: string[] = [];
    client.on('message', (topic) => asked.push(topic));
    await client.subscribeAsync(exchangeTopics('plant', 'one', '+').request);
    for (let turn = 0; turn < 2; turn++) {
      const link = await openMqtt({ url, ...DEVICE });
      cleanups.push(() => link.close());
      await link.send(RESET);
    }
    await sleep(QUIET_MS);
    expect(new Set(asked).size).toBe(2);
    for (const topic of asked) expect(topic).toMatch(/^cs\/plant\/d\/one\/req\/[0-9a-f]{24}$/);
  });
});

describe('clients of one device', () => {
  const READ = { version: 2, group: 0, id: 0, body: {} } as const;
  /** An agent that answers every request at once with its sequence number. */
  async function answering(url: string) {
    const heard: Uint8Array[] = [];
    const connected: Radio = await connectRadio(
      { url, ...DEVICE },
      {
        away: false,
        receive(bytes) {
          heard.push(bytes);
          connected.send(encodePacket({ ...READ, op: 1, sequence: bytes[6]! }));
        },
      },
      undefined,
    );
    cleanups.push(() => connected.close());
    return { connected, heard };
  }

  it('get their own answers alone', async () => {
    const { url } = await broker();
    await answering(url);
    const heard: number[][] = [[], []];
    for (const [at, mine] of heard.entries()) {
      const link = await openMqtt({ url, ...DEVICE });
      cleanups.push(() => link.close());
      link.listen({ packet: (bytes) => mine.push(bytes[6]!) });
      for (let turn = 0; turn < 3; turn++) {
        await link.send(encodePacket({ ...READ, op: 0, sequence: 10 * at + turn }));
      }
    }
    await sleep(QUIET_MS);
    expect(heard).toEqual([
      [0, 1, 2],
      [10, 11, 12],
    ]);
  });

  it('can ask, and cannot answer; nor can one with a name that is none', async () => {
    const { url } = await broker();
    const { heard } = await answering(url);
    const { client } = await somebody(url);
    for (const op of [1, 3, 4, 7] as const) {
      const packet = encodePacket({ ...READ, op: op as 1, sequence: op });
      await client.publishAsync(TOPICS.request, Buffer.from(packet));
    }
    const whole = Buffer.from(encodePacket({ ...READ, op: 0, sequence: 9 }));
    for (const name of ['a b', 'n'.repeat(65), '']) {
      await client.publishAsync(exchangeTopics('plant', 'one', name).request, whole);
    }
    await client.publishAsync(TOPICS.request, Buffer.alloc(0));
    await sleep(QUIET_MS);
    expect(heard).toEqual([]);
    await client.publishAsync(TOPICS.request, whole);
    await sleep(QUIET_MS);
    expect(heard).toHaveLength(1);
  });

  it('all hear its alerts, which the broker does not keep', async () => {
    const { url } = await broker();
    const { kept } = await somebody(url);
    const device = await radio(url);
    const links = [await openMqtt({ url, ...DEVICE }), await openMqtt({ url, ...DEVICE })];
    const heard: (Alert | undefined)[] = [];
    for (const link of links) {
      cleanups.push(() => link.close());
      link.listen({ packet: (bytes) => heard.push(alertOf(decodePacket(bytes))) });
    }
    const alert: Alert = { n: 7, type: 3, uri: './FUMO/1', result: 200, reason: 0, corr: 'order-1' };
    device.show({ device: '0a0b' });
    device.alert(alert);
    await sleep(QUIET_MS);
    expect(heard).toEqual([alert, alert]);
    expect(await kept(TOPICS.alert)).toBeUndefined();
    for (const bad of ['', '{}', 'x'.repeat(3000), JSON.stringify({ version: 2, number: 1 })]) {
      expect(readAlertPaper(Buffer.from(bad))).toBeUndefined();
    }
  });
});

describe('an agent that starts in the middle of a download', () => {
  it('gets a packet, so that it stays until its blocks come; any other is left alone', async () => {
    const { url } = await broker();
    const heard: Uint8Array[] = [];
    const device = await radio(url, heard);
    for (const state of [10, 50, 60, 100]) {
      device.show({ state });
      device.started('agent');
    }
    await sleep(QUIET_MS);
    expect(heard).toEqual([]);
    device.show({ state: 30 });
    device.started('application');
    await sleep(QUIET_MS);
    expect(heard).toEqual([]);
    device.started('agent');
    await sleep(QUIET_MS);
    expect(decodePacket(heard[0]!)).toMatchObject({ op: 2, group: 0, id: 0 });
  });
});

describe('what is known of a device', () => {
  const KNOWN = { device: '0a0b', state: 100, firmwareVersion: '1.2.0', digest: 'ff' };
  const REFUSED = { state: 10, reason: reasonData(80) };
  const AT = { at: expect.any(Number) };

  it('outlives a connection that breaks off: only the word whether it is there changes', async () => {
    const { url } = await broker();
    const { kept } = await somebody(url);
    await breakOff(url, async (device) => {
      device.show(KNOWN);
      await sleep(100);
      expect([await kept(TOPICS.online), JSON.parse((await kept(TOPICS.state))!)]).toEqual([
        'online',
        { version: 1, ...AT, ...KNOWN },
      ]);
    });
    expect([await kept(TOPICS.online), JSON.parse((await kept(TOPICS.state))!)]).toEqual([
      'offline',
      { version: 1, ...AT, ...KNOWN },
    ]);
    expect(await listDevices(url, 'plant')).toEqual([
      { fleet: 'plant', name: 'one', state: { ...AT, ...KNOWN, online: false } },
    ]);
  });

  it('is still known when it comes back and has said less; what it no longer has is gone', async () => {
    const { url } = await broker();
    const { kept } = await somebody(url);
    const first = await radio(url);
    first.show(KNOWN);
    await first.close();
    expect(await kept(TOPICS.online)).toBe('offline');
    const second = await radio(url, [], [], KNOWN);
    second.show(REFUSED);
    await sleep(100);
    expect(JSON.parse((await kept(TOPICS.state))!)).toEqual({ version: 1, ...AT, ...KNOWN, ...REFUSED });
    second.show({ state: 10, device: undefined, firmwareVersion: undefined, digest: undefined });
    await sleep(100);
    expect(JSON.parse((await kept(TOPICS.state))!)).toEqual({ version: 1, ...AT, ...REFUSED });
    expect(await listDevices(url, 'plant')).toMatchObject([{ state: { online: true } }]);
  });

  it('is never learned from the broker, where a stranger may have left it', async () => {
    const { url } = await broker();
    const { client, kept } = await somebody(url);
    await client.publishAsync(TOPICS.state, stateDocument({ ...KNOWN, change: '99' }), KEPT);
    const device = await radio(url);
    device.show({ state: 10 });
    await sleep(100);
    expect(JSON.parse((await kept(TOPICS.state))!)).toEqual({ version: 1, ...AT, state: 10 });
  });

  it('names its groups of today at once, and when it said so', async () => {
    const { url } = await broker();
    const { kept } = await somebody(url);
    const state = async () => JSON.parse((await kept(TOPICS.state))!);
    const before = Math.floor(Date.now() / 1000);
    const first = await radio(url, [], ['cellar', 'attic']);
    expect(await state()).toEqual({ version: 1, groups: ['cellar', 'attic'], ...AT });
    expect((await state()).at).toBeGreaterThanOrEqual(before);
    first.show(KNOWN);
    await first.close();
    await radio(url, [], ['garden'], { ...KNOWN, at: 1 });
    await sleep(100);
    expect(await state()).toEqual({ version: 1, ...AT, ...KNOWN, groups: ['garden'] });
    const many = Array.from({ length: 20 }, (_, at) => `g${at}`);
    await radio(url, [], many);
    await sleep(100);
    expect((await state()).groups).toEqual(many.slice(0, 16));
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

it.skipIf(!have('mosquitto'))(
  'what the broker keeps is asked for anew now and then: what got lost on its way is found',
  async () => {
    const log: string[] = [];
    const real = await startMosquitto({ log: (line) => void log.push(line) });
    cleanups.push(() => real.close());
    const board = await connectRadio(
      { url: real.url, ...DEVICE, groups: ['hall'], refreshMs: 100 },
      { receive: () => undefined, away: false },
      undefined,
    );
    cleanups.push(() => board.close());
    const asked = (filter: string) => log.filter((line) => line.includes(`${filter} (QoS 0)`)).length;
    const all = ['cs/plant/approvals/+', 'cs/plant/changes/+', 'cs/plant/d/one/order', 'cs/plant/g/hall/order'];
    for (let wait = 0; wait < 1800 && !all.every((filter) => asked(filter) >= 3); wait++) await sleep(50);
    expect(all.map(asked).filter((count) => count < 3)).toEqual([]);
  },
);
