// What strangers can wear out: a month of everything that peers without any signature can do, with resets in between.
// No page of the flash may be erased more than 24 times a day by them: 20,000 cycles then last two years.

import { describe, expect, it } from 'vitest';
import {
  approvalOf,
  exec,
  expectOk,
  failed,
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
  state,
  upload,
} from '../support/agent-world.js';
import { type Board, MAP } from '../support/bench-hal.js';
import { makeApproval, type PolicyOptions } from '../support/make.js';
import { ask } from '../support/smp.js';

const ERASES_A_DAY = 24;
const UNCHANGED = 158;
const TOO_OFTEN = 159;
const HOUR_MS = 3_600_000;

const RUNS = packageOf(3, { image: imageOf(2100, 1) });
const SAME = packageOf(3, { image: imageOf(2100, 2) }); // approved as well, and as new: the two can take turns
const DENIED = packageOf(3, { image: imageOf(2100, 3) });
const UNKNOWN = packageOf(3, { image: imageOf(2100, 4) });

/** A device that runs RUNS; SAME is approved, DENIED denied, of UNKNOWN nobody has said anything. */
function device(policy: PolicyOptions = {}): Board {
  const board = provisionedBoard({ trialBoots: 0, timeout: 60, ...policy });
  if (policy.askBeforeDownload) {
    expectOk(put(board, NODE.approvals, approvalOf(RUNS.digest)));
    upload(board, RUNS.bytes);
    press(board, 1);
  }
  install(board, RUNS, 1);
  knock(board);
  const entries = [
    { verdict: 1, digest: RUNS.digest },
    { verdict: 1, digest: SAME.digest },
    { verdict: 2, digest: DENIED.digest },
  ];
  expectOk(put(board, NODE.approvals, makeApproval({ key: operator, sequence: 2, entries })));
  board.run(100);
  return board;
}

let drawn = 1;
function draw(below: number): number {
  drawn = (Math.imul(drawn, 1664525) + 1013904223) >>> 0;
  return Math.floor((drawn / 2 ** 32) * below);
}

const url = (board: Board) => put(board, './FUMO/1/Download/PkgURL', Buffer.from(`mqtt://x/${draw(1e9)}`));
const reset = (board: Board) => {
  board.settle();
  knock(board, 1);
};

/** Each alone, and all of them in any order, is somebody's month. */
const DEEDS: Record<string, (board: Board) => void> = {
  'the package that runs, offered again': (board) => upload(board, RUNS.bytes),
  'its head alone, over and over': (board) => upload(board, RUNS.bytes, { until: RUNS.head.length }),
  'PkgURL put, and a reset': (board) => {
    url(board);
    reset(board);
  },
  'PkgURL put': url,
  'an approved package, given up after its head, and a reset': (board) => {
    upload(board, SAME.bytes, { until: SAME.head.length + 1, sha: null });
    reset(board);
  },
  'an upload that is resumed after each page': (board) => {
    for (let page = 1; page < 3; page++) {
      upload(board, SAME.bytes, { until: SAME.head.length + page * MAP.page + 20, piece: 200 });
      reset(board);
    }
  },
  'the same page of a download, erased again and again': (board) => {
    upload(board, SAME.bytes, { until: SAME.head.length + MAP.page + 70, piece: 300 });
    ask(board, { group: 0, id: 5, write: true });
    reset(board);
  },
  'a download that another session puts off again and again': (board) => {
    upload(board, SAME.bytes, { until: SAME.head.length + MAP.page + 70, piece: 300 });
    ask(board, { group: 1, id: 1, write: true, body: { off: 0, len: 1000, data: new Uint8Array() } });
  },
  'no, typed by whoever delivers over another line': (board) => {
    upload(board, UNKNOWN.bytes);
    exec(board, NODE.update);
    board.run(1200);
    board.receive(0, Buffer.from('no\n'));
    board.run(100);
  },
  'two approved packages, installed in turns': (board) => {
    for (const wanted of [SAME, RUNS]) {
      upload(board, wanted.bytes);
      exec(board, NODE.update, `job ${draw(1e6)}`);
      reset(board);
    }
  },
  'a denied package, offered and ordered': (board) => {
    upload(board, DENIED.bytes);
    exec(board, NODE.update, `job ${draw(1e6)}`);
  },
  'refusals in turns, each ordered': (board) => {
    for (const wanted of [DENIED, UNKNOWN]) {
      exec(board, NODE.downloadAndUpdate, `job ${draw(1e6)}`);
      upload(board, wanted.bytes);
    }
    reset(board);
  },
  'questions that nobody answers': (board) => {
    upload(board, UNKNOWN.bytes);
    exec(board, NODE.update);
    if (draw(2)) board.run(70_000);
    else reset(board);
  },
  'orders that nothing comes for': (board) => {
    exec(board, NODE.downloadAndUpdate, `job ${draw(1e6)}`);
    board.tick(601_000);
    reset(board);
  },
  'orders while a download is under way': (board) => {
    upload(board, SAME.bytes, { until: SAME.head.length + 100 });
    for (let i = 0; i < 5; i++) exec(board, NODE.downloadAndUpdate, `job ${draw(1e6)}`);
  },
  'the slot, cleared': (board) => void ask(board, { group: 1, id: 5, write: true }),
  'a reset that is asked for': (board) => {
    ask(board, { group: 0, id: 5, write: true });
    reset(board);
  },
};

