// What stands in flash is looked at again before it is believed: whatever was put in the place of what was judged, or does not
// read as it did, is not installed, and not started. The last checks before a swap, behind a swap, and before a start.
import { decode } from 'cborg';
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
} from '../support/agent-world.js';
import { type Board, MAP } from '../support/bench-hal.js';
import { makeApproval, type Package, type PolicyOptions } from '../support/make.js';
import { ask } from '../support/smp.js';

const R = { ManifestDigest: 47, Denied: 84, WrongState: 140, FlashRead: 146, NothingStaged: 151, ImageDamaged: 152 };
const STAGED = MAP.secondary + MAP.page;
const HEAD_AT = MAP.slotBytes - 2 * MAP.page; // in a slot, behind the largest image
const A = packageOf(1, { image: imageOf(3000, 1) });
const D = packageOf(2, { image: imageOf(3000, 2) });
const E = packageOf(3, { image: imageOf(3000, 3) }); // its head has the length of D's

const approve = (sequence: number, ...packages: Package[]) =>
  makeApproval({ key: operator, sequence, entries: packages.map(({ digest }) => ({ verdict: 1, digest })) });

/** A board that runs A, and has D on board. */
function ready(policy: PolicyOptions = {}): Board {
  const board = provisionedBoard(policy);
  install(board, A, 1);
  knock(board);
  expectOk(put(board, NODE.approvals, approve(2, D, E)));
  expectOk(upload(board, D.bytes));
  expect(state(board)).toBe(50);
  return board;
}

function events(board: Board): [event: number, reason: number][] {
  const found: [number, number][] = [];
  for (let from = 0; ; ) {
    const { recs, next } = expectOk(ask(board, { group: 64, id: 5, body: { from } }));
    for (const record of recs as Uint8Array[]) {
      const map = decode(record, { useMaps: true }) as Map<number, number>;
      found.push([map.get(4)!, map.get(5)!]);
    }
    if ((recs as Uint8Array[]).length === 0) return found;
    from = next as number;
  }
}

const bitOf = (offset: number) => 8 * offset + 3;

describe('before the swap', () => {
  function expectDropped(board: Board, reason: number): void {
    expect(rc(exec(board, NODE.update, 'order'))).toBe(reason);
    expect(state(board)).toBe(80);
    expect(alert(board)).toMatchObject({ corr: 'order', reason });
    expect(events(board).at(-1)).toEqual([4, reason]);
    expect(rc(exec(board, NODE.update))).toBe(R.NothingStaged);
    board.settle();
    expect([board.running, runs(board, A)]).toEqual(['image', true]);
  }

  it("the head of another package that is approved, behind the image of this one: given up, not installed by the other's name", () => {
    const board = ready();
    expect(E.head.length).toBe(D.head.length);
    board.flash.bytes.set(E.head, STAGED + HEAD_AT);
    expectDropped(board, R.ImageDamaged);
  });

  it('a package that was not approved, under the head of one that is', () => {
    const board = ready({ unapproved: 1 });
    expectOk(put(board, NODE.approvals, approve(3, E)));
    board.flash.bytes.set(E.head, STAGED + HEAD_AT);
    board.flash.bytes.set(E.image, STAGED); // even with the image that this head names: it is not what is in hand
    expectDropped(board, R.ImageDamaged);
  });

  it('an image with one bit that flipped', () => {
    const board = ready();
    board.flash.flip(bitOf(STAGED + 1500));
    expectDropped(board, R.ImageDamaged);
  });

  it('an image that does not read', () => {
    const board = ready();
    board.flash.unreadable.add((STAGED + 1500) >>> 2);
    expectDropped(board, R.FlashRead);
  });

  it('an image that was damaged while the question about it was open: a yes installs nothing', () => {
    const board = ready({ unapproved: 1 });
    expectOk(put(board, NODE.approvals, approve(3, E))); // D is approved no more: the user is asked
    expectOk(exec(board, NODE.update));
    expect(question(board).pending).toBe(true);
    board.flash.flip(bitOf(STAGED + 1500));
    press(board, 1);
    expect(state(board)).toBe(80);
    board.settle();
    expect([board.running, runs(board, A)]).toEqual(['image', true]);
  });

  it.each([
    [
      'with one bit of its manifest that flipped',
      (board: Board) => board.flash.flip(bitOf(STAGED + HEAD_AT + D.head.length - 20)),
    ],
    ['that does not read', (board: Board) => board.flash.unreadable.add((STAGED + HEAD_AT) >>> 2)],
  ])('a head %s is refused, and A runs on', (_, damage) => {
    const board = ready();
    damage(board);
    expect(rc(exec(board, NODE.update))).toBeGreaterThan(0);
    expect(state(board)).toBe(70);
    board.settle();
    expect([board.running, runs(board, A)]).toEqual(['image', true]);
  });
});

