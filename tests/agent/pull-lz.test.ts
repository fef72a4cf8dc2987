// Blocks that come coded, over a line: a whole update of them, with loss, noise, resets and power cuts on the way; and codes that
// nobody should send.
import { describe, expect, it } from 'vitest';
import { putTokens, rangeCoder } from '../../host/formats/lz.js';
import { codePiece, indexed } from '../../host/formats/lz-parse.js';
import { expectOk, packageOf, runs, state } from '../support/agent-world.js';
import { type Board, bench } from '../support/bench-hal.js';
import {
  answersTo,
  answerWith,
  approvedBoard,
  BLOCK_BYTES,
  block,
  give,
  order,
  type Wanted,
  wanted,
} from '../support/blocks.js';
import { PowerCut } from '../support/flash.js';
import { likeCode } from '../support/lz.js';

const LINE = 0;
const HEAD_BYTES_MAX = 2048;

interface Asked extends Wanted {
  lz: number;
}

const large = () => packageOf(1, { image: likeCode(40_000) });

const codes = new Map<string, Uint8Array>(); // to code a block takes 10 ms, and most are coded for many boards

/** The answers to a request, coded by what the device said it has. */
function codedTo(request: Asked, file: Uint8Array): { at: number; packet: Uint8Array; coded: boolean }[] {
  const { off, sequence, want } = request;
  const lz = Math.min(request.lz, off); // a block that was begun is told, too
  if (want === undefined) return answersTo(request, file).map((one) => ({ ...one, coded: false }));
  const source = indexed(file.subarray(Math.min(HEAD_BYTES_MAX, lz), lz), Math.min(HEAD_BYTES_MAX, lz));
  return answersTo(request, file).map(({ at, packet }) => {
    const data = file.subarray(at, Math.min(at + BLOCK_BYTES, off + request.len));
    const name = `${lz} ${at} ${Buffer.from(data).toString('base64')}`;
    const code = codes.get(name) ?? codePiece({ data, from: at, source, delta: false });
    codes.set(name, code);
    if (code.length >= data.length) return { at, packet, coded: false };
    return { at, packet: answerWith({ data: code }, sequence + (at - off) / BLOCK_BYTES), coded: true };
  });
}

interface Served {
  coded: number;
  whole: number;
  bytes: number;
  known: number[];
}

/** Answers until the device asks no more for some seconds; `way` says what becomes of an answer. */
function serve(
  board: Board,
  file: Uint8Array,
  way = (packet: Uint8Array, _n: number) => [packet],
  until = 1e9,
): Served {
  const served = { coded: 0, whole: 0, bytes: 0, known: [] as number[] };
  let n = 0;
  for (let quiet = 0; quiet < 5000 && board.running === 'agent'; quiet += 20) {
    board.tick(20);
    for (const request of wanted(board, LINE) as Asked[]) {
      quiet = 0;
      if (request.lz !== undefined) served.known.push(request.lz);
      for (const { packet, coded } of codedTo(request, file)) {
        if (n >= until || board.running !== 'agent') return served;
        served[coded ? 'coded' : 'whole'] += 1;
        served.bytes += packet.length;
        for (const one of way(packet, n++)) give(board, one, LINE);
      }
    }
  }
  return served;
}

function ordered() {
  const { board, one } = approvedBoard({}, large());
  expectOk(order(board, one.digest, 'order-1', LINE));
  return { board, one, head: one.head.length };
}

/** A device whose head has come, and its first request behind it. */
function asking() {
  const { board, one, head } = ordered();
  board.tick(20);
  wanted(board, LINE);
  give(board, block(one.bytes, 0), LINE);
  const requests: Asked[] = [];
  for (let ticks = 0; ticks < 5; ticks++) {
    board.tick(20);
    requests.push(...(wanted(board, LINE) as Asked[]));
  }
  return { board, one, head, request: requests[0]! };
}

const ends = (board: Board, one: ReturnType<typeof large>) => {
  board.settle();
  return runs(board, one);
};

