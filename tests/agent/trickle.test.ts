// An upload that comes a byte at a time holds up what needs its memory no longer than one that does not come at all. Once, one byte
// every eight seconds kept a change and a denial away for as long as somebody liked.
import { expect, it } from 'vitest';
import {
  APPROVED,
  DENIED,
  exec,
  expectOk,
  imageOf,
  install,
  knock,
  NODE,
  operator,
  packageOf,
  provisionedBoard,
  put,
  rc,
  upload,
} from '../support/agent-world.js';
import { makeApproval } from '../support/make.js';
import { ask } from '../support/smp.js';

const WRONG_STATE = 140;

it('a byte every eight seconds keeps neither a change nor a review away for longer than a minute', () => {
  const board = provisionedBoard({ denied: 1 });
  const [first, second] = [1, 2].map((sequence) => packageOf(sequence, { image: imageOf(3000, sequence) }));
  const large = packageOf(3, { image: imageOf(40_000, 3) });
  install(board, first!, 1);
  knock(board);
  install(board, second!, 2);
  knock(board);
  board.run(100);
  const say = (verdict: number) => ({ verdict, digest: large.digest });
  const document = (sequence: number, ...more: { verdict: number; digest: Uint8Array }[]) =>
    makeApproval({ key: operator, sequence, entries: [say(APPROVED), ...more] });
  expectOk(put(board, NODE.approvals, document(3)));
  let off = large.head.length + 700;
  upload(board, large.bytes, { until: off, link: 2 });
  const drip = () => {
    const answer = ask(
      board,
      { group: 1, id: 1, write: true, body: { off, data: large.bytes.slice(off, off + 1) } },
      2,
    );
    off = (answer as { off?: number }).off ?? off;
  };
  drip();
  const change = () => rc(put(board, NODE.change, new Uint8Array(700).fill(0x81)));
  expect(change()).toBe(WRONG_STATE);
  expectOk(put(board, NODE.approvals, document(4, { verdict: DENIED, digest: second!.digest })));
  let seconds = 0;
  for (; seconds < 200 && board.running === 'agent' && change() === WRONG_STATE; seconds += 8) {
    for (let tick = 0; tick < 8; tick++) board.tick(1000);
    if (board.running === 'agent') drip();
  }
  expect(seconds).toBeLessThanOrEqual(72);
});

it('one that is slow, and gets on, goes on to its end', () => {
  const board = provisionedBoard({});
  const one = packageOf(1, { image: imageOf(6000, 1) });
  expectOk(
    put(
      board,
      NODE.approvals,
      makeApproval({ key: operator, sequence: 1, entries: [{ verdict: APPROVED, digest: one.digest }] }),
    ),
  );
  let { off } = upload(board, one.bytes, { until: one.head.length }) as { off: number };
  for (; off < one.bytes.length; ) {
    for (let tick = 0; tick < 5; tick++) board.tick(1000);
    const answer = ask(board, { group: 1, id: 1, write: true, body: { off, data: one.bytes.slice(off, off + 64) } });
    expect((answer as { off: number }).off).toBe(Math.min(off + 64, one.bytes.length));
    off = (answer as { off: number }).off;
  }
  expectOk(exec(board, NODE.update));
});
