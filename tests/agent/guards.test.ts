// The smaller guards of the first law: who may answer a question that another line joins, what becomes of the order when one
// question gives way to another, answers and changes that are not what they should be, and uploads that are not what they say.
import { decode } from 'cborg';
import { describe, expect, it } from 'vitest';
import {
  alert,
  answer,
  approvalOf,
  consenter,
  DENIED,
  exec,
  expectOk,
  imageOf,
  install,
  knock,
  NODE,
  operator,
  packageOf,
  press,
  provisionedBoard,
  put,
  question,
  rc,
  runs,
  state,
  stranger,
  upload,
  vendor,
} from '../support/agent-world.js';
import { type Board, MAP } from '../support/bench-hal.js';
import { give, lastChange } from '../support/changing.js';
import { cbor, DEVICE_ID, makeApproval, makeChange, map, type PolicyOptions, sign1 } from '../support/make.js';
import { ask } from '../support/smp.js';

const R = {
  TooLarge: 5,
  MissingMember: 9,
  UnknownMember: 10,
  OutOfRange: 8,
  CoseTag: 20,
  PayloadPlace: 30,
  PayloadSize: 63,
  Truncated: 1,
  BlocksTooMany: 65,
  Denied: 84,
  AwaitingUser: 120,
  ConsentInvalid: 127,
  ValueTooLarge: 144,
};
const A = packageOf(1, { image: imageOf(3000, 1) });
const D = packageOf(2, { image: imageOf(3000, 2) });
const E = packageOf(3, { image: imageOf(3000, 3) });
const STAGED = MAP.secondary + MAP.page;

function events(board: Board): Map<number, unknown>[] {
  const found: Map<number, unknown>[] = [];
  for (let from = 0; ; ) {
    const { recs, next } = expectOk(ask(board, { group: 64, id: 5, body: { from } })) as {
      recs: Uint8Array[];
      next: number;
    };
    if (recs.length === 0) return found;
    found.push(...recs.map((record) => decode(record, { useMaps: true }) as Map<number, unknown>));
    from = next;
  }
}

describe('a question before the download', () => {
  const asked = (): Board => {
    const board = provisionedBoard({ unapproved: 1, askBeforeDownload: 1, channels: 1, timeout: 10 });
    expect(rc(upload(board, D.bytes, { link: 1 }))).toBe(R.AwaitingUser);
    return board;
  };

  it('is not answered by a line that brought the same package while it was open, also behind a reset', () => {
    const board = asked();
    expect(rc(upload(board, D.bytes, { link: 0 }))).toBe(R.AwaitingUser); // the same question, one more line
    board.run(50);
    board.receive(0, Buffer.from('yes\r\n'));
    expect(question(board).pending).toBe(true);
    board.reboot();
    board.run(1500); // it is shown again
    board.receive(0, Buffer.from('yes\r\n'));
    expect(question(board).pending).toBe(true);
    press(board, 1);
    expect(question(board)).toMatchObject({ pending: false, reason: 0 });
  });

  it('takes the place of one about another installation, whose order ends: it does not fire, and ends no yes', () => {
    const board = asked();
    press(board, 1);
    expectOk(upload(board, D.bytes));
    expectOk(exec(board, NODE.downloadAndUpdate, 'order'));
    board.run(50);
    expect(question(board)).toMatchObject({ pending: true, digest: new Uint8Array(D.digest) });
    expect(rc(upload(board, E.bytes))).toBe(R.AwaitingUser);
    const last = events(board).at(-1)!;
    expect([last.get(4), last.get(5), last.get(6)]).toEqual([4, 122, new Uint8Array(D.digest)]);
    press(board, 1);
    board.run(500);
    expectOk(upload(board, E.bytes));
    expect([state(board), question(board).pending]).toEqual([50, false]);
  });

  it('is not asked again for what was downloaded once and is damaged now; the installation is', () => {
    const board = asked();
    press(board, 1);
    expectOk(upload(board, D.bytes));
    expectOk(exec(board, NODE.update));
    board.run(11_000); // nobody answers, which ends every yes
    board.flash.flip(8 * (STAGED + 700));
    board.reboot();
    expectOk(upload(board, D.bytes));
    expect([state(board), question(board).pending]).toEqual([50, false]);
    expectOk(exec(board, NODE.update));
    expect(question(board).pending).toBe(true);
    board.settle();
    expect([board.running, state(board)]).toEqual(['agent', 50]);
  });
});

