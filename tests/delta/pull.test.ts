// Blocks that come coded against the image that runs, over a line, to the agent with this ability: a whole update of them, with loss,
// noise, resets and power cuts on the way; codes that nobody should send, and the image that they refer to.
import { describe, expect, it } from 'vitest';
import { putTokens, rangeCoder, type Token } from '../../host/formats/lz.js';
import { codePiece, indexed } from '../../host/formats/lz-parse.js';
import {
  alert,
  approvalOf,
  bootstrapDocument,
  DENIED,
  exec,
  expectOk,
  install,
  knock,
  NODE,
  packageOf,
  put,
  rc,
  runs,
  state,
  upload,
} from '../support/agent-world.js';
import { agentModule, type Board, bench, benchFlash, MAP } from '../support/bench-hal.js';
import { answersTo, answerWith, BLOCK_BYTES, block, give, order, type Wanted, wanted } from '../support/blocks.js';
import { PowerCut } from '../support/flash.js';
import { likeCode } from '../support/lz.js';
import { sha256 } from '../support/make.js';
import { ask } from '../support/smp.js';

const LINE = 0;
const module = agentModule(new URL('../../build/agent-delta.wasm', import.meta.url));

interface Asked extends Wanted {
  lz?: number;
  from?: Uint8Array;
}

/** The version before, and the next one: a word more in the middle, and branches across it. */
const OLD = likeCode(40_000);
const NEW = Uint8Array.from([...OLD.subarray(0, 20_000), 0x70, 0x47, 0x70, 0x47, ...OLD.subarray(20_000)]);
for (let at = 400; at < 20_000; at += 3000) NEW[at]! ^= 4;
const older = () => packageOf(1, { image: OLD });
const newer = () => packageOf(2, { image: NEW });

interface Code {
  at: number;
  bytes: number;
  code: Uint8Array;
  sequence: number;
}

const indexes = new Map<Uint8Array, ReturnType<typeof indexed>>();
const known = new Map<string, Uint8Array>(); // to code a block takes 10 ms

/** The blocks of a request, each as its code against `old`. */
function codesOf(request: Asked, file: Uint8Array, head: number, old = OLD): Code[] {
  const source = indexes.get(old) ?? indexed(old);
  indexes.set(old, source);
  return answersTo(request, file).map(({ at }) => {
    const data = file.subarray(at, Math.min(at + BLOCK_BYTES, request.off + request.len));
    const name = [...indexes.keys()].indexOf(old) + Buffer.from(data).toString('base64') + (at - head);
    const code = known.get(name) ?? codePiece({ data, from: at - head, source, delta: true });
    known.set(name, code);
    return { at, bytes: data.length, code, sequence: request.sequence + (at - request.off) / BLOCK_BYTES };
  });
}

/** One answer of codes that stand in a row. */
function joined(codes: readonly Code[]): Uint8Array {
  const parts = codes.map(({ code }, n) => (n < codes.length - 1 ? [code.length, ...code] : [...code]));
  const len = codes.reduce((sum, { bytes }) => sum + bytes, 0);
  return answerWith({ len, data: Uint8Array.from(parts.flat()) }, codes[0]!.sequence);
}

/** So many in each answer, as long as they stand in a row. */
function answersOf(codes: readonly Code[], most: number): Uint8Array[] {
  const groups: Code[][] = [];
  for (const code of codes) {
    const last = groups.at(-1);
    const follows = last && last.length < most && last.at(-1)!.at + BLOCK_BYTES === code.at;
    if (follows && last.reduce((sum, one) => sum + one.code.length + 1, code.code.length) < BLOCK_BYTES)
      last.push(code);
    else groups.push([code]);
  }
  return groups.map(joined);
}

/** A device that runs the version before and has been told to fetch the next one. */
function ordered(one = newer(), policy = {}) {
  const board = bench(benchFlash(), { module });
  expectOk(put(board, NODE.bootstrap, bootstrapDocument(policy)));
  install(board, older(), 1);
  knock(board);
  expectOk(put(board, NODE.approvals, approvalOf(one.digest, 2)));
  expectOk(order(board, one.digest, 'order-1', LINE));
  return { board, one, head: one.head.length };
}

