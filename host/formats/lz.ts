// The encodings `lz` and `delta`: an image in pieces of 512 bytes, each coded by itself for a device that decodes it as it
// comes. The format and its decoder stand in assembly/codec/lz.ts; docs/encodings.md explains it. What is made here is never
// signed and never trusted: the device hashes what it decodes.
//
// A piece may refer to its source: the image itself, as far as the device has it in flash (lz), or another image that it has
// (delta). Which tokens a piece is made of is chosen in lz-parse.ts; here they are written, bit by bit, in a range coder.
//
// Limits: an image of 2^31 bytes; a piece of 512. Runs in browsers.

/** Of a piece: all have as many, but the last one of an image. */
export const PIECE_BYTES = 512;

/** What a piece is made of. A token stands at `at` in its piece and gives `bytes` of it. */
export type Token =
  | { kind: 'literal'; value: number }
  | { kind: 'near'; distance: number; bytes: number }
  | { kind: 'source'; away: number; bytes: number }
  | { kind: 'sum'; summand: number };

/** Where the chances of each bit stand: as in assembly/codec/lz.ts. */
export const CONTEXT = {
  literal: 0,
  copy: 512,
  source: 516,
  distance: 517,
  length: 536,
  place: 555,
  placeLength: 590,
  sum: 609,
  again: 610,
  sumAgain: 612,
  summand: 614,
} as const;
export const CONTEXTS = 634;
const CLASS_BITS = 4;
const PLACE_CLASS_BITS = 5;
const CLASS_REST = 9;

/** Codes, or counts, a bit in a context. */
export type Bit = (context: number, bit: number) => void;

export function putTree(bit: Bit, context: number, levels: number, value: number): void {
  let node = 1;
  for (let i = levels - 1; i >= 0; i -= 1) {
    const one = (value >>> i) & 1;
    bit(context + node, one);
    node = 2 * node + one;
  }
}

function putNumber(bit: Bit, context: number, classBits: number, value: number): void {
  const size = 31 - Math.clz32(value);
  putTree(bit, context, classBits, size);
  for (let i = size - 1; i >= 0; i -= 1) bit(context + (1 << classBits) + Math.min(i, 2), (value >>> i) & 1);
}

function putSigned(bit: Bit, sign: number, context: number, classBits: number, value: number): void {
  bit(sign, value > 0 ? 0 : 1);
  putNumber(bit, context, classBits, value > 0 ? value : 1 - value);
}

/** A length of which `left` are possible; the first one that can be said is `more` + 1. */
export function putLength(bit: Bit, context: number, left: number, bytes: number, more: number): void {
  if (bytes === left && bytes - more >= 16) putTree(bit, context, CLASS_BITS, CLASS_REST);
  else putNumber(bit, context, CLASS_BITS, bytes - more);
}

export const putDistance = (bit: Bit, distance: number): void => putNumber(bit, CONTEXT.distance, CLASS_BITS, distance);

/** How far away the source is; `last` is undefined for lz. */
export function putPlace(bit: Bit, away: number, last: number | undefined): void {
  if (last === undefined) putNumber(bit, CONTEXT.place, PLACE_CLASS_BITS, away);
  else {
    bit(CONTEXT.again, away === last ? 1 : 0);
    if (away !== last) putSigned(bit, CONTEXT.again + 1, CONTEXT.place, PLACE_CLASS_BITS, away);
  }
}

export function putSummand(bit: Bit, summand: number, last: number): void {
  bit(CONTEXT.sumAgain, summand === last ? 1 : 0);
  if (summand !== last) putSigned(bit, CONTEXT.sumAgain + 1, CONTEXT.summand, CLASS_BITS, summand);
}

/** Writes the tokens of a piece of so many bytes. */
export function putTokens(bit: Bit, tokens: readonly Token[], bytes: number, delta: boolean): void {
  let [done, copied, away, summand] = [0, 0, 0, 0];
  for (const token of tokens) {
    const half = done & 1;
    const left = bytes - done;
    bit(CONTEXT.copy + 2 * half + copied, token.kind === 'literal' ? 0 : 1);
    copied = token.kind === 'literal' ? 0 : 1;
    if (token.kind === 'literal') {
      putTree(bit, CONTEXT.literal + (half << 8), 8, token.value);
      done += 1;
      continue;
    }
    bit(CONTEXT.source, token.kind === 'near' ? 0 : 1);
    if (token.kind === 'near') {
      putDistance(bit, token.distance);
      putLength(bit, CONTEXT.length, left, token.bytes, 1);
      done += token.bytes;
      continue;
    }
    if (delta && left >= 2) bit(CONTEXT.sum, token.kind === 'sum' ? 1 : 0);
    if (token.kind === 'sum') {
      putSummand(bit, token.summand, summand);
      summand = token.summand;
      done += 2;
      continue;
    }
    putPlace(bit, token.away, delta ? away : undefined);
    away = token.away;
    putLength(bit, CONTEXT.placeLength, left, token.bytes, 0);
    done += token.bytes;
  }
}

const CHANCE_BITS = 12;
const MOVE_BITS = 4;
const RANGE_MIN = 2 ** 24;
const WORD = 2 ** 32;
const BEHIND_BYTES_MAX = 4;

/** The range coder: chances begin at one half. Bytes at the end that the decoder reads as 0 without them are left out. */
export function rangeCoder(): { bit: Bit; finish(): Uint8Array } {
  const chances = new Uint16Array(CONTEXTS).fill(1 << (CHANCE_BITS - 1));
  const bytes: number[] = [];
  let low = 0; // below 2^32
  let range = WORD - 1;
  const carry = () => {
    low -= WORD;
    let at = bytes.length - 1;
    while (bytes[at] === 0xff) bytes[at--] = 0;
    bytes[at]! += 1;
  };
  const shift = () => {
    bytes.push(Math.floor(low / RANGE_MIN));
    low = (low % RANGE_MIN) * 256;
  };
  return {
    bit(context, one) {
      const chance = chances[context]!;
      const bound = Math.floor(range / 2 ** CHANCE_BITS) * chance;
      if (one) {
        low += bound;
        range -= bound;
        if (low >= WORD) carry();
        chances[context] = chance - (chance >>> MOVE_BITS);
      } else {
        range = bound;
        chances[context] = chance + (((1 << CHANCE_BITS) - chance) >>> MOVE_BITS);
      }
      while (range < RANGE_MIN) {
        range *= 256;
        shift();
      }
    },
    finish() {
      // Of all numbers in [low, low + range), the one that ends with most zeros.
      for (let zeros = WORD; zeros >= 1; zeros /= 256) {
        const value = Math.ceil(low / zeros) * zeros;
        if (value >= low + range) continue;
        low = value;
        if (low >= WORD) carry();
        break;
      }
      for (let i = 0; i < 4; i += 1) shift();
      let length = bytes.length;
      while (length > 0 && bytes.length - length < BEHIND_BYTES_MAX && bytes[length - 1] === 0) length -= 1;
      return Uint8Array.from(bytes.slice(0, length));
    },
  };
}
