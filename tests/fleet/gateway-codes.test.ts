// Blocks that a gateway codes for boards on slow lines: each once for all of them, of what it has kept, and never longer or otherwise
// than without; and a package that two boards fetch over such lines.

import { once } from 'node:events';
import { type AddressInfo, createServer, type Socket } from 'node:net';
import { SerialPort } from 'serialport';
import { afterEach, describe, expect, it, vi } from 'vitest';
import { makeLine } from '../../bench/wire/line.mjs';
import { createBlockCache } from '../../host/fleet/gateway-blocks.js';
import { createCodes } from '../../host/fleet/gateway-codes.js';
import { BLOCK_BYTES, blockCount, blocksPaper } from '../../host/links/papers.js';
import { blockTopic } from '../../host/links/topics.js';
import { createBlocks } from '../../host/radio/blocks.js';
import { decodePacket } from '../../host/smp/packet.js';
import { imageOf } from '../support/agent-world.js';
import { likeCode, lzDecoder } from '../support/lz.js';
import { have } from '../support/need.js';
import { bring, everything, FLEET, gatewayOf, lineBoard, startFleet } from './fleet.js';

const DIGEST = '7'.padStart(64, '0');
const HEAD = 279;
const file = Uint8Array.from([...imageOf(HEAD), ...likeCode(40_000)]);
const decoder = await lzDecoder();
const numbers = (count: number) => Array.from({ length: count }, (_, n) => n);

/** The block that begins at `from`, out of a code, by a device with these first bytes of the package in flash. */
const decoded = (coded: Uint8Array | undefined, from: number, flash: Uint8Array, bytes = BLOCK_BYTES) =>
  coded && decoder.decode({ coded, from: from - HEAD, bytes, source: flash.subarray(HEAD), delta: false });

/** A gateway's cache that a board has filled; `retain`: which blocks the broker keeps. */
function filled(bytes = file, retain: (block: number) => boolean = () => true) {
  const cache = createBlockCache(
    FLEET,
    { subscribe: () => undefined, unsubscribe: () => undefined },
    { told: () => undefined },
  );
  const board = cache.join(() => undefined);
  const info = blockTopic(FLEET, DIGEST, 'i');
  const paper = Buffer.from(blocksPaper(bytes.length));
  function fill(now: Uint8Array) {
    for (const n of numbers(blockCount(now.length))) {
      const topic = blockTopic(FLEET, DIGEST, n);
      board.subscribe([topic]);
      cache.heard(topic, now.subarray(n * BLOCK_BYTES, (n + 1) * BLOCK_BYTES), retain(n));
    }
  }
  board.subscribe([info]);
  cache.heard(info, paper, true);
  fill(bytes);
  const code = (from: number, known: number, to = from + BLOCK_BYTES) => board.coded!(DIGEST, { from, to, known });
  return { cache, code, fill, anew: () => cache.heard(info, paper, false) };
}

describe('a block that a gateway codes', () => {
  const from = HEAD + 30_720;
  const known = HEAD + 16_384;

  it('is smaller, and decodes to what it is from what the board has in flash', () => {
    const { code } = filled();
    const coded = code(from, known)!;
    expect(coded.length).toBeLessThan(0.8 * BLOCK_BYTES);
    expect(decoded(coded, from, file.subarray(0, known))).toEqual(file.slice(from, from + BLOCK_BYTES));
  });

  it('is coded once for boards that have about as much, and anew for one that has less', () => {
    const { cache, code } = filled();
    const first = code(from, known);
    expect(code(from, known + 1024)).toBe(first);
    expect(cache.counts.coded).toBe(1);
    const other = code(from, known - 512);
    expect(cache.counts.coded).toBe(2);
    expect(decoded(other, from, file.subarray(0, known - 512))).toEqual(file.slice(from, from + BLOCK_BYTES));
    code(from, from); // has much more
    expect(cache.counts.coded).toBe(3);
  });

  it('that is not smaller, or that nothing is kept of, goes as it is', () => {
    const noise = filled(Uint8Array.from([...imageOf(HEAD + 20_000)]));
    expect(noise.code(HEAD + 8192, HEAD + 8192)).toBeUndefined();
    expect(noise.code(HEAD + 8192, HEAD + 8192)).toBeUndefined();
    expect(noise.cache.counts.coded).toBe(1); // nor is it tried again
    const stranger = filled(file, () => false);
    expect(stranger.code(from, known)).toBeUndefined();
    expect(stranger.cache.counts.coded).toBe(0);
  });

  it('refers to nothing before a gap in what is kept', () => {
    const gap = 20;
    const { code } = filled(file, (block) => block !== gap);
    const flash = file.slice(0, known);
    flash.fill(0xa5, 0, (gap + 1) * BLOCK_BYTES);
    const coded = code(from, known)!;
    expect(decoded(coded, from, flash)).toEqual(file.slice(from, from + BLOCK_BYTES));
    const bare = filled(file, (block) => block >= Math.floor(from / BLOCK_BYTES));
    expect(decoded(bare.code(from, known), from, new Uint8Array(known))).toEqual(file.slice(from, from + BLOCK_BYTES));
    expect(bare.code(from, 0)).toBeDefined();
  });

  it('is made anew when its package is published anew', () => {
    const { code, fill, anew } = filled();
    const before = code(from, known);
    anew();
    expect(code(from, known)).toBeUndefined();
    const other = Uint8Array.from(file, (byte, at) => (at > HEAD && at % 100 === 0 ? byte ^ 1 : byte));
    fill(other);
    const after = code(from, known);
    expect(after).not.toEqual(before);
    expect(decoded(after, from, other.subarray(0, known))).toEqual(other.slice(from, from + BLOCK_BYTES));
  });

  it('is made anew when the broker was away', () => {
    const { cache, code } = filled();
    expect(code(from, known)).toBeDefined();
    cache.renewed();
    expect(code(from, known)).toBeUndefined();
  });

  it('is not given to a board that asks for another part of it', () => {
    const { code } = filled();
    const part = 300;
    code(from, known, from + part);
    expect(decoded(code(from, known), from, file.subarray(0, known))).toEqual(file.slice(from, from + BLOCK_BYTES));
    const short = code(from, known, from + part);
    expect(decoded(short, from, file.subarray(0, known), part)).toEqual(file.slice(from, from + part));
  });
});

