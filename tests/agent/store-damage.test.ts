// Damage in the settings store: one flipped bit or one read that fails makes no difference; more than can be mended makes
// a damaged device, which runs what it runs, believes nobody, says so, and is brought back by its operators' signatures.
// Every place and pairs of them: npm run powercut. Here is what the outside sees.
import { decode } from 'cborg';
import { describe, expect, it } from 'vitest';
import {
  alert,
  approvalOf,
  bootstrapDocument,
  DENIED,
  exec,
  expectOk,
  failed,
  get,
  imageOf,
  images,
  install,
  knock,
  NODE,
  operator,
  packageOf,
  provisionedBoard,
  put,
  state,
  stranger,
  text,
  upload,
  vendor,
} from '../support/agent-world.js';
import { type Board, bench, MAP } from '../support/bench-hal.js';
import { give, lastChange, offered, refusal } from '../support/changing.js';
import { makeApproval, makeBootstrap, makeKey, NOW, ROLE, sha256, utf8 } from '../support/make.js';
import { ask } from '../support/smp.js';

const STORE_DAMAGED = 150;
const CHANGED = 14; // an event of the log
const first = packageOf(1, { image: imageOf(3000, 1) });
const second = packageOf(2, { image: imageOf(2000, 2) });
const denial = approvalOf(second.digest, 3, DENIED);

/** It runs the first package, once approved the second, and has denied it since. */
function deviceThatDenies(): Board {
  const board = provisionedBoard();
  install(board, first, 1);
  knock(board);
  expectOk(put(board, NODE.approvals, approvalOf(second.digest, 2)));
  expectOk(put(board, NODE.approvals, denial));
  board.run(50);
  return board;
}

/** Where these bytes were written last in the state region. */
function placeOf(board: Board, bytes: Uint8Array): number {
  const at = Buffer.from(board.flash.bytes).lastIndexOf(bytes);
  expect(at).toBeGreaterThanOrEqual(MAP.state);
  return at;
}
const flip = (board: Board, at: number, ...bits: number[]) => {
  for (const bit of bits) board.flash.flip(8 * at + bit);
};
function logBytes(board: Board): Uint8Array[] {
  const records: Uint8Array[] = [];
  for (let from = 0; ; ) {
    const { recs, next } = ask(board, { group: 64, id: 5, body: { from } }) as { recs: Uint8Array[]; next: number };
    if (recs.length === 0) return records;
    records.push(...recs);
    from = next;
  }
}
const log = (board: Board): Map<number, unknown>[] =>
  logBytes(board).map((record) => decode(record, { useMaps: true }));

/** A device whose newest document cannot be read any more. */
function damaged(): Board {
  const board = deviceThatDenies();
  flip(board, placeOf(board, denial), 100, 333);
  board.takeSent();
  board.mailbox = 1;
  board.reboot();
  return board;
}

describe('one fault', () => {
  it('a flipped bit is mended in flash at the next start', () => {
    const board = deviceThatDenies();
    const at = placeOf(board, denial);
    flip(board, at, 100);
    board.mailbox = 1;
    board.reboot();
    const mended = placeOf(board, denial);
    expect(mended).not.toBe(at);
    const { operations } = board.flash;
    board.mailbox = 1;
    board.reboot();
    expect(board.flash.operations).toBe(operations); // once
    expect(offered(board, second)).toBe('Denied');
  });

  it('a word that fails while the device runs is found again, not taken for absent', () => {
    const board = deviceThatDenies();
    board.flash.unreadable.add((placeOf(board, denial) + 40) >>> 2);
    expect(offered(board, second)).toBe('Denied');
    expect(alert(board).reason).not.toBe(STORE_DAMAGED);
  });

  it('two words that fail while the device runs: nothing is installed on what is left', () => {
    const board = deviceThatDenies();
    for (const at of [40, 80]) board.flash.unreadable.add((placeOf(board, denial) + at) >>> 2);
    expect(failed(upload(board, second.bytes))).toBeDefined();
    expect(refusal(exec(board, NODE.update))).toBe('StoreDamaged');
  });
});

