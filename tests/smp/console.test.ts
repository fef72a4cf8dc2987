// Console framing against the vectors, in every splitting, and what stands between the frames.

import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { CONSOLE_START, type ConsoleItem, crc16, decodeConsole, encodeConsole } from '../../host/smp/console.js';

interface Vector {
  name: string;
  packet: string;
  crc: string;
  framed_body: string;
  frames_hex: string[];
}
const file = new URL('../vectors/smp/serial.json', import.meta.url);
const vectors = (JSON.parse(readFileSync(file, 'utf8')) as { vectors: Vector[] }).vectors;

const hex = (bytes: Uint8Array): string => Buffer.from(bytes).toString('hex');
const bytes = (text: string): Uint8Array => Uint8Array.from(Buffer.from(text, 'hex'));
const latin = (text: string): Uint8Array => Uint8Array.from(Buffer.from(text, 'latin1'));

function decodeAll(chunks: Uint8Array[]): ConsoleItem[] {
  let rest = CONSOLE_START;
  return chunks.flatMap((chunk) => {
    const [items, next] = decodeConsole(rest, chunk);
    rest = next;
    return items;
  });
}

// What arrived, as one readable line: packets by their bytes, text in quotes, neighbours of text joined.
function told(items: ConsoleItem[]): string {
  return items
    .map((item) =>
      item.kind === 'packet'
        ? `<${hex(item.bytes)}>`
        : item.kind === 'text'
          ? Buffer.from(item.bytes).toString('latin1')
          : `!${item.why}!`,
    )
    .join('');
}

const one = (packet: string): Uint8Array => Uint8Array.from(Buffer.concat(encodeConsole(bytes(packet))));
const ECHO = '0a00000900004200a161646568656c6c6f';

describe('vectors', () => {
  it('there are some', () => expect(vectors.length).toBeGreaterThan(10));

  it('the checksum has its check value', () => expect(crc16(latin('123456789'))).toBe(0x31c3));

  for (const vector of vectors) {
    it(`${vector.name}: encodes to the same frames`, () => {
      expect(encodeConsole(bytes(vector.packet)).map(hex)).toEqual(vector.frames_hex);
    });

    it(`${vector.name}: decodes whole, split at every byte, and byte by byte`, () => {
      const stream = bytes(vector.frames_hex.join(''));
      const wanted = `<${vector.packet}>`;
      expect(told(decodeAll([stream]))).toBe(wanted);
      for (let at = 1; at < stream.length; at++) {
        expect(told(decodeAll([stream.subarray(0, at), stream.subarray(at)]))).toBe(wanted);
      }
      expect(told(decodeAll([...stream].map((byte) => Uint8Array.of(byte))))).toBe(wanted);
    });

    it(`${vector.name}: any other split into frames is the same packet`, () => {
      const body = Buffer.from(vector.framed_body, 'hex');
      for (let raw = 3; raw <= 93; raw += 3) {
        const lines: string[] = [];
        for (let at = 0; at < body.length; at += raw) {
          lines.push((at ? '\x04\x14' : '\x06\x09') + body.subarray(at, at + raw).toString('base64'));
        }
        expect(told(decodeAll([latin(`${lines.join('\r\n')}\n`)]))).toBe(`<${vector.packet}>`);
      }
    });
  }

  it('every flipped bit of a frame is seen', () => {
    const frame = one(ECHO);
    for (let bit = 0; bit < frame.length * 8; bit++) {
      const bad = Uint8Array.from(frame);
      bad[bit >> 3]! ^= 1 << (bit & 7);
      const packets = decodeAll([bad, latin('\n')]).filter((item) => item.kind === 'packet');
      expect(packets, `bit ${bit}`).toEqual([]);
    }
  });
});

describe('a line shared with text', () => {
  const frame = Buffer.from(one(ECHO)).toString('latin1');
  const long = Buffer.from(one(vectors.find((vector) => vector.frames_hex.length > 1)!.packet)).toString('latin1');
  const longPacket = vectors.find((vector) => vector.frames_hex.length > 1)!.packet;
  const [firstLine, secondLine] = long.split(/(?<=\n)/) as [string, string];

  const cases: [description: string, stream: string, told: string][] = [
    ['text around a frame keeps its place', `boot ok\n${frame}> `, `boot ok\n<${ECHO}>> `],
    ['text without a newline before a frame', `login: ${frame}`, `login: <${ECHO}>`],
    ['log text between the frames of one packet', `${firstLine}[tick]\n${secondLine}`, `[tick]\n<${longPacket}>`],
    ['a marker with no frame behind it is text', '\x06\x09 hello\n', '\x06\x09 hello\n'],
    ['a frame longer than 127 bytes is text', `\x06\x09${'A'.repeat(130)}\n`, `\x06\x09${'A'.repeat(130)}\n`],
    ['a continuation of nothing', secondLine, '!a frame goes on with a packet that was not opened!'],
    ['a new packet ends one left open', `${firstLine}${frame}`, `!a new packet began before this one ended!<${ECHO}>`],
    ['frames back to back', frame + frame, `<${ECHO}><${ECHO}>`],
    [
      'a frame that lost its newline, then a whole one',
      `${frame.slice(0, -1)}${frame}`,
      `${frame.slice(0, -1)}<${ECHO}>`,
    ],
    ['more bytes than the length says', '\x06\x09AAIAAAAA\n', '!4 bytes where the length field says 2!'],
    ['a length too short for a checksum', '\x06\x09AAEA\n', '!1 bytes where the length field says 1!'],
    ['base64 with a hole', '\x06\x09AB=KAAAJ\n', '!not base64!'],
  ];

  it.each(cases)('%s', (_, stream, wanted) => {
    expect(told(decodeAll([latin(stream)]))).toBe(wanted);
    expect(told(decodeAll([...latin(stream)].map((byte) => Uint8Array.of(byte))))).toBe(wanted);
  });

  it('hands text on at once, and keeps only what may become a frame', () => {
    expect(told(decodeConsole(CONSOLE_START, latin('password: '))[0])).toBe('password: ');
    const [items, rest] = decodeConsole(CONSOLE_START, latin('abc\x06'));
    expect(told(items)).toBe('abc');
    expect(hex(rest.line)).toBe('06');
  });
});
