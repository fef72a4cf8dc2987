// The package in hand: whatever was asked, agreed, delivered or ordered about one package counts for that one alone.

import { describe, expect, it } from 'vitest';
import {
  alert,
  answer,
  approvalOf,
  consenter,
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
  rc,
  runs,
  state,
  upload,
} from '../support/agent-world.js';
import { type Board, MAP } from '../support/bench-hal.js';
import { makeConsent, type Package, type PolicyOptions } from '../support/make.js';
import { ask } from '../support/smp.js';

const R = { NotApproved: 80, Denied: 84, ApprovalExpired: 82, AwaitingUser: 120, Deferred: 122, NothingAsked: 126 };
const D = packageOf(1, { image: imageOf(3000, 4) });
const E = packageOf(2, { image: imageOf(3000, 5) });

function asked(wanted: Package, policy: PolicyOptions = {}, link = 1): Board {
  const board = provisionedBoard({ unapproved: 1, channels: 7, ...policy });
  expectOk(upload(board, wanted.bytes, { link }));
  expectOk(exec(board, NODE.update, 'order'));
  board.run(100);
  expect(question(board).pending).toBe(true);
  return board;
}
const consentTo = (wanted: Package, nonce: unknown) =>
  makeConsent({ key: consenter, answer: 1, digest: wanted.digest, nonce: nonce as Uint8Array });

describe('a yes to one package installs no other', () => {
  const ways: [name: string, yes: (board: Board, nonce: unknown) => void][] = [
    ['by the button', (board) => press(board, 1)],
    ['typed on the console', (board) => board.receive(0, Buffer.from('yes\r\n'))],
    ['signed over its digest', (board, nonce) => answer(board, consentTo(D, nonce))],
  ];
  it.each(ways)('%s, while another is on board by now', (_, yes) => {
    const board = asked(D);
    const { nonce } = question(board);
    expectOk(upload(board, E.bytes)); // accepted: the question about D is over
    expect(question(board)).toMatchObject({ pending: false, digest: new Uint8Array(D.digest), reason: R.Deferred });
    yes(board, nonce);
    board.settle();
    expect([board.running, state(board)]).toEqual(['agent', 50]);
    // And asked about E: the answer that was meant for D is none to this question.
    expectOk(exec(board, NODE.update));
    expect(rc(answer(board, consentTo(D, nonce)))).toBe(124);
    expect(rc(answer(board, consentTo(E, nonce)))).toBe(123);
    board.settle();
    expect([board.running, state(board)]).toEqual(['agent', 50]);
  });

  it('and who ordered the one that was given up is told', () => {
    const board = asked(D);
    expectOk(upload(board, E.bytes));
    expect(alert(board)).toMatchObject({ n: 1, corr: 'order', reason: 156 });
  });
});

describe('a question ends with what it is about', () => {
  it('when the slot is cleared: deferred, and the light goes out', () => {
    const board = asked(D);
    expect(board.asking).toBe(1);
    expectOk(ask(board, { group: 1, id: 5, write: true }));
    expect(question(board)).toMatchObject({ pending: false, reason: R.Deferred });
    board.tick(10);
    expect(board.asking).toBe(0);
  });

  it('and another one is shown only after the board heard that nothing is asked', () => {
    const board = asked(D);
    const heard: number[] = [];
    expectOk(upload(board, E.bytes));
    expectOk(exec(board, NODE.update));
    board.press = 1; // the finger was on its way to the button for D
    for (let tick = 0; tick < 4; tick++) {
      board.tick(400);
      heard.push(board.asking);
      board.press = 1;
      board.tick(0);
    }
    // For a second: a person has to see the light go out. Then it asks, and what is pressed from then on counts.
    expect(heard.slice(0, 3)).toEqual([0, 0, 0]);
    expect(heard[3]).toBe(1);
    board.settle();
    expect([board.running, runs(board, E)]).toEqual(['image', true]);
  });

  it('a press within a second of a question that gave way answers nothing', () => {
    const board = asked(D, { askBeforeDownload: 0 });
    expectOk(upload(board, E.bytes));
    expectOk(exec(board, NODE.update));
    for (let tick = 0; tick < 90; tick++) {
      board.press = 1;
      board.tick(10);
    }
    expect(question(board)).toMatchObject({ pending: true, digest: new Uint8Array(E.digest) });
  });

  it('half a line that was typed before it was shown is no part of an answer', () => {
    const board = asked(D);
    board.receive(0, Buffer.from('ye'));
    expectOk(upload(board, E.bytes));
    expectOk(exec(board, NODE.update));
    board.receive(0, Buffer.from('s\r\n'));
    board.run(50);
    board.receive(0, Buffer.from('s\r\n'));
    board.run(50);
    expect(question(board).pending).toBe(true);
  });
});

