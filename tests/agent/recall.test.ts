// Policy 7, `when denied: revert`: an operator denies what runs, and the image that ran before comes back.
import { decode } from 'cborg';
import { describe, expect, it } from 'vitest';
import {
  alert,
  approvalOf,
  DENIED,
  exec,
  expectOk,
  failed,
  imageOf,
  images,
  install,
  knock,
  NODE,
  operator,
  packageOf,
  press,
  provisionedBoard,
  put,
  question,
  state,
  upload,
} from '../support/agent-world.js';
import { type Board, MAP } from '../support/bench-hal.js';
import { makeApproval, type Package, type PolicyOptions } from '../support/make.js';
import { ask } from '../support/smp.js';

const DENIED_REASON = 84;
const ROLLBACK = 72;
const first = packageOf(1, { image: imageOf(3000, 1) });
const second = packageOf(2, { image: imageOf(5000, 2) });
const third = packageOf(3, { image: imageOf(2000, 3) });

/** A device that ran the first package and runs the second, confirmed. */
function updated(policy: PolicyOptions = {}): Board {
  const board = provisionedBoard({ denied: 1, ...policy });
  install(board, first, 1);
  knock(board);
  install(board, second, 2);
  knock(board);
  expect(state(board)).toBe(100);
  board.run(100); // what was put so far has been reviewed
  return board;
}

const deny = (board: Board, ...packages: Package[]) => put(board, NODE.approvals, denialOf(3, ...packages));
const denialOf = (sequence: number, ...packages: Package[]) =>
  makeApproval({ key: operator, sequence, entries: packages.map(({ digest }) => ({ verdict: DENIED, digest })) });

function expectRuns(board: Board, { image, digest }: Package): void {
  if (board.running === 'image') knock(board);
  expect(board.flash.bytes.slice(MAP.primary, MAP.primary + image.length)).toEqual(image);
  const [runs] = images(board);
  expect(runs).toMatchObject({ slot: 0, confirmed: true });
  expect(runs!.hash).toEqual(digest);
}

function expectReportOnly(board: Board): void {
  board.settle();
  expectRuns(board, second);
  expect(alert(board)).toMatchObject({ result: 453, reason: DENIED_REASON });
}

function events(board: Board): number[] {
  const found: number[] = [];
  for (let from = 0; ; ) {
    const answer = expectOk(ask(board, { group: 64, id: 5, body: { from } }));
    const records = answer.recs as Uint8Array[];
    if (records.length === 0) return found;
    found.push(...records.map((record) => (decode(record, { useMaps: true }) as Map<number, number>).get(4)!));
    from = answer.next as number;
  }
}