describe('a commit that fails', () => {
  // Two words that cannot be read, where the next record will stand: it cannot be read back, so it is not proven.
  const spoilNext = (board: Board) => {
    const { offset, length } = board.flash.writes.findLast((each) => each.offset >= MAP.state)!;
    for (const word of [2, 3]) board.flash.unreadable.add(((offset + length) >>> 2) + word);
  };
  const digestIn = (record: Map<number, unknown>) => Buffer.from(record.get(2) as Uint8Array);
  const renewed = approvalOf(second.digest, 4);

  // The number of writes and erases of a deed is not known: until one goes well.
  const eachCall = (play: (at: number) => string | undefined) => {
    for (let at = 1, told: string | undefined; told !== 'Ok'; at++) {
      told = play(at);
      expect(['Ok', 'FlashWrite', 'FlashErase']).toContain(told);
      expect(at).toBeLessThan(300);
    }
  };
  const failing = (board: Board, at: number) => {
    board.flash.sound = at - 1;
    board.flash.ailing = 1;
    const told = refusal(put(board, NODE.approvals, renewed));
    board.flash.sound = Number.POSITIVE_INFINITY;
    return told;
  };
  const restarted = (board: Board) => {
    board.mailbox = 1;
    board.reboot();
    board.run(50);
    return offered(board, second);
  };

  it('because flash does not take a write or an erase: it is as if power had failed there, never a damage', () => {
    eachCall((at) => {
      const board = deviceThatDenies();
      const told = failing(board, at);
      expect([at, restarted(board)]).toEqual([at, told === 'Ok' ? 'Ok' : 'Denied']);
      return told;
    });
  });

  it('twice in a row: nor is the second one, which is a compaction', () => {
    eachCall((at) => {
      const board = deviceThatDenies();
      expect(failing(board, 1)).toBe('FlashWrite');
      const told = failing(board, at);
      expect([at, restarted(board)]).toEqual([at, told === 'Ok' ? 'Ok' : 'Denied']);
      return told;
    });
  });

  it('and is made again: what was acknowledged is in force', () => {
    eachCall((at) => {
      const board = deviceThatDenies();
      const told = failing(board, at);
      if (told !== 'Ok') expectOk(put(board, NODE.approvals, renewed));
      expect([at, restarted(board)]).toEqual([at, 'Ok']);
      expect(refusal(put(board, NODE.approvals, denial))).toBe('Superseded');
      return told;
    });
  });

  it('leaves the log as it was: the next record names the one that is there', () => {
    const board = deviceThatDenies();
    const before = logBytes(board);
    spoilNext(board);
    expect(refusal(put(board, NODE.approvals, renewed))).toBe('FlashWrite');
    expect(logBytes(board)).toEqual(before);
    expectOk(put(board, NODE.approvals, renewed));
    for (let life = 0; life < 2; life++) {
      const records = logBytes(board);
      expect(records.length).toBe(before.length + 1);
      records.slice(1).forEach((record, i) => {
        expect(digestIn(decode(record, { useMaps: true }))).toEqual(Buffer.from(sha256(records[i]!)));
      });
      board.mailbox = 1;
      board.reboot();
    }
  });

  it('raises no counter: the same document is taken when it comes again, and an older one is not believed', () => {
    const board = deviceThatDenies();
    spoilNext(board);
    expect(refusal(put(board, NODE.approvals, renewed))).toBe('FlashWrite');
    expectOk(put(board, NODE.approvals, renewed));
    board.mailbox = 1;
    board.reboot();
    expect(refusal(put(board, NODE.approvals, denial))).toBe('Superseded');
    expect(Buffer.from(get(board, `${NODE.approvals}/1`))).toEqual(Buffer.from(renewed));
  });

  it('tells nothing in the alert', () => {
    const board = provisionedBoard();
    install(board, first, 1);
    knock(board);
    expectOk(put(board, NODE.approvals, approvalOf(second.digest, 2)));
    expectOk(upload(board, second.bytes));
    expectOk(put(board, NODE.approvals, denial));
    board.run(50);
    const before = alert(board);
    spoilNext(board);
    expect(refusal(exec(board, NODE.update))).toBe('FlashWrite');
    expect(alert(board)).toEqual(before);
    expect(refusal(exec(board, NODE.update))).toBe('Denied');
    expect(alert(board)).not.toEqual(before);
  });
});