describe('a line that delivered does not answer', () => {
  it.each([
    ['all of it', 0, 0],
    ['its head', 0, 1],
    ['its payload', 1, 0],
  ])('when it delivered %s, whatever came over another line since', (_, head, payload) => {
    const board = provisionedBoard({ unapproved: 1, channels: 1 });
    upload(board, D.bytes, { link: head, piece: 100, until: D.head.length + 100 });
    expectOk(upload(board, D.bytes, { link: payload, piece: 100 }));
    expectOk(exec(board, NODE.update)); // over link 1
    board.run(50);
    board.receive(0, Buffer.from('yes\r\n'));
    board.run(50);
    expect(question(board).pending).toBe(true);
    board.reboot();
    board.run(50);
    board.receive(0, Buffer.from('yes\r\n'));
    expect(question(board).pending).toBe(true);
    press(board, 1);
    board.settle();
    expect(board.running).toBe('image');
  });

  it('not even if it brought only what a reset cut off', () => {
    const board = provisionedBoard({ unapproved: 1, channels: 1 });
    upload(board, D.bytes, { link: 0, piece: 100, until: D.head.length + 2100 });
    board.reboot();
    expectOk(upload(board, D.bytes, { link: 1, piece: 100 }));
    expectOk(exec(board, NODE.update));
    board.run(50);
    board.receive(0, Buffer.from('yes\r\n'));
    expect(question(board).pending).toBe(true);
  });

  it('a yes typed before the download does not count once its line delivers, too', () => {
    const board = provisionedBoard({ askBeforeDownload: 1, channels: 1 });
    expectOk(put(board, NODE.approvals, approvalOf(D.digest)));
    expect(rc(upload(board, D.bytes, { link: 1 }))).toBe(R.AwaitingUser);
    board.run(50);
    board.receive(0, Buffer.from('yes\r\n'));
    expect(question(board)).toMatchObject({ pending: false, reason: 0 });
    expect(rc(upload(board, D.bytes, { link: 0 }))).toBe(R.AwaitingUser);
    expect(question(board).pending).toBe(true);
  });
});

describe('a no ends every yes that came before it', () => {
  it('yes to the download, no to the installation, then an approval that wants the user asked: asked', () => {
    const board = provisionedBoard({ unapproved: 1, askBeforeDownload: 1 });
    expect(rc(upload(board, D.bytes))).toBe(R.AwaitingUser);
    press(board, 1);
    expectOk(upload(board, D.bytes));
    expectOk(exec(board, NODE.update));
    press(board, 2);
    expect(state(board)).toBe(80);
    const entries = [{ verdict: 1, digest: D.digest, confirm: 1 }];
    expectOk(put(board, NODE.approvals, approvalOf(D.digest, 1, 1, { entries })));
    expect(rc(upload(board, D.bytes))).toBe(R.AwaitingUser);
  });
});