describe('behind the swap', () => {
  /** Damages D on its way, once the swap is committed and nothing of it is moved yet. */
  function swapped(board: Board): void {
    expectOk(exec(board, NODE.update, 'order'));
    let lives = 0;
    for (; lives < 20; lives++) {
      board.run(20_000);
      if (board.running !== 'off') break;
      if (lives === 0) board.flash.flip(bitOf(STAGED + 1500));
      board.reboot();
    }
  }

  it.each([0, 1])(
    'an image that did not arrive whole is never started: the one before comes back; %i trial boots',
    (trialBoots) => {
      const board = ready({ trialBoots });
      swapped(board);
      expect([board.running, runs(board, A)]).toEqual(['image', true]);
      expect(board.restarts.filter((into) => into === 1)).toHaveLength(1 + 1); // A at its installation, and now
      knock(board);
      expect(state(board)).toBe(80);
      expect(alert(board)).toMatchObject({ corr: 'order', reason: R.ImageDamaged });
      expect(events(board).at(-1)).toEqual([11, R.ImageDamaged]);
    },
  );

  it('an image on trial starts at once, whoever talks meanwhile', () => {
    const board = ready();
    expectOk(exec(board, NODE.update, 'order'));
    board.run(1000);
    board.reboot();
    let ticks = 0;
    for (; board.running === 'agent' && ticks < 1000; ticks++) {
      state(board); // holds an agent that has nothing else to do
      board.tick(10);
    }
    expect([board.running, runs(board, D)]).toEqual(['image', true]);
  });

  it.each([
    ['a page that does not read on its way', (board: Board) => board.flash.unreadable.add((STAGED + 1500) >>> 2)],
    [
      'an image that does not read where it arrived',
      (board: Board) => {
        for (let piece = 0; piece < 1000 && !runs(board, D); piece++) board.tick(0);
        expect(runs(board, D)).toBe(true);
        board.flash.unreadable.add((MAP.primary + 1500) >>> 2);
      },
    ],
  ])('%s is not started, nor given up: it goes on behind a reset', (_, damage) => {
    const board = ready();
    expectOk(exec(board, NODE.update));
    board.run(20_000);
    expect(board.running).toBe('off');
    board.restarts.length = 0;
    board.mailbox = 1;
    board.reboot();
    damage(board);
    board.run(60_000);
    expect([board.running, state(board), board.restarts]).toEqual(['agent', 60, []]);
    board.flash.unreadable.clear();
    board.reboot();
    board.settle();
    expect([board.running, runs(board, D)]).toEqual(['image', true]);
  });

  it('where none was before, nothing is started at all, and the device can be helped', () => {
    const board = provisionedBoard();
    expectOk(put(board, NODE.approvals, approve(2, D, E)));
    expectOk(upload(board, D.bytes));
    swapped(board);
    expect([board.running, state(board), board.restarts.includes(1)]).toEqual(['agent', 80, false]);
    install(board, E, 3);
    expect(runs(board, E)).toBe(true);
  });
});

