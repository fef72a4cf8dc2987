// A damaged request is answered by a number or by silence, and leaves the device as it was: every cut and every flipped
// bit of one SMP packet on a packet link (which has no checksum), and of one frame on the console.
import { decode } from 'cborg';
import { describe, expect, it } from 'vitest';
import { approvalOf, expectOk, failed, NODE, packageOf, provisionedBoard, put } from '../support/agent-world.js';
import { type Board, bench } from '../support/bench-hal.js';
import { flipBit, sha256 } from '../support/make.js';
import { type Body, frame, packet, unframe } from '../support/smp.js';

const wanted = packageOf(1);
// The first packet of an upload: the richest request there is.
const request = packet({
  group: 1,
  id: 1,
  write: true,
  body: { image: 0, len: wanted.bytes.length, off: 0, sha: sha256(wanted.bytes), data: wanted.bytes.slice(0, 100) },
});

const answers = (board: Board, link: number): Body[] => {
  const sent = board.takeSent(link);
  const packets = link === 0 ? unframe(sent).packets : sent.length > 0 ? [sent] : [];
  return packets.map((answer) => {
    expect(answer.length - 8).toBe((answer[2]! << 8) | answer[3]!);
    return decode(answer.subarray(8)) as Body;
  });
};

describe('one damaged request', () => {
  it('cut short at every byte, on a packet link and on the console', () => {
    const board = provisionedBoard();
    const line = frame(request);
    let cases = 0;
    board.flash.forget();
    for (let length = 0; length < request.length; length++) {
      board.receive(1, request.slice(0, length));
      for (const answer of answers(board, 1)) expect(failed(answer)).toBeDefined();
      cases++;
    }
    for (let length = 0; length < line.length; length++) {
      board.receive(0, line.slice(0, length));
      expect(answers(board, 0)).toEqual([]);
      cases++;
    }
    expect([board.flash.erases, board.flash.writes]).toEqual([[], []]);
    board.receive(0, line);
    expect(answers(board, 0).length).toBe(1);
    console.log(`damaged requests: ${cases} cuts`);
  });

  it('with any one bit flipped, on the console: silence', () => {
    const board = provisionedBoard();
    const line = frame(request);
    const good = frame(packet({ group: 0, id: 0, write: true, body: { d: 'x' } }));
    board.flash.forget();
    for (let bit = 0; bit < line.length * 8; bit++) {
      board.receive(0, flipBit(line, bit));
      const heard = answers(board, 0);
      // The last byte is the line's end; without it the frame waits for the next one.
      expect(heard).toEqual([]);
      board.receive(0, good);
      expect(answers(board, 0)).toEqual([{ r: 'x' }]);
    }
    expect([board.flash.erases, board.flash.writes]).toEqual([[], []]);
    console.log(`damaged requests: ${line.length * 8} flipped bits on the console`);
  });

  it('with any one bit flipped, on a packet link: a number, silence, or another request; no flash operation', () => {
    const board = provisionedBoard();
    expectOk(put(board, NODE.approvals, approvalOf(wanted.digest)));
    board.flash.forget();
    let numbers = 0;
    let silences = 0;
    let others = 0;
    for (let bit = 0; bit < request.length * 8; bit++) {
      board.receive(1, flipBit(request, bit));
      const [answer] = answers(board, 1);
      if (!answer) silences++;
      else if (failed(answer)) numbers++;
      else others++;
      // Data of an upload is not judged before its head is whole: what this packet began is begun anew by the next.
    }
    expect([board.flash.erases, board.flash.writes]).toEqual([[], []]);
    expect(silences).toBeGreaterThan(0);
    expect(numbers).toBeGreaterThan(0);
    console.log(
      `damaged requests: ${request.length * 8} flipped bits on a packet link: ${numbers} numbers, ` +
        `${silences} silences, ${others} taken as another request or as data to be judged later`,
    );
  });
});

describe('errors', () => {
  const ask = (version: 0 | 1, group: number, id: number, write: boolean, body: Body) => {
    const board = bench();
    board.receive(1, packet({ group, id, write, body, version }));
    return answers(board, 1)[0]!;
  };
  it.each([
    ['unknown command', 0, 99, true, {}, { rc: 8 }, { rc: 8 }],
    ['unknown group', 77, 0, true, {}, { rc: 8 }, { rc: 8 }],
    ['read of a write command', 1, 1, false, {}, { rc: 8 }, { rc: 8 }],
    ['our reasons', 64, 0, false, { uri: './nowhere' }, { rc: 141 }, { err: { group: 64, rc: 141 } }],
    ['image: a hash nobody has', 1, 0, true, { hash: Buffer.alloc(32) }, { rc: 1 }, { err: { group: 1, rc: 8 } }],
    ['image: a short hash', 1, 0, true, { hash: Buffer.alloc(3) }, { rc: 3 }, { err: { group: 1, rc: 24 } }],
    ['image: no offset', 1, 1, true, { data: Buffer.alloc(3) }, { rc: 3 }, { err: { group: 1, rc: 20 } }],
    ['information: a letter nobody knows', 0, 7, false, { format: 'q' }, { rc: 2 }, { err: { group: 0, rc: 2 } }],
  ] as const)('%s', (_name, group, id, write, body, first, second) => {
    expect(ask(0, group, id, write, body)).toEqual(first);
    expect(ask(1, group, id, write, body)).toEqual(second);
  });

  it('a put, a delete or an exec that a node does not offer', () => {
    const board = provisionedBoard();
    const refused = (id: number, body: Body) => {
      board.receive(1, packet({ group: 64, id, write: true, body }));
      return failed(answers(board, 1)[0]!)?.rc;
    };
    expect(refused(1, { uri: './FUMO/1/State', off: 0, len: 1, data: Buffer.alloc(1) })).toBe(142);
    expect(refused(2, { uri: NODE.approvals })).toBe(142);
    expect(refused(2, { uri: NODE.bootstrap })).toBe(142);
    expect(refused(3, { uri: './FUMO/1/State' })).toBe(142);
    expect(refused(1, { uri: NODE.approvals, off: 0, len: 5000, data: Buffer.alloc(1) })).toBe(144);
    expect(refused(1, { uri: NODE.approvals, off: 9, data: Buffer.alloc(1) })).toBe(145);
  });
});
