// Cobs framing on the serial console of build/agent.wasm: as a foreign client speaks it (../vectors/smp/SOURCE), beside
// console framing and what a person types, and when the line damages it.
import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import {
  exec,
  expectOk,
  imageOf,
  NODE,
  packageOf,
  provisionedBoard,
  question,
  upload,
} from '../support/agent-world.js';
import { type Board, bench, benchFlash } from '../support/bench-hal.js';
import { answersTo, approvedBoard, block, order, type Wanted } from '../support/blocks.js';
import { cobs, frame, packet, response, uncobs, unframe } from '../support/smp.js';

interface Vector {
  name: string;
  packet: string;
  frame: string;
}
const vectors: Vector[] = JSON.parse(readFileSync('tests/vectors/smp/cobs.json', 'utf8')).vectors;
const bytes = (hex: string) => Uint8Array.from(Buffer.from(hex, 'hex'));
const isRequest = (content: Uint8Array) => (content[0]! & 7) % 2 === 0;
const echo = (text: string, sequence = 1) => packet({ group: 0, id: 0, write: true, body: { d: text }, sequence });
/** What was said to each request, all of it in cobs framing. */
const answers = (board: Board) => uncobs(board.takeSent()).map((each) => response(each).body);

function hears(board: Board, ...pieces: Uint8Array[]): void {
  for (const piece of pieces) board.receive(0, piece);
}

describe('cobs frames', () => {
  it('every vector, whole, byte by byte and split at some, is answered in cobs framing', () => {
    const flash = benchFlash();
    for (const { name, packet: content, frame: stream } of vectors) {
      const whole = bytes(stream);
      expect(Buffer.from(cobs(bytes(content))).toString('hex'), name).toBe(stream);
      const pieces = [[whole], Array.from(whole, (byte) => Uint8Array.of(byte))];
      for (let at = 1; at < whole.length; at += 7) pieces.push([whole.subarray(0, at), whole.subarray(at)]);
      for (const road of pieces) {
        const board = bench(flash);
        hears(board, ...road);
        const got = uncobs(board.takeSent());
        expect(got.length, name).toBe(isRequest(bytes(content)) ? 1 : 0);
        if (got[0]) expect(Buffer.from(got[0].slice(4, 8)).toString('hex'), name).toBe(content.slice(8, 16));
      }
    }
  });

  it('answers of every length come back as they were asked', () => {
    const board = bench();
    for (let length = 0; length < 618; length++) {
      const text = 'x'.repeat(length);
      board.receive(0, cobs(echo(text)));
      expect(answers(board)).toEqual([{ r: text }]);
    }
  });

  it('each request is answered in its own framing', () => {
    const board = bench();
    for (const framed of [cobs, frame, cobs, cobs, frame]) {
      board.receive(0, framed(echo('hello')));
      const sent = board.takeSent();
      const got = framed === cobs ? uncobs(sent) : unframe(sent).packets;
      expect(got.map((each) => response(each).body)).toEqual([{ r: 'hello' }]);
    }
  });

  it('what is sent unasked goes in the framing heard last, until a reset', () => {
    const { board, one } = approvedBoard();
    expectOk(order(board, one.digest, 'order-1', 0));
    const request = (packets: Uint8Array[]) => packets.map(([, , , , , group, , id]) => [group, id]).slice(0, 1);
    board.tick(50);
    board.receive(0, cobs(block(one.bytes, 0)));
    board.takeSent();
    board.run(200); // all pages are erased
    const sent = uncobs(withoutText(board));
    expect(request(sent)).toEqual([[64, 7]]);
    const wanted = { ...response(sent[0]!).body, sequence: sent[0]![6]! } as unknown as Wanted;
    for (const { packet } of answersTo(wanted, one.bytes)) board.receive(0, cobs(packet));
    board.takeSent();
    board.reboot();
    board.run(900);
    expect(request(unframe(board.takeSent()).packets)).toEqual([[64, 7]]);
  });
});

