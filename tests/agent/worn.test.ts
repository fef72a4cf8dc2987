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
  state,
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

// What runs is reviewed at a start: that commits, and the first commit fills the other bank.
const wornOut = (words: number[], value = 0): Board => {
  const board = device();
  const target = other(board) >>> 2;
  for (const word of words) wear(board, target + word, value);
  restarted(board);
  return board;
};

it.each([
  ['not far behind the records', BANK / 8],
  ['at the end of the bank', BANK / 4 - 1],
])('a word that no erase brings back, %s: what was acknowledged is in force, and nothing is damaged', (_, word) => {
  for (const value of [0, 0xfffffff8, 0x1fffffff]) {
    const board = wornOut([word], value);
    expectOk(put(board, NODE.approvals, denial));
    restarted(board);
    expect([value, state(board), offered(board, second)]).toEqual([value, 100, 'Denied']);
  }
});

it('nor by a power cut behind it', () => {
  for (let at = 1; at < 60; at += 4) {
    for (const cut of ['bytes', 'bits', 'unstable'] as const) {
      const board = wornOut([BANK / 4 - 1]);
      expectOk(put(board, NODE.approvals, denial));
      board.flash.arm(at, cut);
      try {
        put(board, NODE.approvals, approvalOf(second.digest, 4, DENIED));
      } catch {
        // The power went.
      }
      board.flash.arm();
      restarted(board);
      expect([at, cut, offered(board, second)]).toEqual([at, cut, 'Denied']);
    }
  }
});

it('several of them: nothing is written there, and what was stays', () => {
  const board = wornOut([BANK / 8, BANK / 4 - 1]);
  expect(refusal(put(board, NODE.approvals, denial))).toBe('FlashErase');
  board.flash.worn.clear();
  restarted(board);
  expect(offered(board, second)).toBe('Ok');
});

it('a word that cannot be read there stops nothing: it counts as erased', () => {
  const board = device();
  board.flash.unreadable.add((other(board) >>> 2) + BANK / 4 - 1);
  restarted(board);
  expectOk(put(board, NODE.approvals, denial));
  restarted(board);
  expect(offered(board, second)).toBe('Denied');
  expectOk(put(board, NODE.approvals, approvalOf(second.digest, 4, DENIED)));
});
