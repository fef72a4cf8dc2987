// Packets of an upload sent ahead, for a server that says that it has several buffers: faster where answers take their time, and right
// whatever gets lost, comes late or is refused.

import { createHash } from 'node:crypto';
import { describe, expect, it, vi } from 'vitest';
import type { CountersignError } from '../../host/errors.js';
import { openSerial } from '../../host/links/serial.js';
import { createClient } from '../../host/smp/client.js';
import { parameters } from '../../host/smp/commands.js';
import { createListeners, type Link } from '../../host/smp/link.js';
import { decodePacket, encodePacket, GROUP, type Packet } from '../../host/smp/packet.js';
import { type UploadEnd, upload } from '../../host/smp/upload.js';
import { makeDeviceWorld } from '../support/device-world.js';
import { responseTo } from './scripted.js';

const FILE = Uint8Array.from({ length: 40_001 }, (_, at) => (at * 7 + (at >> 8)) % 256);
const DIGEST = Uint8Array.from(createHash('sha256').update(FILE).digest());
const BUFFER_BYTES = 512;
const LATENCY_MS = 20; // each way

type Body = Record<string, unknown>;
/** What becomes of the nth packet of the upload and its answer. */
interface Faults {
  /** It is lost, or so much later. */
  request?(n: number): 'lost' | number;
  answer?(n: number, body: Body): 'lost' | number;
  /** What the server says instead. */
  says?(n: number, store: number[], packet: { off: number; data: Uint8Array }): Body | undefined;
}

/** A server with some buffers, a packet in each until it was answered; what finds none is lost. It works in order. */
function server(buffers: number, { request = () => 0, answer = () => 0, says = () => undefined }: Faults = {}) {
  const { emit, listen, closed, end } = createListeners();
  const store: number[] = [];
  const seen = { underWay: 0, most: 0, lost: 0, packets: 0 };
  const sent: { off: number; at: number }[] = [];
  const waiting: { packet: Packet; n: number }[] = [];
  const later = (late: 'lost' | number, work: () => void) => {
    if (late !== 'lost') setTimeout(work, LATENCY_MS + late);
  };

  function work(): void {
    const { packet, n } = waiting[0]!;
    const { off, data } = packet.body as { off: number; data: Uint8Array };
    let body: Body = {};
    if (packet.group === GROUP.image) {
      const instead = says(n, store, { off, data });
      if (!instead && off === store.length) store.push(...data);
      body = instead ?? { off: store.length };
    }
    waiting.shift();
    if (waiting.length > 0) setImmediate(work);
    later(packet.group === GROUP.image ? answer(n, body) : 0, () => {
      if (packet.group === GROUP.image) seen.underWay -= 1;
      emit.packet(encodePacket(responseTo(packet, body)));
    });
  }

  const link: Link = {
    ...{ name: 'server', framingBytes: 4, listen, closed },
    async send(bytes) {
      const packet = decodePacket(bytes);
      const n = packet.group === GROUP.image ? seen.packets++ : -1;
      if (n >= 0) sent.push({ off: packet.body.off as number, at: performance.now() });
      if (n >= 0) seen.most = Math.max(seen.most, ++seen.underWay);
      later(n >= 0 ? request(n) : 0, () => {
        if (waiting.length >= buffers) {
          seen.lost += 1;
          return;
        }
        waiting.push({ packet, n });
        if (waiting.length === 1) setImmediate(work);
      });
    },
    close: async () => end(),
  };
  return { link, store, seen, sent };
}

async function run(has: ReturnType<typeof server>, bufferCount = 4, signal?: AbortSignal, timeoutMs = 10_000) {
  const client = createClient(has.link, { timeoutMs, retries: 3 });
  const steps = upload(client, {
    ...{ file: FILE, digest: DIGEST, signal },
    parameters: { bufferBytes: BUFFER_BYTES, bufferCount },
  });
  const offsets: number[] = [];
  let end: UploadEnd | undefined;
  let error: CountersignError | undefined;
  const begun = performance.now();
  try {
    for (let step = await steps.next(); ; step = await steps.next()) {
      if (step.done) {
        end = step.value;
        break;
      }
      offsets.push(step.value);
    }
  } catch (thrown) {
    error = thrown as CountersignError;
  }
  return { offsets, end, error, ms: performance.now() - begun };
}