describe('a damaged device', () => {
  it('says so at once, to people and to whoever asks', () => {
    const board = damaged();
    board.tick(0);
    expect(Buffer.from(board.takeSent()).toString('latin1')).toContain('reason 150');
    expect(alert(board).reason).toBe(STORE_DAMAGED);
    expect(state(board)).toBeGreaterThan(0);
    expect(log(board).length).toBeGreaterThan(3);
  });

  it('takes nothing but a change of its operators, and writes nothing', () => {
    const board = damaged();
    const write = (group: number, id: number, body = {}) => refusal(ask(board, { group, id, write: true, body }));
    board.flash.forget();
    expect(refusal(put(board, NODE.bootstrap, bootstrapDocument()))).toBe('BootstrapLocked');
    expect(refusal(put(board, NODE.approvals, approvalOf(second.digest, 9)))).toBe('StoreDamaged');
    expect(refusal(put(board, './FUMO/1/Download/PkgURL', utf8('coap://x/y')))).toBe('StoreDamaged');
    expect(refusal(exec(board, NODE.update))).toBe('StoreDamaged');
    expect(refusal(upload(board, second.bytes))).toBe('StoreDamaged');
    expect(write(1, 5)).toBe('StoreDamaged');
    expect(write(1, 0, { confirm: true })).toBe('StoreDamaged');
    expect(refusal(give(board, { sequence: NOW, policy: { threshold: 1 } }))).toBe('ChangeSuperseded');
    const above = Number(lastChange(board)) + 1;
    expect(refusal(give(board, { sequence: above, policy: {}, signers: [stranger] }))).toBe('SignerUnknown');
    expect([board.flash.writes, board.flash.erases]).toEqual([[], []]);
  });

  it('runs what it ran', () => {
    const board = damaged();
    board.settle();
    expect(board.running).toBe('image');
  });

  it('writes nothing beside an application either: no stranger has its slot erased', () => {
    const board = damaged();
    board.settle();
    board.reside();
    board.flash.forget();
    expect(refusal(upload(board, second.bytes))).toBe('StoreDamaged');
    expect(refusal(put(board, './FUMO/1/Update/PkgData', second.bytes))).toBe('StoreDamaged');
    expect(refusal(put(board, './FUMO/1/Download/PkgURL', utf8('coap://x/y')))).toBe('ApplicationRuns');
    expect(refusal(exec(board, NODE.update))).toBe('StoreDamaged');
    board.run(20_000);
    expect([board.flash.writes, board.flash.erases]).toEqual([[], []]);
  });

  it('comes back by a change with a higher number: nothing of before is believed but what runs', () => {
    const board = damaged();
    const number = Number(lastChange(board)) + 1;
    expectOk(give(board, { sequence: number, policy: {} }));
    expectOk(give(board, { sequence: number, policy: {} })); // the answer was lost
    const last = log(board).at(-1)!;
    expect([last.get(4), last.get(5)]).toEqual([CHANGED, STORE_DAMAGED]);
    for (let life = 0; life < 2; life++) {
      expect(lastChange(board)).toBe(number);
      expect(images(board)[0]).toMatchObject({ slot: 0, hash: new Uint8Array(first.digest) });
      expect(text(board, NODE.approvals)).toBe('');
      expect(offered(board, second)).toBe('NotApproved');
      for (const old of [approvalOf(second.digest, 2), approvalOf(second.digest, 9)]) {
        expect(refusal(put(board, NODE.approvals, old))).toBe('Superseded');
      }
      expect(refusal(give(board, { sequence: number - 1, policy: { unapproved: 1 } }))).toBe('ChangeSuperseded');
      board.mailbox = 1;
      board.reboot();
    }
    install(board, second, NOW + 1);
    expect(board.running).toBe('image');
  });

  it('whose bootstrap document is hit has it from the other bank', () => {
    const board = deviceThatDenies();
    flip(board, placeOf(board, bootstrapDocument()), 100, 333);
    const places = Buffer.from(board.flash.bytes);
    expect(places.indexOf(bootstrapDocument(), MAP.state)).toBeGreaterThan(0);
    board.mailbox = 1;
    board.reboot();
    if (alert(board).reason !== STORE_DAMAGED) return; // it was the older bank
    expectOk(give(board, { sequence: Number(lastChange(board)) + 1, policy: {} }));
    expect(refusal(put(board, NODE.bootstrap, bootstrapDocument()))).toBe('BootstrapLocked');
  });
});

describe('a store that is full', () => {
  const URLS = ['./FUMO/1/Download/PkgURL', './FUMO/1/DownloadAndUpdate/PkgURL'];

  it('takes no approval any more, and everything else as ever: an update and its log, with the longest URLs', () => {
    const operators = Array.from({ length: 7 }, (_, i) => (i === 0 ? operator : makeKey('ed25519', `operator ${i}`)));
    const board = bench();
    const anchors = [vendor, ...operators].map((key, i) => ({ role: i === 0 ? ROLE.vendor : ROLE.operator, key }));
    expectOk(put(board, NODE.bootstrap, makeBootstrap({ anchors, policy: { trialBoots: 1, threshold: 1 } })));
    install(board, first, 1);
    knock(board);
    const digests = Array.from({ length: 16 }, (_, i) => (i ? Buffer.alloc(32, i) : second.digest));
    const entries = digests.map((digest) => ({ verdict: 1, digest }));
    const answers = operators.map((key) =>
      refusal(put(board, NODE.approvals, makeApproval({ key, sequence: 2, entries }))),
    );
    expect(answers[0]).toBe('Ok');
    expect(answers.at(-1)).toBe('ApprovalsFull');
    const urls = (bytes: number, letter: number) => {
      for (const url of URLS) expectOk(put(board, url, Buffer.alloc(bytes, letter)));
    };
    urls(255, 0x61);
    urls(255, 0x62);
    for (let i = 0; i < 40; i++) expect(failed(upload(board, packageOf(5 + (i & 1)).bytes))).toBeDefined();
    expectOk(upload(board, second.bytes));
    urls(255, 0x63);
    expectOk(exec(board, NODE.update));
    board.settle();
    expect(board.running).toBe('image');
    knock(board);
    expect(state(board)).toBe(100);
    expect(images(board)[0]).toMatchObject({ hash: new Uint8Array(second.digest) });
  });
});
