// Over a line the device asks for a window of blocks at a time, which come back to back; what gets lost alone comes once more.
import { describe, expect, it } from 'vitest';
import {
  alert,
  approvalOf,
  exec,
  expectOk,
  imageOf,
  knock,
  NODE,
  packageOf,
  provisionedBoard,
  put,
  question,
  rc,
  runs,
  state,
  upload,
} from '../support/agent-world.js';
import { type Board, MAP } from '../support/bench-hal.js';
import {
  answersTo,
  answerWith,
  approvedBoard,
  BLOCK_BYTES,
  block,
  blocksOf,
  give,
  order,
  serve,
  type Wanted,
  wanted,
} from '../support/blocks.js';
import { ask, type Body } from '../support/smp.js';

const LINE = 0;
const WINDOW_BYTES = 16_384;
const FLASH_WRITE = 147;

/** A device that an order over the console made ask for its first window. */
function asking() {
  const { board, one } = approvedBoard();
  expectOk(order(board, one.digest, 'order-1', LINE));
  board.tick(20);
  expect(wanted(board, LINE)).toMatchObject([{ off: 0, len: BLOCK_BYTES }]);
  give(board, block(one.bytes, 0), LINE);
  return { board, one, head: one.head.length, request: first(board) };
}

/** The first request behind the head, which comes when all pages are erased: a slice with each tick. */
function first(board: Board, link = LINE): Wanted {
  const requests: Wanted[] = [];
  for (let ticks = 0; ticks < 5; ticks++) {
    board.tick(20);
    requests.push(...wanted(board, link));
  }
  expect(requests.length).toBe(1);
  return requests[0]!;
}

/** The one request that the device sends now. */
function next(board: Board, milliseconds = 20): Wanted {
  board.tick(milliseconds);
  const [request, ...more] = wanted(board, LINE);
  expect(more).toEqual([]);
  expect(request).toBeDefined();
  return request!;
}

const offer = (board: Board, hash: Uint8Array, len: number, link = LINE): Body =>
  ask(board, { group: 64, id: 7, write: true, body: { hash, len } }, link);