describe('the time of a question runs on over resets', () => {
  it('with a clock: by the clock', () => {
    const board = provisionedBoard({ unapproved: 1, timeout: 10 });
    board.clock = 1_800_000_000n;
    expectOk(upload(board, D.bytes));
    expectOk(exec(board, NODE.update));
    board.clock += 900n;
    board.reboot();
    expect(question(board)).toMatchObject({ pending: false, reason: R.Deferred });
  });

  it('without one: each reset takes a quarter of it, and no reset gives any back', () => {
    const board = asked(D, { timeout: 100 });
    const left = () => question(board).left as number;
    board.run(30_000);
    for (let before = left(); question(board).pending; before = left()) {
      board.reboot();
      if (question(board).pending) expect(left()).toBeLessThanOrEqual(before);
      if (question(board).pending) expect(left()).toBeLessThanOrEqual(75);
      if (!question(board).pending) break;
    }
    board.run(100);
    board.press = 1;
    board.run(100);
    expect([state(board), board.asking]).toEqual([50, 0]);
  });
});

describe('what was ordered is done once', () => {
  it('an Exec that arrives after its own installation ended is answered as done', () => {
    const board = provisionedBoard();
    expectOk(put(board, NODE.approvals, approvalOf(D.digest)));
    expectOk(upload(board, D.bytes));
    expectOk(exec(board, NODE.update, 'once'));
    board.settle();
    knock(board);
    expect(alert(board)).toMatchObject({ n: 1, corr: 'once', result: 200 });
    expectOk(exec(board, NODE.update, 'once'));
    expect(rc(exec(board, NODE.update, 'again'))).toBe(151);
    expect(alert(board).n).toBe(1);
  });

  it('and one that comes twice while it is under way is one order', () => {
    const board = provisionedBoard({ trialBoots: 2 });
    expectOk(put(board, NODE.approvals, approvalOf(D.digest)));
    expectOk(upload(board, D.bytes));
    expectOk(exec(board, NODE.update, 'once'));
    expectOk(exec(board, NODE.update, 'once'));
    expect(rc(exec(board, NODE.update, 'other'))).toBe(140);
    board.settle();
    knock(board, 1);
    expectOk(exec(board, NODE.update, 'once'));
  });

  it('an order for a package that did not come is forgotten by a reset', () => {
    const board = provisionedBoard();
    expectOk(put(board, NODE.approvals, approvalOf(D.digest)));
    expectOk(exec(board, NODE.downloadAndUpdate));
    board.reboot();
    expectOk(upload(board, D.bytes));
    board.run(1000);
    expect([board.running, state(board)]).toEqual(['agent', 50]);
  });

  it('a no to the download of another package leaves the order for this one alone', () => {
    const board = provisionedBoard({ askBeforeDownload: 1 });
    const entries = [D, E].map(({ digest }) => ({ verdict: 1, digest }));
    expectOk(put(board, NODE.approvals, approvalOf(D.digest, 1, 1, { entries })));
    expect(rc(upload(board, D.bytes))).toBe(R.AwaitingUser);
    press(board, 1);
    upload(board, D.bytes, { piece: 100, until: D.head.length + 2100 });
    expectOk(exec(board, NODE.downloadAndUpdate, 'job'));
    expect(rc(upload(board, E.bytes))).toBe(R.AwaitingUser);
    press(board, 2);
    expect(alert(board)).toMatchObject({ reason: 121 });
    expect(alert(board).corr).toBeUndefined();
    const answer = upload(board, D.bytes, { piece: 100 });
    if (rc(answer) === R.AwaitingUser) press(board, 1); // the no ended every yes before it
    expectOk(upload(board, D.bytes, { piece: 100 }));
    board.settle();
    knock(board);
    expect(runs(board, D)).toBe(true);
    expect(alert(board)).toMatchObject({ corr: 'job', result: 200 });
  });

  it('a reset that is asked for during the swap waits for its end', () => {
    const board = provisionedBoard();
    expectOk(put(board, NODE.approvals, approvalOf(D.digest)));
    expectOk(upload(board, D.bytes));
    expectOk(exec(board, NODE.update));
    board.reboot();
    expect(rc(ask(board, { group: 0, id: 5, write: true }))).toBe(10);
    board.settle();
    expect(board.running).toBe('image');
  });
});

