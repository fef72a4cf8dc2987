// What goes over the wire and stays: uploads and their offsets, approvals in the tree, the audit log.
import { decode } from 'cborg';
import { describe, expect, it } from 'vitest';
import {
  APPROVED,
  approvalOf,
  exec,
  expectOk,
  failed,
  get,
  imageOf,
  install,
  knock,
  NODE,
  operator,
  packageOf,
  press,
  provisionedBoard,
  put,
  state,
  stranger,
  text,
  upload,
} from '../support/agent-world.js';
import { MAP } from '../support/bench-hal.js';
import { makeApproval, NOW, sha256 } from '../support/make.js';
import * as smp from '../support/smp.js';

const IN_SLOTS = ({ offset }: { offset: number }) => offset < MAP.state;
const R = { Superseded: 88, WrongState: 140 } as const;
const ours = (rc: number) => ({ group: 64, rc });

describe('upload', () => {
  it('takes pieces of any size, one byte included', () => {
    for (const piece of [1, 7, 64, 333, 480, 560]) {
      const board = provisionedBoard();
      const wanted = packageOf(1, { image: imageOf(2100) });
      expectOk(put(board, NODE.approvals, approvalOf(wanted.digest)));
      expectOk(upload(board, wanted.bytes, { piece }));
      expect(state(board), `${piece} bytes`).toBe(50);
      const staged = MAP.secondary + MAP.page;
      expect(board.flash.bytes.slice(staged, staged + 2100)).toEqual(wanted.image);
    }
  });

  it('goes on after a lost session, after a reset, and from another link, where the device says', () => {
    const board = provisionedBoard();
    const wanted = packageOf(1, { image: imageOf(10_000) });
    const head = wanted.head.length;
    expectOk(put(board, NODE.approvals, approvalOf(wanted.digest)));
    upload(board, wanted.bytes, { until: head + 5000 });
    const again = upload(board, wanted.bytes, { until: 1, link: 2 });
    expect(again.off).toBeGreaterThanOrEqual(head + 5000);
    board.reboot();
    const after = upload(board, wanted.bytes, { until: 1 });
    const pages = Math.floor(((again.off as number) - head) / MAP.page);
    expect(after.off).toBe(head + pages * MAP.page);
    board.flash.forget();
    expectOk(upload(board, wanted.bytes));
    expect(board.flash.erases.filter(IN_SLOTS).length).toBe(10 - pages);
    expect(state(board)).toBe(50);
  });

  it('no offset survives an erase, and none is given to another file', () => {
    const board = provisionedBoard();
    const wanted = packageOf(1, { image: imageOf(10_000) });
    const other = packageOf(2, { image: imageOf(10_000, 2) });
    const approval = { key: operator, sequence: 1 };
    expectOk(put(board, NODE.approvals, approvalBoth(approval.sequence, wanted.digest, other.digest)));
    upload(board, wanted.bytes, { until: 8000 });
    expectOk(smp.ask(board, { group: 1, id: 5, write: true }));
    expect(state(board)).toBe(10);
    expect(upload(board, wanted.bytes, { until: 1, piece: 100 }).off).toBe(100);
    upload(board, wanted.bytes, { until: 8000 });
    board.reboot();
    expect(upload(board, other.bytes, { until: 1, piece: 100 }).off).toBe(100);
    upload(board, other.bytes, { until: 8000 });
    board.reboot();
    expect(upload(board, wanted.bytes, { until: 1, piece: 100 }).off).toBe(100);
  });

  it('is refused while an image is on trial: the old one is still needed', () => {
    const board = provisionedBoard();
    install(board, packageOf(1), 1);
    knock(board, 1);
    expect(failed(upload(board, packageOf(2).bytes))).toEqual(ours(R.WrongState));
    expect(failed(smp.ask(board, { group: 1, id: 5, write: true }))).toEqual(ours(R.WrongState));
  });
});

const approvalBoth = (sequence: number, ...digests: Uint8Array[]) =>
  makeApproval({ key: operator, sequence, entries: digests.map((digest) => ({ verdict: APPROVED, digest })) });

describe('approvals in the tree', () => {
  it('are kept only if authentic, never older, and still there after a reset', () => {
    const board = provisionedBoard();
    const digest = Buffer.alloc(32, 7);
    expect(failed(put(board, NODE.approvals, approvalOf(digest, 5, APPROVED, { key: stranger })))?.group).toBe(64);
    expect(text(board, NODE.approvals)).toBe('');
    const document = approvalOf(digest, 5);
    expectOk(put(board, NODE.approvals, document, 50));
    expectOk(put(board, NODE.approvals, document));
    expect(failed(put(board, NODE.approvals, approvalOf(digest, 4)))).toEqual(ours(R.Superseded));
    board.reboot();
    expect(text(board, NODE.approvals)).toBe('1');
    expect(get(board, `${NODE.approvals}/1`)).toEqual(Buffer.from(document));
    expect(failed(put(board, NODE.approvals, approvalOf(digest, 4)))).toEqual(ours(R.Superseded));
  });
});

it('the audit log is a chain of hashes over all that happened', () => {
  const board = provisionedBoard({ unapproved: 1 });
  board.clock = BigInt(NOW);
  for (let sequence = 1; sequence < 10; sequence++) {
    expectOk(upload(board, packageOf(sequence).bytes));
    expectOk(exec(board, NODE.update));
    press(board, 1);
    board.settle();
    knock(board);
  }
  const records: Uint8Array[] = [];
  let from = 0;
  for (;;) {
    const answer = expectOk(smp.ask(board, { group: 64, id: 5, body: { from } }));
    const recs = answer.recs as Uint8Array[];
    if (recs.length === 0) break;
    records.push(...recs);
    from = answer.next as number;
  }
  expect(records.length).toBe(24);
  const maps = records.map((record) => decode(record, { useMaps: true }) as Map<number, unknown>);
  for (let i = 1; i < maps.length; i++) {
    expect(maps[i]!.get(1)).toBe((maps[i - 1]!.get(1) as number) + 1);
    expect(Buffer.from(maps[i]!.get(2) as Uint8Array)).toEqual(Buffer.from(sha256(records[i - 1]!)));
  }
  expect(maps.at(-1)!.get(4)).toBe(10);
  // Eight whole updates, three records each; the decision says who said yes, and from which sequence to which.
  expect(maps.map((map) => map.get(4))).toEqual(Array.from({ length: 8 }, () => [5, 9, 10]).flat());
  const decided = maps.filter((map) => map.get(4) === 9);
  expect(decided.map((map) => map.get(7))).toEqual([2, 3, 4, 5, 6, 7, 8, 9].map((to) => [to - 1, to]));
  for (const map of decided) expect([map.get(8), map.get(9), map.get(10)]).toEqual([7, [], [1]]);
});
