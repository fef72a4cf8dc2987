// What strangers and unlucky moments can do to a device that asks for blocks over a line: nothing that outlasts them.
import { describe, expect, it } from 'vitest';
import {
  approvalOf,
  exec,
  expectOk,
  imageOf,
  NODE,
  packageOf,
  provisionedBoard,
  put,
  runs,
  state,
  upload,
  vendor,
} from '../support/agent-world.js';
import { type Board, MAP } from '../support/bench-hal.js';
import { answersTo, approvedBoard, BLOCK_BYTES, block, give, order, type Wanted, wanted } from '../support/blocks.js';
import { makeEnvelope } from '../support/make.js';
import { ask, type Body } from '../support/smp.js';

const LINE = 0;

const offer = (board: Board, hash: Uint8Array, len: number): Body =>
  ask(board, { group: 64, id: 7, write: true, body: { hash, len } }, LINE);

/** What the device asks for while all pages are erased, and then. */
function requests(board: Board): Wanted[] {
  const all: Wanted[] = [];
  for (let ticks = 0; ticks < 9; ticks++) {
    board.tick(20);
    all.push(...wanted(board, LINE));
  }
  return all;
}

function approved(one: { digest: Uint8Array }): Board {
  const board = provisionedBoard();
  expectOk(put(board, NODE.approvals, approvalOf(one.digest)));
  return board;
}

/** Serves the line until the download is over, or nothing was asked for in a minute. */
function finish(board: Board, file: Uint8Array): void {
  for (let quiet = 0; quiet < 60_000 && board.running === 'agent' && state(board) === 30; quiet += 50) {
    board.tick(50);
    for (const request of wanted(board, LINE)) {
      quiet = 0;
      for (const { packet } of answersTo(request, file)) give(board, packet, LINE);
    }
  }
}

/** A package, and the same one with an approval in its head: all that lies behind it lies elsewhere in the file. */
function twoHeads(imageBytes: number, issuer = 'x') {
  const image = imageOf(imageBytes, 1);
  const short = packageOf(1, { image });
  const approvals = [approvalOf(short.digest, 1, 1, { issuer })];
  const long = makeEnvelope({ manifest: short.manifest, image, signers: [vendor], approvals });
  expect(Buffer.compare(long.digest, short.digest)).toBe(0);
  return { short, long };
}

describe('the same package with another head, begun while blocks are on their way', () => {
  it.each(['a', 'ab', 'abc', 'abcd'])('takes none of them: %s', (issuer) => {
    const { short, long } = twoHeads(40_000, issuer);
    const board = approved(short);
    upload(board, long.bytes, { until: long.head.length, link: LINE });
    expectOk(offer(board, short.digest, long.bytes.length));
    const answers = answersTo(requests(board)[0]!, long.bytes);
    upload(board, short.bytes, { until: short.head.length, link: 2 });
    for (const { packet } of answers.slice(0, 6)) give(board, packet, LINE);
    expectOk(upload(board, short.bytes, { from: short.head.length, link: 2 }));
    expect(state(board)).toBe(50);
    expectOk(exec(board, NODE.update, 'order-1', 2));
    board.settle();
    expect(runs(board, short)).toBe(true);
  });

  it.each(['by whom it was ordered', 'by somebody else'])(
    'is fetched to its end, with the head of its server: %s',
    (who) => {
      const { short, long } = twoHeads(40_000);
      const board = approved(short);
      expectOk(order(board, short.digest, 'order-1', LINE));
      board.tick(20);
      for (let off = 0; off < long.head.length; off += BLOCK_BYTES) {
        give(board, block(long.bytes, off), LINE);
        board.tick(20);
      }
      const answers = answersTo(requests(board).at(-1)!, long.bytes);
      for (const { packet } of answers.slice(0, 6)) give(board, packet, LINE);
      upload(board, short.bytes, { until: short.head.length, link: who === 'by somebody else' ? 2 : LINE });
      finish(board, long.bytes);
      board.settle();
      expect(runs(board, short)).toBe(true);
    },
  );

  it('asks for nothing behind its end, and erases nothing there: the head stands behind the image', () => {
    const imageMax = MAP.slotBytes - 2 * MAP.page;
    const { short, long } = twoHeads(imageMax - 10);
    const board = approved(short);
    upload(board, long.bytes, { until: long.head.length, link: LINE });
    expectOk(offer(board, short.digest, long.bytes.length));
    upload(board, short.bytes, { until: short.head.length, link: 2 });
    requests(board);
    expectOk(upload(board, short.bytes, { from: short.head.length, link: 2 }));
    expectOk(exec(board, NODE.update, 'order-1', 2));
    board.settle();
    expect(runs(board, short)).toBe(true);
  });
});

