// The encodings lz and delta: what the host codes, the decoder of the agent (assembly/codec/lz.ts) decodes to the same bytes; and
// what somebody made up, or damaged, is decoded to some bytes or refused, and touches nothing else.

import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { beforeAll, describe, expect, it } from 'vitest';
import { readImage } from '../../host/formats/images/image.js';
import { PIECE_BYTES, putTokens, rangeCoder, type Token } from '../../host/formats/lz.js';
import { codePiece, indexed } from '../../host/formats/lz-parse.js';
import { type LzDecoder, lzDecoder } from '../support/lz.js';

const root = fileURLToPath(new URL('../..', import.meta.url));
const EMPTY = new Uint8Array(0);

/** As the coder made them when the format was fixed: a device in the field decodes no other. */
const VECTORS = { literal: '2e', run: '03d80328', source: 'd2e722', delta: 'c0c1b7b92dae' };

let decoder: LzDecoder;
beforeAll(async () => {
  decoder = await lzDecoder();
}, 60_000);

/** Numbers below `below`, always the same ones. */
function dice(seed: number): (below: number) => number {
  let state = seed;
  return (below) => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return Math.floor((state / 2 ** 32) * below);
  };
}

/** The pieces of an image, coded: with what is so far before them, or with another image. Each one is decoded and compared. */
function coded(image: Uint8Array, { old, window = 16_384 }: { old?: Uint8Array; window?: number } = {}) {
  const pieces: { coded: Uint8Array; from: number; bytes: number; source: Uint8Array; delta: boolean }[] = [];
  let source = indexed(old ?? EMPTY);
  for (let from = 0; from < image.length; from += PIECE_BYTES) {
    if (!old && from % window === 0) source = indexed(image.subarray(0, from));
    const bytes = Math.min(PIECE_BYTES, image.length - from);
    const delta = old !== undefined;
    const piece = {
      coded: codePiece({ data: image.subarray(from, from + bytes), from, source, delta }),
      from,
      bytes,
      source: source.bytes,
      delta,
    };
    expect(decoder.decode(piece)).toEqual(image.slice(from, from + bytes));
    pieces.push(piece);
  }
  return { pieces, bytes: pieces.reduce((sum, piece) => sum + Math.min(piece.coded.length, piece.bytes), 0) };
}

const appOf = async (version: string) => {
  const name = `app-${version}.hex`;
  return (await readImage(readFileSync(`${root}boards/microbit/app/${name}`), name)).bytes as Uint8Array;
};

/** Something like firmware, of so many bytes: words of a few forms, tables and fills. */
function firmware(bytes: number, seed: number): Uint8Array {
  const roll = dice(seed);
  const image = new Uint8Array(bytes);
  for (let at = 0; at < bytes; ) {
    const kind = roll(8);
    if (kind === 0) at += roll(64);
    else if (kind < 3 && at > 64) {
      const length = 2 * (1 + roll(20));
      image.set(image.slice(at - 64, at - 64 + Math.min(length, bytes - at)), at);
      at += length;
    } else {
      image[at] = roll(16) * 8;
      if (at + 1 < bytes) image[at + 1] = [0x46, 0x68, 0x60, 0xf0, 0xd1][roll(5)]!;
      at += 2;
    }
  }
  return image;
}

describe('known pieces', () => {
  const written = (tokens: Token[], bytes: number, delta = false) => {
    const { bit, finish } = rangeCoder();
    putTokens(bit, tokens, bytes, delta);
    return finish();
  };
  const hex = (bytes: Uint8Array) => Buffer.from(bytes).toString('hex');
  const source = Uint8Array.from({ length: 600 }, (_, i) => i);

  it.each<[string, Token[], number, boolean, string, string]>([
    ['a literal', [{ kind: 'literal', value: 0x5a }], 1, false, VECTORS.literal, '5a'],
    [
      'a run that reaches over itself',
      [
        { kind: 'literal', value: 7 },
        { kind: 'near', distance: 1, bytes: 511 },
      ],
      512,
      false,
      VECTORS.run,
      '07'.repeat(512),
    ],
    ['bytes of the source', [{ kind: 'source', away: 600, bytes: 3 }], 3, false, VECTORS.source, '000102'],
    [
      'bytes of another image, before and behind, with a sum',
      [
        { kind: 'source', away: 2, bytes: 2 },
        { kind: 'sum', summand: -2 },
        { kind: 'sum', summand: -2 },
        { kind: 'source', away: -58, bytes: 1 },
      ],
      7,
      true,
      VECTORS.delta,
      `${'5657'}${'5659'}${'585b'}${'98'}`,
    ],
  ])('%s', (_name, tokens, bytes, delta, text, result) => {
    expect(hex(written(tokens, bytes, delta))).toBe(text);
    const from = delta ? 88 : 600;
    const piece = decoder.decode({ coded: Buffer.from(text, 'hex'), from, bytes, source, delta });
    expect(hex(piece!)).toBe(result);
  });
});