describe('before a start', () => {
  it('an image that changed while it was on trial goes back without another start', () => {
    const board = ready({ trialBoots: 3 });
    expectOk(exec(board, NODE.update, 'order'));
    board.settle();
    expect([board.running, runs(board, D)]).toEqual(['image', true]);
    board.flash.flip(bitOf(MAP.primary + 1500));
    board.restarts.length = 0;
    board.reboot(); // the application reset itself without a word
    board.settle();
    expect([board.running, runs(board, A)]).toEqual(['image', true]);
    expect(board.restarts.filter((into) => into === 1)).toHaveLength(1);
    knock(board);
    expect([state(board), alert(board).reason]).toEqual([80, R.ImageDamaged]);
  });

  it('one that changed after it was confirmed is not started; that is told once, and another one can come', () => {
    const board = ready();
    expectOk(exec(board, NODE.update));
    board.settle();
    knock(board);
    board.flash.flip(bitOf(MAP.primary + 1500));
    board.restarts.length = 0;
    for (let life = 0; life < 3; life++) {
      board.reboot();
      board.run(60_000);
      expect([board.running, board.restarts]).toEqual(['agent', []]);
    }
    expect(events(board).filter(([event]) => event === 12)).toEqual([[12, R.ImageDamaged]]);
    install(board, E, 3);
    expect([board.running, runs(board, E)]).toEqual(['image', true]);
  });

  it('one that is denied, while an upload keeps the review waiting, is not started before its review', () => {
    const board = ready({ trialBoots: 0 });
    expectOk(exec(board, NODE.update));
    board.settle();
    knock(board);
    const F = packageOf(4, { image: imageOf(30_000, 4) });
    expectOk(put(board, NODE.approvals, approve(3, D, F)));
    board.run(100);
    upload(board, F.bytes, { until: F.head.length + 4000 });
    expectOk(put(board, NODE.approvals, approvalOf(D.digest, 4, DENIED)));
    board.run(100);
    expect(alert(board).reason).not.toBe(R.Denied); // the memory for it is in use
    board.restarts.length = 0;
    board.run(60_000);
    expect([board.running, board.restarts]).toEqual(['image', [1]]); // policy: report
    knock(board, 1);
    expect(alert(board)).toMatchObject({ reason: R.Denied });
    expect(events(board).map(([event]) => event)).toContain(13);
  });

  it('one that is denied on its trial, with none before it, is told of again once it is confirmed', () => {
    const board = provisionedBoard({ denied: 1 });
    install(board, D, 1);
    knock(board, 1); // back in the agent, not confirmed
    expectOk(put(board, NODE.approvals, approvalOf(D.digest, 2, DENIED)));
    board.run(100);
    expect(state(board)).toBe(60);
    expectOk(ask(board, { group: 1, id: 0, write: true, body: { confirm: true } }));
    board.run(100);
    expect(state(board)).toBe(100);
    expect(alert(board)).toMatchObject({ reason: R.Denied });
  });
});

describe('a download that goes on after a reset', () => {
  function cut(): [Board, Package] {
    const board = provisionedBoard();
    const wanted = packageOf(1, { image: imageOf(30_000, 1) });
    const other = packageOf(2, { image: imageOf(30_000, 2) });
    expectOk(put(board, NODE.approvals, approve(1, wanted, other)));
    upload(board, wanted.bytes, { until: wanted.head.length + 10_000 });
    board.flash.bytes.set(other.head, STAGED + HEAD_AT); // approved as well, but it is not what was accepted
    board.reboot();
    return [board, wanted];
  }

  it('does not go on under the head of another package: it begins anew', () => {
    const [board, wanted] = cut();
    const acked: number[] = [];
    expectOk(upload(board, wanted.bytes, { acked: (off) => acked.push(off) }));
    expect(acked.find((off) => off !== 0)).toBe(480);
    expectOk(exec(board, NODE.update));
    board.settle();
    expect([board.running, runs(board, wanted)]).toEqual(['image', true]);
  });

  it('whose head does not read begins anew', () => {
    const board = provisionedBoard();
    const wanted = packageOf(1, { image: imageOf(30_000, 1) });
    expectOk(put(board, NODE.approvals, approve(1, wanted)));
    upload(board, wanted.bytes, { until: wanted.head.length + 10_000 });
    board.reboot();
    board.flash.unreadable.add((STAGED + HEAD_AT) >>> 2);
    const acked: number[] = [];
    upload(board, wanted.bytes, { until: 480, acked: (off) => acked.push(off) });
    expect(acked[0]).toBe(480);
  });
});

describe('a confirmation from afar', () => {
  it('does not count before the image was started once', () => {
    const installing = (sound: number) => {
      const board = ready();
      expectOk(exec(board, NODE.update));
      board.flash.forget();
      board.flash.sound = sound;
      board.run(1000);
      board.reboot();
      board.run(2000);
      return board;
    };
    const { running, flash } = installing(Number.POSITIVE_INFINITY);
    expect(running).toBe('image');
    // The last thing written is that one of its starts is used up.
    const board = installing(flash.writes.length + flash.erases.length - 1);
    board.flash.sound = Number.POSITIVE_INFINITY;
    board.mailbox = 1; // somebody holds it in the agent
    board.reboot();
    board.run(500);
    expect([board.running, state(board), runs(board, D)]).toEqual(['agent', 60, true]);
    expect(rc(ask(board, { group: 1, id: 0, write: true, body: { confirm: true } }))).toBeGreaterThan(0);
    expect(state(board)).toBe(60);
    board.settle();
    knock(board, 1);
    expectOk(ask(board, { group: 1, id: 0, write: true, body: { confirm: true } }));
    expect(state(board)).toBe(100);
  });
});