describe('a signed answer', () => {
  const wrong: [string, (nonce: unknown) => Uint8Array, number][] = [
    ['that is longer than one can be', () => new Uint8Array(400), R.TooLarge],
    ['that is no COSE_Sign1', () => cbor([1, 2]), R.CoseTag],
    [
      'that carries nothing',
      (nonce) => sign1({ key: consenter, payload: claims(nonce), detached: true }),
      R.PayloadPlace,
    ],
    ['by a vendor', (nonce) => sign1({ key: vendor, payload: claims(nonce) }), R.ConsentInvalid],
    ['by an operator', (nonce) => sign1({ key: operator, payload: claims(nonce) }), R.ConsentInvalid],
    ['by a stranger', (nonce) => sign1({ key: stranger, payload: claims(nonce) }), R.ConsentInvalid],
    ['with a member that nobody knows', (nonce) => signed(nonce, [5, 1]), R.UnknownMember],
    ['without a nonce', (nonce) => signed(nonce, [4, undefined]), R.MissingMember],
    ['without the package', (nonce) => signed(nonce, [2, undefined]), R.MissingMember],
    ['without the device', (nonce) => signed(nonce, [3, undefined]), R.MissingMember],
    ['that is neither yes nor no', (nonce) => signed(nonce, [1, 0]), R.OutOfRange],
    ['that is more than a no', (nonce) => signed(nonce, [1, 3]), R.OutOfRange],
  ];
  function claims(nonce: unknown, ...more: [number, unknown][]): Uint8Array {
    const members: [number, unknown][] = [
      [1, 1],
      [2, D.digest],
      [3, DEVICE_ID],
      [4, nonce],
    ];
    return cbor(map(members, more));
  }
  const signed = (nonce: unknown, ...more: [number, unknown][]) =>
    sign1({ key: consenter, payload: claims(nonce, ...more) });

  it.each(wrong)('%s counts for nothing, and the question stays', (_, make, reason) => {
    const board = provisionedBoard({ unapproved: 1, channels: 2 });
    expectOk(upload(board, D.bytes));
    expectOk(exec(board, NODE.update));
    const { nonce } = question(board);
    expect(rc(answer(board, make(nonce)))).toBe(reason);
    expect(question(board).pending).toBe(true);
    board.run(1000);
    expect([board.running, state(board)]).toEqual(['agent', 50]);
    expectOk(answer(board, signed(nonce))); // and the right one does
    board.settle();
    expect([board.running, runs(board, D)]).toEqual(['image', true]);
  });
});

describe('a change', () => {
  const policy: PolicyOptions = { unapproved: 1 };
  it('with its signatures not where they belong, or too many of them, changes nothing', () => {
    const board = provisionedBoard();
    const attached = sign1({ key: operator, payload: cbor(['change', map([[1, 1]])]) });
    const many = Array.from({ length: 9 }, () => operator);
    expect(rc(put(board, NODE.change, makeChange({ policy, signers: [attached] })))).toBe(R.PayloadPlace);
    expect(rc(put(board, NODE.change, makeChange({ policy, signers: many })))).toBe(R.BlocksTooMany);
    expect(rc(put(board, NODE.change, makeChange({ policy, signers: [] })))).toBeGreaterThan(0);
    expect(rc(upload(board, D.bytes))).toBe(80); // rejects, as before
    expectOk(put(board, NODE.change, makeChange({ policy, signers: [operator] })));
    expectOk(upload(board, D.bytes));
  });

  it('that ends a damage does not take over an image that does not read as it was installed', () => {
    const board = provisionedBoard();
    install(board, A, 1);
    knock(board);
    const denial = approvalOf(D.digest, 2, DENIED);
    expectOk(put(board, NODE.approvals, denial));
    board.run(50);
    const at = Buffer.from(board.flash.bytes).lastIndexOf(denial);
    for (const bit of [0, 9, 21]) board.flash.flip(8 * (at + 20) + bit); // more than can be mended
    board.flash.flip(8 * (MAP.primary + 1500));
    board.restarts.length = 0;
    board.reboot();
    board.run(30_000);
    expect([board.running, board.restarts]).toEqual(['agent', []]); // not on a damaged store either
    expectOk(give(board, { sequence: Number(lastChange(board)) + 1, policy: {} }));
    board.run(30_000);
    board.reboot();
    board.run(30_000);
    expect([board.running, board.restarts]).toEqual(['agent', []]);
  });
});

