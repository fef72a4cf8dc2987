// The decoder of the encodings `lz` and `delta`: pieces of an image, at most 512 bytes each, every one coded by itself. What
// one refers to is in the piece, or in the source: bytes of flash that both sides have. Nothing is kept between two pieces.
//
//   piece  = tokens, bit by bit in an arithmetic code (a range coder), until all its bytes are there
//   token  = 0 literal                   a byte; it has chances of its own in each half of a halfword, as Thumb code has
//          | 1 0 distance length         bytes of the piece, from `distance` before this one on
//          | 1 1 distance length         lz: bytes of the image, from so far before this one on
//          | 1 1 0 place rest            delta: bytes of another image
//          | 1 1 1 sum                   delta, with two bytes left: two bytes of it from the last place on, and what is added to
//                                        them modulo 65536: a branch, or an address, across what was changed
//   place  = 1 | 0 signed                as far before this byte as the last one, or so far
//   rest   = 1 | 0 length                all that is left
//   sum    = 1 | 0 signed                the last one again, or another one
//   signed = 0 number | 1 number         the number, or 1 less the number
//   distance = number
//   length = number                      and 1; what is too much is left out
//   number = class bits                  5 bits, and as many as these say behind a leading 1
//
// Each bit has a chance, which moves by 1/16 of what is left with every bit that is coded by it, and begins at one half in
// every piece: they stand in MODEL. The range coder is LZMA's, of 32 bits (Martin, "Range encoding", 1979), without the first
// byte, which is always 0. Behind the end of its bytes a piece reads as 0, for four bytes at most.
//
// Refused is what reaches before the piece or out of the source, and what has too many bytes or too few. No more is ever
// written than the piece has room for, and every token gives at least one byte of it.

import { DELTA } from '../profile';
import { SCRATCH } from '../scratch';

export const LZ_BYTES_MAX: u32 = 512; // of a piece, decoded

// Contexts: where the chances of a bit stand. A number takes one for each node of the tree of its class, one for its lowest bit, one
// for that before it, and one for all others; a copy takes those of its distance and of its length.
const LITERAL: u32 = 0; // two trees of 256
const COPY: u32 = 512; // by the half of a halfword, and by what came before
const SOURCE: u32 = 516;
const SUM: u32 = 517; // delta
const AGAIN: u32 = 518; // the sign behind it
const SUM_AGAIN: u32 = 520; // the sign behind it
const REST: u32 = 522;
const NEAR: u32 = 523;
const PLACE: u32 = 593;
const SUMMAND: u32 = 663;
const CONTEXTS: u32 = 698;

const CLASS_BITS: u32 = 5;
const CLASSES: u32 = 1 << CLASS_BITS;
const NUMBER: u32 = CLASSES + 3;

const CHANCE_BITS: u32 = 12;
const CHANCE_BYTE: u8 = 8; // twice: one half, and two in a thousand
const CHANCE_LEAST: i32 = 31;
const MOVE_BITS: i32 = 4;
const RANGE_MIN: u32 = 1 << 24;
const BEHIND_BYTES_MAX: u32 = 4;

@unmanaged
class Decoder {
  at: usize; // the next coded byte
  end: usize; // behind them
  to: usize; // in LZ_PIECE: the next byte that is decoded, or asked of the source
  whole: usize; // the end of the piece there
  range: u32;
  code: u32;
  image: u32; // where the byte at address 0 would stand in the image
  limit: u32; // bytes of the source
  place: u32; // in the source, of what is asked for
  asked: u32; // how much of it
  copied: u32; // 1: the token before was no literal
  delta: u32; // 1: the source is another image
  away: u32; // the last place is so far before
  summand: u32; // the last one
  sums: u32; // 1: it is to be added to what is asked for
}

const decoder = changetype<Decoder>(SCRATCH);
const MODEL: usize = SCRATCH + 64; // u16 of each context: how likely its bit is a 0
export const LZ_PIECE: usize = MODEL + 2 * CONTEXTS; // what is decoded

export const enum Lz {
  Whole,
  Read, // lzAsked bytes of the source, from lzPlace on, have to be read to lzTo; then lzNext goes on
  Refused,
}

