// The decoder of the encodings `lz` and `delta`: pieces of an image, at most 512 bytes each, every one coded by itself. What
// one refers to is in the piece, or in the source: bytes of flash that both sides have. Nothing is kept between two pieces.
//
//   piece  = tokens, bit by bit in an arithmetic code (a range coder), until all its bytes are there
//   token  = 0 literal                   a byte; it has chances of its own in each half of a halfword, as Thumb code has
//          | 1 0 distance length         at least two bytes of the piece, from `distance` before this one on
//          | 1 1 place length            bytes of the source
//          | 1 1 1 sum                   delta, with two bytes left: two bytes of the source at the last place, and what is added to
//                                        them modulo 65536: a branch, or an address, across what was changed
//   place  = distance                    lz: so far before this byte; the source is the image, as far as it is in flash
//          | 0 1                         delta: at the last place, that is as far away as the last one was
//          | 0 0 signed                  delta: so far before this byte, in an image that begins where the source does
//   sum    = 1 | 0 signed                the last one again, or another one
//   signed = 0 number | 1 number         the number, or 1 less the number
//   number = class bits                  of so many bits behind its leading one
//   length = number                      of class 9: all that is left
//
// Each bit has a chance, which moves by 1/16 of what is left with every bit that is coded by it, and begins at 1/2 in every
// piece: they stand in MODEL. The range coder is LZMA's, of 32 bits (Martin, "Range encoding", 1979). Behind the end of its bytes a piece reads as 0, for four bytes at most.
//
// Refused is what reaches out of the piece or of the source, and what has too many bytes or too few. No more is ever
// written than the piece has room for, and every token gives at least one byte of it.

import { DELTA } from '../profile';
import { SCRATCH } from '../scratch';

export const LZ_BYTES_MAX: u32 = 512; // of a piece, decoded

// Contexts: where the chances of a bit stand. A number takes one for each node of the tree of its class, one for its lowest bit, one
// for that before it, and one for all others.
const LITERAL: u32 = 0; // two trees of 256
const COPY: u32 = 512; // by the half of a halfword, and by what came before
const SOURCE: u32 = 516;
const DISTANCE: u32 = 517; // tree of 16, and three
const LENGTH: u32 = 536; // the same
const PLACE: u32 = 555; // tree of 32, and three
const PLACE_LENGTH: u32 = 590; // as LENGTH
const SUM: u32 = 609;
const AGAIN: u32 = 610; // PLACE_SIGN behind it
const SUM_AGAIN: u32 = 612; // SUM_SIGN behind it
const SUMMAND: u32 = 614; // as DISTANCE
const CONTEXTS: u32 = 634;

const CLASS_BITS: u32 = 4;
const PLACE_CLASS_BITS: u32 = 5;
const CLASS_REST: u32 = 9; // LZ_BYTES_MAX and more

const CHANCE_BITS: u32 = 12;
const CHANCE_BEGIN: u16 = 2048; // one half
const MOVE_BITS: u32 = 4;
const RANGE_MIN: u32 = 1 << 24;
const BEHIND_BYTES_MAX: u32 = 4;

@unmanaged
class Decoder {
  at: usize; // the next coded byte
  end: usize; // behind them
  range: u32;
  code: u32;
  image: u32; // where the piece begins in the image
  bytes: u32; // of the piece
  done: u32; // of these: decoded, or asked of the source
  copied: u32; // 1: the token before was no literal
  place: u32; // in the source, of what is asked for
  asked: u32; // how much of it
  limit: u32; // bytes of the source
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
  decoder.at = from;
  decoder.end = from + length;
  decoder.range = u32.MAX_VALUE;
  decoder.image = image;
  decoder.bytes = bytes;
  decoder.limit = limit;
  decoder.delta = u32(delta);
  for (let i: u32 = 0; i < CONTEXTS; i++) store<u16>(MODEL + 2 * i, CHANCE_BEGIN);
  for (let i: u32 = 0; i < 4; i++) shift();
}

export function lzPlace(): u32 {
  return decoder.place;
}

export function lzAsked(): u32 {
  return decoder.asked;
}

export function lzTo(): usize {
  return LZ_PIECE + decoder.done - decoder.asked;
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
    const done = decoder.done;
    const left = decoder.bytes - done;
    if (left === 0) break;
    const half = done & 1;
    const copies = bit(COPY + 2 * half + decoder.copied);
    decoder.copied = copies;
    if (!copies) {
      store<u8>(LZ_PIECE + done, <u8>tree(LITERAL + (half << 8), 8));
      decoder.done++;
    } else if (bit(SOURCE)) return place(left);
    else {
      const distance = number(DISTANCE, CLASS_BITS);
      const bytes = length(LENGTH, left, 1);
      if (distance > done || bytes > left) return Lz.Refused;
      for (const end = done + bytes; decoder.done < end; decoder.done++)
        store<u8>(LZ_PIECE + decoder.done, load<u8>(LZ_PIECE + decoder.done - distance));
    }
  }
  return decoder.at - decoder.end <= BEHIND_BYTES_MAX ? Lz.Whole : Lz.Refused;
}

// What the source is asked for.
function place(left: u32): Lz {
  decoder.asked = 2;
  if (!DELTA || !decoder.delta) decoder.away = number(PLACE, PLACE_CLASS_BITS);
  else if (left >= 2 && bit(SUM)) {
    decoder.sums = 1;
    if (!bit(SUM_AGAIN)) decoder.summand = signed(SUM_AGAIN + 1, SUMMAND, CLASS_BITS);
  } else if (!bit(AGAIN)) decoder.away = signed(AGAIN + 1, PLACE, PLACE_CLASS_BITS);
  if (!DELTA || !decoder.sums) decoder.asked = length(PLACE_LENGTH, left, 0);
  decoder.place = decoder.image + decoder.done - decoder.away;
  if (decoder.asked > left || decoder.place > decoder.limit || decoder.asked > decoder.limit - decoder.place)
    return Lz.Refused;
  decoder.done += decoder.asked;
  return Lz.Read;
}

// --- Numbers ---

function length(context: u32, left: u32, more: u32): u32 {
  const size = tree(context, CLASS_BITS);
  return size >= CLASS_REST ? left : bits(context + (1 << CLASS_BITS), size) + more;
}

// 1 less the number, or the number.
function signed(sign: u32, context: u32, classBits: u32): u32 {
  const behind = bit(sign);
  const value = number(context, classBits);
  return behind ? 1 - value : value;
}

function number(context: u32, classBits: u32): u32 {
  return bits(context + (1 << classBits), tree(context, classBits));
}

// A 1, and so many bits behind it, 31 at most.
function bits(context: u32, count: u32): u32 {
  let value: u32 = 1;
  while (count--) value = (value << 1) | bit(context + min(count, 2));
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
  const at = MODEL + 2 * context;
  let chance: u32 = load<u16>(at);
  const bound = (decoder.range >>> CHANCE_BITS) * chance;
  const one = u32(decoder.code >= bound);
  if (one) {
    decoder.code -= bound;
    decoder.range -= bound;
    chance -= chance >>> MOVE_BITS;
  } else {
    decoder.range = bound;
    chance += ((1 << CHANCE_BITS) - chance) >>> MOVE_BITS;
  }
  store<u16>(at, <u16>chance);
  while (decoder.range < RANGE_MIN) {
    decoder.range <<= 8;
    shift();
  }
  return one;
}

// One more byte; behind the end, a 0.
function shift(): void {
  decoder.code <<= 8;
  if (decoder.at < decoder.end) decoder.code |= load<u8>(decoder.at);
  decoder.at++;
}
