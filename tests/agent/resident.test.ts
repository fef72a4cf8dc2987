// An application that runs calls the agent below it (assembly/update/resident.ts): it downloads meanwhile, and what is installed
// is decided by the agent that starts at the next reset.

import { describe, expect, it } from 'vitest';
import {
  alert,
  answer,
  approvalOf,
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
  stranger,
  upload,
} from '../support/agent-world.js';
import { type Board, MAP } from '../support/bench-hal.js';
import { order, serve } from '../support/blocks.js';
import { CUTS, PowerCut } from '../support/flash.js';
import type { Package, PolicyOptions } from '../support/make.js';
import { ask } from '../support/smp.js';

const [APPLICATION_RUNS, TOO_OFTEN, WRONG_STATE] = [161, 159, 140];

const RUNS = packageOf(1, { image: imageOf(2100, 1) });
const NEXT = packageOf(2, { image: imageOf(3000, 2) });
const OTHER = packageOf(3, { image: imageOf(3000, 3) }); // of which nobody has said anything
const FORGED = packageOf(3, { image: imageOf(3000, 4), signers: [stranger] });

/** A device that runs RUNS, whose operator has approved NEXT as well; its application calls the agent. */
function resident(policy: PolicyOptions = {}): Board {
  const board = provisionedBoard({ trialBoots: 0, timeout: 600, ...policy });
  if (policy.askBeforeDownload) {
    expectOk(put(board, NODE.approvals, approvalOf(RUNS.digest)));
    upload(board, RUNS.bytes);
    press(board, 1);
  }
  install(board, RUNS, 1);
  knock(board);
  expectOk(put(board, NODE.approvals, approvalOf(NEXT.digest, 2)));
  board.run(20_000);
  expect(runs(board, RUNS)).toBe(true);
  board.reside();
  board.flash.forget();
  return board;
}

/** Until an image runs, or the device waits for somebody. */
function restart(board: Board): void {
  board.run(1000);
  expect(board.running).toBe('off');
  board.reboot();
  board.settle();
}

const ERASED = 1; // the erase count of the slot of that device
/** What an application can do without the agent: it writes a package and the note into the slot. */
function leave(board: Board, { bytes, image, head }: Package, headBytes = head.length): void {
  const { flash } = board;
  const staged = MAP.secondary + MAP.page;
  const headAt = staged + MAP.slotBytes - 2 * MAP.page;
  for (let page = 0; page < 88; page++) flash.erase(MAP.secondary + page * MAP.page, MAP.page);
  const write = (at: number, from: Uint8Array) => {
    const words = new Uint8Array((from.length + 3) & ~3).fill(0xff);
    words.set(from);
    flash.write(at, words);
  };
  write(staged, image);
  write(headAt, bytes.subarray(0, head.length));
  const note = new Uint32Array(14);
  note.set([ERASED + 1, headBytes, 3, 1, 4]);
  note[6] = 0x31313131; // the correlator
  write(MAP.secondary, new Uint8Array(Uint32Array.of(ERASED + 1).buffer));
  write(MAP.secondary + 64, new Uint8Array(note.buffer));
}

