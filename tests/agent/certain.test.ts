// What a device has answered stays true, also when the word that made it true was torn by a power cut and reads
// differently each time: whoever is told "done" without a commit is told so only after one.
import { describe, expect, it } from 'vitest';
import {
  approvalOf,
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
  state,
  upload,
} from '../support/agent-world.js';
import { type Board, bench } from '../support/bench-hal.js';
import { PowerCut } from '../support/flash.js';
import { ask } from '../support/smp.js';

const READINGS = 24; // orders in which the torn word may read
const RESETS = 8;

interface Answer {
  prepare(): Board;
  ask(board: Board): Record<string, unknown>;
  holds(board: Board): boolean;
}

const confirmed: Answer = {
  prepare() {
    const board = provisionedBoard({ trialBoots: 9 });
    install(board, packageOf(1, { image: imageOf(900) }), 1);
    knock(board, 1);
    expect(images(board)[0]!.confirmed).toBe(false);
    return board;
  },
  ask: (board) => ask(board, { group: 1, id: 0, write: true, body: { confirm: true } }),
  holds: (board) => images(board)[0]!.confirmed === true,
};

const erased: Answer = {
  prepare() {
    const board = provisionedBoard();
    const wanted = packageOf(1, { image: imageOf(900) });
    expectOk(put(board, NODE.approvals, approvalOf(wanted.digest)));
    expectOk(upload(board, wanted.bytes));
    expect(state(board)).toBe(50);
    return board;
  },
  ask: (board) => ask(board, { group: 1, id: 5, write: true, body: {} }),
  holds: (board) => state(board) === 10,
};

/** The first try, cut at its last word. */
function cutShort({ ask }: Answer, board: Board): void {
  try {
    ask(board);
  } catch (error) {
    if (!(error instanceof PowerCut)) throw error;
  }
}

describe.each<[string, Answer]>([
  ['a confirmation', confirmed],
  ['an erase', erased],
])('%s', (_, answer) => {
  it('that was cut at its last word and is asked for again holds over every reset', () => {
    const { flash } = answer.prepare();
    const begin = flash.snapshot();
    const count = bench(flash);
    flash.arm();
    expectOk(answer.ask(count));
    const operations = flash.operations;
    let doneAlready = 0;
    for (let reading = 0; reading < READINGS; reading++) {
      flash.restore(begin, reading);
      const first = bench(flash);
      flash.arm(operations, 'unstable');
      cutShort(answer, first);
      flash.arm();
      const second = bench(flash);
      if (answer.holds(second)) doneAlready++;
      expect(failed(answer.ask(second))).toBeUndefined();
      for (let reset = 0; reset < RESETS; reset++) {
        second.reboot();
        expect(answer.holds(second), `reading ${reading}, reset ${reset}`).toBe(true);
      }
    }
    expect(doneAlready).toBeGreaterThan(0); // the case that this is about came up
  });
});
