// What only shows at the edge of a conversation: a session that is not the one meant, an answer that is about nothing, a value that
// went away while it was looked at.

import { decode } from 'cborg';
import { describe, expect, it } from 'vitest';
import {
  approvalOf,
  exec,
  expectOk,
  get,
  imageOf,
  NODE,
  operator,
  packageOf,
  provisionedBoard,
  put,
  question,
  rc,
  state,
  upload,
} from '../support/agent-world.js';
import { type Board, MAP } from '../support/bench-hal.js';
import { refusal } from '../support/changing.js';
import { makeChange, sha256 } from '../support/make.js';
import { ask, packet, response } from '../support/smp.js';

const D = packageOf(2, { image: imageOf(3000, 4) });
const HALF = D.head.length + 2 * MAP.page + 100;
const WRONG_STATE = 140;
const URL = './FUMO/1/Download/PkgURL';

const piece = (board: Board, off: number, data: Uint8Array, more: object = {}) =>
  ask(board, { group: 1, id: 1, write: true, body: { off, data, ...more } });

describe('an interrupted download', () => {
  const interrupted = (sha: Uint8Array | null) => {
    const board = provisionedBoard();
    expectOk(put(board, NODE.approvals, approvalOf(D.digest)));
    upload(board, D.bytes, { until: HALF, sha });
    board.mailbox = 1;
    board.reboot();
    return board;
  };
  const first = D.bytes.slice(0, 100);

  it('is gone on with by its name and its length', () => {
    const sha = sha256(D.bytes);
    expect(piece(interrupted(sha), 0, first, { len: D.bytes.length, sha }).off).toBe(D.head.length + 2 * MAP.page);
  });

  it('not by its name alone: a file of another length is another one', () => {
    const sha = sha256(D.bytes);
    expect(piece(interrupted(sha), 0, first, { len: D.bytes.length + 1, sha }).off).toBe(first.length);
  });

  it('not by a name of zeros, when it had none', () => {
    const sha = new Uint8Array(32);
    expect(piece(interrupted(null), 0, first, { len: D.bytes.length, sha }).off).toBe(first.length);
  });
});

describe('an upload of what waits already', () => {
  it('is over at once: more bytes belong to nothing', () => {
    const board = provisionedBoard();
    expectOk(put(board, NODE.approvals, approvalOf(D.digest)));
    expectOk(upload(board, D.bytes));
    expectOk(upload(board, D.bytes, { sha: null }));
    expect(rc(piece(board, D.bytes.length, D.bytes.slice(0, 10)))).toBe(WRONG_STATE);
    expect(state(board)).toBe(50);
  });
});

it('an order that puts a question is one commit', () => {
  const board = provisionedBoard({ unapproved: 1 });
  expectOk(upload(board, D.bytes));
  board.flash.forget();
  expectOk(exec(board, NODE.update, 'job'));
  expect(question(board).pending).toBe(true);
  const proofs = board.flash.writes.filter(({ offset, length }) => offset >= MAP.state && length === 4);
  expect(proofs).toHaveLength(1);
});

it('a change comes in although somebody has begun to offer a package', () => {
  const board = provisionedBoard();
  upload(board, D.bytes, { until: 10, piece: 10 });
  const change = makeChange({ signers: [operator], policy: { unapproved: 1 } });
  expect(change.length).toBeLessThan(480); // in one packet
  expectOk(put(board, NODE.change, change));
});

it('a value that cannot be read any more is not taken for the same', () => {
  const board = provisionedBoard();
  const [here, there] = [imageOf(200, 1), imageOf(200, 2)];
  expectOk(put(board, URL, here));
  const at = Array.from({ length: MAP.stateBytes }, (_, i) => MAP.state + i).find((offset) =>
    Buffer.from(board.flash.bytes.subarray(offset, offset + 200)).equals(Buffer.from(here)),
  )!;
  for (const word of [1, 9, 17]) board.flash.unreadable.add((at >>> 2) + word);
  expect(refusal(put(board, URL, there))).toBe('StoreDamaged');
});

it('the record of a verdict holds what there is to say, and no more', () => {
  const members = (options: object) => {
    const board = provisionedBoard();
    upload(board, packageOf(2, options).bytes);
    return [...(decode(get(board, NODE.verdict), { useMaps: true }) as Map<number, unknown>).keys()];
  };
  const plain = [1, 2, 3, 4, 5, 6, 7, 8, 9, 10];
  expect(members({})).toEqual(plain);
  expect(members({ ask: 1 })).toEqual([...plain, 12]); // update-authorized
});

it('the flags of an answer are 0, whatever was worked on where it stands', () => {
  const board = provisionedBoard();
  expectOk(put(board, NODE.approvals, approvalOf(D.digest)));
  for (const request of [
    { group: 0, id: 6 },
    { group: 1, id: 0 },
    { group: 64, id: 4 },
  ]) {
    upload(board, D.bytes, { until: D.head.length }); // signatures are verified there
    board.takeSent(1);
    board.receive(1, packet(request));
    expect(response(board.takeSent(1)).header[1]).toBe(0);
  }
});