describe('beside an application', () => {
  it('takes a package, and the next start installs it and starts it at once', () => {
    const board = resident();
    expectOk(upload(board, NEXT.bytes));
    expect(state(board)).toBe(50);
    expectOk(exec(board, NODE.update, 'order-7'));
    expect(runs(board, RUNS)).toBe(true);
    restart(board);
    expect(board.running).toBe('image');
    expect(runs(board, NEXT)).toBe(true);
    knock(board);
    expect(alert(board)).toMatchObject({ result: 200, corr: 'order-7' });
  });

  it.each([0, 1])('fetches what is ordered over link %d', (link) => {
    const board = resident();
    expectOk(order(board, NEXT.digest, 'order-8', link));
    serve(board, NEXT.bytes, { link });
    restart(board);
    expect(runs(board, NEXT)).toBe(true);
    knock(board);
    expect(alert(board)).toMatchObject({ result: 200, corr: 'order-8' });
  });

  it('installs on order what the boot agent had taken before', () => {
    const board = resident();
    board.reboot();
    expectOk(upload(board, NEXT.bytes));
    board.run(20_000);
    expect(board.running).toBe('image');
    board.reside();
    expect(state(board)).toBe(50);
    expectOk(exec(board, NODE.update, 'order-9'));
    restart(board);
    expect(runs(board, NEXT)).toBe(true);
  });

  it('goes on with an upload that was interrupted, as long as it lives', () => {
    const board = resident();
    expectOk(upload(board, NEXT.bytes, { until: 2000 }));
    board.run(120_000); // the session is given up
    const begun = ask(board, {
      group: 1,
      id: 1,
      write: true,
      body: { len: NEXT.bytes.length, image: 0, sha: NEXT.digest, off: 0, data: new Uint8Array() },
    });
    expect(Number(begun.off)).toBeGreaterThan(1500);
    expectOk(upload(board, NEXT.bytes, { sha: NEXT.digest, from: Number(begun.off) }));
    expectOk(exec(board, NODE.update));
    restart(board);
    expect(runs(board, NEXT)).toBe(true);
  });

  it('is told what it is not told by strangers: whatever is refused at its head stays out', () => {
    const board = resident({ unapproved: 0 });
    expect(rc(upload(board, OTHER.bytes))).toBeDefined();
    expect(rc(upload(board, FORGED.bytes))).toBeDefined();
    expect(board.flash.writes).toEqual([]);
  });

  it('keeps nothing that somebody would be promised, and says so', () => {
    const board = resident({ askBeforeDownload: 1, unapproved: 1 });
    board.flash.forget();
    for (const [uri, data] of [
      [NODE.approvals, approvalOf(OTHER.digest, 3)],
      [NODE.change, new Uint8Array(20)],
      [NODE.bootstrap, new Uint8Array(20)],
      ['./FUMO/1/Download/PkgURL', new Uint8Array(20)],
    ] as const)
      expect(rc(put(board, uri, data)), uri).toBe(APPLICATION_RUNS);
    expect(rc(ask(board, { group: 1, id: 0, write: true, body: { confirm: true } }))).toBe(APPLICATION_RUNS);
    expect(rc(ask(board, { group: 1, id: 5, write: true }))).toBe(APPLICATION_RUNS);
    expect(rc(ask(board, { group: 64, id: 2, write: true, body: { uri: './FUMO/1/Update/PkgData' } }))).toBe(
      APPLICATION_RUNS,
    );
    expect(rc(answer(board, new Uint8Array(20)))).toBe(APPLICATION_RUNS);
    expect(rc(upload(board, OTHER.bytes))).toBe(APPLICATION_RUNS); // somebody has to be asked first
    expect(board.flash.writes).toEqual([]);
    expect(board.flash.erases).toEqual([]);
  });

  it('resets on demand, and the boot agent takes what this one refused', () => {
    const board = resident();
    expectOk(ask(board, { group: 0, id: 5, write: true }));
    board.run(1000);
    board.reboot();
    expectOk(put(board, NODE.approvals, approvalOf(OTHER.digest, 3)));
  });

  it('leaves what nobody approved to the person at the device, who is asked by the boot agent', () => {
    const board = resident({ unapproved: 1, channels: 3 });
    expectOk(upload(board, OTHER.bytes, { link: 0 }));
    expectOk(exec(board, NODE.update, 'order-1', 0));
    restart(board);
    expect(board.running).toBe('agent');
    expect(question(board).pending).toBe(true);
    for (const link of [0, 1]) board.receive(link, Buffer.from('yes\r\n'));
    board.run(3000);
    expect(question(board).pending).toBe(true); // every line delivered it
    press(board, 1);
    board.settle();
    expect(runs(board, OTHER)).toBe(true);
  });
});

