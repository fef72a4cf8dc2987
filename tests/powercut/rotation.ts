// Changes of anchors while the power fails: one operator goes and another comes, then the first one returns. In between
// the one who stays renews its approval. Whatever is cut: anchors, approvals and counters are those of one and the same
// change, no change is taken back, and who comes back goes on behind the number it had.

import { strict as assert } from 'node:assert';
import { approvalOf, expectOk, failed, get, NODE, operator, put, text } from '../support/agent-world.js';
import type { Board } from '../support/bench-hal.js';
import { anchorsOf, by, lastChange } from '../support/changing.js';
import { makeBootstrap, makeChange, makeKey, type Package } from '../support/make.js';
import type { Scenario, Tell } from './scenarios.js';

const SUPERSEDED = 88;
const stays = makeKey('ed25519', 'stays');
const comes = makeKey('ed25519', 'comes');

export function anchorRotation(wanted: Package): Scenario {
  // The one who stays is operator 1; 2 is the one who goes, who comes, and who returns.
  const anchors = [operator, comes, operator].map((key) => anchorsOf(stays, key));
  const changes = [
    makeChange({ signers: [operator], sequence: 1, anchors: anchors[1]! }),
    makeChange({ signers: [stays], sequence: 2, anchors: anchors[2]! }),
  ];
  const bootstraps = anchors.map((each) => Buffer.from(makeBootstrap({ anchors: each })));
  const documents = [8, 9].map((sequence) => by(stays, wanted.digest, sequence));
  const renewed = approvalOf(wanted.digest, 7);
  const old = approvalOf(wanted.digest, 6);

  const putNewest = (board: Board, document: Uint8Array, tell: Tell) => {
    const answer = put(board, NODE.approvals, document);
    if (failed(answer)?.rc !== SUPERSEDED) expectOk(answer);
    tell.acked();
  };
  const unsound = (board: Board): string | undefined => {
    const change = lastChange(board)!;
    const anchorsAreIts = bootstraps[change]?.equals(get(board, NODE.bootstrap));
    if (!anchorsAreIts) return `the anchors are not those of change ${change}`;
    const found = text(board, NODE.approvals);
    const document = found === '1/2' ? Buffer.from(get(board, `${NODE.approvals}/2`)) : undefined;
    // None, of an operator who has just come or returned; until then, or from then on, its own.
    const sound = [document?.equals(old), !document, document?.equals(renewed) ?? true][change];
    return sound ? undefined : `the approval of operator 2 is not one with change ${change}`;
  };
  return {
    name: 'anchor rotation',
    prepare: (board) => {
      expectOk(put(board, NODE.bootstrap, bootstraps[0]!));
      expectOk(put(board, NODE.approvals, old));
      expectOk(put(board, NODE.approvals, documents[0]!));
    },
    play: (board, tell) => {
      // Who signed the first change is no operator behind it: it cannot be asked for twice.
      const change = lastChange(board)!;
      if (change === 0) {
        expectOk(put(board, NODE.change, changes[0]!));
        tell.acked();
      }
      if (change < 2) putNewest(board, documents[1]!, tell);
      // This one can, and the answer is kept in front of anything else that is written.
      expectOk(put(board, NODE.change, changes[1]!));
      tell.acked();
      assert.equal(unsound(board), undefined);
      assert.equal(failed(put(board, NODE.approvals, approvalOf(wanted.digest, 5)))?.rc, SUPERSEDED);
      putNewest(board, renewed, tell);
    },
    done: (board) => {
      assert.equal(lastChange(board), 2);
      assert.equal(text(board, NODE.approvals), '1/2');
      assert.deepEqual(get(board, `${NODE.approvals}/2`), Buffer.from(renewed));
    },
    unsound,
    may: [],
    ran: false,
    documents,
  };
}