interface How {
  old?: Uint8Array;
  /** What becomes of the nth answer. */
  way?: (packet: Uint8Array, n: number) => Uint8Array[];
  /** Codes in one answer. */
  most?: number;
  until?: number;
}

interface Served {
  coded: number;
  bytes: number;
  named: (Uint8Array | undefined)[];
}

/** Answers until the device asks no more for some seconds: what it asks once more as it is, all else in codes if it names an image. */
function serve(board: Board, file: Uint8Array, head: number, how: How = {}): Served {
  const { old = OLD, way = (packet) => [packet], most = 32, until = 1e9 } = how;
  const served: Served = { coded: 0, bytes: 0, named: [] };
  const seen = new Set<number>();
  let names = false;
  let n = 0;
  for (let quiet = 0; quiet < 5000 && board.running === 'agent'; quiet += 20) {
    board.tick(20);
    for (const request of wanted(board, LINE) as Asked[]) {
      quiet = 0;
      if (request.digest) names = request.from !== undefined;
      if (request.want !== undefined && request.digest) served.named.push(request.from);
      const codes = request.want !== undefined && names ? codesOf(request, file, head, old) : [];
      const fresh = codes.filter(({ at }) => !seen.has(at));
      const plain = answersTo(request, file).filter(({ at }) => !fresh.some((code) => code.at === at));
      for (const { at } of codes) seen.add(at);
      served.coded += fresh.length;
      for (const packet of [...plain.map((one) => one.packet), ...answersOf(fresh, most)]) {
        if (n >= until || board.running !== 'agent') return served;
        served.bytes += packet.length;
        for (const one of way(packet, n++)) give(board, one, LINE);
      }
    }
  }
  return served;
}

/** A device whose head has come, and its first request behind it. */
function asking(one = newer(), policy = {}) {
  const { board, head } = ordered(one, policy);
  board.tick(20);
  wanted(board, LINE);
  give(board, block(one.bytes, 0), LINE);
  const requests: Asked[] = [];
  for (let ticks = 0; ticks < 8; ticks++) {
    board.tick(20);
    requests.push(...(wanted(board, LINE) as Asked[]));
  }
  return { board, one, head, request: requests[0]! };
}

const ends = (board: Board, one: ReturnType<typeof newer>) => {
  board.settle();
  return runs(board, one);
};

const primary = (board: Board) => Buffer.from(board.flash.bytes.slice(MAP.primary, MAP.primary + MAP.slotBytes));

function codeOf(tokens: Token[], bytes = BLOCK_BYTES): Uint8Array {
  const { bit, finish } = rangeCoder();
  putTokens(bit, tokens, bytes, true);
  return finish();
}

describe('a package in codes against the image that runs', () => {
  it('is installed, in a fraction of what it has, by the digest of what stands in the slot', () => {
    const { board, one, head } = ordered();
    const { coded, bytes, named } = serve(board, one.bytes, head);
    expect(coded).toBe(Math.ceil(NEW.length / BLOCK_BYTES));
    expect(bytes).toBeLessThan(0.05 * NEW.length);
    expect(named.length).toBeGreaterThan(1);
    for (const name of named) expect(name).toEqual(sha256(OLD));
    expect(ends(board, one)).toBe(true);
  });

  it.each([
    ['one code comes in each answer', { most: 1 }],
    ['every fifth answer is lost', { most: 3, way: (packet: Uint8Array, n: number) => (n % 5 === 4 ? [] : [packet]) }],
    [
      'every third comes twice',
      { most: 5, way: (packet: Uint8Array, n: number) => (n % 3 ? [packet] : [packet, packet]) },
    ],
    ['runs of them are lost', { most: 2, way: (packet: Uint8Array, n: number) => (n % 9 > 5 ? [] : [packet]) }],
  ])('is installed, though %s', (_name, how: How) => {
    const { board, one, head } = ordered();
    for (let rounds = 0; rounds < 10 && board.running === 'agent'; rounds++) serve(board, one.bytes, head, how);
    expect(ends(board, one)).toBe(true);
  });

  it('goes on behind what is in flash after a reset, and names the image anew', () => {
    const { board, one, head } = ordered();
    serve(board, one.bytes, head, { most: 1, until: 40 });
    expect(state(board)).toBe(30);
    board.sent = [];
    board.reboot();
    const { named, coded } = serve(board, one.bytes, head);
    expect(named[0]).toEqual(sha256(OLD));
    expect(coded).toBeLessThan(50);
    expect(ends(board, one)).toBe(true);
  });

  it('is installed wherever the power goes', () => {
    const total = (() => {
      const { board, one, head } = ordered();
      board.flash.arm();
      serve(board, one.bytes, head);
      return board.flash.operations;
    })();
    let resumed = 0;
    for (let cutAt = 1; cutAt < total; cutAt += Math.ceil(total / 60)) {
      const { board, one, head } = ordered();
      board.flash.arm(cutAt);
      try {
        serve(board, one.bytes, head);
      } catch (error) {
        if (!(error instanceof PowerCut)) throw error;
      }
      board.flash.arm();
      const back = bench(board.flash, { module });
      // Before it was accepted, nothing says over which line it comes: whoever ordered it does so again.
      if (back.running === 'agent' && state(back) !== 30) order(back, one.digest, 'order-2', LINE);
      const { named } = serve(back, one.bytes, head);
      if (named.some((name) => name !== undefined)) resumed++;
      expect([cutAt, ends(back, one)]).toEqual([cutAt, true]);
    }
    expect(resumed).toBeGreaterThan(30);
  });
});