it('counts as approved what the boot agent found so: a countersigned head is taken afterwards', () => {
  const board = resident({ unapproved: 1, timeout: 60 });
  expectOk(upload(board, OTHER.bytes));
  expectOk(exec(board, NODE.update));
  restart(board);
  board.run(90_000); // nobody answers
  board.reboot();
  expectOk(upload(board, packageOf(3, { image: OTHER.image, approvals: [approvalOf(OTHER.digest, 9)] }).bytes));
  expectOk(exec(board, NODE.update));
  board.settle();
  expect(runs(board, OTHER)).toBe(true);
});

describe('an application that writes into the slot what it likes', () => {
  const stands = (board: Board) => {
    board.reboot();
    board.settle();
    board.run(30_000);
    expect(runs(board, RUNS)).toBe(true);
  };

  it('gets nothing in that nobody approved', () => {
    const board = resident({ unapproved: 0 });
    leave(board, OTHER);
    stands(board);
    board.reboot();
    expect(alert(board)).toMatchObject({ corr: '1111' });
    expect(state(board)).toBe(70);
  });

  it('gets nothing in that no vendor signed, and nothing of it is told again at the next start', () => {
    const board = resident({ unapproved: 1 });
    leave(board, FORGED);
    stands(board);
    board.flash.forget();
    stands(board);
    expect(board.flash.erases).toEqual([]);
    expect(board.flash.writes).toEqual([]);
  });

  it('gets nothing in whose image is another', () => {
    const board = resident();
    leave(board, { ...NEXT, image: OTHER.image });
    stands(board);
  });

  it.each([0, 1, 100, 2048, 2049, 0xffffffff])('gets nothing in by a head of %d bytes', (headBytes) => {
    const board = resident({ unapproved: 0 });
    leave(board, OTHER, headBytes);
    stands(board);
  });

  it('gets in what is approved, once', () => {
    const board = resident();
    leave(board, NEXT);
    board.reboot();
    board.settle();
    board.flash.forget();
    board.reboot();
    board.run(30_000);
    expect(runs(board, NEXT)).toBe(true);
    expect(board.flash.erases).toEqual([]);
  });

  it('is asked about by the button alone', () => {
    const board = resident({ unapproved: 1, channels: 3 });
    leave(board, OTHER);
    board.reboot();
    board.settle();
    expect(question(board).pending).toBe(true);
    board.receive(0, Buffer.from('yes\r\n'));
    board.run(2000);
    expect(runs(board, RUNS)).toBe(true);
  });
});
describe('an application that writes into the memory of the agent', () => {
  // Chance that can be repeated.
  const chance = (state: number) => (below: number) => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return Math.floor((state / 2 ** 32) * below);
  };

  /** One life beside it: packages, orders and answers come, and between two calls words of memory are others. */
  function life(board: Board, draw: (below: number) => number): void {
    const files = [NEXT, OTHER, FORGED];
    const values = [0, 1, 2, 3, 5, 9, 0xffffffff, MAP.primary, MAP.state, MAP.secondary];
    for (let step = draw(12); step > 0 && board.running === 'resident'; step--) {
      const words = new Uint32Array(board.memory().buffer);
      for (let n = draw(40); n > 0; n--) words[draw(12_000 / 4)] = values[draw(values.length)]!;
      const file = files[draw(3)]!;
      try {
        const what = draw(5);
        if (what < 2) upload(board, file.bytes, { link: draw(2), until: draw(file.bytes.length) + 1 });
        else if (what === 2) exec(board, NODE.update, 'x');
        else if (what === 3) board.receive(0, Buffer.from('yes\r\n'));
        else put(board, NODE.approvals, approvalOf(OTHER.digest, 9));
        board.run(draw(400));
      } catch (error) {
        if (error instanceof WebAssembly.RuntimeError) return; // a fault: resets
        if (!(error instanceof Error && /no answer|no end|answer of|Unexpected|CBOR|decode/i.test(error.message)))
          throw error;
      }
    }
  }

  it('gets nothing in that nobody approved, and the device goes on', () => {
    for (let seed = 1; seed <= 60; seed++) {
      const draw = chance(seed);
      const board = resident({ unapproved: seed % 2 });
      board.tampered = true;
      for (let lives = 0; lives < 3; lives++) {
        life(board, draw);
        board.reboot();
        board.settle();
        if (board.running === 'agent') board.run(700_000); // nobody answers
        expect(runs(board, RUNS) || runs(board, NEXT), `seed ${seed}`).toBe(true);
        expect(board.running, `seed ${seed}`).toBe('image');
        board.reside();
      }
      board.tampered = false;
      board.reboot();
      expectOk(upload(board, NEXT.bytes));
    }
  });
});