describe('images', () => {
  it('of the board that the project has come back, in at most 9 of 10 of their bytes', async () => {
    const image = await appOf('1.0.0');
    expect(coded(image).bytes).toBeLessThan(0.9 * image.length);
  });

  it('as a delta from the version before take a tenth', async () => {
    const { bytes } = coded(await appOf('1.1.0'), { old: await appOf('1.0.0') });
    expect(bytes).toBeLessThan(0.1 * (await appOf('1.0.0')).length);
  });

  it.each([1, 2, 3, 511, 512, 513, 1025, 6001])('of %i bytes come back', (bytes) => {
    coded(firmware(bytes, bytes));
    coded(firmware(bytes, bytes), { old: firmware(3000, 5) });
    coded(firmware(bytes, bytes), { old: firmware(bytes, bytes + 1), window: 512 });
  });

  it('of one byte, or without any order, come back', () => {
    expect(coded(new Uint8Array(5000)).bytes).toBeLessThan(100);
    const roll = dice(3);
    const noise = Uint8Array.from({ length: 3000 }, () => roll(256));
    expect(coded(noise).bytes).toBe(noise.length); // each piece is larger, and would be sent as it is
    expect(coded(noise, { old: noise }).bytes).toBeLessThan(60);
  });

  it('with one line more take less than two hundredths, though all behind it has moved and branches reach over it', () => {
    const old = firmware(30_000, 9);
    const image = new Uint8Array(old.length + 4);
    image.set(old.subarray(0, 10_000));
    image.set([0x12, 0x68, 0x34, 0x46], 10_000);
    image.set(old.subarray(10_000), 10_004);
    for (let at = 1000; at < image.length - 2; at += 400) image[at] = (image[at]! + 2) & 0xff;
    expect(coded(image, { old }).bytes).toBeLessThan(0.02 * image.length);
  });
});

describe('what is damaged', () => {
  const pieces = () => [
    ...coded(firmware(3000, 11)).pieces,
    ...coded(firmware(3000, 11), { old: firmware(2900, 11) }).pieces,
    ...coded(firmware(4000, 12), { window: 512 }).pieces,
  ];

  it('by one bit gives other bytes or none, and touches nothing else', () => {
    let refused = 0;
    for (const piece of pieces()) {
      for (let bit = 0; bit < 8 * piece.coded.length; bit += 3) {
        const bytes = piece.coded.slice();
        bytes[bit >> 3]! ^= 1 << (bit & 7);
        if (!decoder.decode({ ...piece, coded: bytes })) refused += 1;
      }
    }
    expect(refused).toBeGreaterThan(100);
  });

  it('by being cut short, or by more than four bytes that are too many, is refused', () => {
    for (const piece of pieces()) {
      for (let length = 0; length < piece.coded.length - 4; length += 1)
        expect(decoder.decode({ ...piece, coded: piece.coded.subarray(0, length) })).not.toEqual(decoder.decode(piece));
      const long = new Uint8Array(piece.coded.length + 5);
      long.set(piece.coded);
      expect(decoder.decode({ ...piece, coded: long })).toBeUndefined();
    }
  });

  it('by being cut down to nothing is refused: no piece ends in five bytes that do not matter', () => {
    const nothing = { coded: EMPTY, from: 0, source: EMPTY, delta: false };
    for (const bytes of [2, 100, 512]) expect(decoder.decode({ ...nothing, bytes })).toBeUndefined();
  });

  it('or never was one, with any length, place and source, touches nothing else', () => {
    const roll = dice(17);
    const results = { whole: 0, refused: 0 };
    for (let run = 0; run < 20_000; run += 1) {
      const most = [0, 4, 40, 600][roll(4)]!;
      const of = roll(3);
      const bytes = Uint8Array.from({ length: roll(most + 1) }, () => (of === 0 ? 0xff : of === 1 ? 0 : roll(256)));
      const source = new Uint8Array([0, 1, 700, 90_000][roll(4)]!);
      const from = [0, 512, 65_536, 2 ** 31 - 512, 2 ** 32 - 512][roll(5)]!;
      const result = decoder.decode({
        ...{ coded: bytes, from, bytes: 1 + roll(PIECE_BYTES), source, delta: roll(2) === 1 },
      });
      results[result ? 'whole' : 'refused'] += 1;
    }
    expect(results.whole).toBeGreaterThan(10);
    expect(results.refused).toBeGreaterThan(1000);
  });
});