describe('an offer', () => {
  it.each([1, 100, 511, 512])('may end %i bytes behind the beginning of a block, also where one gets lost', (tail) => {
    const one = packageOf(1, { image: imageOf(40_000, 1) });
    const board = approved(one);
    upload(board, one.bytes, { until: one.head.length, piece: 480, link: LINE });
    const until = one.head.length + 5 * BLOCK_BYTES + tail;
    expectOk(offer(board, one.digest, until));
    let told = false;
    const lost = new Set([one.head.length + 4 * BLOCK_BYTES]);
    for (let turns = 0; turns < 200 && !told; turns++) {
      board.tick(50);
      for (const request of wanted(board, LINE)) {
        told ||= request.len === 0;
        for (const { packet, at } of answersTo(request, one.bytes)) if (!lost.delete(at)) give(board, packet, LINE);
      }
    }
    expect(told).toBe(true);
    expectOk(upload(board, one.bytes, { from: until, link: LINE }));
    expect(state(board)).toBe(50);
  });

  it('does not end what an order on its line fetches', () => {
    const one = packageOf(1, { image: imageOf(40_000, 1) });
    const board = approved(one);
    upload(board, one.bytes, { until: one.head.length, piece: 480, link: LINE });
    expectOk(offer(board, one.digest, 1));
    expectOk(order(board, one.digest, 'order-1', LINE));
    finish(board, one.bytes);
    board.settle();
    expect(runs(board, one)).toBe(true);
  });
});

describe('blocks of no use', () => {
  function asking() {
    const { board, one } = approvedBoard();
    expectOk(order(board, one.digest, 'order-1', LINE));
    board.tick(20);
    wanted(board, LINE);
    give(board, block(one.bytes, 0), LINE);
    return { board, one, answers: answersTo(requests(board)[0]!, one.bytes) };
  }

  it.each([50, 500, 1900])('every %i ms do not put off that what is lost is asked for again', (every) => {
    const { board, answers } = asking();
    give(board, answers[0]!.packet, LINE); // the others are lost
    let asked = 0;
    for (let ms = 0; ms < 10_000; ms += 50) {
      board.tick(50);
      if (ms % every === 0) give(board, answers[0]!.packet, LINE);
      asked += wanted(board, LINE).length;
    }
    expect(asked).toBeGreaterThan(0);
  });

  it("end nobody else's upload", () => {
    const { board, answers } = asking();
    const other = packageOf(2, { image: imageOf(20_000, 2) });
    expectOk(put(board, NODE.approvals, approvalOf(other.digest, 2)));
    const push = (off: number, end: number) => {
      const data = other.bytes.slice(off, end);
      const len = off === 0 ? { len: other.bytes.length } : {};
      return ask(board, { group: 1, id: 1, write: true, body: { off, ...len, data } }, 2);
    };
    expect(push(0, 100)).toMatchObject({ off: 100 });
    for (const { packet } of answers.slice(4, 6)) give(board, packet, LINE);
    expect(push(100, 200)).toMatchObject({ off: 200 });
  });

  it('far ahead do not use up the time of what lies before them', () => {
    const one = packageOf(1, { image: imageOf(40_000, 1) });
    const board = approved(one);
    upload(board, one.bytes, { until: one.head.length, link: 2 });
    expectOk(offer(board, one.digest, one.bytes.length));
    give(board, answersTo(requests(board)[0]!, one.bytes)[31]!.packet, LINE);
    let off = 480;
    for (let pushes = 0; pushes < 30; pushes++, off += 480) {
      for (let ticks = 0; ticks < 6; ticks++) board.tick(500);
      const data = one.bytes.slice(off, off + 480);
      expect(ask(board, { group: 1, id: 1, write: true, body: { off, data } }, 2)).toMatchObject({ off: off + 480 });
    }
  });
});
