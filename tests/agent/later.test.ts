// What operators say while a package is on its way, or while somebody is asked about it: the record in hand keeps what was
// approved when the package was accepted, whatever else is told meanwhile, and a question is asked for the reason of now.

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
import { makeApproval } from '../support/make.js';

const R = { OtherPackage: 90, AwaitingUser: 120 };
const D = packageOf(2, { image: imageOf(3000, 4) });
const E = packageOf(2, { image: imageOf(3000, 5) });
const HALF = D.head.length + MAP.page + 100;

describe('of a package that is on its way', () => {
  it('a better head is taken, although something else was asked meanwhile', () => {
    const board = provisionedBoard({ unapproved: 1, askBeforeDownload: 1 });
    expect(rc(upload(board, D.bytes))).toBe(R.AwaitingUser);
    press(board, 1);
    upload(board, D.bytes, { until: HALF });
    expect(state(board)).toBe(30);
    expect(rc(upload(board, E.bytes))).toBe(R.AwaitingUser); // a question about another one
    const better = packageOf(2, { image: D.image, signers: [vendor, operator] }); // the same, countersigned
    expect(better.digest).toEqual(D.digest);
    let answer = upload(board, better.bytes);
    if (rc(answer) === R.AwaitingUser) {
      press(board, 1);
      answer = upload(board, better.bytes);
    }
    expectOk(answer);
    expectOk(exec(board, NODE.update));
    board.settle();
    expect(runs(board, D)).toBe(true); // its operator signed it
  });

  it('nothing comes again, although what runs was denied meanwhile', () => {
    const board = provisionedBoard({ trialBoots: 0 });
    const first = packageOf(1, { image: imageOf(2100, 1) });
    install(board, first, 1);
    knock(board);
    expectOk(put(board, NODE.approvals, approvalOf(D.digest, 2)));
    upload(board, D.bytes, { until: HALF });
    upload(board, E.bytes, { until: 10 }); // somebody else puts it off, and the memory for a head is free
    const entries = [
      { verdict: 1, digest: D.digest },
      { verdict: DENIED, digest: first.digest },
    ];
    expectOk(put(board, NODE.approvals, makeApproval({ key: operator, sequence: 3, entries })));
    board.run(100);
    board.flash.forget();
    expectOk(upload(board, D.bytes, { sha: null }));
    expect(state(board)).toBe(50);
    expect(Math.max(...board.flash.wear.slice(0, MAP.state / MAP.page))).toBe(1);
    expect(board.flash.erases.filter(({ offset }) => offset === MAP.secondary + MAP.page)).toEqual([]);
  });
});

describe('of a package that somebody is asked about', () => {
  const asked = () => {
    const board = provisionedBoard({ unapproved: 1 });
    const entries = [{ verdict: 1, digest: D.digest, confirm: 1 }];
    expectOk(put(board, NODE.approvals, makeApproval({ key: operator, sequence: 1, entries })));
    expectOk(upload(board, D.bytes));
    expectOk(exec(board, NODE.update));
    board.run(1200);
    expect(question(board)).toMatchObject({ pending: true, reason: R.AwaitingUser });
    return board;
  };
  const withdrawn = makeApproval({ key: operator, sequence: 2, entries: [{ verdict: 1, digest: E.digest }] });

  it('whose approval is gone it is asked anew, for the reason of now; the answer to the old question is none', () => {
    const board = asked();
    const { nonce } = question(board);
    expectOk(put(board, NODE.approvals, withdrawn));
    board.takeSent();
    expectOk(exec(board, NODE.update));
    expect(question(board)).toMatchObject({ pending: true, reason: R.OtherPackage });
    expect(question(board).nonce).not.toEqual(nonce);
    board.run(1200);
    expect(Buffer.from(board.takeSent()).toString('latin1')).toContain(`${R.OtherPackage}`);
    press(board, 1);
    board.settle();
    expect(runs(board, D)).toBe(true);
  });

  it('nothing is asked anew, and nothing written, as long as the reason is the same', () => {
    const board = asked();
    const { nonce } = question(board);
    board.flash.forget();
    expectOk(exec(board, NODE.update, 'job'));
    expectOk(exec(board, NODE.update, 'job'));
    expect(question(board).nonce).toEqual(nonce);
    expect(board.flash.writes.length).toBeLessThanOrEqual(12); // the order
  });

  it('before its download the question stays, with every line that offered it; a yes to it installs nothing for another reason', () => {
    const board = provisionedBoard({ unapproved: 1, askBeforeDownload: 1 });
    const entries = [{ verdict: 1, digest: D.digest }];
    expectOk(put(board, NODE.approvals, makeApproval({ key: operator, sequence: 1, entries })));
    expect(rc(upload(board, D.bytes, { link: 0 }))).toBe(R.AwaitingUser);
    const { nonce } = question(board);
    expectOk(put(board, NODE.approvals, withdrawn));
    expect(rc(upload(board, D.bytes, { link: 1 }))).toBe(R.AwaitingUser);
    expect(question(board)).toMatchObject({ pending: true, reason: R.AwaitingUser, nonce });
    board.run(1200);
    board.receive(0, Buffer.from('yes\n')); // it delivered the head
    board.run(100);
    expect(question(board).pending).toBe(true);
    press(board, 1);
    for (let reason = rc(upload(board, D.bytes)); reason === R.AwaitingUser; reason = rc(upload(board, D.bytes))) {
      expect(question(board)).toMatchObject({ pending: true, reason: R.OtherPackage });
      press(board, 1);
    }
    expectOk(exec(board, NODE.update));
    board.run(1200);
    expect(question(board)).toMatchObject({ pending: true, reason: R.OtherPackage });
    expect(runs(board, D)).toBe(false);
  });
});

