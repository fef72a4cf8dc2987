// The parts of a gateway under attack: the cache of blocks stays within its memory and gives nobody what is no block; the line of a
// board is shared fairly, and never waits for what nobody answers.

import { setTimeout as sleep } from 'node:timers/promises';
import { describe, expect, it } from 'vitest';
import { createBlockCache } from '../../host/fleet/gateway-blocks.js';
import { blocksPaper } from '../../host/links/papers.js';
import { blockTopic } from '../../host/links/topics.js';
import { createDesk, OWN } from '../../host/radio/desk.js';
import { decodePacket, encodePacket } from '../../host/smp/packet.js';

const FLEET = 'plant';
const digest = (number: number) => number.toString(16).padStart(64, '0');
const bytesOf = (text: string) => Uint8Array.from(Buffer.from(text));

function cacheOf(bytesMax?: number) {
  const asked: string[] = [];
  const over: string[] = [];
  const told: string[] = [];
  const cache = createBlockCache(
    FLEET,
    { subscribe: (topics) => asked.push(...topics), unsubscribe: (topics) => over.push(...topics) },
    { ...(bytesMax && { bytesMax }), told: (of, why) => told.push(`${of.slice(-2)} ${why}`) },
  );
  const reader = () => {
    const got: [string, number][] = [];
    const joined = cache.join((topic, data) => got.push([topic.split('/').slice(-1)[0]!, data.length]));
    return { got, ...joined };
  };
  const i = (number: number, blocks: number, retain = true) =>
    cache.heard(blockTopic(FLEET, digest(number), 'i'), bytesOf(blocksPaper(blocks * 512)), retain);
  return { cache, asked, over, told, reader, i };
}
const topics = (number: number, from: number, to: number) =>
  Array.from({ length: to - from }, (_, at) => blockTopic(FLEET, digest(number), from + at));
const settle = () => new Promise((done) => setTimeout(done, 80));