describe('strangers beside an application', () => {
  it('wear out no more than they could without one', () => {
    const board = resident({ unapproved: 1 });
    board.flash.forget();
    let refused = 0;
    for (let lives = 0; lives < 40; lives++) {
      for (let n = 0; n < 4; n++) {
        const answer = upload(board, (n % 2 ? OTHER : NEXT).bytes, { sha: null, until: 600 });
        if (rc(answer) === TOO_OFTEN) refused++;
      }
      board.reboot();
      board.run(20_000);
      board.reside();
    }
    expect(refused).toBeGreaterThan(20);
    expect(Math.max(...board.flash.wear)).toBeLessThanOrEqual(24);
  });

  it('nor by orders for what waits on board', () => {
    const board = resident({ unapproved: 1, timeout: 60 });
    board.reboot();
    expectOk(upload(board, OTHER.bytes));
    board.run(20_000);
    for (let lives = 0; lives < 60; lives++) {
      board.reside();
      exec(board, NODE.update);
      board.run(1000);
      board.reboot();
      board.run(90_000);
    }
    expect(Math.max(...board.flash.wear)).toBeLessThanOrEqual(24);
  });

  it('change nothing any more once the note is left', () => {
    const board = resident({ unapproved: 1 });
    expectOk(upload(board, NEXT.bytes));
    expectOk(exec(board, NODE.update));
    expect(rc(exec(board, NODE.update))).toBe(WRONG_STATE);
    expect(rc(upload(board, OTHER.bytes, { until: 600 }))).toBe(WRONG_STATE);
    restart(board);
    expect(runs(board, NEXT)).toBe(true);
  });
});

describe('a power cut', () => {
  it.each(CUTS)('anywhere leaves an image that was approved, and a device that takes the package: %s', (cut) => {
    const begin = resident();
    const before = begin.flash.snapshot();
    const deliver = (board: Board) => {
      expectOk(upload(board, NEXT.bytes));
      expectOk(exec(board, NODE.update, 'order-1'));
      board.run(1000);
      board.reboot();
      board.settle();
    };
    begin.flash.arm();
    deliver(begin);
    for (let at = 1, { operations } = begin.flash; at <= operations; at += 41) {
      const board = resident();
      board.flash.restore(before, at);
      board.reboot();
      board.run(20_000);
      board.reside();
      board.flash.arm(at, cut);
      try {
        deliver(board);
      } catch (error) {
        if (!(error instanceof PowerCut || (error instanceof Error && /no answer/.test(error.message)))) throw error;
      }
      board.flash.arm();
      board.reboot();
      board.settle();
      expect(runs(board, RUNS) || runs(board, NEXT), `cut at ${at}`).toBe(true);
      if (runs(board, NEXT)) continue;
      if (board.running !== 'image') board.run(60_000);
      board.reside();
      deliver(board);
      expect(runs(board, NEXT), `cut at ${at}`).toBe(true);
    }
  });
});