describe('the image that codes refer to', () => {
  it('is none on a device without one', () => {
    const board = bench(benchFlash(), { module });
    const one = newer();
    expectOk(put(board, NODE.bootstrap, bootstrapDocument()));
    expectOk(put(board, NODE.approvals, approvalOf(one.digest, 1)));
    expectOk(order(board, one.digest, 'order-1', LINE));
    const { named, coded } = serve(board, one.bytes, one.head.length);
    expect(named.length).toBeGreaterThan(0);
    expect([...new Set(named)]).toEqual([undefined]);
    expect(coded).toBe(0);
    expect(ends(board, one)).toBe(true);
  });

  it('is named only if it reads as it was installed; then blocks come as they are', () => {
    const { board, one, head } = ordered();
    board.flash.bytes[MAP.primary + 30_000]! ^= 1;
    const { named, coded } = serve(board, one.bytes, head);
    expect([...new Set(named)]).toEqual([undefined]);
    expect(coded).toBe(0);
    expect(ends(board, one)).toBe(true);
  });

  it('is looked at once more after a reset: one that was changed meanwhile by whoever can is not named any more', () => {
    const { board, one, head } = ordered();
    serve(board, one.bytes, head, { most: 1, until: 40 });
    board.flash.bytes[MAP.primary + 100]! ^= 1;
    board.sent = [];
    board.reboot();
    const { named } = serve(board, one.bytes, head);
    expect([...new Set(named)]).toEqual([undefined]);
    expect(ends(board, one)).toBe(true);
  });

  it('costs the download where it changes while blocks come, and the next one goes without it', () => {
    const { board, one, head } = ordered();
    serve(board, one.bytes, head, { most: 1, until: 40 });
    board.flash.bytes[MAP.primary + 30_001]! ^= 1; // no agent does that
    serve(board, one.bytes, head, { most: 1 });
    expect(state(board)).toBe(20);
    expectOk(order(board, one.digest, 'order-2', LINE));
    expect([...new Set(serve(board, one.bytes, head).named)]).toEqual([undefined]);
    expect(ends(board, one)).toBe(true);
  });

  it('where another one was coded against costs the download, and nothing runs but what did', () => {
    const { board, one, head } = ordered();
    const other = likeCode(60_000).slice(13_000, 53_000);
    serve(board, one.bytes, head, { old: other });
    expect(state(board)).toBe(20);
    board.settle();
    expect(board.running).toBe('image');
    expect(runs(board, older())).toBe(true);
    knock(board);
    expectOk(order(board, one.digest, 'order-2', LINE));
    serve(board, one.bytes, head);
    expect(ends(board, one)).toBe(true);
  });

  it('stays as it is until all blocks are there, whatever is ordered, denied or pushed meanwhile', () => {
    const { board, one, head, request } = asking(newer(), { whenDenied: 'revert' });
    const there = primary(board);
    const codes = codesOf(request, one.bytes, head);
    const third = packageOf(3, { image: likeCode(30_000) });
    const attempts: [string, () => void][] = [
      ['it is ordered to install', () => void exec(board, NODE.update, 'now', 1)],
      ['what runs is denied', () => void put(board, NODE.approvals, approvalOf(older().digest, 3, DENIED))],
      ['it is told to confirm', () => void ask(board, { group: 1, id: 0, write: true, body: { confirm: true } })],
      [
        'it is told to test',
        () => void ask(board, { group: 1, id: 0, write: true, body: { hash: sha256(OLD), confirm: false } }),
      ],
      ['it is told to erase', () => void ask(board, { group: 1, id: 5, write: true, body: { slot: 1 } })],
      ['time passes', () => board.run(9000)],
      ['it is reset', () => board.reboot()],
      ['another package is pushed', () => void upload(board, third.bytes, { until: 9000 })],
    ];
    for (const [what, attempt] of attempts) {
      for (const packet of answersOf(codes.slice(0, 3), 3)) give(board, packet, LINE);
      attempt();
      board.tick(20);
      expect([what, primary(board).equals(there)]).toEqual([what, true]);
    }
  });

  it('of a request before the swap is none of the device behind it: late codes are dropped', () => {
    const { board, one, head, request } = asking();
    const late = answersOf(codesOf(request, one.bytes, head), 32);
    expect(late.length).toBeLessThan(6);
    serve(board, one.bytes, head);
    expect(ends(board, one)).toBe(true);
    knock(board);
    const third = packageOf(3, { image: likeCode(41_000).reverse() });
    expectOk(put(board, NODE.approvals, approvalOf(third.digest, 3)));
    expectOk(order(board, third.digest, 'order-3', LINE));
    board.tick(20);
    give(board, block(third.bytes, 0), LINE);
    board.flash.forget();
    for (const packet of late) give(board, packet, LINE); // nothing is asked for behind the head yet
    expect(board.flash.writes).toEqual([]);
    const served = serve(board, third.bytes, third.head.length, { old: NEW });
    expect(served.named[0]).toEqual(sha256(NEW));
    expect(ends(board, third)).toBe(true);
  });
});