// Plays a day: `deed` as often as it is given, spread over 24 hours of the agent's time or of the trusted clock.
function day(board: Board, deed: () => void, times: number): number {
  board.flash.forget();
  for (let i = 0; i < times; i++) {
    board.tick(1); // what was earned meanwhile is there
    deed();
    if (board.running !== 'agent') knock(board, 1);
    board.tick((24 * HOUR_MS) / times);
    board.clock += board.clock && BigInt(Math.floor((24 * 3600) / times));
    if (board.running !== 'agent') knock(board, 1);
  }
  return Math.max(...board.flash.wear);
}

describe('no page is erased more than 24 times a day by strangers', () => {
  it.each(Object.keys(DEEDS))('%s: three days, 300 times each', (name) => {
    const board = device({ unapproved: /^questions|^no,/.test(name) ? 1 : 0 });
    for (let n = 0; n < 3; n++) expect(day(board, () => DEEDS[name]!(board), 100)).toBeLessThanOrEqual(ERASES_A_DAY);
  });

  it.each([
    ['reject, no clock', { unapproved: 0 }, 0n],
    ['prompt, no clock', { unapproved: 1 }, 0n],
    ['trials of five starts', { trialBoots: 5 }, 0n],
    ['trials of fifteen starts, a clock', { trialBoots: 15 }, 1_800_000_000n],
    ['prompt, a question before each download, a clock', { unapproved: 1, askBeforeDownload: 1 }, 1_800_000_000n],
  ] as const)('a month of all of it in any order: %s', (_, policy, clock) => {
    const board = device(policy);
    board.clock = clock;
    const deeds = Object.values(DEEDS);
    let worst = 0;
    for (let n = 0; n < 30; n++)
      worst = Math.max(
        worst,
        day(board, () => deeds[draw(deeds.length)]!(board), 40),
      );
    expect(worst).toBeLessThanOrEqual(ERASES_A_DAY);
    expect(worst).toBeGreaterThan(2); // it was played
  });
});