describe('an installed package that an operator denies', () => {
  it('gives way to the one before it', () => {
    const board = updated();
    expectOk(deny(board, second));
    board.settle();
    expect(board.running).toBe('image');
    expectRuns(board, first);
    expect(state(board)).toBe(80);
    expect(alert(board)).toMatchObject({ result: 453, reason: DENIED_REASON, type: 2 });
    expect(events(board).slice(-2)).toEqual([13, 11]); // denied, reverted
    expect(images(board)).toHaveLength(1);
  });

  it('is not installed again before the operator lifts the denial; the counter stayed where it was', () => {
    const board = updated();
    expectOk(deny(board, second));
    board.settle();
    knock(board);
    expect(failed(upload(board, second.bytes))).toMatchObject({ rc: DENIED_REASON });
    expect(failed(upload(board, first.bytes))).toMatchObject({ rc: ROLLBACK });
    install(board, second, 4);
    expectRuns(board, second);
  });

  it('gives way also if the power fails between the denial and what follows from it', () => {
    const board = updated();
    expectOk(deny(board, second));
    board.reboot();
    board.settle();
    expectRuns(board, first);
  });

  it('gives way at once when the denial comes while it is on trial', () => {
    const board = provisionedBoard({ denied: 1, trialBoots: 3 });
    install(board, first, 1);
    knock(board);
    install(board, second, 2);
    knock(board, 1);
    expectOk(deny(board, second));
    board.settle();
    expectRuns(board, first);
    expect([state(board), alert(board).reason]).toEqual([80, DENIED_REASON]);
  });

  it('gives way although somebody wanted its way back cleared: that is kept', () => {
    const board = updated();
    expect(failed(ask(board, { group: 1, id: 5, write: true }))).toBeDefined();
    expect(images(board)).toHaveLength(2);
    expectOk(deny(board, second));
    board.settle();
    expectRuns(board, first);
  });

  it('on trial gives way also where policy says to report: it was not installed yet', () => {
    const board = provisionedBoard({ denied: 0, trialBoots: 3 });
    install(board, first, 1);
    knock(board);
    install(board, second, 2);
    knock(board, 1);
    expectOk(deny(board, second));
    board.settle();
    expectRuns(board, first);
  });

  it('gives way while a question about another download is open: that one is over', () => {
    const board = provisionedBoard({ denied: 1, askBeforeDownload: 1 });
    for (const [wanted, sequence] of [
      [first, 1],
      [second, 2],
    ] as const) {
      expectOk(put(board, NODE.approvals, approvalOf(wanted.digest, sequence)));
      upload(board, wanted.bytes);
      press(board, 1);
      install(board, wanted, sequence);
      knock(board);
    }
    const wanted = makeApproval({
      key: operator,
      sequence: 3,
      entries: [second, third].map(({ digest }) => ({ verdict: 1, digest })),
    });
    expectOk(put(board, NODE.approvals, wanted));
    expect(failed(upload(board, third.bytes))).toMatchObject({ rc: 120 });
    board.reboot();
    expect(question(board)).toMatchObject({ pending: true });
    expectOk(put(board, NODE.approvals, denialOf(4, second)));
    board.settle();
    expectRuns(board, first);
    expect(question(board)).toMatchObject({ pending: false });
  });

  it('is reported when what was recalled to is denied as well', () => {
    const board = updated();
    expectOk(deny(board, second));
    board.settle();
    knock(board);
    expectOk(put(board, NODE.approvals, denialOf(4, first, second)));
    board.run(100);
    expect(events(board).at(-1)).toBe(13);
    expectRuns(board, first);
  });
});

describe('nothing is brought back, and the denial is reported', () => {
  it('by default', () => {
    const board = updated({ denied: 0 });
    expect(images(board)).toHaveLength(1);
    expectOk(deny(board, second));
    expectReportOnly(board);
  });

  it('when the one before it is denied as well', () => {
    const board = updated();
    expectOk(deny(board, first, second));
    expectReportOnly(board);
  });

  it('when there was none before it', () => {
    const board = provisionedBoard({ denied: 1 });
    install(board, second, 1);
    knock(board);
    expectOk(deny(board, second));
    expectReportOnly(board);
  });

  it('when its slot was wanted for a download', () => {
    const board = updated();
    expectOk(put(board, NODE.approvals, approvalOf(third.digest, 3)));
    board.run(100);
    expectOk(upload(board, third.bytes, { until: third.head.length + 500 }));
    board.reboot();
    expectOk(put(board, NODE.approvals, denialOf(4, second)));
    expectReportOnly(board);
  });

  it('when it does not read as it was installed', () => {
    const board = updated();
    board.flash.bytes[MAP.secondary + 700]! ^= 1;
    expectOk(deny(board, second));
    expectReportOnly(board);
  });

  it('when its head does not read as it was installed', () => {
    const board = updated();
    board.flash.bytes[MAP.secondary + MAP.slotBytes - 2048 + 40]! ^= 1;
    expectOk(deny(board, second));
    expectReportOnly(board);
  });
});

it('an approval that denies nothing brings nothing back', () => {
  const board = updated();
  expectOk(put(board, NODE.approvals, approvalOf(second.digest, 3)));
  board.settle();
  expectRuns(board, second);
  expect(exec(board, NODE.update)).toBeDefined();
  expect(events(board)).not.toContain(13);
});
