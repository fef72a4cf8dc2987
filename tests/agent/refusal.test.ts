// What is told of an offer that is refused: a line on the console each time, and to the server that ordered a package its
// alert. The flash hears of it once.
import { describe, expect, it } from 'vitest';
import {
  alert,
  approvalOf,
  exec,
  expectOk,
  failed,
  imageOf,
  NODE,
  packageOf,
  provisionedBoard,
  put,
  state,
  stranger,
  upload,
} from '../support/agent-world.js';
import type { Board } from '../support/bench-hal.js';
import { response, unframe } from '../support/smp.js';

const DOWNLOAD = './FUMO/1/Download';
const NOT_APPROVED = 80;
const OTHER_PACKAGE = 90;
const VENDOR_SIGNATURE = 48;
const NOTHING_STAGED = 151;
const NOTHING_DELIVERED = 156;
const ours = (rc: number) => ({ group: 64, rc });

/** Lines on the console and packets on link 1 that come of themselves at the next tick. */
function told(board: Board): { lines: string[]; alerts: object[] } {
  for (const link of [0, 1]) board.takeSent(link);
  board.run(100);
  const sent = board.takeSent(1);
  const lines = unframe(board.takeSent(0)).text.split('\r\n').filter(Boolean);
  return { lines, alerts: sent.length > 0 ? [response(sent).body] : [] };
}

describe('an offer that is refused', () => {
  it('is a line on the console, each time; the update stays where it was', () => {
    const board = provisionedBoard();
    const wanted = packageOf(1);
    for (let i = 0; i < 3; i++) {
      expect(failed(upload(board, wanted.bytes))).toEqual(ours(NOT_APPROVED));
      expect(told(board)).toEqual({ lines: ['state 10, reason 80'], alerts: [] });
      expect(told(board)).toEqual({ lines: [], alerts: [] });
    }
    expect(failed(upload(board, packageOf(1, { signers: [stranger] }).bytes))).toEqual(ours(VENDOR_SIGNATURE));
    expect(told(board).lines).toEqual(['state 10, reason 48']);
    expect(failed(upload(board, Uint8Array.of(1, 2, 3)))).toMatchObject({ group: 64 });
    expect(told(board).lines.length).toBe(1);
  });

  it('does not hide what comes next, and leaves no trace in it', () => {
    const board = provisionedBoard();
    const wanted = packageOf(1, { image: imageOf(3000) });
    expectOk(put(board, NODE.approvals, approvalOf(wanted.digest)));
    expectOk(upload(board, wanted.bytes));
    expect(told(board).lines).toEqual(['state 50, reason 0']);
    expect(failed(upload(board, packageOf(2).bytes))).toEqual(ours(OTHER_PACKAGE));
    expect(told(board).lines).toEqual(['state 50, reason 90']);
    expect(state(board)).toBe(50);
    expectOk(exec(board, NODE.update));
    board.settle();
    expect(board.running).toBe('image');
  });
});

describe('an order', () => {
  it.each([
    ['Download', DOWNLOAD, 1],
    ['DownloadAndUpdate', NODE.downloadAndUpdate, 3],
  ])('%s whose package is refused is answered by an alert, also when it is refused again', (_, uri, type) => {
    const board = provisionedBoard();
    const wanted = packageOf(1);
    for (let turn = 1; turn <= 3; turn++) {
      expectOk(exec(board, uri, `order ${turn}`));
      expect(failed(upload(board, wanted.bytes))).toEqual(ours(NOT_APPROVED));
      const result = { n: turn, type, uri: './FUMO/1', result: 450, reason: NOT_APPROVED, corr: `order ${turn}` };
      expect(told(board).alerts).toEqual([result]);
      expect(alert(board)).toEqual(result);
    }
    // Answered is over: what is offered now is nobody's order, and costs no flash.
    const before = board.flash.writes.length;
    for (let i = 0; i < 5; i++) upload(board, wanted.bytes);
    expect([alert(board).n, board.flash.writes.length]).toEqual([3, before]);
  });

  it('is not used up by what no vendor signed', () => {
    const board = provisionedBoard();
    const wanted = packageOf(1);
    expectOk(exec(board, DOWNLOAD, 'mine'));
    expect(failed(upload(board, packageOf(1, { signers: [stranger] }).bytes))).toEqual(ours(VENDOR_SIGNATURE));
    expect(alert(board).n).toBe(0);
    upload(board, wanted.bytes);
    expect(alert(board)).toMatchObject({ n: 1, corr: 'mine', reason: NOT_APPROVED });
  });

  it('whose package does not come in ten minutes is answered by an alert, and fires on no later package', () => {
    const board = provisionedBoard();
    const wanted = packageOf(1, { image: imageOf(900) });
    expectOk(put(board, NODE.approvals, approvalOf(wanted.digest)));
    expectOk(exec(board, NODE.downloadAndUpdate, 'late'));
    board.tick(599_800); // and told() lets 100 ms pass
    expect(told(board).alerts).toEqual([]);
    const result = { n: 1, type: 3, uri: './FUMO/1', result: 407, reason: NOTHING_DELIVERED, corr: 'late' };
    expect(told(board).alerts).toEqual([result]);
    expectOk(upload(board, wanted.bytes));
    board.run(5000);
    expect([state(board), alert(board)]).toEqual([50, result]);
    board.reboot();
    expect(alert(board)).toEqual(result);
  });

  it('that cannot begin is answered at once, and does not answer for what comes later', () => {
    const board = provisionedBoard();
    expect(failed(exec(board, NODE.update, 'too early'))).toEqual(ours(NOTHING_STAGED));
    upload(board, packageOf(1).bytes);
    expect(alert(board)).toEqual({ n: 0 });
  });
});
