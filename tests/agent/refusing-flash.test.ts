// A flash that refuses: every call of write and erase in the life of a device is the first that fails, once or from then on.
//
// Whatever fails, nothing is started but an image that its operators approved, whole; what was said to be done stays done; and a
// device whose flash works again after a reset can be updated.
import { describe, expect, it } from 'vitest';
import {
  approvalOf,
  bootstrapDocument,
  DENIED,
  exec,
  failed,
  imageOf,
  install,
  knock,
  NODE,
  packageOf,
  put,
  runs,
  upload,
} from '../support/agent-world.js';
import { type Board, bench, benchFlash } from '../support/bench-hal.js';
import { NOW } from '../support/make.js';
import type { Body } from '../support/smp.js';

const STRIDE = 7; // a test of seconds; every call takes minutes

const A = packageOf(1, { image: imageOf(2500, 1) });
const B = packageOf(2, { image: imageOf(3500, 2) });
const C = packageOf(3, { image: imageOf(1500, 3) });
const bootstrap = bootstrapDocument({ trialBoots: 2, denied: 1 });

/** What is done to a device, and what it says of it; undefined where it reset on the way. */
type Step = (board: Board) => Body | undefined;
const SCRIPT: Step[] = [
  (board) => put(board, NODE.bootstrap, bootstrap),
  (board) => put(board, NODE.approvals, approvalOf(A.digest, 1)),
  (board) => upload(board, A.bytes),
  (board) => exec(board, NODE.update),
  (board) => lives(board),
  (board) => {
    knock(board);
    return undefined;
  },
  (board) => put(board, NODE.approvals, approvalOf(B.digest, 2)),
  (board) => upload(board, B.bytes),
  (board) => exec(board, NODE.update),
  (board) => lives(board),
  (board) => {
    knock(board, 1);
    return undefined;
  },
  (board) => put(board, NODE.approvals, approvalOf(B.digest, 3, DENIED)), // on trial: A comes back
  (board) => lives(board),
];

function lives(board: Board): undefined {
  for (let life = 0; life < 4; life++) {
    board.run(3000);
    expectGood(board);
    if (board.running !== 'off') return;
    board.reboot();
  }
}

/** What runs is whole, and was approved; `withoutB`: what was denied on its trial does not run. */
function expectGood(board: Board, withoutB = false): void {
  if (board.running === 'image') expect(runs(board, A) || (!withoutB && runs(board, B))).toBe(true);
}

/** How many calls the whole script makes. */
function calls(): number {
  const flash = benchFlash();
  flash.sound = 1e9;
  const board = bench(flash);
  for (const step of SCRIPT) step(board);
  expectGood(board);
  expect(runs(board, A)).toBe(true);
  return 1e9 - flash.sound;
}

/** @param failing how many calls fail, from number `at` */
function play(at: number, failing: number): void {
  const flash = benchFlash();
  flash.sound = at;
  flash.ailing = failing;
  const board = bench(flash);
  let approved = false; // A, and that was acknowledged
  let denied = false; // B, likewise
  let ran = false; // A; from then on something does
  for (const step of SCRIPT) {
    if (board.running === 'image') knock(board, 1);
    if (board.running === 'off') board.reboot();
    const said = step(board);
    if (step === SCRIPT[1]) approved = !failed(said!);
    if (step === SCRIPT[4]) ran = board.running === 'image';
    if (step === SCRIPT[11]) denied = !failed(said!);
    expectGood(board, ran && denied);
  }
  flash.sound = Number.POSITIVE_INFINITY;
  for (let turn = 0; turn < 3; turn++) {
    knock(board, 2); // what is on trial confirms itself, and nobody makes it stay
    lives(board);
    expectGood(board, ran && denied);
    if (ran) expect(board.running).toBe('image');
  }
  knock(board);
  const blank = failed(put(board, NODE.bootstrap, bootstrap)) === undefined;
  expect(blank && approved).toBe(false);
  if (approved) expect(failed(put(board, NODE.approvals, approvalOf(C.digest, 1)))).toBeDefined();
  install(board, C, NOW + 9);
  expect(runs(board, C)).toBe(true);
}

describe('an update on a flash that refuses', () => {
  const all = calls();
  it.each([
    ['once', 1, 0],
    ['from then on, until it is mended', Number.POSITIVE_INFINITY, 3],
  ])('%s, at every seventh call', { timeout: 600_000 }, (_, failing, first) => {
    for (let at = first; at < all; at += STRIDE) {
      try {
        play(at, failing);
      } catch (cause) {
        throw new Error(`from call ${at} of ${all}`, { cause });
      }
    }
    console.log(`a flash that refuses: ${all} calls, ${Math.ceil((all - first) / STRIDE)} of them tried`);
  });
});
