// A yes is to a package for a reason: who agreed to what the operators approved did not agree to what they do not.

import { describe, expect, it } from 'vitest';
import {
  approvalOf,
  DENIED,
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
  vendor,
} from '../support/agent-world.js';
import { MAP } from '../support/bench-hal.js';
import type { Package as P } from '../support/make.js';

const R = { NotApproved: 80, OtherPackage: 90, AwaitingUser: 120 };
const D = packageOf(2, { image: imageOf(3000, 4) });
const signed = packageOf(2, { image: D.image, signers: [vendor, operator] });
const HALF = D.head.length + MAP.page + 100;
const withdrawn = approvalOf(packageOf(3).digest, 2);

describe('a yes to the download of what is approved', () => {
  const agreed = () => {
    const board = provisionedBoard({ unapproved: 1, askBeforeDownload: 1 });
    expect(rc(upload(board, signed.bytes))).toBe(R.AwaitingUser);
    press(board, 1);
    expect(question(board)).toMatchObject({ pending: false, reason: 0 });
    return board;
  };

  it('pays for no download of a copy without the countersignature: that is asked about', () => {
    const board = agreed();
    board.flash.forget();
    expect(rc(upload(board, D.bytes, { link: 2 }))).toBe(R.AwaitingUser);
    expect(board.flash.erases.filter(({ offset }) => offset < MAP.state)).toEqual([]);
    expect([state(board), question(board)]).toMatchObject([10, { pending: true, reason: R.NotApproved }]);
  });

  it('after which the countersigned one still comes, with one more yes', () => {
    const board = agreed();
    upload(board, D.bytes, { link: 2 });
    expect(rc(upload(board, signed.bytes))).toBe(R.AwaitingUser);
    press(board, 1);
    expectOk(upload(board, signed.bytes));
    expectOk(exec(board, NODE.update));
    board.settle();
    expect(runs(board, D)).toBe(true);
  });

  it('is over when the image before comes back: what it was said beside is gone', () => {
    const [first, second, third] = [1, 2, 3].map((n) => packageOf(n, { image: imageOf(2000 + n, n) })) as [P, P, P];
    const board = provisionedBoard({ unapproved: 1, askBeforeDownload: 1, denied: 1, trialBoots: 0 });
    const agree = (wanted: P) => {
      expect(rc(upload(board, wanted.bytes))).toBe(R.AwaitingUser);
      press(board, 1);
    };
    for (const [n, wanted] of [first, second].entries()) {
      expectOk(put(board, NODE.approvals, approvalOf(wanted.digest, n + 1)));
      agree(wanted);
      expectOk(upload(board, wanted.bytes));
      expectOk(exec(board, NODE.update));
      board.settle();
      expect(runs(board, wanted)).toBe(true);
      knock(board);
    }
    agree(third);
    expectOk(put(board, NODE.approvals, approvalOf(second.digest, 3, DENIED)));
    board.settle();
    expect(runs(board, first)).toBe(true);
    knock(board);
    expect(rc(upload(board, third.bytes))).toBe(R.AwaitingUser);
  });

  it('does not go on with a download once the approval is withdrawn', () => {
    const board = provisionedBoard({ unapproved: 1, askBeforeDownload: 1 });
    expectOk(put(board, NODE.approvals, approvalOf(D.digest, 1)));
    expect(rc(upload(board, D.bytes))).toBe(R.AwaitingUser);
    press(board, 1);
    upload(board, D.bytes, { until: HALF });
    board.reboot();
    expectOk(put(board, NODE.approvals, withdrawn));
    board.flash.forget();
    expect(rc(upload(board, D.bytes))).toBe(R.AwaitingUser);
    expect(question(board)).toMatchObject({ pending: true, reason: R.OtherPackage });
    expect(board.flash.erases.filter(({ offset }) => offset < MAP.state)).toEqual([]);
    press(board, 1); // and a yes to that counts
    expectOk(upload(board, D.bytes));
    expect(state(board)).toBe(50);
  });

  it('installs it without another question while it is approved, also one that was typed where nothing was delivered', () => {
    const board = provisionedBoard({ unapproved: 1, askBeforeDownload: 1 });
    expect(rc(upload(board, signed.bytes))).toBe(R.AwaitingUser);
    board.run(1200);
    board.receive(0, Buffer.from('yes\n'));
    expectOk(upload(board, signed.bytes));
    expectOk(exec(board, NODE.update));
    board.settle();
    expect(runs(board, D)).toBe(true);
  });
});

it('a yes to the download of what is not approved lets the approved one come as well, and is none to its installation', () => {
  const board = provisionedBoard({ unapproved: 1, askBeforeDownload: 1 });
  expect(rc(upload(board, D.bytes))).toBe(R.AwaitingUser);
  press(board, 1);
  expectOk(upload(board, signed.bytes));
  expectOk(exec(board, NODE.update));
  board.run(1200);
  expect(question(board)).toMatchObject({ pending: true, reason: R.AwaitingUser });
  expect(runs(board, D)).toBe(false);
});