describe('codes of a gateway', () => {
  const kept = (_digest: string, block: number) => file.subarray(block * BLOCK_BYTES, (block + 1) * BLOCK_BYTES);

  it('take half of the time at most: beyond that, blocks go as they are', () => {
    let at = 0;
    let made = 0;
    const codes = createCodes(
      kept,
      () => {
        made += 1;
        at += 100; // so long it took
      },
      () => at,
    );
    const ask = (n: number) => codes.of(DIGEST, { from: HEAD + n * 512, to: HEAD + n * 512 + 512, known: HEAD });
    let asked = 0;
    while (made === asked && asked < 70) ask(asked++);
    expect(made).toBeGreaterThan(5);
    expect(made).toBeLessThan(15);
    expect(ask(0)).toBeDefined(); // it is there
    const before = made;
    for (const end = at + 10_000; at < end; at += 10) ask(asked++ % 78);
    expect(100 * (made - before)).toBeLessThanOrEqual(0.55 * 10_000);
    expect(100 * (made - before)).toBeGreaterThan(0.35 * 10_000);
  });

  it('are kept within bounds, those used least recently the shortest', () => {
    let made = 0;
    const codes = createCodes(
      kept,
      () => {
        made += 1;
      },
      () => 0, // takes no time
    );
    const ask = (from: number) => codes.of(DIGEST, { from, to: from + 2, known: 0 });
    for (const n of numbers(5000)) {
      ask(n);
      ask(0);
    }
    expect(made).toBe(5000);
    ask(4999);
    ask(0);
    expect(made).toBe(5000);
    ask(1);
    expect(made).toBe(5001);
    codes.forget();
    ask(0);
    expect(made).toBe(5002);
  });
});

describe('a board that asks over a line', () => {
  afterEach(() => void vi.useRealTimers());

  /** What it is given for requests of a window each, so many milliseconds apart; `lz`: it decodes. */
  function given(pauseMs: number, { lz = true, codes = true, again = false } = {}) {
    vi.useFakeTimers();
    const got: { n: number; data: Uint8Array }[] = [];
    const asked: number[] = [];
    const blocks = createBlocks({
      topic: (digest, block) => blockTopic(FLEET, digest, block),
      subscribe(topics) {
        setImmediate(() => {
          for (const topic of topics) {
            const block = Number(topic.split('/').at(-1));
            const data = Number.isNaN(block)
              ? Buffer.from(blocksPaper(file.length))
              : file.subarray(block * BLOCK_BYTES, (block + 1) * BLOCK_BYTES);
            blocks.heard(topic, data);
          }
        });
      },
      unsubscribe: () => undefined,
      close: () => undefined,
      ...(codes && {
        coded(_digest, { from, known }) {
          expect(known).toBe(HEAD);
          asked.push(from);
          return Uint8Array.of(7);
        },
      }),
      handIn(packet) {
        const { sequence, body } = decodePacket(packet);
        got.push({ n: sequence, data: body.data as Uint8Array });
      },
    });
    const ask = (n: number, want: number) => {
      const digest = Buffer.from(DIGEST, 'hex');
      const place = { off: HEAD + n * BLOCK_BYTES, len: 16_384, want, many: 1, sequence: n };
      blocks.wanted({ digest, ...place, lz: lz ? HEAD : undefined });
    };
    ask(0, 0xffffffff);
    vi.advanceTimersByTime(pauseMs);
    ask(16, 0xffff0000);
    if (again) vi.advanceTimersToNextTimer(); // it has given some of them
    if (again) ask(16, 0xffff0000);
    vi.advanceTimersByTime(pauseMs);
    return { got, asked };
  }

  it('that is slow gets codes, in order, once it is known to be', () => {
    const { got, asked } = given(2000);
    expect(got.map(({ n }) => n)).toEqual(numbers(48));
    expect(got.slice(0, 32).every(({ data }) => data.length === BLOCK_BYTES)).toBe(true);
    expect(got.slice(32).every(({ data }) => data.length === 1)).toBe(true);
    expect(asked).toEqual(numbers(16).map((n) => HEAD + (n + 32) * BLOCK_BYTES));
  });

  it.each([
    ['that is fast', 100, {}],
    ['and does not decode', 2000, { lz: false }],
    ['of whoever codes nothing', 2000, { codes: false }],
  ])('%s gets blocks as they are', (_what, pauseMs, how) => {
    const { got } = given(pauseMs, how);
    expect(got.map(({ n }) => n)).toEqual(numbers(48));
    expect(got.every(({ data }) => data.length === BLOCK_BYTES)).toBe(true);
  });

  it('gets what it asks for once more as it is', () => {
    const { got, asked } = given(2000, { again: true });
    const twice = got.filter(({ n }) => n >= 32);
    for (const n of new Set(twice.map(({ n }) => n))) {
      const [, ...more] = twice.filter((one) => one.n === n);
      expect(more.every(({ data }) => data.length === BLOCK_BYTES)).toBe(true);
    }
    expect(twice.length).toBeGreaterThan(16);
    expect(new Set(twice.map(({ n }) => n)).size).toBe(16);
    expect(new Set(asked).size).toBe(asked.length);
  });
});

