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
  sum: 517,
  again: 518,
  sumAgain: 520,
  rest: 522,
  near: 523,
  place: 593,
  summand: 663,
} as const;
export const CONTEXTS = 698;
const CLASS_BITS = 5;
const CLASSES = 1 << CLASS_BITS;
const LENGTH = CLASSES + 3; // behind a distance

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

function putNumber(bit: Bit, context: number, value: number): void {
  const size = 31 - Math.clz32(value);
  putTree(bit, context, CLASS_BITS, size);
  for (let i = size - 1; i >= 0; i -= 1) bit(context + CLASSES + Math.min(i, 2), (value >>> i) & 1);
}

function putSigned(bit: Bit, sign: number, context: number, value: number): void {
  bit(sign, value > 0 ? 0 : 1);
  putNumber(bit, context, value > 0 ? value : 1 - value);
}

/** `rest`: undefined where it is not told whether a copy is all that is left. */
export function putLength(bit: Bit, group: number, bytes: number, rest: boolean | undefined): void {
  if (rest !== undefined) bit(CONTEXT.rest, rest ? 1 : 0);
  if (!rest) putNumber(bit, group + LENGTH, bytes - 1);
}

export const putDistance = (bit: Bit, distance: number): void => putNumber(bit, CONTEXT.near, distance);

/** How far away the source is; `last` is undefined for lz. */
export function putPlace(bit: Bit, away: number, last: number | undefined): void {
  if (last === undefined) putNumber(bit, CONTEXT.place, away);
  else {
    bit(CONTEXT.again, away === last ? 1 : 0);
    if (away !== last) putSigned(bit, CONTEXT.again + 1, CONTEXT.place, away);
  }
}

export function putSummand(bit: Bit, summand: number, last: number): void {
  bit(CONTEXT.sumAgain, summand === last ? 1 : 0);
  if (summand !== last) putSigned(bit, CONTEXT.sumAgain + 1, CONTEXT.summand, summand);
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
      putLength(bit, CONTEXT.near, token.bytes, undefined);
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
    putLength(bit, CONTEXT.place, token.bytes, delta ? token.bytes === left : undefined);
    done += token.bytes;
  }
}

const CHANCE_BITS = 12;
const CHANCE_BEGIN = 0x0808; // one half, and two in a thousand: a byte, twice
const CHANCE_LEAST = 31;
const MOVE_BITS = 4;
const RANGE_MIN = 2 ** 24;
const WORD = 2 ** 32;
const BEHIND_BYTES_MAX = 4;

/** The range coder. Bytes at the end that the decoder reads as 0 without them are left out. */
export function rangeCoder(): { bit: Bit; finish(): Uint8Array } {
  const chances = new Uint16Array(CONTEXTS).fill(CHANCE_BEGIN);
  const bytes: number[] = [];
  let low = 0; // below 2^32
  let range = RANGE_MIN; // so the first byte is 0, and none of the code
  const add = (value: number) => {
    low += value;
    if (low < WORD) return;
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
      while (range < RANGE_MIN) {
        range *= 256;
        shift();
      }
      const chance = chances[context]!;
      const bound = Math.floor(range / 2 ** CHANCE_BITS) * chance;
      if (one) add(bound);
      range = one ? range - bound : bound;
      chances[context] = chance + (((one ? CHANCE_LEAST : 1 << CHANCE_BITS) - chance) >> MOVE_BITS);
    },
    finish() {
      // Of all numbers in [low, low + range), the one that ends with most zeros.
      for (let zeros = WORD; zeros >= 1; zeros /= 256) {
        const value = Math.ceil(low / zeros) * zeros;
        if (value >= low + range) continue;
        add(value - low);
        break;
      }
      for (let i = 0; i < 4; i += 1) shift();
      let length = bytes.length;
      while (length > 1 && bytes.length - length < BEHIND_BYTES_MAX && bytes[length - 1] === 0) length -= 1;
      return Uint8Array.from(bytes.slice(1, length));
    },
  };
}