/** What the board sent in frames, without the lines for people. */
const withoutText = (board: Board) =>
  Buffer.from(
    Buffer.from(board.takeSent())
      .toString('latin1')
      .replace(/state \d+, reason \d+\r\n/g, ''),
    'latin1',
  );

describe('a cobs frame that is damaged', () => {
  const good = cobs(echo('hello'));
  const heard = (board: Board) => answers(board).filter(({ r }) => r === 'hello').length;

  it('costs itself: the next one is answered, whatever bit was flipped or byte lost', () => {
    const board = bench();
    const bad = cobs(echo('x'.repeat(300), 9));
    for (let at = 0; at < bad.length - 1; at++) {
      for (const wrong of [0, bad[at]! ^ (1 << (at & 7)), 255]) {
        hears(board, bad.subarray(0, at), Uint8Array.of(wrong), bad.subarray(at + 1), good);
        expect(heard(board), `byte ${at} is ${wrong}`).toBe(1);
      }
      hears(board, bad.subarray(0, at), bad.subarray(at + 1), good);
      expect(heard(board), `without byte ${at}`).toBe(1);
    }
  });

  it('or has lost its end', () => {
    const board = bench();
    hears(board, good.subarray(0, -1), good);
    expect(heard(board)).toBe(1);
  });

  it('is over when the line was silent for a while, for frames of the other framing and for what is typed', () => {
    for (let at = 1; at < good.length; at++) {
      const board = bench();
      board.receive(0, good.subarray(0, at));
      for (let n = 0; n < 20; n++) board.tick(100);
      board.receive(0, frame(echo('hello')));
      expect(unframe(board.takeSent()).packets.length, `after ${at} bytes`).toBe(1);
    }
  });

  it('is not over because the board was busy', () => {
    const board = bench();
    board.receive(0, good.subarray(0, 9));
    board.tick(60_000);
    board.receive(0, good.subarray(9));
    expect(heard(board)).toBe(1);
  });
});

describe('what is typed', () => {
  function asked(): Board {
    const board = provisionedBoard({ unapproved: 1, channels: 7 });
    expectOk(upload(board, packageOf(1, { image: imageOf(3000, 4) }).bytes));
    expectOk(exec(board, NODE.update, 'order'));
    board.run(100);
    expect(question(board).pending).toBe(true);
    return board;
  }

  it('counts between cobs frames, and so does a line that such a frame stands in', () => {
    for (const pieces of [['yes\r\n'], ['y', 'es\r', '\n'], ['ye', 's\n']]) {
      const board = asked();
      for (const piece of pieces) hears(board, cobs(echo('hello')), Buffer.from(piece));
      expect(question(board).pending, pieces.join('|')).toBe(false);
    }
  });

  it('counts a moment after a frame that broke off', () => {
    const board = asked();
    board.receive(0, cobs(echo('hello')).subarray(0, 12));
    for (let n = 0; n < 20; n++) board.tick(100);
    board.receive(0, Buffer.from('yes\r\n'));
    expect(question(board).pending).toBe(false);
  });

  // What a frame carries may be anybody's: an image that holds an answer, on a line that flips a bit.
  it.each([12, 24])('is never what a frame carried, however the line damages it (%i answers)', (times) => {
    const board = asked();
    const data = Buffer.from('\nyes\r\n\x06a\nyes\n\x02b\nyes\n'.repeat(times));
    const bad = cobs(packet({ group: 1, id: 1, write: true, body: { off: 1, data }, sequence: 10 }));
    const next = Buffer.concat([Buffer.of(0), cobs(echo('hello'))]);
    for (let at = 0; at < bad.length; at++) {
      for (const wrong of [0, 1, 2, 10, 255, ...Array.from({ length: 8 }, (_, bit) => bad[at]! ^ (1 << bit))])
        hears(board, bad.subarray(0, at), Uint8Array.of(wrong), bad.subarray(at + 1), next);
      hears(board, bad.subarray(0, at), bad.subarray(at + 1), next);
      expect(question(board).pending, `byte ${at}`).toBe(true);
    }
  });
});
