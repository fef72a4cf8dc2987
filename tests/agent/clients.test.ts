// What the agent owes clients that nobody here wrote: smpclient and mcumgr-web read these answers.
import { describe, expect, it } from 'vitest';
import {
  approvalOf,
  expectOk,
  failed,
  imageOf,
  NODE,
  packageOf,
  press,
  provisionedBoard,
  put,
  state,
  stranger,
  upload,
} from '../support/agent-world.js';
import type { Board } from '../support/bench-hal.js';
import { ask, type Body, packet, response, unframe } from '../support/smp.js';

const VERSIONS = [0, 1] as const;

/** The one answer to a first packet that brings the whole of a small file. */
const offer = (board: Board, file: Uint8Array, version: 0 | 1): Body => {
  let off = 0;
  for (;;) {
    const first = off === 0 ? { len: file.length } : {};
    const body = { ...first, off, data: file.slice(off, off + 500) };
    const answer = ask(board, { group: 1, id: 1, write: true, body, version });
    if (answer.off === undefined || answer.off === file.length) return answer;
    off = answer.off as number;
  }
};

describe('a request without a body', () => {
  it.each([
    ['image state', { group: 1, id: 0 }, { images: [] }],
    ['parameters', { group: 0, id: 6 }, { buf_size: 640, buf_count: 1 }],
    ['reset', { group: 0, id: 5, write: true }, {}],
    ['erase', { group: 1, id: 5, write: true }, {}],
    ['our alert', { group: 64, id: 6 }, { n: 0 }],
  ])('%s is as one with an empty map', (_, request, answer) => {
    for (const version of VERSIONS) {
      for (const link of [0, 1]) {
        expect(ask(provisionedBoard(), { ...request, version, body: 'none' }, link)).toEqual(answer);
      }
    }
  });
  it('that wants one gets the answer of its group', () => {
    const board = provisionedBoard();
    expect(ask(board, { group: 1, id: 1, write: true, body: 'none' })).toEqual({ err: { group: 1, rc: 20 } });
    expect(ask(board, { group: 0, id: 0, write: true, body: 'none' })).toEqual({ rc: 3 });
  });
});

describe('a refusal is told in the terms of the group that was asked', () => {
  it.each(VERSIONS)('version %i: a package', (version) => {
    const board = provisionedBoard();
    const wanted = packageOf(1, { image: imageOf(600) });
    expect(offer(board, wanted.bytes, version)).toEqual({ rc: 11, rsn: 'not approved (80)' });
    const others = packageOf(1, { signers: [stranger] }).bytes;
    expect(offer(board, others, version)).toEqual({ rc: 11, rsn: 'refused (48)' });
    expect(offer(board, Uint8Array.of(1, 2, 3), version)).toMatchObject({ rc: 11, rsn: /^refused \(\d+\)$/ });
    expectOk(put(board, NODE.approvals, approvalOf(wanted.digest, 1, 2)));
    expect(offer(board, wanted.bytes, version)).toEqual({ rc: 11, rsn: 'not approved (84)' });
  });

  it.each(VERSIONS)('version %i: a download that waits for its user', (version) => {
    const board = provisionedBoard({ unapproved: 1, askBeforeDownload: 1 });
    expect(offer(board, packageOf(1).bytes, version)).toEqual({ rc: 11, rsn: 'waits for user (120)' });
  });

  it.each(VERSIONS)('version %i: an installation that is refused by then', (version) => {
    const board = provisionedBoard();
    const wanted = packageOf(1, { image: imageOf(600) });
    expectOk(put(board, NODE.approvals, approvalOf(wanted.digest)));
    expectOk(upload(board, wanted.bytes));
    expectOk(put(board, NODE.approvals, approvalOf(wanted.digest, 2, 2)));
    const body = { hash: wanted.digest, confirm: true };
    const answer = ask(board, { group: 1, id: 0, write: true, body, version });
    expect(answer).toEqual({ rc: 11, rsn: expect.stringMatching(/^(not approved|refused) \(\d+\)$/) });
  });

  it('our own group keeps its form', () => {
    const body = { uri: './nowhere' };
    expect(ask(provisionedBoard(), { group: 64, id: 0, body })).toEqual({ err: { group: 64, rc: 141 } });
    expect(ask(provisionedBoard(), { group: 64, id: 0, body, version: 0 })).toEqual({ rc: 141 });
  });
});

describe('a chunk is taken whole', () => {
  const wanted = packageOf(1, { image: imageOf(3000) });
  const ready = (policy = {}) => {
    const board = provisionedBoard(policy);
    expectOk(put(board, NODE.approvals, approvalOf(wanted.digest)));
    return board;
  };

  it.each([64, 128, 129, 400, 512, 560])('of %i bytes, wherever the head ends in it', (piece) => {
    const board = ready();
    const taken: number[] = [];
    expectOk(upload(board, wanted.bytes, { piece, acked: (off) => taken.push(off) }));
    const sent = Array.from(taken, (_, chunk) => Math.min((chunk + 1) * piece, wanted.bytes.length));
    expect(taken).toEqual(sent);
    expect(state(board)).toBe(50);
  });

  it('and so each of the eight that are under way at once (mcumgr-web) is the one that is wanted', () => {
    const board = ready();
    const piece = 400;
    const offsets: unknown[] = [];
    for (let off = 0; off < wanted.bytes.length; off += piece) {
      const first = off === 0 ? { len: wanted.bytes.length } : {};
      const body = { ...first, off, data: wanted.bytes.slice(off, off + piece) };
      board.receive(1, packet({ group: 1, id: 1, write: true, body, version: 0, sequence: off / piece }));
      offsets.push(response(board.takeSent(1)).body.off);
    }
    expect(offsets.at(-1)).toBe(wanted.bytes.length);
    expect(state(board)).toBe(50);
  });

  it('also the one that is judged again after the user said yes', () => {
    const board = provisionedBoard({ unapproved: 1, askBeforeDownload: 1, channels: 3 });
    const file = packageOf(1, { image: imageOf(3000) }).bytes;
    expect(failed(upload(board, file))).toEqual({ group: 64, rc: 120 });
    press(board, 1);
    const taken: number[] = [];
    expectOk(upload(board, file, { acked: (off) => taken.push(off) }));
    expect(taken.slice(2)).toEqual(taken.slice(1, -1).map((off) => Math.min(off + 480, file.length)));
  });

  it('on the console as well, where what came behind it in the same piece is lost', () => {
    const board = ready();
    const taken: number[] = [];
    expectOk(upload(board, wanted.bytes, { link: 0, acked: (off) => taken.push(off) }));
    expect(taken).toEqual(taken.map((_, chunk) => Math.min((chunk + 1) * 480, wanted.bytes.length)));
    expect(unframe(board.takeSent(0)).packets).toEqual([]);
  });
});