describe('an upload', () => {
  const approved = (): Board => {
    const board = provisionedBoard();
    expectOk(put(board, NODE.approvals, approvalOf(D.digest)));
    return board;
  };
  it('that is longer than the package in it is refused, and erases nothing', () => {
    const board = approved();
    board.flash.forget();
    const longer = Buffer.concat([D.bytes, Buffer.alloc(3)]);
    expect(rc(upload(board, longer))).toBe(R.PayloadSize);
    expect(board.flash.erases.filter(({ offset }) => offset < MAP.state)).toEqual([]);
  });
  it('that ends before its head does is truncated', () => {
    const board = approved();
    expect(rc(upload(board, D.head.slice(0, 90)))).toBe(R.Truncated);
    expectOk(upload(board, D.bytes));
  });
  it('that comes once more, because the last answer was lost, is on board', () => {
    const board = approved();
    expectOk(upload(board, D.bytes));
    board.flash.forget();
    expect(expectOk(upload(board, D.bytes)).off).toBe(D.bytes.length);
    expect([board.flash.writes, board.flash.erases, state(board)]).toEqual([[], [], 50]);
  });
});

describe('an order', () => {
  it('for a download is answered when the package is whole', () => {
    const board = provisionedBoard();
    expectOk(put(board, NODE.approvals, approvalOf(D.digest)));
    expectOk(exec(board, './FUMO/1/Download', 'bring it'));
    expectOk(upload(board, D.bytes));
    expect(alert(board)).toMatchObject({ n: 1, corr: 'bring it', result: 200, type: 1 });
    board.run(3000);
    expect([board.running, state(board)]).toEqual(['agent', 50]); // and installs nothing
  });
  it('with a correlator that is too long is refused, whole', () => {
    const board = provisionedBoard();
    expect(rc(exec(board, NODE.downloadAndUpdate, 'x'.repeat(33)))).toBe(R.ValueTooLarge);
    expectOk(put(board, NODE.approvals, approvalOf(D.digest)));
    expectOk(upload(board, D.bytes));
    board.run(3000);
    expect([board.running, state(board)]).toEqual(['agent', 50]);
  });
  it('that is given again and again for what was denied meanwhile is denied each time, and written down a few times', () => {
    const board = provisionedBoard();
    expectOk(put(board, NODE.approvals, approvalOf(D.digest)));
    expectOk(upload(board, D.bytes));
    expectOk(put(board, NODE.approvals, approvalOf(D.digest, 2, DENIED)));
    const counts: number[] = [];
    for (let i = 0; i < 40; i++) {
      expect(rc(exec(board, NODE.update))).toBe(R.Denied);
      counts.push(board.flash.writes.length);
    }
    expect(counts.at(-1)).toBe(counts.at(-10));
    expect(state(board)).toBe(70);
  });
});

describe('the log of a decision', () => {
  it('names a countersignature as what it is: no document', () => {
    const board = provisionedBoard();
    const countersigned = packageOf(2, { image: imageOf(3000, 2), signers: [vendor, operator] });
    expectOk(upload(board, countersigned.bytes));
    expectOk(exec(board, NODE.update));
    board.settle();
    knock(board);
    const installing = events(board).find((record) => record.get(4) === 9)!;
    expect(installing.get(9)).toEqual([[new Uint8Array(Buffer.from('operator')), null, 1]]);
  });
  it('names an operator once, who approved twice', () => {
    const board = provisionedBoard();
    const approvals = [makeApproval({ key: operator, sequence: 4, entries: [{ verdict: 1, digest: D.digest }] })];
    const both = packageOf(2, { image: imageOf(3000, 2), approvals, signers: [vendor, operator] });
    expectOk(upload(board, both.bytes));
    expectOk(exec(board, NODE.update));
    board.settle();
    knock(board);
    const installing = events(board).find((record) => record.get(4) === 9)!;
    expect(installing.get(9)).toHaveLength(1);
  });
});
