// What may hold up an order, or make it look done: each was a hole once.

import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { startVirtualBoard } from '../../boards/virtual/board.js';
import { startSwarm } from '../../boards/virtual/swarm.js';
import { NODE } from '../../host/device/identity.js';
import { serveBlocks } from '../../host/device/serve.js';
import { placeOrder } from '../../host/fleet/orders.js';
import { hex } from '../../host/formats/bytes.js';
import { startBroker } from '../../host/links/broker.js';
import { connectBroker, endBroker, openMqtt } from '../../host/links/mqtt.js';
import { publishPackage } from '../../host/links/packages.js';
import { blocksPaper, readAlertPaper } from '../../host/links/papers.js';
import { openSerial } from '../../host/links/serial.js';
import { approvalTopic, blockTopic, topicsOf } from '../../host/links/topics.js';
import { createOrders } from '../../host/radio/orders.js';
import { type ReasonName, reasons } from '../../host/reasons.js';
import { createClient } from '../../host/smp/client.js';
import { type Alert, treeExec } from '../../host/smp/commands.js';
import { createListeners } from '../../host/smp/link.js';
import { decodePacket, encodePacket } from '../../host/smp/packet.js';
import { FLEET, leave, makeSwarmWorld, only, until, versions } from './swarm-world.js';

const cleanups: (() => unknown)[] = [];
afterEach(async () => {
  for (const cleanup of cleanups.splice(0).reverse()) await cleanup();
});

const MINUTE = 60_000;
const HOUR = 60 * MINUTE;
const ORDER = { digest: 'ab'.repeat(32), encoding: 'raw', correlator: 'c' } as const;

describe('an order that the agent cannot take up', () => {
  beforeEach(() => void vi.useFakeTimers());
  afterEach(() => void vi.useRealTimers());

  /** Orders to an agent that answers so, and how often it was asked. */
  function orders(answer: () => ReasonName | undefined, state: () => number = () => 10) {
    const { emit, listen, closed, end } = createListeners();
    let asked = 0;
    const client = createClient({
      ...{ name: 'agent', framingBytes: 0, listen, closed },
      async send(bytes) {
        const packet = decodePacket(bytes);
        const reply = (body: typeof packet.body) =>
          emit.packet(encodePacket({ ...packet, op: (packet.op + 1) as 1, body }));
        if (packet.group === 0) return reply({ buf_size: 640, buf_count: 1 });
        asked += 1;
        const name = answer();
        reply(name ? { err: { group: 64, rc: reasons[name].code } } : {});
      },
      close: async () => end(),
    });
    const made = createOrders(
      client,
      () => ({ state: state() }),
      undefined,
      () => 0,
    );
    cleanups.push(() => made.close());
    made.started();
    made.heard('order', ORDER);
    return { ...made, asked: () => asked };
  }

  it.each(['TooOften', 'FlashWrite'] as const)(
    '%s: it is put again later, seldom, and in the end carried out',
    async (name) => {
      let well = false;
      const { asked, told } = orders(() => (well ? undefined : name));
      await vi.advanceTimersByTimeAsync(5 * MINUTE);
      expect(asked()).toBeGreaterThanOrEqual(2);
      await vi.advanceTimersByTimeAsync(24 * HOUR);
      expect(asked()).toBeLessThanOrEqual(35); // once an hour at most
      const before = asked();
      well = true;
      await vi.advanceTimersByTimeAsync(HOUR);
      expect(asked()).toBe(before + 1);
      told({ n: 1, type: 3, reason: 0, corr: 'c' } as Alert);
      await vi.advanceTimersByTimeAsync(24 * HOUR);
      expect(asked()).toBe(before + 1);
    },
  );

  it('told by an alert: the same', async () => {
    const { asked, told } = orders(() => undefined);
    await vi.advanceTimersByTimeAsync(1000);
    told({ n: 1, type: 3, reason: reasons.TooOften.code, corr: 'c' } as Alert);
    await vi.advanceTimersByTimeAsync(2 * MINUTE);
    expect(asked()).toBe(2);
  });

  it('another one took its place: it is put again, later and later, but not while that is downloaded', async () => {
    let state = 10;
    const { asked, fetches, told } = orders(
      () => undefined,
      () => state,
    );
    const other = 'cd'.repeat(32);
    await vi.advanceTimersByTimeAsync(1000);
    fetches(ORDER.digest);
    await vi.advanceTimersByTimeAsync(MINUTE);
    expect(asked()).toBe(1); // it is under way
    for (let second = 0; second < 24 * 3600; second++) {
      fetches(other); // a stranger who never stops
      await vi.advanceTimersByTimeAsync(1000);
      if (second === 10) expect(asked()).toBe(3);
    }
    expect(asked()).toBeLessThanOrEqual(16 + 24);
    told({ n: 1, type: 3, reason: 0, corr: 'c' } as Alert);
    state = 30;
    const after = asked();
    fetches(other);
    await vi.advanceTimersByTimeAsync(24 * HOUR);
    expect(asked()).toBe(after);
  });

  it('another one took its place, and has ended: it is put again', async () => {
    const { asked, told } = orders(() => undefined);
    await vi.advanceTimersByTimeAsync(1000);
    told({ n: 1, type: 3, reason: reasons.NothingDelivered.code, corr: 'theirs' } as Alert);
    await vi.advanceTimersByTimeAsync(3000);
    expect(asked()).toBe(2);
  });

  it('no number of starts ends it, nor wears the device', async () => {
    const { asked, started, taken } = orders(() => undefined);
    for (let start = 0; start < 100; start++) {
      started();
      await vi.advanceTimersByTimeAsync(1000);
    }
    expect(asked()).toBeGreaterThanOrEqual(16);
    expect(asked()).toBeLessThanOrEqual(18);
    taken(); // what an operator signed
    await vi.advanceTimersByTimeAsync(1000);
    const after = asked();
    expect(after).toBeGreaterThan(16);
    await vi.advanceTimersByTimeAsync(2 * HOUR);
    started();
    await vi.advanceTimersByTimeAsync(1000);
    expect(asked()).toBeGreaterThan(after);
  });
});