describe('who has no key, and takes the countersignature out of a package,', () => {
  const signed = packageOf(2, { image: D.image, signers: [vendor, operator] });

  it('voids no question about it, and no answer on its way', () => {
    const board = provisionedBoard({ unapproved: 1, askBeforeDownload: 1 });
    expect(rc(upload(board, signed.bytes))).toBe(R.AwaitingUser);
    const { nonce } = question(board);
    for (let i = 0; i < 8; i++) {
      expect(rc(upload(board, D.bytes, { link: 1 }))).toBe(R.AwaitingUser);
      expect(question(board)).toMatchObject({ pending: true, nonce });
    }
  });

  it('keeps nobody from delivering what the operator signed', () => {
    const board = provisionedBoard({ unapproved: 1, trialBoots: 0 });
    expectOk(upload(board, D.bytes, { link: 1 }));
    expect(state(board)).toBe(50);
    expectOk(upload(board, signed.bytes));
    board.flash.forget();
    expectOk(upload(board, D.bytes, { link: 1 })); // no better: it stays
    expect(board.flash.erases).toEqual([]);
    expectOk(exec(board, NODE.update));
    board.settle();
    expect(runs(board, signed)).toBe(true); // and nobody was asked
  });
});

describe('of a package that a person is asked about', () => {
  function asked() {
    const board = provisionedBoard({ unapproved: 1 });
    expectOk(upload(board, D.bytes));
    expectOk(exec(board, NODE.update, 'order-1'));
    board.run(2000);
    expect([question(board).pending, board.asking]).toEqual([true, 1]);
    return board;
  }

  it('a denial ends the question, and the order is answered', () => {
    const board = asked();
    expectOk(put(board, NODE.approvals, approvalOf(D.digest, 2, DENIED)));
    board.run(200);
    expect([question(board).pending, board.asking, state(board)]).toEqual([false, 0, 70]);
    expect(alert(board)).toMatchObject({ result: 453, corr: 'order-1' });
    board.press = 1;
    board.run(2000);
    expect(runs(board, D)).toBe(false);
  });

  it('an approval installs it: nobody has to answer any more', () => {
    const board = asked();
    expectOk(put(board, NODE.approvals, approvalOf(D.digest, 2)));
    board.settle();
    expect(runs(board, D)).toBe(true);
  });

  it('one about something else, or one that wants a person, leaves the question as it is', () => {
    const board = asked();
    const { nonce } = question(board);
    expectOk(put(board, NODE.approvals, approvalOf(E.digest, 2)));
    board.run(200);
    expect([question(board).nonce, board.asking]).toEqual([nonce, 1]);
    press(board, 1);
    board.settle();
    expect(runs(board, D)).toBe(true);
  });
});