// in: the `length` bytes at `from`, which are the piece of so many bytes that begins at `image`; the source has `limit` bytes
export function lzBegin(from: usize, length: u32, image: u32, bytes: u32, limit: u32, delta: bool): void {
  memory.fill(SCRATCH, 0, offsetof<Decoder>());
  memory.fill(MODEL, CHANCE_BYTE, 2 * CONTEXTS);
  decoder.at = from;
  decoder.end = from + length;
  decoder.to = LZ_PIECE;
  decoder.whole = LZ_PIECE + bytes;
  decoder.range = 1; // three bytes are read with the first bit
  decoder.image = image - <u32>LZ_PIECE;
  decoder.limit = limit;
  if (DELTA) decoder.delta = u32(delta);
}

export function lzPlace(): u32 {
  return decoder.place;
}

export function lzAsked(): u32 {
  return decoder.asked;
}

export function lzTo(): usize {
  return decoder.to - decoder.asked;
}

// Goes on until something has to be read, or all is there.
export function lzNext(): Lz {
  if (DELTA && decoder.sums) {
    decoder.sums = 0;
    const at = lzTo(); // of any alignment
    const sum = ((<u32>load<u8>(at, 1)) << 8) + load<u8>(at) + decoder.summand;
    store<u8>(at, <u8>sum);
    store<u8>(at, <u8>(sum >>> 8), 1);
  }
  for (;;) {
    const to = decoder.to;
    const left = <u32>(decoder.whole - to);
    if (left === 0) break;
    const half = <u32>to & 1; // LZ_PIECE is even
    const copies = bit(COPY + 2 * half + decoder.copied);
    decoder.copied = copies;
    if (!copies) {
      store<u8>(to, <u8>tree(LITERAL + (half << 8), 8));
      decoder.to++;
      continue;
    }
    const source = bit(SOURCE);
    const group = source ? PLACE : NEAR;
    let away: u32;
    let bytes: u32;
    if (DELTA && source & decoder.delta) {
      if (left >= 2 && bit(SUM)) {
        decoder.sums = 1;
        if (!bit(SUM_AGAIN)) decoder.summand = signed(SUM_AGAIN + 1, SUMMAND);
      } else if (!bit(AGAIN)) decoder.away = signed(AGAIN + 1, PLACE);
      away = decoder.away;
    } else away = number(group);
    if (DELTA && source & decoder.delta && (decoder.sums || bit(REST))) bytes = decoder.sums ? 2 : left;
    else bytes = min(left - 1, number(group + NUMBER)) + 1;
    decoder.to += bytes;
    if (source) {
      const place = decoder.image + <u32>to - away;
      decoder.place = place;
      decoder.asked = bytes;
      if (place > decoder.limit || bytes > decoder.limit - place) return Lz.Refused;
      return Lz.Read;
    }
    if (away > <u32>(to - LZ_PIECE)) return Lz.Refused;
    for (let at = to; at < decoder.to; at++) store<u8>(at, load<u8>(at - away));
  }
  return decoder.at - decoder.end <= BEHIND_BYTES_MAX ? Lz.Whole : Lz.Refused;
}

// --- Numbers ---

// 1 less the number, or the number.
function signed(sign: u32, context: u32): u32 {
  const behind = bit(sign);
  const value = number(context);
  return behind ? 1 - value : value;
}

// How many bits stand behind the leading one, and these.
function number(context: u32): u32 {
  let value: u32 = 1;
  for (let left = tree(context, CLASS_BITS); left--; ) value = (value << 1) | bit(context + CLASSES + min(left, 2));
  return value;
}

function tree(context: u32, levels: u32): u32 {
  const size: u32 = 1 << levels;
  let node: u32 = 1;
  while (node < size) node = (node << 1) | bit(context + node);
  return node - size;
}

// --- The range coder ---

function bit(context: u32): u32 {
  // One more byte; behind the end, a 0.
  while (decoder.range < RANGE_MIN) {
    decoder.range <<= 8;
    decoder.code <<= 8;
    if (decoder.at < decoder.end) decoder.code |= load<u8>(decoder.at);
    decoder.at++;
  }
  const at = MODEL + 2 * context;
  const chance: i32 = load<u16>(at);
  let bound = (decoder.range >>> CHANCE_BITS) * <u32>chance;
  let one: u32 = 0;
  let to: i32 = 1 << CHANCE_BITS;
  if (decoder.code >= bound) {
    decoder.code -= bound;
    bound = decoder.range - bound;
    to = CHANCE_LEAST;
    one = 1;
  }
  decoder.range = bound;
  store<u16>(at, <u16>(chance + ((to - chance) >> MOVE_BITS)));
  return one;
}