describe('a window of blocks', () => {
  it('is asked for behind the head, and the next half of one when half of it is there', () => {
    const { board, one, head, request } = asking();
    expect(request).toMatchObject({ off: head, len: WINDOW_BYTES, want: 0xffffffff });
    const answers = answersTo(request, one.bytes);
    expect(answers.length).toBe(32);
    for (const { packet } of answers.slice(0, 15)) give(board, packet, LINE);
    board.tick(20);
    expect(wanted(board, LINE)).toEqual([]);
    give(board, answers[15]!.packet, LINE);
    const half = next(board);
    expect(half).toMatchObject({ off: head + WINDOW_BYTES / 2, len: WINDOW_BYTES, want: 0xffff0000 });
    for (const { packet } of answers.slice(16, 31)) give(board, packet, LINE);
    board.tick(20);
    expect(wanted(board, LINE)).toEqual([]); // two are under way
    give(board, answers[31]!.packet, LINE);
    expect(next(board)).toMatchObject({ off: head + WINDOW_BYTES, len: WINDOW_BYTES, want: 0xffff0000 });
    for (const { packet } of answersTo(half, one.bytes)) give(board, packet, LINE);
    expect(next(board)).toMatchObject({ off: head + 1.5 * WINDOW_BYTES, want: 0x7fff0000 }); // to the end
  });

  it('is not asked for before all pages are erased: a chip that erases hears nothing', () => {
    const { board, one, request } = asking();
    board.flash.forget();
    for (const { packet } of answersTo(request, one.bytes)) give(board, packet, LINE);
    serve(board, one.bytes, { link: LINE, until: 30 });
    expect(board.flash.erases.filter(({ offset }) => offset < MAP.state)).toEqual([]);
  });

  it('erases a slice with each tick: nothing else waits for a whole slot', () => {
    const { board, one } = approvedBoard();
    expectOk(order(board, one.digest, 'order-1', LINE));
    board.tick(20);
    expect(wanted(board, LINE).length).toBe(1); // the head
    give(board, block(one.bytes, 0), LINE);
    for (let slices = 0; slices < 3; slices++) {
      expect(wanted(board, LINE)).toEqual([]);
      board.flash.forget();
      board.tick(20);
      const erased = board.flash.erases.reduce((bytes, { length }) => bytes + length, 0);
      expect(erased).toBeLessThanOrEqual(WINDOW_BYTES);
    }
    expect(wanted(board, LINE).length).toBe(1);
  });

  it('is not taken while it is not certain what the settings are: their flash refuses', () => {
    const { board, one, request } = asking();
    for (let word = MAP.state / 4; word < (MAP.state + MAP.stateBytes) / 4; word++) board.flash.worn.add(word);
    expect(rc(put(board, NODE.approvals, approvalOf(one.digest, 2)))).toBe(FLASH_WRITE);
    board.flash.forget();
    for (const { packet } of answersTo(request, one.bytes)) give(board, packet, LINE);
    expect(board.flash.writes.filter(({ offset }) => offset < MAP.state)).toEqual([]);
    board.flash.worn.clear();
    for (let waits = 0; waits < 10; waits++) serve(board, one.bytes, { link: LINE });
    board.settle();
    expect(runs(board, one)).toBe(true);
  });

  it('brings what the whole package is, and the order is answered', () => {
    const { board, one, request } = asking();
    for (const { packet } of answersTo(request, one.bytes)) give(board, packet, LINE);
    const asked = serve(board, one.bytes, { link: LINE });
    expect(asked.length).toBe(Math.ceil((one.bytes.length - one.head.length - WINDOW_BYTES) / BLOCK_BYTES));
    board.settle();
    expect(runs(board, one)).toBe(true);
    knock(board);
    expect(alert(board)).toMatchObject({ result: 200, corr: 'order-1' });
  });

  it.each([[[5]], [[0]], [[31]], [[3, 4, 5, 20, 31]], [[0, 2, 4, 6, 8]]])(
    'of which blocks %j get lost asks for these, and for what is behind it',
    (lost) => {
      const { board, one, head, request } = asking();
      for (const [n, { packet }] of answersTo(request, one.bytes).entries())
        if (!lost.includes(n)) give(board, packet, LINE);
      const again = next(board);
      const start = lost[0]!;
      expect(again.off).toBe(head + start * BLOCK_BYTES);
      const blocks = Array.from({ length: 32 }, (_, n) => start + n);
      const missing = blocks.filter((n) => n > 31 || (n < 31 && lost.includes(n))); // the last one may still come
      const want = missing.reduce((mask, n) => mask + 2 ** (n - start), 0);
      expect(again.want).toBe(want);
      for (const { packet } of answersTo(again, one.bytes)) give(board, packet, LINE);
      serve(board, one.bytes, { link: LINE });
      board.settle();
      expect(runs(board, one)).toBe(true);
    },
  );

  it('may be lost in any way: what arrives is never asked for again, and the package gets whole', () => {
    for (let seed = 1; seed <= 20; seed++) {
      const { board, one, request } = asking();
      const had = new Set<number>();
      let random = seed;
      const isLost = () => {
        random = (random * 1103515245 + 12345) & 0x7fffffff;
        return random % 5 === 0;
      };
      let asks: Wanted | undefined = request;
      for (let rounds = 0; asks; rounds++) {
        expect(rounds).toBeLessThan(60);
        for (const { at, packet } of answersTo(asks, one.bytes)) {
          expect(had.has(at)).toBe(false);
          if (isLost()) continue;
          had.add(at);
          give(board, packet, LINE);
        }
        for (let ms = 0; !asks || ms === 0 || (ms < 70_000 && state(board) === 30); ms += 500) {
          board.tick(500);
          [asks] = wanted(board, LINE);
          if (asks) break;
          if (state(board) !== 30) break;
        }
      }
      board.settle();
      expect(runs(board, one)).toBe(true);
    }
  });

  it('is asked for again after a pause as its blocks had none, not after seconds', () => {
    const { board, one, request } = asking();
    for (const { packet } of answersTo(request, one.bytes).slice(0, 31)) {
      board.tick(5);
      give(board, packet, LINE);
    }
    const [half] = wanted(board, LINE); // is lost
    expect(half!.want! & 1).toBe(0);
    board.tick(80);
    expect(wanted(board, LINE)).toEqual([]);
    expect(next(board, 50)).toMatchObject({ off: request.off + 31 * BLOCK_BYTES, want: 0xffffffff });
  });

  it.each([
    ['a block of another length', { data: new Uint8Array(511) }, 0],
    ['one behind the window', { data: new Uint8Array(512) }, 32],
    ['one before it', { data: new Uint8Array(512) }, -1],
    ['one that begins between two', { off: 700, data: new Uint8Array(512) }, 0],
  ])('leaves %s out', (_what, body, n) => {
    const { board, one, request } = asking();
    give(board, answerWith(body, request.sequence + n), LINE);
    for (const { packet: good } of answersTo(request, one.bytes)) give(board, good, LINE);
    serve(board, one.bytes, { link: LINE });
    board.settle();
    expect(runs(board, one)).toBe(true);
  });

  it('is not ended by a block that comes late, of the one before', () => {
    const { board, one, request } = asking();
    for (const { packet } of answersTo(request, one.bytes)) give(board, packet, LINE);
    expect(next(board).off).toBe(request.off + WINDOW_BYTES);
    const off = request.off + 31 * BLOCK_BYTES;
    give(board, answerWith({ off, data: one.bytes.slice(off, off + BLOCK_BYTES) }, request.sequence), LINE);
    board.tick(20);
    expect(wanted(board, LINE)).toEqual([]);
  });

  it('that was kept early and is wrong costs the download, and nothing runs', () => {
    const { board, one, request } = asking();
    const answers = answersTo(request, one.bytes);
    give(board, answers[0]!.packet, LINE);
    const spoilt = Uint8Array.from(answers[3]!.packet);
    spoilt[spoilt.length - 1]! ^= 1;
    give(board, spoilt, LINE);
    for (const { packet } of answersTo(next(board, 3000), one.bytes)) give(board, packet, LINE);
    serve(board, one.bytes, { link: LINE });
    board.run(5000);
    expect(state(board)).toBe(20);
    expect(runs(board, one)).toBe(false);
  });
});