describe('the account', () => {
  const awake = (board: Board, milliseconds: number) => {
    for (let t = 0; t < milliseconds; t += 5000) {
      ask(board, { group: 0, id: 0, write: true, body: { d: '' } }); // who hears nothing leaves for the image
      board.tick(5000);
    }
  };
  const spent = (board: Board) => {
    for (let i = 0; i < 100; i++) url(board);
    return failed(url(board))?.rc;
  };
  // An approved package with a wrong byte, over and over.
  const WRONG = Buffer.from(SAME.bytes);
  WRONG[WRONG.length - 1]! ^= 1;
  const spoilt = (board: Board) => {
    for (let i = 0; i < 30; i++) upload(board, WRONG);
    return failed(upload(board, SAME.bytes))?.rc;
  };
  it('is empty after so much, says so, and gains with the hours', () => {
    const board = device();
    expect(spent(board)).toBe(TOO_OFTEN);
    awake(board, HOUR_MS - 5000);
    expect(failed(url(board))?.rc).toBe(TOO_OFTEN);
    awake(board, 5000);
    expect(failed(url(board))).toBeUndefined();
    expect(failed(url(board))?.rc).toBe(TOO_OFTEN);
  });
  it('is not filled by a reset', () => {
    const board = device();
    spent(board);
    for (let i = 0; i < 3; i++) reset(board);
    expect(failed(url(board))?.rc).toBe(TOO_OFTEN);
  });
  it('gains with the hours of a clock that came when nothing was left, over resets as well', () => {
    const board = device();
    expect(spent(board)).toBe(TOO_OFTEN);
    board.clock = 1_800_000_000n;
    for (let i = 0; i < 2; i++) {
      board.tick(10);
      reset(board);
      board.clock += 7200n;
    }
    board.tick(10);
    expectOk(url(board));
    expect(spent(board)).toBe(TOO_OFTEN);
    for (let i = 0; i < 3; i++) {
      reset(board);
      board.tick(10);
      expect(failed(url(board))?.rc).toBe(TOO_OFTEN);
    }
  });
  it('has room again for an operator, a newer approval document: for what it approves, and nothing else', () => {
    const board = device();
    spent(board);
    spoilt(board);
    expectOk(put(board, NODE.approvals, approvalOf(SAME.digest, 9)));
    expect(failed(url(board))?.rc).toBe(TOO_OFTEN);
    expectOk(upload(board, SAME.bytes));
    expectOk(exec(board, NODE.update));
  });
  it('has room again for a vendor: a package with a higher number than any before, once', () => {
    const board = device({ unapproved: 1 });
    spent(board);
    const next = packageOf(4, { image: imageOf(500, 9) });
    expectOk(upload(board, next.bytes));
    expectOk(exec(board, NODE.update));
    expect(spent(board)).toBe(TOO_OFTEN);
    const another = packageOf(4, { image: imageOf(500, 10) });
    expect(failed(upload(board, another.bytes))?.rc).toBe(TOO_OFTEN);
    expect(failed(ask(board, { group: 1, id: 5, write: true }))?.rc).toBe(TOO_OFTEN); // clearing the slot
  });
  it.each([
    ['installation', {}],
    ['download', { askBeforeDownload: 1 }],
  ])('with nothing left does not keep a denial from ending the question about: %s', (_what, more) => {
    const board = device({ unapproved: 1, ...more });
    upload(board, UNKNOWN.bytes);
    exec(board, NODE.update);
    board.run(2000);
    expect(question(board).pending).toBe(true);
    expect(spent(board)).toBe(TOO_OFTEN);
    expectOk(put(board, NODE.approvals, approvalOf(UNKNOWN.digest, 9, 2)));
    board.run(2000);
    expect(upload(board, UNKNOWN.bytes)).toBeDefined(); // as whoever brings it tries again
    board.run(2000);
    expect(question(board).pending).toBe(false);
  });
  it('has room again for a person: an answer', () => {
    const board = device({ unapproved: 1 });
    expectOk(upload(board, UNKNOWN.bytes));
    expectOk(exec(board, NODE.update));
    board.run(50);
    spent(board);
    press(board, 2);
    expect(state(board)).toBe(80);
    expectOk(url(board));
  });
  it('keeps what an installation needs from whoever spoils its download', () => {
    const board = device({ trialBoots: 1 });
    board.clock = 1_800_000_000n;
    board.tick(10);
    spent(board);
    expect(spoilt(board)).toBe(TOO_OFTEN);
    board.clock += 7200n;
    board.tick(10);
    expectOk(upload(board, SAME.bytes));
    expectOk(exec(board, NODE.update));
  });
  it.each([0, 1, 5, 6, 15])(
    'keeps what an approved update with %i starts of its trial needs from everybody',
    (trialBoots) => {
      const board = device({ trialBoots });
      spent(board);
      expectOk(upload(board, SAME.bytes));
      expect(spent(board)).toBe(TOO_OFTEN);
      expectOk(exec(board, NODE.update));
      expect(state(board)).toBe(60);
    },
  );
  it.each([1, 15])(
    'with trials of %i starts has room for a question about a package that nobody approved',
    (trialBoots) => {
      const board = device({ unapproved: 1, trialBoots });
      board.clock = 1_800_000_000n;
      board.tick(10);
      spent(board);
      board.clock += 24n * 3600n;
      board.tick(10);
      expectOk(upload(board, UNKNOWN.bytes));
      expectOk(exec(board, NODE.update));
    },
  );

  it.each([1, 13, 15])('with trials of %i starts keeps a question over resets', (trialBoots) => {
    const board = device({ unapproved: 1, trialBoots, timeout: 86_400 });
    expectOk(upload(board, packageOf(4, { image: imageOf(2100, 4) }).bytes));
    expectOk(exec(board, NODE.update));
    for (let reset = 0; reset < 4; reset++) {
      expect([reset, question(board).pending]).toEqual([reset, true]);
      board.mailbox = 1;
      board.reboot();
      board.run(50);
    }
  });

  describe('is not what somebody gets who kept what the device missed', () => {
    const missed = (n: number) =>
      makeApproval({
        key: operator,
        sequence: 10 + n,
        entries: [RUNS, SAME].map(({ digest }) => ({ verdict: 1, digest })),
      });
    // Ten documents at once, and after each of them whatever there is to be had.
    const erases = (board: Board, deed: (board: Board) => void) => {
      board.flash.forget();
      for (let n = 0; n < 10; n++) {
        expectOk(put(board, NODE.approvals, missed(n)));
        for (let i = 0; i < 40; i++) deed(board);
      }
      return Math.max(...board.flash.wear);
    };
    it('ten documents give nothing for what no operator approved', () => {
      const board = device();
      spent(board);
      expect(erases(board, DEEDS['PkgURL put, and a reset']!)).toBeLessThanOrEqual(10); // half for each document
    });
    it('nor more than two downloads each of what one did', () => {
      const board = device();
      spent(board);
      spoilt(board);
      expect(erases(board, (board) => void upload(board, WRONG))).toBeLessThanOrEqual(20);
    });
    it('nor more than one installation each, when two can take turns', () => {
      const board = device({ trialBoots: 1 });
      const turns = DEEDS['two approved packages, installed in turns']!;
      for (let i = 0; i < 4; i++) turns(board);
      board.flash.forget();
      for (let n = 0; n < 10; n++) {
        expectOk(put(board, NODE.approvals, missed(n)));
        for (let i = 0; i < 4; i++) turns(board);
      }
      expect(Math.max(...board.flash.wear)).toBeLessThanOrEqual(50);
    });
  });
  it('is not needed for what changes nothing', () => {
    const board = device();
    expectOk(put(board, './FUMO/1/Download/PkgURL', Buffer.from('mqtt://x/p')));
    spent(board);
    board.flash.forget();
    expect(failed(upload(board, RUNS.bytes))?.rc).toBe(UNCHANGED);
    for (let i = 0; i < 10; i++) expect(failed(upload(board, DENIED.bytes))?.rc).toBe(84);
    expect([board.flash.erases, board.flash.writes]).toEqual([[], []]);
  });
});

it('repeated refusals do not push what was decided out of the log', () => {
  const board = device();
  const events = () => {
    const found: number[] = [];
    for (let from = 0; ; ) {
      const { recs, next } = ask(board, { group: 64, id: 5, body: { from } }) as { recs: Uint8Array[]; next: number };
      if (recs.length === 0) return found;
      found.push(...recs.map((record) => record[record.indexOf(0x04, 36) + 1]!));
      from = next;
    }
  };
  const before = events().length;
  for (let n = 0; n < 10; n++) day(board, () => DEEDS['refusals in turns, each ordered']!(board), 40);
  expect(events().length).toBeLessThanOrEqual(before + 4);
});
