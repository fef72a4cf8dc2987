// What was found by attacking the agent with vendor-signed packages, any command on any link, resets and old documents: each
// hole stands here with the steps that used it.

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
  rc,
  runs,
  state,
  upload,
} from '../support/agent-world.js';
import { type Board, MAP } from '../support/bench-hal.js';
import { ask } from '../support/smp.js';

const R = { AwaitingUser: 120 };
const D = packageOf(1, { image: imageOf(3000, 4) });
const E = packageOf(2, { image: imageOf(3000, 5) });
// The same package with something else where nothing is signed.
const altered = (tag: number) => packageOf(1, { image: imageOf(3000, 4), approvals: [Buffer.alloc(8, tag)] });

describe('an attack that once worked', () => {
  it('an approval with number 0 is taken once: a denial with the same number is not undone by the old document', () => {
    const board = provisionedBoard();
    expectOk(put(board, NODE.approvals, approvalOf(D.digest, 0)));
    expect(rc(put(board, NODE.approvals, approvalOf(D.digest, 0, DENIED)))).toBe(88);
    board.flash.forget();
    for (let i = 0; i < 20; i++) expectOk(put(board, NODE.approvals, approvalOf(D.digest, 0)));
    expect([board.flash.erases, board.flash.writes]).toEqual([[], []]);
  });

  it('a session that nobody feeds does not let a denied image start before its review', () => {
    const board = provisionedBoard({ denied: 1 });
    install(board, D, 1);
    knock(board);
    install(board, E, 2);
    knock(board);
    board.run(100);
    const first = { off: 0, len: 5000, data: E.bytes.slice(0, 1) };
    ask(board, { group: 1, id: 1, write: true, body: first });
    expectOk(put(board, NODE.approvals, approvalOf(E.digest, 3, DENIED)));
    board.settle();
    knock(board);
    expect(runs(board, D)).toBe(true);
  });

  it('a yes to the download of what was not approved is no answer to an approval that wants the user asked', () => {
    const board = provisionedBoard({ unapproved: 1, askBeforeDownload: 1 });
    expect(rc(upload(board, D.bytes))).toBe(R.AwaitingUser);
    press(board, 1);
    expectOk(upload(board, D.bytes));
    const entries = [{ verdict: 1, digest: D.digest, confirm: 1 }];
    expectOk(put(board, NODE.approvals, approvalOf(D.digest, 1, 1, { entries })));
    expectOk(exec(board, NODE.update));
    expect(question(board)).toMatchObject({ pending: true, reason: R.AwaitingUser });
  });

  it('a confirmation from afar does not end a trial that never began', () => {
    const board = provisionedBoard({ trialBoots: 1 });
    expectOk(put(board, NODE.approvals, approvalOf(D.digest)));
    expectOk(upload(board, D.bytes));
    expectOk(exec(board, NODE.update));
    board.reboot();
    for (let i = 0; i < 400 && state(board) === 60 && board.running === 'agent'; i++) {
      if (rc(ask(board, { group: 1, id: 0, write: true, body: { confirm: true } })) === undefined) break;
      board.tick(0);
    }
    expect(state(board)).toBe(60);
    board.settle(); // the image is started: its trial begins
    knock(board, 1);
    expectOk(ask(board, { group: 1, id: 0, write: true, body: { confirm: true } }));
    expect(state(board)).toBe(100);
  });

  it('who has no key cannot spend what an approved package needs', () => {
    const board = provisionedBoard({ trialBoots: 1 });
    const drain = () => {
      for (let i = 0; i < 60; i++) put(board, './FUMO/1/Download/PkgURL', Buffer.from(`mqtt://x/${Math.random()}`));
    };
    expectOk(put(board, NODE.approvals, approvalOf(D.digest)));
    drain();
    expectOk(upload(board, D.bytes));
    drain();
    expectOk(exec(board, NODE.update));
    board.settle();
    expect(runs(board, D)).toBe(true);
  });

  it('a session that nobody feeds holds up no change: after a minute it is over, and goes on where it stood', () => {
    const board = provisionedBoard();
    expectOk(put(board, NODE.approvals, approvalOf(D.digest)));
    upload(board, D.bytes, { piece: 200, until: D.head.length + MAP.page + 100 });
    const long = Buffer.alloc(700, 1); // of two packets: it needs the memory of a head
    expect(rc(put(board, NODE.approvals, long))).toBe(140);
    board.tick(61_000);
    expect(rc(put(board, NODE.approvals, long))).not.toBe(140);
    const taken: number[] = [];
    expectOk(upload(board, D.bytes, { piece: 200, acked: (off) => taken.push(off) }));
    expect(taken[0]).toBeGreaterThan(D.head.length + MAP.page);
  });

  it.each<[string, (board: Board, i: number) => void]>([
    ['bytes of nothing', (board) => upload(board, Buffer.alloc(50, 1))],
    ['the same package under no name', (board) => upload(board, D.bytes, { sha: null, until: D.head.length })],
    [
      'the same package, altered where nothing is signed',
      (board, i) => {
        expect(altered(i).digest).toEqual(D.digest);
        upload(board, altered(i).bytes, { until: altered(i).head.length });
      },
    ],
    [
      'another package, and the slot cleared',
      (board) => {
        upload(board, E.bytes, { until: E.head.length + 1 });
        ask(board, { group: 1, id: 5, write: true });
      },
    ],
  ])('an approved download that %s interrupts, over and over, arrives all the same', (_, interrupt) => {
    for (const until of [D.head.length, D.head.length + 700]) {
      const board = provisionedBoard({ trialBoots: 1, unapproved: 1 });
      expectOk(put(board, NODE.approvals, approvalOf(D.digest)));
      for (let i = 0; i < 40; i++) {
        upload(board, D.bytes, { piece: 200, until });
        interrupt(board, i);
      }
      board.flash.forget();
      expectOk(upload(board, D.bytes, { piece: 200 }));
      expectOk(exec(board, NODE.update));
      board.settle();
      expect(runs(board, D)).toBe(true);
    }
  });

  it('an interrupted download goes on behind its last byte, whatever the next client calls it', () => {
    const board = provisionedBoard();
    expectOk(put(board, NODE.approvals, approvalOf(D.digest)));
    upload(board, D.bytes, { piece: 200, until: D.head.length + MAP.page + 500 });
    upload(board, Buffer.alloc(50, 1));
    board.flash.forget();
    const taken: number[] = [];
    expectOk(upload(board, D.bytes, { piece: 200, sha: null, acked: (off) => taken.push(off) }));
    expect(taken.filter((off) => off > D.head.length && off < D.head.length + MAP.page + 400)).toEqual([]);
    expectOk(exec(board, NODE.update));
    board.settle();
    expect(runs(board, D)).toBe(true);
  });

  it('an order is carried out, whatever somebody spends while its package is on its way', () => {
    const board = provisionedBoard({ trialBoots: 15 });
    expectOk(put(board, NODE.approvals, approvalOf(D.digest)));
    expectOk(exec(board, NODE.downloadAndUpdate, 'job'));
    const url = (i: number) => put(board, './FUMO/1/Download/PkgURL', Buffer.from(`mqtt://x/${i}`));
    upload(board, D.bytes, { piece: 200, until: D.head.length + 2000 });
    for (let i = 0; i < 40; i++) url(i);
    expectOk(upload(board, D.bytes, { piece: 200 }));
    board.settle();
    knock(board);
    expect(runs(board, D)).toBe(true);
    expect(alert(board)).toMatchObject({ n: 1, corr: 'job', result: 200 });
  });
});
