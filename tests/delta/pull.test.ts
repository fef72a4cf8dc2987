// Blocks that come coded against the image that runs, over a line, to the agent with this ability: a whole update of them, with loss,
// resets and power cuts on the way; and the image that they refer to.

import { describe, expect, it } from 'vitest';
import {
  approvalOf,
  bootstrapDocument,
  DENIED,
  exec,
  expectOk,
  knock,
  NODE,
  packageOf,
  put,
  runs,
  state,
  upload,
} from '../support/agent-world.js';
import { bench, benchFlash, MAP } from '../support/bench-hal.js';
import { BLOCK_BYTES, block, give, order } from '../support/blocks.js';
import { PowerCut } from '../support/flash.js';
import { likeCode } from '../support/lz.js';
import { sha256 } from '../support/make.js';
import { ask } from '../support/smp.js';
import {
  answersOf,
  asking,
  codesOf,
  ends,
  type How,
  LINE,
  module,
  NEW,
  newer,
  OLD,
  older,
  ordered,
  primary,
  serve,
} from './world.js';

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