describe('codes that are none', () => {
  const outside = BLOCK_BYTES - OLD.length - 1;
  it.each([
    ['empty', new Uint8Array(0), 512],
    ['of zeros', new Uint8Array(400), 512],
    ['of ones', new Uint8Array(511).fill(0xff), 512],
    ['that reach behind the image', codeOf([{ kind: 'source', away: outside, bytes: 512 }]), 512],
    ['that reach before the image', codeOf([{ kind: 'source', away: 1, bytes: 512 }]), 512],
    ['whose lengths reach behind their end', Uint8Array.of(255, 255, 255), 1536],
    ['whose lengths are missing', new Uint8Array(0), 16_384],
    ['that would give four gigabytes', Uint8Array.of(1, 2, 3), 0xffffffff],
  ])('%s change nothing, and the block is asked for later', (_what, data, len) => {
    const { board, one, head, request } = asking();
    board.flash.forget();
    give(board, answerWith({ len, data }, request.sequence), LINE);
    expect(board.flash.writes).toEqual([]);
    serve(board, one.bytes, head);
    expect(ends(board, one)).toBe(true);
  });

  it.each([
    ['for more blocks than a window has', 0, 17_000],
    ['in more bytes than a block has', 520, 16_384],
  ])('that are good ones, %s, are not looked at', (_what, more, len) => {
    const { board, one, head, request } = asking();
    const good = codesOf(request, one.bytes, head).slice(0, 3);
    const data = Uint8Array.from([...good.flatMap(({ code }) => [code.length, ...code]), ...new Uint8Array(more)]);
    board.flash.forget();
    give(board, answerWith({ len, data }, request.sequence), LINE);
    expect(board.flash.writes).toEqual([]);
    give(board, answerWith({ len: 16_384, data: data.slice(0, 500) }, request.sequence), LINE);
    expect(board.flash.writes.length).toBeGreaterThan(0);
    serve(board, one.bytes, head);
    expect(ends(board, one)).toBe(true);
  });

  it('are none of a block that says its offset, however long it says that the file is', () => {
    const { board, one, head, request } = asking();
    board.flash.forget();
    give(board, block(one.bytes, request.off, { len: 1024 }), LINE);
    expect(board.flash.writes.length).toBeGreaterThan(0);
    serve(board, one.bytes, head);
    expect(ends(board, one)).toBe(true);
  });

  it('among others cost their own blocks alone', () => {
    const { board, one, head, request } = asking();
    const codes = codesOf(request, one.bytes, head).slice(0, 6);
    codes[2] = { ...codes[2]!, code: Uint8Array.of(0xff, 0xff, 0xff, 0xff, 0xff, 0xff) };
    give(board, joined(codes), LINE);
    const again: Asked[] = [];
    for (let at = 0; at < 4000 && again.length === 0; at += 20) {
      board.tick(20);
      again.push(...(wanted(board, LINE) as Asked[]));
    }
    const missing = again[0]!.want!;
    const first = (again[0]!.off - request.off) / BLOCK_BYTES;
    expect([2, 3, 4, 5].map((n) => (missing >>> (n - first)) & 1)).toEqual([1, 0, 0, 0]);
    serve(board, one.bytes, head);
    expect(ends(board, one)).toBe(true);
  });

  it('of any kind write nothing but the slot that is downloaded to, and the device still updates', () => {
    let rolled = 1;
    const roll = (below: number) => {
      rolled = (Math.imul(rolled, 1664525) + 1013904223) >>> 0;
      return Math.floor((rolled / 2 ** 32) * below);
    };
    const { board, one, head, request } = asking();
    const there = primary(board);
    const good = answersOf(codesOf(request, one.bytes, head), 32);
    let asked: Asked = request;
    let written = 0;
    for (let n = 0; n < 4000; n++) {
      const data =
        roll(2) === 0
          ? Uint8Array.from({ length: roll(513) }, () => roll(256))
          : Uint8Array.from(
              codesOf({ ...asked, want: 1 << roll(32) }, one.bytes, head).flatMap(({ code }) => [...code]),
            );
      for (let flips = roll(3); flips > 0 && data.length; flips--) data[roll(data.length)]! ^= 1 << roll(8);
      board.flash.forget();
      give(
        board,
        answerWith({ len: roll(4) ? 512 * (1 + roll(34)) : roll(0x7fffffff), data }, asked.sequence + roll(36) - 2),
        LINE,
      );
      written += board.flash.writes.length;
      if (n % 40 === 0) {
        board.tick(100);
        asked = (wanted(board, LINE) as Asked[]).at(-1) ?? asked;
      }
      if (state(board) !== 30) break;
    }
    expect(good.length).toBeGreaterThan(0);
    expect(written).toBeGreaterThan(0);
    expect(primary(board).equals(there)).toBe(true);
    board.run(200_000);
    if (board.running !== 'agent') knock(board);
    expect(runs(board, older())).toBe(true);
    for (let tries = 2; tries < 5 && !runs(board, one); tries++) {
      if (state(board) !== 30) order(board, one.digest, `order-${tries}`, LINE);
      serve(board, one.bytes, head, {});
      board.settle();
      if (board.running !== 'agent' && !runs(board, one)) knock(board);
    }
    expect(runs(board, one)).toBe(true);
  });
});

describe('an agent without the ability', () => {
  it('names no image, and takes no codes against one', () => {
    const board = bench();
    const one = newer();
    expectOk(put(board, NODE.bootstrap, bootstrapDocument()));
    install(board, older(), 1);
    knock(board);
    expectOk(put(board, NODE.approvals, approvalOf(one.digest, 2)));
    expectOk(order(board, one.digest, 'order-1', LINE));
    const { named } = serve(board, one.bytes, one.head.length);
    expect([...new Set(named)]).toEqual([undefined]);
    expect(ends(board, one)).toBe(true);
    knock(board);
    expect(rc(alert(board))).toBe(undefined);
  });
});
