// Cobs framing against the vectors, in every splitting; what stands between the frames; and what damage costs.

import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { type CobsItem, decodeCobs, encodeCobs, resyncCobs } from '../../host/smp/cobs.js';

interface Vector {
  name: string;
  packet: string;
  frame: string;
}
const file = new URL('../vectors/smp/cobs.json', import.meta.url);
const vectors = (JSON.parse(readFileSync(file, 'utf8')) as { vectors: Vector[] }).vectors;

const hex = (bytes: Uint8Array): string => Buffer.from(bytes).toString('hex');
const bytes = (text: string): Uint8Array => Uint8Array.from(Buffer.from(text, 'hex'));
const latin = (text: string): Uint8Array => Uint8Array.from(Buffer.from(text, 'latin1'));

function decodeAll(chunks: Uint8Array[]): [CobsItem[], Uint8Array] {
  let rest: Uint8Array = new Uint8Array();
  const items = chunks.flatMap((chunk) => {
    const [found, next] = decodeCobs(rest, chunk);
    rest = next;
    return found;
  });
  return [items, rest];
}

// What arrived, as one readable line.
const told = (items: CobsItem[]): string =>
  items
    .map((item) => {
      if (item.kind === 'packet') return `<${hex(item.bytes)}>`;
      return item.kind === 'text' ? Buffer.from(item.bytes).toString('latin1') : `!${item.why}!`;
    })
    .join('');

describe('vectors', () => {
  it('there are some', () => expect(vectors.length).toBeGreaterThan(30));

  for (const { name, packet, frame } of vectors) {
    it(`${name}: encodes to the same frame`, () => {
      expect(hex(encodeCobs(bytes(packet)))).toBe(frame);
    });

    it(`${name}: decodes whole, split at every byte, and byte by byte, between text`, () => {
      const stream = Buffer.concat([latin('boot\r\n'), bytes(frame), latin('$ '), bytes(frame), latin('log\n')]);
      const wanted = `boot\r\n<${packet}>$ <${packet}>log\n`;
      for (let at = 0; at < stream.length; at += 1) {
        const [items, rest] = decodeAll([stream.subarray(0, at), stream.subarray(at)]);
        expect(told(items)).toBe(wanted);
        expect(rest.length).toBe(0);
      }
      expect(told(decodeAll([...stream].map((byte) => Uint8Array.of(byte)))[0])).toBe(wanted);
    });
  }
});

describe('damage', () => {
  const ECHO = '0a00000900004200a161646568656c6c6f';
  const NEXT = '0b00000600014301a1636f66660c';
  const frame = encodeCobs(bytes(ECHO));
  const next = encodeCobs(bytes(NEXT));

  // A packet that was not sent is never heard, and one that was is not lost with the one before.
  const cost = (stream: Uint8Array): void => {
    const [items, rest] = decodeAll([stream]);
    const packets = [...items, ...resyncCobs(rest)]
      .filter(({ kind }) => kind === 'packet')
      .map((item) => hex(item.bytes));
    expect([[NEXT], [ECHO, NEXT]]).toContainEqual(packets);
  };

  it('of one bit costs no more than its frame', () => {
    for (let bit = 0; bit < frame.length * 8; bit++) {
      const damaged = Uint8Array.from(frame);
      damaged[bit >> 3]! ^= 1 << (bit & 7);
      cost(Buffer.concat([damaged, next]));
    }
  });

  it('of a byte that is lost, or comes twice, costs no more than its frame', () => {
    for (let at = 0; at < frame.length; at++) {
      cost(Buffer.concat([frame.subarray(0, at), frame.subarray(at + 1), next]));
      cost(Buffer.concat([frame.subarray(0, at + 1), frame.subarray(at), next]));
    }
  });

  it('of the 00 alone costs nothing', () => {
    expect(told(decodeAll([Buffer.concat([frame.subarray(0, -1), next])])[0])).toBe(`<${ECHO}><${NEXT}>`);
  });

  it('a frame that breaks off is told, and waited for no longer than the line is silent', () => {
    const [items, rest] = decodeAll([frame.subarray(0, -3)]);
    expect(items).toEqual([]);
    expect(
      resyncCobs(rest)
        .map(({ bytes }) => hex(bytes))
        .join(''),
    ).toBe(hex(frame.subarray(0, -3)));
    expect(told(decodeAll([Buffer.concat([frame.subarray(0, -3), Uint8Array.of(0), next])])[0])).toBe(
      `!cobs: the frame broke off!<${NEXT}>`,
    );
  });

  it('what begins like a frame and is none stays text, whole', () => {
    for (const text of ['\x02\x02', '\x02\nyes\n', '\x01\x01\x01\xff', '\x01', 'a\x02b\x01c', '\x02\x0b\x03\x7f\x7f']) {
      const [items, rest] = decodeAll([latin(text)]);
      expect(told([...items, ...resyncCobs(rest)])).toBe(text);
    }
  });
});
