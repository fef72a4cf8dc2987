// What others push, order and give while the device fetches what somebody ordered: the order is about its package alone.
import { describe, expect, it } from 'vitest';
import {
  alert,
  approvalOf,
  exec,
  expectOk,
  imageOf,
  knock,
  NODE,
  operator,
  packageOf,
  press,
  provisionedBoard,
  put,
  question,
  rc,
  runs,
  state,
  upload,
} from '../support/agent-world.js';
import type { Board } from '../support/bench-hal.js';
import { BLOCK_BYTES, block, give, order, serve, serveFor, wanted } from '../support/blocks.js';
import { makeApproval, type Package } from '../support/make.js';
import { ask } from '../support/smp.js';

const SIZE = 40_000;
const D = packageOf(1, { image: imageOf(SIZE, 1) });
const X = packageOf(2, { image: imageOf(SIZE, 2) });

function approving(...packages: Package[]): Board {
  const board = provisionedBoard();
  const entries = packages.map(({ digest }) => ({ verdict: 1, digest }));
  expectOk(put(board, NODE.approvals, makeApproval({ key: operator, sequence: 1, entries })));
  return board;
}

describe('a push of the same package', () => {
  it.each(['without', 'with'])('that is cut off, %s a reset, ends no order: it is put again and goes on', (how) => {
    const board = approving(D);
    expectOk(order(board, D.digest));
    upload(board, D.bytes, { until: 2000, link: 2 });
    expect(state(board)).toBe(30);
    if (how === 'with') board.reboot();
    expectOk(order(board, D.digest));
    serveFor(board, 30_000, D.bytes);
    expect(runs(board, D)).toBe(true);
    knock(board);
    expect(alert(board)).toMatchObject({ result: 200, corr: 'order-1' });
  });

  it('with a longer head is begun anew by the blocks of the other one', () => {
    const board = provisionedBoard();
    expectOk(put(board, NODE.approvals, approvalOf(D.digest)));
    const longer = packageOf(1, { image: D.image, approvals: [approvalOf(D.digest)] });
    expect(longer.digest).toEqual(D.digest);
    upload(board, longer.bytes, { until: longer.head.length + 3000, link: 2 });
    expect(state(board)).toBe(30);
    expectOk(order(board, D.digest));
    serveFor(board, 30_000, D.bytes);
    expect(runs(board, D)).toBe(true);
  });
});

describe('a push of another package', () => {
  it('that is approved is not what the order is told of, and does not end it', () => {
    const board = approving(D, X);
    expectOk(order(board, D.digest));
    board.tick(50);
    expectOk(upload(board, X.bytes, { link: 2 }));
    expect(state(board)).toBe(50);
    serveFor(board, 30_000, D.bytes);
    expect(runs(board, D)).toBe(true);
    knock(board);
    expect(alert(board)).toMatchObject({ result: 200, corr: 'order-1' });
  });

  it('that is refused does not answer it', () => {
    const board = approving(D);
    expectOk(order(board, D.digest));
    expect(rc(upload(board, X.bytes, { link: 2 }))).toBe(90);
    expect(alert(board).corr).toBeUndefined();
    serve(board, D.bytes);
    board.settle();
    expect(runs(board, D)).toBe(true);
  });

  it('to which a person says no does not answer it', () => {
    const board = provisionedBoard({ unapproved: 1, askBeforeDownload: 1 });
    const document = makeApproval({ key: operator, sequence: 1, entries: [{ verdict: 1, digest: D.digest }] });
    expectOk(put(board, NODE.approvals, document));
    expectOk(order(board, D.digest));
    expect(rc(upload(board, X.bytes, { link: 2 }))).toBe(120);
    expect(question(board).pending).toBe(true);
    press(board, 2);
    expect(alert(board).corr).toBeUndefined();
    serveFor(board, 5000, D.bytes);
    press(board, 1); // approved, and asked before the download all the same
    serveFor(board, 30_000, D.bytes);
    expect(runs(board, D)).toBe(true);
  });
});

describe('blocks of another package', () => {
  it('are refused, and nothing is recorded of it: anybody may send them', () => {
    const board = approving(D, X);
    expectOk(order(board, D.digest));
    board.tick(50);
    const records = () => expectOk(ask(board, { group: 64, id: 5, body: { from: 0 } })).recs;
    const before = records();
    serveFor(board, 3000, X.bytes);
    expect(records()).toEqual(before);
    expect(state(board)).not.toBe(50);
    serveFor(board, 30_000, D.bytes);
    expect(runs(board, D)).toBe(true);
  });
});

describe('an order of somebody else', () => {
  it('for what nobody has ends a fetch until the first one is put again', () => {
    const board = approving(D);
    expectOk(order(board, D.digest));
    serve(board, D.bytes, { until: 20 });
    order(board, new Uint8Array(32).fill(7), 'another');
    expectOk(order(board, D.digest));
    serveFor(board, 30_000, D.bytes);
    expect(runs(board, D)).toBe(true);
  });

  it('with its correlator and no package leaves it to be taken up', () => {
    const board = approving(D);
    upload(board, D.bytes, { until: 2000, link: 2 });
    expectOk(exec(board, NODE.downloadAndUpdate, 'order-1'));
    expectOk(order(board, D.digest));
    serveFor(board, 30_000, D.bytes);
    expect(runs(board, D)).toBe(true);
  });
});

describe('a length that nobody signed', () => {
  it.each([D.bytes.length + 1, 0, 1, 0xffff_ffff])('%i ends nothing', (len) => {
    const board = approving(D);
    expectOk(order(board, D.digest));
    board.tick(50);
    wanted(board);
    for (const off of [0, BLOCK_BYTES, 2 * BLOCK_BYTES]) give(board, block(D.bytes, off, { len }));
    serveFor(board, 90_000, D.bytes);
    expect(runs(board, D)).toBe(true);
    knock(board);
    expect(alert(board)).toMatchObject({ result: 200, corr: 'order-1' });
  });
});
