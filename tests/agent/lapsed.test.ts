// An approval that ends while its package is being installed: by its time, or by a newer document of its operator. It is looked
// at for the last time just before the swap is committed. Until then it counts no more; from then on the swap is decided, and
// goes to its end: an image that is half exchanged would be none at all. Only a denial brings back what ran before.

import { describe, expect, it } from 'vitest';
import {
  alert,
  approvalOf,
  DENIED,
  exec,
  expectOk,
  imageOf,
  install,
  knock,
  NODE,
  packageOf,
  press,
  provisionedBoard,
  put,
  question,
  runs,
  state,
  upload,
} from '../support/agent-world.js';
import { type Board, MAP } from '../support/bench-hal.js';
import { refusal } from '../support/changing.js';
import { NOW } from '../support/make.js';

const first = packageOf(1, { image: imageOf(3000, 1) });
const second = packageOf(2, { image: imageOf(5000, 2) });
const HALF = second.head.length + 2 * MAP.page + 100;

/** Ends at NOW + 1000, which `later` is behind. */
const approval = (more: object = {}) => approvalOf(second.digest, 2, 1, { expires: NOW + 1000, ...more });
const asking = approval({ entries: [{ verdict: 1, digest: second.digest, confirm: 1 }] });

type Lapse = [name: string, lapse: (board: Board) => void, reason: string];
const LAPSES: Lapse[] = [
  [
    'expires',
    (board) => {
      board.clock = BigInt(NOW + 2000);
    },
    'ApprovalExpired',
  ],
  [
    'is withdrawn',
    (board) => void expectOk(put(board, NODE.approvals, approvalOf(first.digest, 3))),
    'ApprovalOtherPackage',
  ],
];

function device(trialBoots = 1, unapproved: 0 | 1 = 0): Board {
  const board = provisionedBoard({ trialBoots, unapproved });
  board.clock = BigInt(NOW);
  install(board, first, 1);
  knock(board);
  return board;
}

describe.each(LAPSES)('an approval that %s', (_, lapse, reason) => {
  it('before the order: nothing is installed', () => {
    const board = device();
    expectOk(put(board, NODE.approvals, approval()));
    expectOk(upload(board, second.bytes));
    lapse(board);
    expect(refusal(exec(board, NODE.update))).toBe(reason);
    expect([state(board), runs(board, first)]).toEqual([70, true]);
  });

  it('while a download with an order is interrupted: neither goes on', () => {
    const board = device();
    expectOk(put(board, NODE.approvals, approval()));
    expectOk(exec(board, NODE.downloadAndUpdate, 'job'));
    upload(board, second.bytes, { until: HALF });
    board.mailbox = 1;
    board.reboot();
    lapse(board);
    expect(refusal(upload(board, second.bytes))).toBe(reason);
    board.settle();
    expect(runs(board, first)).toBe(true);
    knock(board);
    expect(alert(board).corr).toBe('job');
  });

  it('while the person is asked: the yes installs nothing', () => {
    const board = device();
    expectOk(put(board, NODE.approvals, asking));
    expectOk(upload(board, second.bytes));
    expectOk(exec(board, NODE.update));
    board.run(1200);
    lapse(board);
    press(board, 1);
    expect([state(board), question(board).pending, runs(board, first)]).toEqual([70, false, true]);
  });

  it('while the person is asked, who may decide alone: asked anew, for the reason of now', () => {
    const board = device(1, 1);
    expectOk(put(board, NODE.approvals, asking));
    expectOk(upload(board, second.bytes));
    expectOk(exec(board, NODE.update));
    board.run(1200);
    lapse(board);
    press(board, 1);
    expect([state(board), question(board).pending, runs(board, first)]).toEqual([50, true, true]);
    press(board, 1);
    board.settle();
    expect(runs(board, second)).toBe(true);
  });

  it('at any place of a swap that power cuts: the swap goes to its end', () => {
    for (const trialBoots of [0, 1, 2]) {
      for (let at = 1; ; at += 397) {
        const board = device(trialBoots);
        expectOk(put(board, NODE.approvals, approval()));
        expectOk(upload(board, second.bytes));
        expectOk(exec(board, NODE.update)); // decided, and committed
        board.flash.arm(at, 'bits');
        try {
          board.settle();
        } catch {
          // The power went.
        }
        board.flash.arm();
        if (board.running === 'image') break;
        board.mailbox = 1;
        board.reboot();
        lapse(board);
        board.settle();
        expect([at, board.running, runs(board, second)]).toEqual([at, 'image', true]);
        knock(board);
        expect([at, state(board), runs(board, second)]).toEqual([at, 100, true]);
        board.settle();
        expect([at, board.running, runs(board, second)]).toEqual([at, 'image', true]);
      }
    }
  });
});

it('a denial that comes in the middle of the swap does bring back what ran before', () => {
  const board = device();
  expectOk(put(board, NODE.approvals, approval()));
  expectOk(upload(board, second.bytes));
  expectOk(exec(board, NODE.update));
  board.flash.arm(1000, 'bits');
  expect(() => board.settle()).toThrow();
  board.flash.arm();
  board.mailbox = 1;
  board.reboot();
  expectOk(put(board, NODE.approvals, approvalOf(second.digest, 3, DENIED)));
  board.settle();
  expect([board.running, runs(board, first)]).toEqual(['image', true]);
});