function forgotten(store: number[]): number {
  store.length = 0;
  return 0;
}

const whole = ({ store }: ReturnType<typeof server>) => Buffer.compare(Uint8Array.from(store), FILE) === 0;

describe('a server of four buffers, 20 ms away', () => {
  it('gets three packets at a time, and the file in less than two thirds of the time', async () => {
    const single = server(4);
    const one = await run(single, 1);
    expect(single.seen.most).toBe(1);
    const has = server(4);
    const { ms, offsets, end } = await run(has);
    console.log(
      `${FILE.length} bytes, ${LATENCY_MS} ms away: ${Math.round(one.ms)} ms one at a time, ${Math.round(ms)} ms ahead`,
    );
    expect(end?.kind).toBe('complete');
    expect(whole(has)).toBe(true);
    expect(has.seen).toMatchObject({ most: 3, lost: 0, packets: single.seen.packets });
    expect(offsets).toEqual([...offsets].sort((a, b) => a - b));
    expect(offsets.at(-1)).toBe(FILE.length);
    expect(ms).toBeLessThan(0.6 * one.ms);
  });

  it('of two buffers gets one packet at a time: an answer takes one, too', async () => {
    const has = server(2);
    expect((await run(has, 2)).end?.kind).toBe('complete');
    expect(has.seen.most).toBe(1);
  });

  const every = (k: number) => (n: number) => (n % k === k - 1 ? ('lost' as const) : 0);
  it.each<[string, Faults]>([
    ['each ninth packet is lost', { request: every(9) }],
    ['each ninth answer is lost', { answer: every(9) }],
    ['two of eleven packets are lost in a row', { request: (n) => (n % 11 > 8 ? 'lost' : 0) }],
    ['packets overtake each other', { request: (n) => (n % 5 === 4 ? 15 : 0) }],
    ['answers overtake each other', { answer: (n) => (n % 5 === 4 ? 15 : 0) }],
    ['it forgets what it has, once', { says: (n, store) => (n === 30 ? { off: forgotten(store) } : undefined) }],
    ['it is out of memory now and then', { says: (n) => (n % 17 === 16 ? { rc: 2 } : undefined) }],
  ])('has it all, though %s', async (_what, faults) => {
    const has = server(4, faults);
    const { end, error } = await run(has);
    expect([error?.message, end?.kind, whole(has)]).toEqual([undefined, 'complete', true]);
    expect(has.seen.most).toBeGreaterThanOrEqual(3);
  });
});

describe('an answer', () => {
  it('stands for those of all packets before: one that is lost is not waited for', async () => {
    const lost = [15, 18, 21, 45, 48, 51]; // as many in each run as there are under way
    const has = server(4, { answer: (n) => (lost.includes(n) ? 'lost' : 0) });
    expect((await run(has)).end?.kind).toBe('complete');
    const pauses = [21, 51].map((n) =>
      Math.max(...[1, 2, 3, 4, 5].map((k) => has.sent[n + k]!.at - has.sent[n + k - 1]!.at)),
    );
    expect(Math.min(...pauses)).toBeLessThan(200); // it would be 250 at least
  });

  it('that names what is not in the file is not believed', async () => {
    const has = server(4, { says: (n) => (n >= 20 && n < 23 ? { off: FILE.length + 1 } : undefined) });
    expect((await run(has)).end?.kind).toBe('complete');
    expect(Math.max(...has.sent.map(({ off }) => off))).toBeLessThan(FILE.length);
  });
});