describe('the operator has the last word', () => {
  it('a failed trial that goes back to an image that was denied meanwhile says so', () => {
    const board = provisionedBoard({ trialBoots: 1 });
    install(board, D, 1);
    knock(board);
    expectOk(put(board, NODE.approvals, approvalOf(D.digest, 2, DENIED)));
    board.run(100);
    expect(alert(board)).toMatchObject({ n: 2, reason: R.Denied });
    install(board, E, 3); // approves E, and no longer denies D
    knock(board, 1);
    const both = [
      { verdict: DENIED, digest: D.digest },
      { verdict: 1, digest: E.digest },
    ];
    expectOk(put(board, NODE.approvals, approvalOf(D.digest, 4, DENIED, { entries: both })));
    board.run(100);
    board.reboot();
    board.settle();
    knock(board);
    board.run(100);
    expect(runs(board, D)).toBe(true);
    expect(alert(board)).toMatchObject({ reason: R.Denied });
  });

  it('a resumed upload that is refused tells the reason of the verdict', () => {
    const board = provisionedBoard();
    expectOk(put(board, NODE.approvals, approvalOf(D.digest)));
    upload(board, D.bytes, { piece: 100, until: D.head.length + 2100 });
    board.reboot();
    expectOk(put(board, NODE.approvals, approvalOf(D.digest, 2, DENIED)));
    expect(rc(upload(board, D.bytes))).toBe(R.Denied);
    expect(state(board)).toBe(20);
  });

  it('a clock that fell back does not bring an expired approval to life', () => {
    const board = provisionedBoard();
    const now = 1_800_000_000;
    const old = approvalOf(D.digest, 1, 1, { issuedAt: now - 1000, expires: now - 10 });
    board.clock = BigInt(now);
    expectOk(put(board, NODE.approvals, approvalOf(E.digest, 1, 1, { issuedAt: now })));
    expect(rc(upload(board, packageOf(1, { image: D.image, approvals: [old] }).bytes))).toBeDefined();
    board.clock = 946_684_800n; // 2000
    expect(rc(upload(board, packageOf(1, { image: D.image, approvals: [old] }).bytes))).toBeDefined();
    expect(state(board)).toBe(10);
  });
});

it('the package that waits already is not taken again: its question goes on, and no flash is worn', () => {
  const board = asked(D);
  const { nonce } = question(board);
  board.flash.forget();
  expectOk(upload(board, D.bytes));
  expect(board.flash.erases).toEqual([]);
  expect(question(board)).toMatchObject({ pending: true, nonce });
  press(board, 1);
  board.settle();
  expect(board.running).toBe('image');
});

describe('an honest client gets its package installed', () => {
  it('also when the power went after the last page of an image that fills its pages', () => {
    const whole = packageOf(1, { image: imageOf(2 * MAP.page, 7) });
    let cuts = 0;
    let last = 0;
    for (let at = 1; ; at += at < last - 60 ? 23 : 1) {
      const board = provisionedBoard();
      expectOk(put(board, NODE.approvals, approvalOf(whole.digest)));
      board.flash.arm(last === 0 ? undefined : at, 'before');
      try {
        upload(board, whole.bytes);
      } catch {
        cuts++;
      }
      const cut = board.running === 'off';
      if (last === 0) {
        last = board.flash.operations;
        continue;
      }
      board.flash.arm();
      if (!cut) break;
      board.reboot();
      expectOk(upload(board, whole.bytes));
      expect([at, state(board)]).toEqual([at, 50]);
    }
    expect(cuts).toBeGreaterThan(0);
  });
});