describe('blocks of a gateway', () => {
  it('that the broker does not keep are given to those who wait, and kept for nobody: a stranger may have sent them', () => {
    const { cache, asked, reader, i } = cacheOf();
    const [one, late] = [reader(), reader()];
    const [block] = topics(1, 0, 1);
    one.subscribe([blockTopic(FLEET, digest(1), 'i')]);
    i(1, 3);
    one.subscribe([block!]);
    cache.heard(block!, new Uint8Array(512), false);
    expect(one.got.at(-1)).toEqual(['0', 512]);
    asked.length = 0;
    late.subscribe([block!]);
    expect(asked).toEqual([block]);
  });

  it('are asked for once, however many boards want them, and kept for those that come later', async () => {
    const { cache, asked, over, reader, i } = cacheOf();
    const [one, two, late] = [reader(), reader(), reader()];
    for (const board of [one, two]) board.subscribe([blockTopic(FLEET, digest(1), 'i')]);
    i(1, 3);
    for (const board of [one, two]) board.subscribe(topics(1, 0, 3));
    expect(asked.sort()).toEqual([...topics(1, 0, 3), blockTopic(FLEET, digest(1), 'i')].sort());
    for (const topic of topics(1, 0, 3)) cache.heard(topic, new Uint8Array(512), true);
    late.subscribe([blockTopic(FLEET, digest(1), 'i'), ...topics(1, 0, 3)]);
    expect(late.got).toEqual([]); // never before it has returned
    await settle();
    const all = [
      ['i', blocksPaper(1536).length],
      ['0', 512],
      ['1', 512],
      ['2', 512],
    ];
    expect([one.got, two.got, late.got]).toEqual([all, all, all]);
    expect(asked).toHaveLength(4);
    expect(over.sort()).toEqual(topics(1, 0, 3));
    expect(cache.counts).toMatchObject({ fetched: 3, dropped: 0 });
  });

  it('that are wrong, unasked or beyond the end are dropped, and told once', async () => {
    const { cache, told, reader, i } = cacheOf();
    const board = reader();
    board.subscribe([blockTopic(FLEET, digest(1), 'i')]);
    for (const bad of ['{', '[]', blocksPaper(1024).replace('"count":2', '"count":9'), 'x'.repeat(65_000)]) {
      cache.heard(blockTopic(FLEET, digest(1), 'i'), bytesOf(bad), true);
    }
    i(1, 2);
    board.subscribe(topics(1, 0, 2));
    for (let turn = 0; turn < 1000; turn++) {
      cache.heard(topics(1, 0, 1)[0]!, new Uint8Array(turn % 512), true);
      cache.heard(topics(1, 0, 1)[0]!, new Uint8Array(65_000), true);
      cache.heard(topics(1, turn + 2, turn + 3)[0]!, new Uint8Array(512), true);
      cache.heard(topics(turn + 2, 0, 1)[0]!, new Uint8Array(512), true);
      cache.heard(`cs/${FLEET}/p/${digest(1)}/raw/0x1`, new Uint8Array(512), true);
      cache.heard(`cs/other/p/${digest(1)}/raw/0`, new Uint8Array(512), true);
    }
    await settle();
    expect(board.got.slice(1)).toEqual([]);
    expect(told).toEqual(['01 does not say how many blocks there are', '01 has a block of a wrong length']);
    expect(cache.counts.bytes).toBe(0);
    cache.heard(topics(1, 0, 1)[0]!, new Uint8Array(512), true);
    expect(board.got.slice(1)).toEqual([['0', 512]]);
  });

  it('take no more memory than they may: the one used least recently goes, and is fetched anew', async () => {
    const { cache, asked, reader, i } = cacheOf(10 * 768);
    const board = reader();
    board.subscribe([blockTopic(FLEET, digest(1), 'i')]);
    i(1, 1000);
    for (const topic of topics(1, 0, 1000)) {
      board.subscribe([topic]);
      cache.heard(topic, new Uint8Array(512), true);
      board.subscribe(topics(1, 0, 1)); // used all the time
      expect(cache.counts.bytes).toBeLessThanOrEqual(10 * 768);
    }
    asked.length = 0;
    board.subscribe([...topics(1, 0, 2), ...topics(1, 995, 1000)]);
    expect(asked).toEqual(topics(1, 1, 2));
  });

  it('of more packages than there is room for: those that nobody wants go; else a board waits', () => {
    const { asked, over, reader } = cacheOf();
    const boards = Array.from({ length: 64 }, (_, at) => {
      const board = reader();
      board.subscribe([blockTopic(FLEET, digest(at), 'i')]);
      return board;
    });
    asked.length = 0;
    const more = reader();
    more.subscribe([blockTopic(FLEET, digest(100), 'i')]);
    expect(asked).toEqual([]);
    boards[7]!.close();
    more.subscribe([blockTopic(FLEET, digest(100), 'i')]);
    expect([asked.length, over]).toEqual([1, []]);
  });

  it('are forgotten when the package is published anew, is taken away, or the broker was away', async () => {
    const { cache, asked, reader, i } = cacheOf();
    const board = reader();
    const fetch = () => {
      board.subscribe([blockTopic(FLEET, digest(1), 'i')]);
      board.subscribe(topics(1, 0, 1));
      cache.heard(topics(1, 0, 1)[0]!, new Uint8Array(512), true);
    };
    board.subscribe([blockTopic(FLEET, digest(1), 'i')]);
    i(1, 2);
    fetch();
    expect(cache.counts).toMatchObject({ fetched: 1, bytes: 768 });
    i(1, 2, false);
    expect(cache.counts.bytes).toBe(0);
    await sleep(1100);
    fetch();
    expect(cache.counts).toMatchObject({ fetched: 2, bytes: 768 });
    cache.heard(blockTopic(FLEET, digest(1), 'i'), new Uint8Array(), false);
    expect(cache.counts.bytes).toBe(0);
    asked.length = 0;
    cache.renewed();
    await sleep(1100);
    board.subscribe([blockTopic(FLEET, digest(1), 'i')]);
    expect(asked).toEqual([blockTopic(FLEET, digest(1), 'i')]);
  });
});

const request = (sequence: number, id = 0, op: 0 | 2 = 0) =>
  encodePacket({ version: 2, op, group: 0, id, sequence, body: {} });
