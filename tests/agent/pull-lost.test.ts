// What the device fetches, when blocks are lost and when it is interrupted.
import { describe, expect, it } from 'vitest';
import { alert, expectOk, images, knock, runs, state, upload } from '../support/agent-world.js';
import { MAP } from '../support/bench-hal.js';
import { approvedBoard, BLOCK_BYTES, blocksOf, inOrder, order, serve, serveFor, wanted } from '../support/blocks.js';

describe('what is lost', () => {
  it('is asked for again, later and later, and for no longer than the order waits', () => {
    const { board, one } = approvedBoard();
    expectOk(order(board, one.digest));
    const times: number[] = [];
    for (let at = 0; at < 700_000; at += 100) {
      board.tick(100);
      if (wanted(board).length > 0) times.push(at);
      if (board.running !== 'agent') board.reboot();
    }
    const gaps = times.slice(1).map((at, i) => at - times[i]!);
    expect(gaps[0]).toBeGreaterThanOrEqual(2000);
    expect(gaps[0]).toBeLessThan(3200);
    for (const [i, gap] of gaps.entries()) if (i > 0) expect(gap).toBeGreaterThanOrEqual(gaps[i - 1]! * 0.99 - 1100);
    expect(times.length).toBeLessThan(16);
    expect(times.at(-1)).toBeLessThan(600_100);
    expect(alert(board)).toMatchObject({ reason: 156 });
  });

  it('on the way does not keep it from its end: every seventh block is lost, and some come twice', () => {
    const { board, one } = approvedBoard();
    expectOk(order(board, one.digest));
    let count = 0;
    const way = (packet: Uint8Array) => (++count % 7 === 0 ? [] : count % 5 === 0 ? [packet, packet] : [packet]);
    serveFor(board, 200_000, one.bytes, way);
    expect(runs(board, one)).toBe(true);
  });
});

describe('an interruption', () => {
  it('by a reset goes on behind the last whole page, without anybody asking', () => {
    const { board, one } = approvedBoard();
    expectOk(order(board, one.digest));
    serve(board, one.bytes, { until: 40 });
    expect(state(board)).toBe(30);
    board.sent = [];
    board.reboot();
    board.flash.forget();
    const asked = serve(board, one.bytes);
    const pages = Math.floor((40 * BLOCK_BYTES - one.head.length) / MAP.page);
    const first = one.head.length + pages * MAP.page;
    expect(asked[0]).toBe(Math.floor(first / BLOCK_BYTES) * BLOCK_BYTES);
    expect(asked).toEqual(inOrder(blocksOf(one.bytes) - asked[0]! / BLOCK_BYTES, asked[0]! / BLOCK_BYTES));
    board.settle();
    expect(runs(board, one)).toBe(true);
  });

  it('by silence of minutes goes on where it was', () => {
    const { board, one } = approvedBoard();
    expectOk(order(board, one.digest));
    serve(board, one.bytes, { until: 40 });
    const asked: number[] = [];
    for (let at = 0; at < 300_000; at += 100) {
      if (at % 5000 === 0) images(board); // somebody keeps it in the agent
      board.tick(100);
      asked.push(...wanted(board).map(({ off }) => off));
    }
    expect(Math.min(...asked)).toBeGreaterThanOrEqual(38 * BLOCK_BYTES);
    serveFor(board, 70_000, one.bytes);
    expect(runs(board, one)).toBe(true);
  });

  it('by another order for the same package goes on over the line of that order', () => {
    const { board, one } = approvedBoard();
    expectOk(order(board, one.digest, 'order-1', 1));
    serve(board, one.bytes, { until: 40 });
    expectOk(order(board, one.digest, 'order-2', 2));
    const asked = serve(board, one.bytes, { link: 2 });
    expect(asked[0]).toBeGreaterThanOrEqual(38 * BLOCK_BYTES);
    board.settle();
    expect(runs(board, one)).toBe(true);
    knock(board);
    expect(alert(board)).toMatchObject({ result: 200, corr: 'order-2' });
  });

  it('by a push of the same package is none: both end in one', () => {
    const { board, one } = approvedBoard();
    expectOk(order(board, one.digest));
    serve(board, one.bytes, { until: 40 });
    expectOk(upload(board, one.bytes, { link: 2 }));
    board.settle();
    expect(runs(board, one)).toBe(true);
  });
});
