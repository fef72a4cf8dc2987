// Codes against the image that runs that nobody should send, to the agent that takes such codes, and to the one that does not.

import { describe, expect, it } from 'vitest';
import {
  alert,
  approvalOf,
  bootstrapDocument,
  exec,
  expectOk,
  install,
  knock,
  NODE,
  put,
  rc,
  runs,
  state,
  upload,
} from '../support/agent-world.js';
import { bench, benchFlash } from '../support/bench-hal.js';
import { answerWith, BLOCK_BYTES, block, give, order, wanted } from '../support/blocks.js';
import { ask } from '../support/smp.js';
import {
  type Asked,
  answersOf,
  asking,
  codeOf,
  codesOf,
  ends,
  joined,
  LINE,
  module,
  newer,
  OLD,
  older,
  primary,
  serve,
} from './world.js';

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

  it.each([LINE, 1])(
    'against an image that nobody has looked at yet read nothing: less was offered than has come, link %d',
    (link) => {
      const board = bench(benchFlash(), { module });
      const one = newer();
      expectOk(put(board, NODE.bootstrap, bootstrapDocument()));
      install(board, older(), 1);
      knock(board);
      expectOk(put(board, NODE.approvals, approvalOf(one.digest, 2)));
      expectOk(upload(board, one.bytes, { until: one.head.length + 1024, link }));
      expectOk(ask(board, { group: 64, id: 7, write: true, body: { hash: one.digest, len: 512 } }, link));
      board.tick(20);
      const [request] = wanted(board, link);
      expect(request).toMatchObject({ off: 512, len: 0 });
      // The bench throws where what is read is in no region.
      const far = codeOf([{ kind: 'source', away: -0x40000000, bytes: 512 }]);
      give(board, answerWith({ len: 512, data: far }, request!.sequence - 1), link);
      expectOk(upload(board, one.bytes, { from: one.head.length + 1024, link }));
      expectOk(exec(board, NODE.update));
      expect(ends(board, one)).toBe(true);
    },
  );

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
