// The serial console of build/agent.wasm: frames among text, whole or in pieces, never confused.
import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { bench, benchFlash } from '../support/bench-hal.js';
import { frame, packet, response, unframe } from '../support/smp.js';

interface Vector {
  name: string;
  packet: string;
  frames_hex: string[];
}
const vectors: Vector[] = JSON.parse(readFileSync('tests/vectors/smp/serial.json', 'utf8')).vectors;
const bytes = (hex: string) => Uint8Array.from(Buffer.from(hex, 'hex'));
const isRequest = (content: Uint8Array) => (content[0]! & 7) % 2 === 0 && content[0]! >> 3 < 2;
const echo = (text: string, sequence = 1) => packet({ group: 0, id: 0, write: true, body: { d: text }, sequence });
const answers = (board: ReturnType<typeof bench>) => unframe(board.takeSent()).packets.map(response);

describe('console frames', () => {
  it('every vector, whole, split at every byte, one byte at a time', () => {
    let cases = 0;
    const flash = benchFlash();
    for (const { name, packet: content, frames_hex } of vectors) {
      const stream = bytes(frames_hex.join(''));
      const wanted = isRequest(bytes(content)) ? 1 : 0;
      const pieces = [[stream], Array.from(stream, (byte) => Uint8Array.of(byte))];
      for (let at = 1; at < stream.length; at++) pieces.push([stream.subarray(0, at), stream.subarray(at)]);
      for (const road of pieces) {
        const board = bench(flash);
        for (const piece of road) board.receive(0, piece);
        const got = answers(board);
        expect(got.length, name).toBe(wanted);
        if (wanted) expect(Buffer.from(got[0]!.header.slice(4)).toString('hex'), name).toBe(content.slice(8, 16));
        cases++;
      }
    }
    console.log(`smp vectors: ${vectors.length} frames, ${cases} ways of arriving`);
  });

  it('log text, half frames and garbage around a frame change nothing', () => {
    const board = bench();
    const good = frame(echo('hello'));
    const noise = [
      Buffer.from('I: uart 6 9 ready\r\n'),
      good.slice(0, 17),
      Buffer.from([6, 6, 9, 10, 4, 0x14, 10, 6, 4, 9, 0x14, 255, 0]),
      Buffer.from('\x06\x09AB=C\n\x04\x14QUJD\n'),
    ];
    for (const piece of noise) {
      board.receive(0, piece);
      board.receive(0, good);
      expect(answers(board).map((answer) => answer.body)).toEqual([{ r: 'hello' }]);
    }
  });

  it('takes lines split anywhere', () => {
    for (let raw = 1; raw < 120; raw++) {
      const board = bench();
      board.receive(0, frame(echo('x'.repeat(200)), raw));
      expect(answers(board).length, `${raw} bytes a line`).toBe(1);
    }
  });
});