describe('a server that says more than is so', () => {
  it('and has one buffer gets the file all the same, and soon one packet at a time', async () => {
    const has = server(1);
    expect((await run(has)).end?.kind).toBe('complete');
    expect(whole(has)).toBe(true);
    expect(has.seen.lost).toBeGreaterThan(0);
    expect(has.seen.lost).toBeLessThan(20);
  });

  it('and keeps whole units only gets no more than two runs ahead, and the file', async () => {
    const has = server(4, {
      says(_n, store, { off, data }) {
        const kept = off + data.length === FILE.length ? data.length : data.length - (data.length % 32);
        if (off === store.length) store.push(...data.slice(0, kept));
        return { off: store.length };
      },
    });
    expect((await run(has)).end?.kind).toBe('complete');
    expect(whole(has)).toBe(true);
    expect(has.seen.packets).toBeLessThan(FILE.length / (BUFFER_BYTES - 80));
  });

  it('is our agent: it takes all that it was sent, and nothing is sent twice', async () => {
    const world = makeDeviceWorld();
    const board = await world.board({ unapproved: 'prompt' });
    const file = world.package('one', 1n, 20_000);
    const client = createClient(await openSerial(board.port));
    try {
      const { bufferBytes, bufferCount } = await parameters(client);
      expect(bufferCount).toBe(5);
      const digest = Uint8Array.from(createHash('sha256').update(file).digest());
      const sent = vi.spyOn(client.link, 'send');
      const steps = upload(client, { file, digest, parameters: { bufferBytes, bufferCount } });
      let step = await steps.next();
      while (!step.done) step = await steps.next();
      expect(step.value.kind).toBe('complete');
      const offsets = sent.mock.calls.map(([packet]) => Number(decodePacket(packet).body.off));
      expect(offsets.length).toBeGreaterThan(30);
      expect(offsets).toEqual([...new Set(offsets)].sort((a, b) => a - b));
    } finally {
      await client.close();
      await world.close();
    }
  });
});

describe('an upload that is sent ahead', () => {
  it('ends with the refusal, and where it was', async () => {
    const has = server(4, { says: (n) => (n >= 40 ? { err: { group: 1, rc: 2 } } : undefined) });
    const { end, offsets } = await run(has);
    expect(end).toMatchObject({ kind: 'refused', off: has.store.length, error: { group: 1, rc: 2 } });
    expect(offsets.at(-1)).toBe(has.store.length);
    expect(has.seen.packets).toBeLessThan(46);
  });

  it('to a server that asks for what is not in the file ends', async () => {
    const has = server(4, { says: (n) => (n >= 40 ? { off: FILE.length + 1 } : undefined) });
    expect((await run(has)).error?.reason.name).toBe('FrameMalformed');
  });

  it('to a server that goes back again and again ends', async () => {
    const has = server(4, { says: (n, store) => (n % 25 === 24 ? { off: forgotten(store) } : undefined) });
    expect((await run(has)).error?.reason.name).toBe('LinkLost');
    expect(has.seen.packets).toBeLessThan(150);
  }, 60_000);

  it('to a server that falls silent ends', async () => {
    const has = server(4, { request: (n) => (n >= 40 ? 'lost' : 0) });
    const { error } = await run(has, 4, undefined, 300);
    expect(['LinkLost', 'PacketsLost']).toContain(error?.reason.name);
  });

  it('ends at once when it is given up, and when the link is gone', async () => {
    const stop = new AbortController();
    const has = server(4, {
      request(n) {
        if (n === 40) setTimeout(() => stop.abort());
        return n >= 40 ? 'lost' : 0;
      },
    });
    const begun = performance.now();
    expect((await run(has, 4, stop.signal)).error?.reason.name).toBe('Cancelled');
    const gone: ReturnType<typeof server> = server(4, {
      request(n) {
        if (n === 40) setTimeout(() => void gone.link.close());
        return n >= 40 ? 'lost' : 0;
      },
    });
    expect((await run(gone)).error?.reason.name).toBe('LinkLost');
    expect(performance.now() - begun).toBeLessThan(9000);
  });
});