const cleanups: (() => unknown)[] = [];
afterEach(async () => {
  for (const cleanup of cleanups.splice(0).reverse()) await cleanup();
});

/** The line of a board over TCP, of so many baud; bytes that have gone to the board. */
async function slowLine(path: string, baud: number): Promise<{ url: string; down(): number }> {
  const port = new SerialPort({ path, baudRate: 115_200 });
  const [to, from] = [makeLine({ baud }), makeLine({ baud })];
  let down = 0;
  let at: Socket | undefined;
  const server = createServer((socket) => {
    at = socket;
    socket.on('error', () => undefined);
    socket.on('data', (bytes) => {
      down += bytes.length;
      to.push(performance.now(), bytes);
    });
  });
  port.on('data', (bytes: Buffer) => from.push(performance.now(), bytes));
  const pass = setInterval(() => {
    port.write(to.take(performance.now()));
    at?.write(from.take(performance.now()));
  }, 5);
  await once(server.listen(0, '127.0.0.1'), 'listening');
  cleanups.push(async () => {
    clearInterval(pass);
    at?.destroy();
    server.close();
    await new Promise((done) => port.close(done));
  });
  return { url: `tcp://127.0.0.1:${(server.address() as AddressInfo).port}`, down: () => down };
}

describe.skipIf(!have('mosquitto'))('boards on slow lines behind a gateway', () => {
  /** Two of them get a package with this image; what went over their lines. */
  async function fetched(image: Uint8Array) {
    const here = await startFleet();
    cleanups.push(() => here.close());
    const lines = [];
    for (const number of [1, 2]) {
      const board = await lineBoard(here.world, number);
      cleanups.push(() => board.close());
      lines.push(await slowLine(board.port, 57_600));
    }
    const { stop } = gatewayOf(
      here,
      lines.map(({ url }) => ({ port: url })),
      ['all'],
    );
    cleanups.push(stop);
    await here.until((all) => all.filter(({ online }) => online).length === 2);
    await here.approve(1, [everything('approve')]);
    await here.until((all) => all.every(({ approvals }) => approvals?.[0]?.sequence === '1'));
    const before = lines.map(({ down }) => down());
    const one = here.world.package('first', 1n, image);
    const begun = performance.now();
    await bring(here, one, { group: 'all' }, 'first');
    await here.until((all) => all.filter(({ firmwareVersion }) => firmwareVersion === '1.1.0').length === 2);
    const seconds = (performance.now() - begun) / 1000;
    const counts = await stop();
    return { bytes: one.length, down: lines.map(({ down }, n) => down() - before[n]!), seconds, ...counts };
  }

  it('get in less than it has what can be coded, each block coded once for both', async () => {
    const { bytes, down, coded, fetched: blocks } = await fetched(likeCode(80_000));
    expect(blocks).toBe(blockCount(bytes));
    for (const one of down) expect(one).toBeLessThan(0.9 * bytes);
    expect(coded).toBeGreaterThan(80);
    expect(coded).toBeLessThan(1.5 * blockCount(bytes));
  });

  it('get what cannot be coded as it is', async () => {
    const { bytes, down } = await fetched(imageOf(40_000));
    for (const one of down) expect(one).toBeGreaterThan(bytes);
  });
});
