// The broker gives the blocks that an agent asks for: exactly these, in their order, each once; whatever else stands there or
// comes unasked goes to nobody.

import { createHash } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { connectBroker } from '../../host/links/mqtt.js';
import { publishPackage } from '../../host/links/packages.js';
import { blocksPaper } from '../../host/links/papers.js';
import { blockTopic } from '../../host/links/topics.js';
import { connectRadio, type Radio } from '../../host/radio/radio.js';
import { decodePacket, encodePacket } from '../../host/smp/packet.js';
import { type Mosquitto, startMosquitto } from '../support/mosquitto.js';
import { have } from '../support/need.js';

const FLEET = 'plant';
const KEPT = { qos: 1, retain: true } as const;
const QUIET_MS = 400;
const digestOf = (name: string) => Uint8Array.from(createHash('sha256').update(name).digest());
const contentOf = (bytes: number) => Uint8Array.from({ length: bytes }, (_, at) => (at >> 9) ^ at);

interface Block {
  sequence: number;
  off: number;
  len: number;
  data: Uint8Array;
}

describe.skipIf(!have('mosquitto'))('blocks of a package', () => {
  let broker: Mosquitto;
  const cleanups: (() => unknown)[] = [];
  beforeAll(async () => {
    broker = await startMosquitto();
  });
  afterEach(async () => {
    for (const cleanup of cleanups.splice(0).reverse()) await cleanup();
  });
  afterAll(() => broker.close());

  /** An agent that only asks for blocks, and notes what it gets. */
  async function agent() {
    const got: Block[] = [];
    const state = { away: false };
    const device = { url: broker.url, fleet: FLEET, device: 'one' };
    const radio: Radio = await connectRadio(
      device,
      {
        get away() {
          return state.away;
        },
        receive(bytes) {
          const { op, group, id, sequence, body } = decodePacket(bytes);
          expect([op, group, id]).toEqual([1, 64, 7]);
          got.push({ sequence, ...(body as unknown as Omit<Block, 'sequence'>) });
        },
      },
      undefined,
    );
    cleanups.push(() => radio.close());
    let sequence = 0;
    const ask = (name: string, off: number, len: number, want?: number) => {
      const body = { ...(name && { digest: digestOf(name) }), off, len, ...(want !== undefined && { want }) };
      sequence += 1;
      radio.send(encodePacket({ version: 2, op: 0, group: 64, id: 7, sequence, body }));
    };
    return { radio, got, ask, state };
  }
  async function until(wanted: () => boolean) {
    for (let wait = 0; wait < 1800 && !wanted(); wait++) await sleep(50);
  }
  const offsets = (got: Block[]) => got.map(({ off }) => off / 512);
  const range = (from: number, to: number) => Array.from({ length: to - from }, (_, at) => from + at);
  const publish = (name: string, bytes: number) =>
    publishPackage({ url: broker.url, fleet: FLEET }, digestOf(name), contentOf(bytes));
  async function somebody() {
    const client = await connectBroker(broker.url);
    cleanups.push(() => client.endAsync(true));
    return client;
  }

  it('come in their order, window by window, and end with the package', async () => {
    const bytes = 40 * 512 + 100;
    await publish('whole', bytes);
    const { got, ask } = await agent();
    ask('whole', 0, 16_384);
    ask('whole', 16_384, 16_384);
    await until(() => got.length >= 41);
    await sleep(QUIET_MS);
    expect(offsets(got)).toEqual(range(0, 41));
    expect(got.map(({ sequence }) => sequence)).toEqual([...Array(32).fill(1), ...Array(9).fill(2)]);
    expect(new Set(got.map(({ len }) => len))).toEqual(new Set([bytes]));
    expect(Buffer.compare(Buffer.concat(got.map(({ data }) => data)), contentOf(bytes))).toBe(0);
    ask('whole', 41 * 512, 512);
    await sleep(QUIET_MS);
    expect(got).toHaveLength(41);
  });

  it('are cut where an agent on a line wants them', async () => {
    const bytes = 40 * 512 + 100;
    await publish('cut', bytes);
    const { got, ask } = await agent();
    ask('cut', 279, 16_384, 0xffffffff);
    await until(() => got.length >= 32);
    ask('cut', 279 + 5 * 512, 16_384, 0x8000_0005);
    ask('cut', 279 + 39 * 512, 512, 1);
    ask('cut', 279 + 39 * 512, 0);
    await until(() => got.length >= 36);
    await sleep(QUIET_MS);
    const pieces = [...range(0, 32), 5, 7, 36, 39];
    const cut = pieces.map((n) => contentOf(bytes).subarray(279 + n * 512, 279 + (n + 1) * 512));
    expect(got.map(({ data }) => data.length)).toEqual(cut.map(({ length }) => length));
    expect(Buffer.compare(Buffer.concat(got.map(({ data }) => data)), Buffer.concat(cut))).toBe(0);
    expect(got.map(({ sequence }) => sequence)).toEqual([...range(1, 33), 2, 4, 33, 3]);
  });

  it('of a request that follows come behind those of the one before, also where it lacks an earlier one', async () => {
    const bytes = 40 * 512;
    await publish('follows', bytes);
    const { got, ask } = await agent();
    ask('', 0, 512, 1); // of what?
    ask('follows', 100, 4 * 512, 0b1110);
    ask('', 100, 7 * 512, 0b1110001);
    await until(() => got.length >= 7);
    await sleep(QUIET_MS);
    expect(got.map(({ sequence }) => sequence)).toEqual([3, 4, 5, 3, 7, 8, 9]);
  });

  it('come once more when they are asked for once more, from there on', async () => {
    await publish('again', 20 * 512);
    const { got, ask } = await agent();
    ask('again', 0, 4 * 512);
    await until(() => got.length === 4);
    ask('again', 2 * 512, 2 * 512);
    await until(() => got.length === 6);
    expect(offsets(got)).toEqual([0, 1, 2, 3, 2, 3]);
  });

  it('of another package take the place of those before', async () => {
    await publish('first', 64 * 512);
    await publish('second', 3 * 512);
    const { got, ask } = await agent();
    ask('first', 0, 16_384);
    ask('second', 0, 16_384);
    await until(() => got.length >= 3);
    await sleep(QUIET_MS);
    expect([offsets(got), new Set(got.map(({ len }) => len))]).toEqual([[0, 1, 2], new Set([3 * 512])]);
  });

  it('that are published later come then, without being asked for anew', async () => {
    const { got, ask } = await agent();
    ask('later', 0, 1024);
    await sleep(QUIET_MS);
    expect(got).toEqual([]);
    await publish('later', 700);
    await until(() => got.length === 2);
    expect(got.map(({ data }) => data.length)).toEqual([512, 188]);
  });

  it('go to no application, and to no agent that has started anew', async () => {
    await publish('reset', 4 * 512);
    const { got, ask, radio, state } = await agent();
    state.away = true;
    ask('reset', 0, 1024);
    await sleep(QUIET_MS);
    state.away = false;
    ask('reset', 0, 1024);
    radio.started('agent');
    await sleep(QUIET_MS);
    expect(got).toEqual([]);
    ask('reset', 0, 1024);
    await until(() => got.length === 2);
    expect(offsets(got)).toEqual([0, 1]);
  });

  it('of a wrong length, that nobody asked for, or that are too many, are dropped', async () => {
    const client = await somebody();
    const topic = (block: number | 'i') => blockTopic(FLEET, Buffer.from(digestOf('forged')).toString('hex'), block);
    for (const bad of ['', '{}', 'null', blocksPaper(1024).replace('"count":2', '"count":3'), 'x'.repeat(5000)]) {
      await client.publishAsync(topic('i'), bad, KEPT);
    }
    await client.publishAsync(topic('i'), blocksPaper(100 * 512), KEPT);
    await client.publishAsync(topic(0), Buffer.alloc(513), KEPT);
    await client.publishAsync(topic(1), Buffer.alloc(512, 1), KEPT);
    const { got, ask } = await agent();
    ask('forged', 0, 1024);
    await sleep(QUIET_MS);
    expect(got).toEqual([]); // block 1 waits for block 0
    await client.publishAsync(topic(0), Buffer.alloc(100_000), { qos: 1 });
    await client.publishAsync(topic(5), Buffer.alloc(512), { qos: 1 });
    await client.publishAsync(topic(0), Buffer.alloc(512, 7), { qos: 1 });
    await client.publishAsync(topic(0), Buffer.alloc(512, 8), { qos: 1 });
    await until(() => got.length === 2);
    expect(got.map(({ data }) => data[0])).toEqual([7, 1]);
  });

  it('that were asked for in a wrong way are none', async () => {
    await publish('wrong', 2048);
    const { got, ask, radio } = await agent();
    ask('wrong', 1, 512);
    ask('wrong', 0, 100);
    ask('wrong', 0, 0);
    ask('wrong', 0, 16_384 + 512);
    ask('wrong', -512, 512);
    for (const body of [{}, { digest: new Uint8Array(31), off: 0, len: 512 }, { digest: 'x', off: 0, len: 512 }]) {
      radio.send(encodePacket({ version: 2, op: 0, group: 64, id: 7, sequence: 1, body }));
    }
    await sleep(QUIET_MS);
    expect(got).toEqual([]);
  });

  it('are waited for in a bounded number, however many are asked for', async () => {
    const client = await somebody();
    const topic = (block: number | 'i') => blockTopic(FLEET, Buffer.from(digestOf('many')).toString('hex'), block);
    await client.publishAsync(topic('i'), blocksPaper(200 * 512), KEPT);
    const { got, ask } = await agent();
    ask('many', 0, 512);
    await sleep(QUIET_MS);
    for (let window = 0; window < 6; window++) ask('many', window * 16_384, 16_384);
    await sleep(QUIET_MS);
    for (let block = 0; block < 200; block++) await client.publishAsync(topic(block), Buffer.alloc(512), { qos: 1 });
    await sleep(QUIET_MS);
    expect(offsets(got)).toEqual(range(0, 64));
  });
});
