// A download that a person is being asked about is looked at again when approvals change, whatever comes in between.
import { describe, expect, it } from 'vitest';
import {
  APPROVED,
  approvalOf,
  expectOk,
  imageOf,
  NODE,
  provisionedBoard,
  put,
  question,
  runs,
  state,
} from '../support/agent-world.js';
import { BLOCK_BYTES, block, give, largePackage, order, serve, serveFor, wanted } from '../support/blocks.js';

const policy = { unapproved: 1, askBeforeDownload: 1 } as const;
/** Nobody is to be asked about it. */
const approved = ({ digest }: { digest: Uint8Array }, sequence = 1) =>
  approvalOf(digest, sequence, APPROVED, { entries: [{ verdict: APPROVED, digest, confirm: 0 }] });

function asking() {
  const board = provisionedBoard(policy);
  const one = largePackage();
  expectOk(order(board, one.digest));
  serve(board, one.bytes);
  expect(question(board).pending).toBe(true);
  return { board, one };
}

describe('approved while it is asked about, it is installed without an answer, also if', () => {
  it('what comes first for it is no head of it', () => {
    const { board, one } = asking();
    expectOk(put(board, NODE.approvals, approved(one)));
    board.tick(50);
    expect(wanted(board).length).toBe(1);
    give(board, block(imageOf(one.bytes.length, 99), 0));
    serveFor(board, 120_000, one.bytes);
    expect(runs(board, one)).toBe(true);
  });

  it('the approval comes in the very moment in which the question is put', () => {
    const board = provisionedBoard(policy);
    const one = largePackage();
    expectOk(order(board, one.digest));
    for (let at = 0; at < 50 && !question(board).pending; at++) {
      board.tick(50);
      for (const { off, len } of wanted(board)) {
        for (let from = off; from < off + len && !question(board).pending; from += BLOCK_BYTES)
          give(board, block(one.bytes, from));
      }
    }
    expectOk(put(board, NODE.approvals, approved(one)));
    serveFor(board, 120_000, one.bytes);
    expect(runs(board, one)).toBe(true);
  });

  it('the device starts anew, hears the approval, and only then its order', () => {
    const { board, one } = asking();
    board.reboot();
    expectOk(put(board, NODE.approvals, approved(one)));
    board.tick(300);
    expectOk(order(board, one.digest));
    serveFor(board, 120_000, one.bytes);
    expect(runs(board, one)).toBe(true);
  });

  it('half of it was there, and the approval had been taken back', () => {
    const board = provisionedBoard(policy);
    const [one, other] = [largePackage(), largePackage(2, 2)];
    expectOk(put(board, NODE.approvals, approved(one)));
    expectOk(order(board, one.digest));
    serve(board, one.bytes, { until: 30 });
    expect(state(board)).toBe(30);
    expectOk(put(board, NODE.approvals, approved(other, 2)));
    board.reboot();
    board.run(100);
    expect(question(board).pending).toBe(true);
    expectOk(put(board, NODE.approvals, approved(one, 3)));
    serveFor(board, 60_000, one.bytes);
    expect(runs(board, one)).toBe(true);
  });
});