const answerTo = (packet: Uint8Array) => {
  const { op, ...rest } = decodePacket(packet);
  return encodePacket({ ...rest, op: (op + 1) as 1 | 3, body: { r: 'x' } });
};

function deskOf(away = false) {
  const sent: Uint8Array[] = [];
  let refused = 0;
  const line = { turnMs: 300, timeoutMs: 1000, retries: 0 };
  const desk = createDesk({ receive: (packet) => sent.push(packet), away, line }, () => (refused += 1));
  return { desk, sent, refused: () => refused };
}

describe('the line of a board', () => {
  it('has one request under way, and each client gets its own answer with its own number', () => {
    const { desk, sent } = deskOf();
    const got: [string, number][] = [];
    for (const who of ['a', 'b', 'c'])
      desk.ask(who, request(7), (packet) => got.push([who, decodePacket(packet).sequence]));
    expect(sent).toHaveLength(1);
    for (let turn = 0; turn < 3; turn++) desk.answer(answerTo(sent[turn]!));
    desk.answer(answerTo(sent[0]!)); // once more: nobody's
    expect(got).toEqual([
      ['a', 7],
      ['b', 7],
      ['c', 7],
    ]);
    expect(new Set(sent.map((packet) => decodePacket(packet).sequence)).size).toBe(3);
    desk.close();
  });

  it('goes on when an answer is overdue, and a late answer still counts', async () => {
    const { desk, sent } = deskOf();
    const got: string[] = [];
    desk.ask('a', request(1), () => got.push('a'));
    desk.ask('b', request(2), () => got.push('b'));
    await sleep(400);
    expect(sent).toHaveLength(2);
    desk.answer(answerTo(sent[0]!));
    desk.answer(answerTo(sent[1]!));
    expect(got).toEqual(['a', 'b']);
    desk.close();
  });

  it('a flood of clients is dropped beyond a bound; what the board itself asks goes first, and blocks before all', async () => {
    const { desk, sent, refused } = deskOf();
    for (let turn = 0; turn < 10_000; turn++)
      desk.ask(`client-${turn % 500}`, request(turn & 0xff, 0, 2), () => undefined);
    expect(sent).toHaveLength(1);
    expect(refused()).toBe(10_000 - 17);
    desk.ask(OWN, request(9, 6), () => undefined);
    const block = encodePacket({ version: 2, op: 1, group: 64, id: 7, sequence: 0, body: { off: 0, len: 512 } });
    desk.give(block);
    desk.answer(answerTo(sent[0]!));
    desk.heard();
    expect(sent.slice(1).map((packet) => decodePacket(packet).id)).toEqual([7, 6]);
    desk.close();
  });

  it('what nobody answers does not hold it up: no requests, too long, damaged', () => {
    const { desk, sent } = deskOf();
    const none = [
      new Uint8Array(),
      request(1).subarray(0, 5),
      answerTo(request(1)),
      Buffer.concat([request(1), Buffer.alloc(3)]),
    ];
    const wrongVersion = request(1);
    wrongVersion[0] = 0x18;
    const giant = encodePacket({ version: 2, op: 2, group: 0, id: 0, sequence: 1, body: { d: 'x'.repeat(5000) } });
    for (const packet of [...none, wrongVersion, giant]) desk.ask('a', packet, () => undefined);
    expect(sent).toEqual([]);
    desk.ask('a', request(2), () => undefined);
    expect(sent).toHaveLength(1);
    for (const packet of [...none, wrongVersion]) desk.answer(packet);
    desk.close();
  });

  it('the same request of one client waits once, and four of one client are enough', () => {
    const { desk, sent, refused } = deskOf();
    desk.ask('other', request(0), () => undefined);
    for (let turn = 0; turn < 5; turn++) desk.ask('a', request(1), () => undefined);
    expect(refused()).toBe(0);
    for (let turn = 2; turn < 10; turn++) desk.ask('a', request(turn), () => undefined);
    expect(refused()).toBe(5);
    expect(sent).toHaveLength(1);
    desk.close();
  });
});
