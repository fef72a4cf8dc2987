// The device fetches its package itself, over a line that loses every seventh block, and its power fails.

import { strict as assert } from 'node:assert';
import { expectOk, knock, state } from '../support/agent-world.js';
import type { Board } from '../support/bench-hal.js';
import { order, serve } from '../support/blocks.js';
import type { Package } from '../support/make.js';
import type { Scenario } from './scenarios.js';

const LINE = 0;

interface Steps {
  prepare(board: Board): void;
  enter(board: Board): void;
  isConfirmed(board: Board, wanted: Package): boolean;
}

/** In: how a device that runs `first` is made, and the documents that it has; they approve `second`. */
export const fetchedByDevice = (
  { prepare, enter, isConfirmed }: Steps,
  first: Package,
  second: Package,
  documents: readonly Uint8Array[],
): Scenario => ({
  name: 'fetched by the device',
  prepare,
  play: (board, tell) => {
    enter(board);
    if (isConfirmed(board, second)) return;
    // After a cut it goes on by itself; only what it had not begun yet is ordered again. An order that waits is not kept.
    if (state(board) !== 60 && state(board) !== 30) expectOk(order(board, second.digest, 'order-1', LINE));
    let count = 0;
    // A pause for what was lost last is longer than a moment.
    for (let more = 1; more > 0; board.tick(2000)) {
      const way = (packet: Uint8Array) => (++count % 7 === 0 ? [] : [packet]);
      more = serve(board, second.bytes, { link: LINE, way }).length;
    }
    board.settle();
    assert.equal(board.running, 'image', 'the new image is started');
    knock(board);
    tell.acked();
  },
  done: (board) => assert(isConfirmed(board, second)),
  may: [first, second],
  ran: true,
  documents,
});
