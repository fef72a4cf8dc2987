// Words of the state region that are worn out: they stay as they are, whatever is written there. What the device says is kept
// is kept.

import { expect, it } from 'vitest';
import {
  approvalOf,
  DENIED,
  expectOk,
  imageOf,
  install,
  knock,
  NODE,
  packageOf,
  provisionedBoard,
  put,
} from '../support/agent-world.js';
import { type Board, MAP } from '../support/bench-hal.js';
import { offered, refusal } from '../support/changing.js';

const first = packageOf(1, { image: imageOf(3000, 1) });
const second = packageOf(2, { image: imageOf(2000, 2) });
const BANK = MAP.stateBytes / 2;
const denial = approvalOf(second.digest, 3, DENIED);

function device(): Board {
  const board = provisionedBoard({ trialBoots: 0 });
  install(board, first, 1);
  knock(board);
  expectOk(put(board, NODE.approvals, approvalOf(second.digest, 2)));
  return board;
}
const wear = (board: Board, word: number, value = 0xffffffff) => {
  board.flash.worn.add(word);
  board.flash.words[word] = value;
};
const lastWrite = (board: Board) => board.flash.writes.findLast(({ offset }) => offset >= MAP.state)!;
/** The bank that the next compaction fills. */
const other = (board: Board) => MAP.state + (lastWrite(board).offset < MAP.state + BANK ? BANK : 0);
const restarted = (board: Board) => {
  board.mailbox = 1;
  board.reboot();
  board.run(50);
};

it('each word of the next record: what was acknowledged is in force after a reset', () => {
  const plain = device();
  const from = (lastWrite(plain).offset + lastWrite(plain).length) >>> 2;
  expectOk(put(plain, NODE.approvals, denial));
  const to = (lastWrite(plain).offset + lastWrite(plain).length) >>> 2;
  expect(to - from).toBeGreaterThan(50);
  for (let word = from; word < to; word++) {
    const board = device();
    wear(board, word);
    const told = refusal(put(board, NODE.approvals, denial));
    restarted(board);
    if (told === 'Ok') expect([word - from, offered(board, second)]).toEqual([word - from, 'Denied']);
    expect(['Ok', 'FlashWrite']).toContain(told);
    expectOk(put(board, NODE.approvals, approvalOf(second.digest, 4, DENIED))); // it goes on
  }
});

it.each([
  [0, 2],
  [1, 3],
])('words %i and %i of a header: what was acknowledged is in force after a reset', (...words) => {
  const board = device();
  const target = other(board) >>> 2;
  restarted(board); // the next commit compacts
  for (const word of words) wear(board, target + word);
  expect(['Ok', 'FlashWrite']).toContain(refusal(put(board, NODE.approvals, denial)));
  restarted(board);
  // Denied; or nothing is answered while what is known cannot be made certain. The package that was denied never comes.
  expect(['Denied', 'FlashWrite']).toContain(offered(board, second));
});