describe('what is being pushed, offered to be asked for', () => {
  /** A device to which the head was pushed, and a little more. */
  function pushed(link = LINE) {
    const one = packageOf(1, { image: imageOf(40_000, 1) });
    const board = provisionedBoard();
    expectOk(put(board, NODE.approvals, approvalOf(one.digest)));
    upload(board, one.bytes, { until: one.head.length + 100, link });
    expect(state(board)).toBe(30);
    return { board, one, end: one.head.length + (blocksOf(one.bytes) - 4) * BLOCK_BYTES };
  }

  it('is asked for up to there, which is told, and pushed to its end', () => {
    const { board, one, end } = pushed();
    expectOk(offer(board, one.digest, end));
    let request = first(board);
    for (let rounds = 0; request.len > 0; rounds++) {
      expect(rounds).toBeLessThan(10);
      for (const { packet } of answersTo(request, one.bytes)) give(board, packet, LINE);
      request = next(board);
    }
    expect(request).toMatchObject({ off: end, len: 0 });
    board.tick(60_000 / 2);
    expect(wanted(board, LINE)).toEqual([]);
    expectOk(upload(board, one.bytes, { from: end, link: LINE }));
    expect(state(board)).toBe(50);
  });

  it('over a packet link, too', () => {
    const { board, one, end } = pushed(2);
    expectOk(offer(board, one.digest, end, 2));
    expect(first(board, 2)).toMatchObject({ off: one.head.length, len: WINDOW_BYTES, want: 0xffffffff });
  });

  it('goes on by pushes that meet blocks which came early', () => {
    const { board, one, end } = pushed();
    expectOk(offer(board, one.digest, end));
    const request = first(board);
    for (const [n, { packet }] of answersTo(request, one.bytes).entries())
      if (n !== 2 && n < 9) give(board, packet, LINE);
    expectOk(upload(board, one.bytes, { from: one.head.length + 2 * BLOCK_BYTES, link: LINE }));
    expect(state(board)).toBe(50);
  });

  it.each([
    ['another package', (one: Uint8Array) => ({ hash: Buffer.alloc(32, 1), len: one.length }), 140],
    ['more than it has', (one: Uint8Array, hash: Uint8Array) => ({ hash, len: one.length + 1 }), 140],
  ])('is refused where it is %s', (_what, bodyOf, reason) => {
    const { board, one } = pushed();
    const { hash, len } = bodyOf(one.bytes, one.digest);
    expect(rc(offer(board, hash, len))).toBe(reason);
  });

  it('is no reason to leave what an order fetches over another line', () => {
    const { board, one } = approvedBoard();
    expectOk(order(board, one.digest, 'order-1', 1));
    board.tick(20);
    give(board, block(one.bytes, 0), 1);
    give(board, block(one.bytes, BLOCK_BYTES), 1);
    expect(rc(offer(board, one.digest, one.bytes.length))).toBe(140);
  });

  it('ends with its session: a reset, and nothing is asked for', () => {
    const { board, one, end } = pushed();
    expectOk(offer(board, one.digest, end));
    board.tick(20);
    board.reboot();
    board.sent = [];
    board.tick(5000);
    expect(wanted(board, LINE)).toEqual([]);
    expect(rc(offer(board, one.digest, end))).toBe(140);
  });

  it('makes its line one that delivered: what is typed there answers no question', () => {
    const one = packageOf(1, { image: imageOf(40_000, 1) });
    const board = provisionedBoard({ unapproved: 1 });
    upload(board, one.bytes, { until: one.head.length + 100, link: 2 });
    expectOk(offer(board, one.digest, one.head.length + 1024));
    // The first block has come over the other line as a whole, so this one brings a block that is kept early, and no other.
    const request = next(board);
    upload(board, one.bytes, { from: one.head.length + 100, until: one.head.length + 512, piece: 412, link: 2 });
    give(board, answersTo(request, one.bytes)[1]!.packet, LINE);
    expectOk(upload(board, one.bytes, { from: one.head.length + 1024, link: 2 }));
    expectOk(exec(board, NODE.update, 'order-1', 2));
    board.run(2000);
    expect(question(board).pending).toBe(true);
    board.receive(LINE, Buffer.from('yes\n'));
    board.run(2000);
    expect(question(board).pending).toBe(true);
  });

  it('makes its line one that delivered also by a block that came early, and after its session', () => {
    const one = packageOf(1, { image: imageOf(40_000, 1) });
    const board = provisionedBoard({ unapproved: 1 });
    upload(board, one.bytes, { until: one.head.length, link: 2 });
    expectOk(offer(board, one.digest, one.bytes.length));
    const request = first(board);
    for (const { packet } of answersTo(request, one.bytes).slice(2)) give(board, packet, LINE);
    expectOk(upload(board, one.bytes, { link: 2, sha: new Uint8Array(32) })); // a session of its own finds these blocks
    expectOk(exec(board, NODE.update, 'order-1', 2));
    board.run(2000);
    expect(question(board).pending).toBe(true);
    board.receive(LINE, Buffer.from('yes\n'));
    board.settle();
    expect(runs(board, one)).toBe(false);
    expect(question(board).pending).toBe(true);
  });
});
