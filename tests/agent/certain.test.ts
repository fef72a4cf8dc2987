// What a device has said stays true, also when the word that made it true was torn by a power cut and reads differently
// each time: whoever is told something after a reset is told so only after a commit.
import { describe, expect, it } from 'vitest';
import {
  approvalOf,
  exec,
  expectOk,
  failed,
  imageOf,
  images,
  install,
  knock,
  NODE,
  packageOf,
  provisionedBoard,
  put,
  question,
  state,
  upload,
} from '../support/agent-world.js';
import { type Board, bench } from '../support/bench-hal.js';
import { PowerCut } from '../support/flash.js';
import { ask } from '../support/smp.js';

const READINGS = 24; // orders in which the torn word may read
const RESETS = 8;

/** A command that stores something, and a question whose answer shows whether it did. */
interface Stored {
  prepare(): Board;
  command(board: Board): Record<string, unknown>;
  shown(board: Board): unknown;
}

const wanted = packageOf(1, { image: imageOf(900) });
const withApproval = (): Board => {
  const board = provisionedBoard();
  expectOk(put(board, NODE.approvals, approvalOf(wanted.digest)));
  return board;
};

const confirmation: Stored = {
  prepare() {
    const board = provisionedBoard({ trialBoots: 9 });
    install(board, wanted, 1);
    knock(board, 1);
    return board;
  },
  command: (board) => ask(board, { group: 1, id: 0, write: true, body: { confirm: true } }),
  shown: (board) => images(board)[0]!.confirmed,
};

const erase: Stored = {
  prepare() {
    const board = withApproval();
    expectOk(upload(board, wanted.bytes));
    return board;
  },
  command: (board) => ask(board, { group: 1, id: 5, write: true, body: {} }),
  shown: state,
};

const approval: Stored = {
  prepare: provisionedBoard,
  command: (board) => put(board, NODE.approvals, approvalOf(wanted.digest)),
  shown: (board) => failed(ask(board, { group: 64, id: 0, body: { uri: `${NODE.approvals}/1` } })) === undefined,
};

const refusal: Stored = {
  prepare: provisionedBoard,
  command(board) {
    expect(failed(upload(board, packageOf(2).bytes))).toBeDefined();
    return {};
  },
  shown: (board) => (ask(board, { group: 64, id: 5, body: { from: 0 } }).recs as unknown[]).length,
};

const CASES: [string, Stored][] = [
  ['a confirmation', confirmation],
  ['an erase', erase],
  ['an approval', approval],
  ['a refusal in the log', refusal],
];

/** A device for each order of reading, started after a cut at the last word of what `command` stores. */
function* cutShort({ prepare, command }: Pick<Stored, 'prepare' | 'command'>, asked = false) {
  const { flash } = prepare();
  if (asked) state(bench(flash)); // what it holds is certain from now on
  const begin = flash.snapshot();
  flash.arm();
  expectOk(command(bench(flash)));
  const { operations } = flash;
  for (let reading = 0; reading < READINGS; reading++) {
    flash.restore(begin, reading);
    const first = bench(flash);
    flash.arm(operations, 'unstable');
    try {
      command(first);
    } catch (error) {
      if (!(error instanceof PowerCut)) throw error;
    }
    flash.arm();
    yield bench(flash);
  }
}

const BEFORE: [string, boolean][] = [
  ['a device that was not asked since its last commit', false],
  ['a device that was', true],
];
const EVERY = CASES.flatMap(([what, stored]) => BEFORE.map(([which, asked]) => [what, which, stored, asked] as const));

describe.each(EVERY)('%s that was cut at its last word, on %s', (_what, _which, stored, asked) => {
  it('and is asked for again holds over every reset', () => {
    for (const board of cutShort(stored, asked)) {
      expect(failed(stored.command(board))).toBeUndefined();
      const then = stored.shown(board);
      for (let reset = 0; reset < RESETS; reset++) {
        board.reboot();
        expect(stored.shown(board)).toBe(then);
      }
    }
  });

  it('is there for good once somebody read that it is', () => {
    const met = new Set<unknown>();
    for (const board of cutShort(stored, asked)) {
      const then = stored.shown(board);
      met.add(then);
      for (let reset = 0; reset < RESETS; reset++) {
        board.reboot();
        expect(stored.shown(board)).toBe(then);
      }
    }
    expect(met.size).toBe(2); // it read well once, and badly once
  });
});

it('costs flash once: who resets a device and asks it, again and again, wears nothing out', () => {
  const board = withApproval();
  const ask = () => {
    board.reboot();
    state(board);
    return board.flash.operations;
  };
  const once = ask();
  for (let i = 0; i < 50; i++) expect(ask()).toBe(once);
  expectOk(put(board, NODE.approvals, approvalOf(wanted.digest, 2)));
  const again = ask();
  for (let i = 0; i < 50; i++) expect(ask()).toBe(again);
  expect(again).toBeGreaterThan(once);
});

it('a question that the device showed the person beside it is asked after every reset', () => {
  const asking = {
    prepare() {
      const board = provisionedBoard({ unapproved: 1, trialBoots: 0 });
      expectOk(upload(board, wanted.bytes));
      return board;
    },
    command: (board: Board) => {
      exec(board, NODE.update);
      return {};
    },
  };
  let showed = 0;
  for (const board of cutShort(asking)) {
    board.takeSent();
    board.tick(1000);
    if (!Buffer.from(board.takeSent()).toString('latin1').includes('Package ')) continue;
    showed++;
    for (let reset = 0; reset < RESETS; reset++) {
      board.reboot();
      // Each reset takes a quarter of its time: what ran since it was written down is not known.
      if (reset < 2) expect(question(board).pending).toBe(true);
    }
    expect(question(board)).toMatchObject({ pending: false, reason: 122 });
  }
  expect(showed).toBeGreaterThan(0);
});