async function broker(): Promise<string> {
  const { url, close } = await startBroker();
  cleanups.push(close);
  return url;
}

it('how many blocks there are, left by a stranger without them, is not a published package', async () => {
  const url = await broker();
  const world = makeSwarmWorld();
  for (const { envelope, digest } of [world.release(1, 12_000), world.release(2, 80_000)]) {
    const place = { url, fleet: FLEET };
    await leave(url, blockTopic(FLEET, hex(digest), 'i'), blocksPaper(envelope.length));
    expect(await publishPackage(place, digest, envelope)).toMatchObject({ published: true });
    expect(await publishPackage(place, digest, envelope)).toMatchObject({ published: false });
    await leave(url, blockTopic(FLEET, hex(digest), 0), '');
    expect(await publishPackage(place, digest, envelope)).toMatchObject({ published: true });
    await leave(url, blockTopic(FLEET, hex(digest), Math.floor(envelope.length / 512)), 'x');
    expect(await publishPackage(place, digest, envelope)).toMatchObject({ published: true });
  }
});

it('an alert to whoever ordered on the serial line is told on the broker, too', async () => {
  const url = await broker();
  const world = makeSwarmWorld();
  const board = await startVirtualBoard({ broker: url, fleet: FLEET, name: 'one' });
  cleanups.push(board.close);
  await board.provision(world.bootstrap()('one', 1));
  const alerts: unknown[] = [];
  const listener = await connectBroker(url);
  cleanups.push(() => endBroker(listener));
  listener.on('message', (_, payload) => alerts.push(readAlertPaper(payload)?.corr));
  await listener.subscribeAsync(topicsOf(FLEET, 'one').alert);
  const line = await openSerial(board.port);
  cleanups.push(() => line.close());
  const { digest, envelope } = world.release(1); // nobody has approved it
  serveBlocks(line, [{ digest, file: envelope }]);
  await treeExec(createClient(line), NODE.downloadAndUpdate, 'mine', { hash: digest });
  await until(['mine'], () => alerts);
});

it('a stranger’s Exec for a package that nobody has does not end an order: it is given again', async () => {
  const url = await broker();
  const world = makeSwarmWorld();
  const swarm = await startSwarm({ count: 1, name: 'n', broker: url, fleet: FLEET, bootstrap: world.bootstrap() });
  cleanups.push(() => swarm.close());
  const first = world.release(1, 60_000);
  await world.approve(url, 1, [only('approve', first)]);
  await until('1', () => swarm.boards[0]!.shown.approvals?.[0]?.sequence);
  const order = { digest: hex(first.digest), encoding: 'raw', correlator: 'ours' } as const;
  await placeOrder({ url, fleet: FLEET }, { device: 'n-1' }, order); // its package is not there yet
  const client = createClient(await openMqtt({ url, fleet: FLEET, device: 'n-1' }));
  cleanups.push(() => client.close());
  await new Promise((done) => setTimeout(done, 1000));
  await treeExec(client, NODE.downloadAndUpdate, 'theirs', { hash: new Uint8Array(32).fill(7) });
  await world.publish(url, first);
  await until([first.version], () => versions(swarm.boards), 30_000);
}, 60_000);

it('a device that holds what stands on the broker starts its application at once, and still takes what is new', async () => {
  const url = await broker();
  const world = makeSwarmWorld();
  const folder = mkdtempSync(join(tmpdir(), 'swarm-'));
  cleanups.push(() => rmSync(folder, { recursive: true, force: true }));
  const [first, second] = [world.release(1), world.release(2)];
  const options = { count: 1, name: 'n', broker: url, fleet: FLEET, groups: ['all'], flash: folder };
  let swarm = await startSwarm({ ...options, bootstrap: world.bootstrap() });
  await world.publish(url, first);
  await world.approve(url, 1, [only('approve', first), only('approve', second)]);
  await world.order(url, first);
  await until([first.version], () => versions(swarm.boards));
  await until('application', () => swarm.boards[0]!.running);
  await swarm.close();

  swarm = await startSwarm(options);
  cleanups.push(() => swarm.close());
  await until('application', () => swarm.boards[0]!.running, 4000);
  await leave(url, approvalTopic(FLEET, 'acme'), world.document(2, [only('deny', second)]));
  await until('2', () => swarm.boards[0]!.shown.approvals?.[0]?.sequence);
});
