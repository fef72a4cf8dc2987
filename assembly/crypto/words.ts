// 256-bit integers as eight 32-bit words, least significant first, and arithmetic modulo an odd number of that size.
//
// This is where the scalars of both signature schemes are computed: a handful of operations per verification, so the
// loops are plain. Addresses are 4-aligned. Public data only: running time follows the values.

import { WORDS_PRODUCT } from './areas';

export const WORDS_BYTES: usize = 32;

// z = x, which may be a constant: memory.data([...]) in a function, which on a microcontroller stays in flash
export function wordsCopy(z: usize, x: usize): void {
  memory.copy(z, x, WORDS_BYTES);
}

// z = a small number
export function wordsSmall(z: usize, value: u32): void {
  memory.fill(z, 0, WORDS_BYTES);
  store<u32>(z, value);
}

// in: n < 256, z and y disjoint   out: z = (z + y 2^n) mod 2^256, or (z - y 2^n); returns whether it went out of range
export function wordsAddShifted(z: usize, y: usize, n: u32, negative: bool): bool {
  let sum: i64 = 0;
  let below: u32 = 0; // the word of y below the one in hand
  for (let at: usize = (n >> 5) << 2; at < WORDS_BYTES; at += 4) {
    const word = load<u32>(y);
    const shifted = (word << (n & 31)) | ((below >> 1) >> (31 - (n & 31)));
    below = word;
    y += 4;
    sum += <i64>load<u32>(z + at);
    if (negative) sum -= <i64>shifted;
    else sum += <i64>shifted;
    store<u32>(z + at, <u32>sum);
    sum >>= 32;
  }
  return sum !== 0;
}

// in: z and y disjoint   out: z = (z + y) mod 2^256, returns the carry
export function wordsAdd(z: usize, y: usize): bool {
  return wordsAddShifted(z, y, 0, false);
}

// in: z and y disjoint   out: z = (z - y) mod 2^256, returns the borrow
export function wordsSub(z: usize, y: usize): bool {
  return wordsAddShifted(z, y, 0, true);
}

// out: whether x < y
export function wordsLess(x: usize, y: usize): bool {
  for (let i: usize = WORDS_BYTES; i !== 0; ) {
    i -= 4;
    const a = load<u32>(x + i);
    const b = load<u32>(y + i);
    if (a !== b) return a < b;
  }
  return false;
}

export function wordsZero(x: usize): bool {
  let any: u32 = 0;
  for (let i: usize = 0; i < WORDS_BYTES; i += 4) any |= load<u32>(x + i);
  return any === 0;
}

// in: 32 bytes at any alignment, most significant first
export function wordsFromBigEndian(z: usize, from: usize): void {
  for (let i: usize = 0; i < WORDS_BYTES; i++) store<u8>(z + i, load<u8>(from + WORDS_BYTES - 1 - i));
}

// in: x, y < 2^256, one of them < m, m odd, inverse = -1/m mod 2^32   out: z = x * y / 2^256 mod m, z < m
// Montgomery's product, word by word: each row adds a multiple of m that clears its lowest word. z may be x or y, not m.
export function wordsMontgomery(z: usize, x: usize, y: usize, m: usize, inverse: u32): void {
  memory.fill(WORDS_PRODUCT, 0, 2 * WORDS_BYTES + 4);
  for (let i: usize = 0; i < WORDS_BYTES; i += 4) {
    const row = WORDS_PRODUCT + i;
    addRow(row, load<u32>(x + i), y);
    addRow(row, load<u32>(row) * inverse, m);
  }
  // the whole < 2 m
  wordsCopy(z, WORDS_PRODUCT + WORDS_BYTES);
  if (load<u32>(WORDS_PRODUCT, 64) !== 0 || !wordsLess(z, m)) wordsSub(z, m);
}

// in: eight words from `at` on, one that takes the carry, and one above that it may still carry into
// out: they += digit * x
function addRow(at: usize, digit: u32, x: usize): void {
  const end = at + WORDS_BYTES;
  let carry: u64 = 0;
  for (; at !== end; at += 4) {
    carry += <u64>digit * <u64>load<u32>(x) + <u64>load<u32>(at); // <= 2^64 - 1
    store<u32>(at, <u32>carry);
    carry >>= 32;
    x += 4;
  }
  carry += <u64>load<u32>(end);
  store<u32>(end, <u32>carry);
  store<u32>(end, load<u32>(end, 4) + <u32>(carry >> 32), 4);
}

// in: x < 2^256   out: z = limbs of `bits` bits each, count of them, 32 bits apart
export function wordsToLimbs(z: usize, x: usize, bits: u32, count: u32): void {
  const mask: u64 = (1 << (<u64>bits)) - 1;
  let held: u64 = 0;
  let holds: u32 = 0;
  let at: usize = 0;
  for (let i: u32 = 0; i < count; i++) {
    if (holds < bits && at < WORDS_BYTES) {
      held |= (<u64>load<u32>(x + at)) << holds; // holds < 32
      holds += 32;
      at += 4;
    }
    store<u32>(z, <u32>(held & mask));
    held >>= <u64>bits;
    holds -= bits;
    z += 4;
  }
}

// in: x = limbs of `bits` bits each, signed, |limb| < 2^31, count * bits >= 256; m > 2^254
// out: z = x mod m, z < m.   Takes a step per multiple of m that x is away: for values within a few m of 0.
export function wordsFromLimbs(z: usize, x: usize, bits: u32, count: u32, m: usize): void {
  let held: i64 = 0;
  let holds: u32 = 0;
  let at: usize = 0;
  for (let i: u32 = 0; i < count; i++) {
    held += (<i64>load<i32>(x + (i << 2))) << holds; // |held| < 2^63, as holds < 32
    holds += bits;
    if (holds >= 32 && at < WORDS_BYTES) {
      store<u32>(z + at, <u32>held);
      held >>= 32;
      holds -= 32;
      at += 4;
    }
  }
  let top = <i32>held;
  while (top < 0) top += <i32>wordsAdd(z, m);
  while (top > 0 || !wordsLess(z, m)) top -= <i32>wordsSub(z, m);
}