describe('a package of coded blocks', () => {
  it('is installed, in less than it has, by what the device says that it has in flash', () => {
    const { board, one, head } = ordered();
    const { coded, whole, bytes, known } = serve(board, one.bytes);
    expect(coded).toBeGreaterThan(70);
    expect(whole).toBeLessThan(8); // the head's, and those that would be larger
    expect(bytes).toBeLessThan(0.8 * one.bytes.length);
    expect(known[0]).toBeGreaterThanOrEqual(head);
    expect(known[0]).toBeLessThan(head + BLOCK_BYTES);
    expect(known).toEqual([...known].sort((a, b) => a - b));
    expect(known.at(-1)).toBeGreaterThan(head + 16_384);
    expect(ends(board, one)).toBe(true);
  });

  it.each([
    ['every fifth is lost', (packet: Uint8Array, n: number) => (n % 5 === 4 ? [] : [packet])],
    ['every third comes twice', (packet: Uint8Array, n: number) => (n % 3 === 0 ? [packet, packet] : [packet])],
    ['ten in a row are lost, again and again', (packet: Uint8Array, n: number) => (n % 25 > 14 ? [] : [packet])],
  ])('is installed, though %s', (_name, way) => {
    const { board, one } = ordered();
    for (let rounds = 0; rounds < 30 && board.running === 'agent'; rounds += 1) serve(board, one.bytes, way);
    expect(ends(board, one)).toBe(true);
  });

  it('goes on behind what is in flash after a reset, and says so', () => {
    const { board, one, head } = ordered();
    serve(board, one.bytes, undefined, 50);
    board.sent = [];
    board.reboot();
    const { known } = serve(board, one.bytes);
    expect(known[0]).toBeGreaterThan(head + 40 * BLOCK_BYTES);
    expect(known[0]).toBeLessThan(head + 50 * BLOCK_BYTES);
    expect(ends(board, one)).toBe(true);
  });

  it('is installed wherever the power goes', () => {
    const total = (() => {
      const { board, one } = ordered();
      board.flash.arm();
      serve(board, one.bytes);
      return board.flash.operations;
    })();
    for (let cutAt = 1; cutAt < total; cutAt += Math.ceil(total / 60)) {
      const { board, one } = ordered();
      board.flash.arm(cutAt);
      try {
        serve(board, one.bytes);
      } catch (error) {
        if (!(error instanceof PowerCut)) throw error;
      }
      board.flash.arm();
      const after = bench(board.flash);
      // Before it was accepted, nothing says over which line it comes: whoever ordered it does so again.
      if (after.running === 'agent' && state(after) !== 30) order(after, one.digest, 'order-2', LINE);
      serve(after, one.bytes);
      expect([cutAt, ends(after, one)]).toEqual([cutAt, true]);
    }
  });
});

describe('a code that is none', () => {
  const spoilt = (request: Asked, data: Uint8Array, n = 0) => answerWith({ data }, request.sequence + n);

  it.each([
    ['empty', new Uint8Array(0)],
    ['of zeros', new Uint8Array(500)],
    ['of ones', new Uint8Array(511).fill(0xff)],
    ['that reaches before the image', Buffer.from('d2e722', 'hex')],
  ])('%s changes nothing, and its block is asked for later', (_what, data) => {
    const { board, one, request } = asking();
    board.flash.forget();
    give(board, spoilt(request, data), LINE);
    expect(board.flash.writes).toEqual([]);
    const answers = codedTo(request, one.bytes);
    for (const { packet } of answers.slice(1)) give(board, packet, LINE);
    serve(board, one.bytes);
    expect(ends(board, one)).toBe(true);
  });

  it('that refers to what is not in flash yet changes nothing', () => {
    const { board, one, request } = asking();
    const { bit, finish } = rangeCoder();
    putTokens(bit, [{ kind: 'source', away: BLOCK_BYTES, bytes: BLOCK_BYTES }], BLOCK_BYTES, false);
    const code = finish();
    board.flash.forget();
    give(board, spoilt(request, code, 3), LINE);
    expect(board.flash.writes).toEqual([]);
    serve(board, one.bytes);
    expect(ends(board, one)).toBe(true);
  });

  it('is asked for more and more rarely, where nothing else comes', () => {
    const { board, one, request } = asking();
    for (const { packet } of codedTo(request, one.bytes).slice(1)) give(board, packet, LINE);
    let requests = 0;
    for (let at = 0; at < 120_000 && board.running === 'agent'; at += 20) {
      board.tick(20);
      for (const again of wanted(board, LINE) as Asked[]) {
        requests += 1;
        for (let n = 0; n < 32; n += 1)
          if ((again.want ?? 0) & (1 << n)) give(board, spoilt(again, new Uint8Array(9), n), LINE);
      }
    }
    expect(requests).toBeGreaterThan(3);
    expect(requests).toBeLessThan(20);
    expect(runs(board, one)).toBe(false);
  });

  it('that gives other bytes costs the download, and nothing runs', () => {
    const { board, one, request } = asking();
    const other = codePiece({
      data: likeCode(512).reverse(),
      from: request.off,
      source: indexed(new Uint8Array(0)),
      delta: false,
    });
    give(board, spoilt(request, other), LINE);
    serve(board, one.bytes);
    board.run(5000);
    expect(state(board)).toBe(20);
    expect(runs(board, one)).toBe(false);
  });
});

// So nobody codes what a broker keeps (docs/encodings.md).
describe('over a packet link', () => {
  it('a device that fetches asks for no codes', () => {
    const { board, one } = approvedBoard({}, large());
    expectOk(order(board, one.digest, 'order-1', 1));
    const asked: string[] = [];
    for (let ticks = 0; ticks < 500 && board.running === 'agent'; ticks += 1) {
      board.tick(20);
      for (const request of wanted(board, 1)) {
        asked.push(Object.keys(request).sort().join());
        for (const { packet } of answersTo(request, one.bytes)) give(board, packet, 1);
      }
    }
    expect(ends(board, one)).toBe(true);
    expect(asked.length).toBeGreaterThan(3);
    expect([...new Set(asked)]).toEqual(['digest,len,off,sequence']);
  });
});
