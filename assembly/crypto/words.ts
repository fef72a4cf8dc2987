// 256-bit integers as eight 32-bit words, least significant first, and arithmetic modulo an odd number of that size.
//
// This is where the scalars of both signature schemes are computed: a handful of operations per verification, so the
// loops are plain. Addresses are 4-aligned. Public data only: running time follows the values.

import { SCRATCH } from '../scratch';

export const WORDS_BYTES: usize = 32;

// The last 64 bytes of SCRATCH are taken while a product runs: 10 words of accumulator.
const PRODUCT: usize = SCRATCH + 1984;

// out: z = (x + y) mod 2^256, returns the carry
// z may be x or y, or disjoint from both.
export function wordsAdd(z: usize, x: usize, y: usize): u32 {
  let sum: u64 = 0;
  for (let i: usize = 0; i < WORDS_BYTES; i += 4) {
    sum += <u64>load<u32>(x + i) + <u64>load<u32>(y + i); // < 2^33
    store<u32>(z + i, <u32>sum);
    sum >>= 32;
  }
  return <u32>sum;
}

// out: z = (x - y) mod 2^256, returns the borrow
// z may be x or y, or disjoint from both.
export function wordsSub(z: usize, x: usize, y: usize): u32 {
  let difference: i64 = 0;
  for (let i: usize = 0; i < WORDS_BYTES; i += 4) {
    difference += <i64>load<u32>(x + i) - <i64>load<u32>(y + i); // > -2^33
    store<u32>(z + i, <u32>difference);
    difference >>= 32;
  }
  return <u32>difference & 1;
}

// out: whether x < y
export function wordsLess(x: usize, y: usize): bool {
  for (let i: usize = WORDS_BYTES; i != 0; ) {
    i -= 4;
    const a = load<u32>(x + i);
    const b = load<u32>(y + i);
    if (a != b) return a < b;
  }
  return false;
}

export function wordsZero(x: usize): bool {
  let any: u32 = 0;
  for (let i: usize = 0; i < WORDS_BYTES; i += 4) any |= load<u32>(x + i);
  return any == 0;
}

// 32 bytes at any alignment -> words
export function wordsFromBigEndian(z: usize, from: usize): void {
  for (let i: usize = 0; i < WORDS_BYTES; i++) store<u8>(z + i, load<u8>(from + WORDS_BYTES - 1 - i));
}

// in: x < 2^256, y < m (or the reverse), m odd, inverse = -1/m mod 2^32   out: z = x * y / 2^256 mod m, z < m
// Montgomery's product, word by word. z may be x or y.
export function wordsMontgomery(z: usize, x: usize, y: usize, m: usize, inverse: u32): void {
  memory.fill(PRODUCT, 0, 40);
  for (let i: usize = 0; i < WORDS_BYTES; i += 4) {
    const digit = <u64>load<u32>(x + i);
    let carry: u64 = 0;
    for (let j: usize = 0; j < WORDS_BYTES; j += 4) {
      carry += digit * <u64>load<u32>(y + j) + <u64>load<u32>(PRODUCT + j); // <= 2^64 - 1
      store<u32>(PRODUCT + j, <u32>carry);
      carry >>= 32;
    }
    carry += <u64>load<u32>(PRODUCT, 32);
    store<u32>(PRODUCT, <u32>carry, 32);
    store<u32>(PRODUCT, <u32>(carry >> 32), 36);
    const lowest: u32 = load<u32>(PRODUCT); // a local, as asc widens a load whose value is cast to u64
    const multiple: u32 = lowest * inverse;
    const quotient = <u64>multiple;
    carry = (quotient * <u64>load<u32>(m) + <u64>lowest) >> 32;
    for (let j: usize = 4; j < WORDS_BYTES; j += 4) {
      carry += quotient * <u64>load<u32>(m + j) + <u64>load<u32>(PRODUCT + j);
      store<u32>(PRODUCT + j - 4, <u32>carry);
      carry >>= 32;
    }
    carry += <u64>load<u32>(PRODUCT, 32);
    store<u32>(PRODUCT, <u32>carry, 28);
    store<u32>(PRODUCT, load<u32>(PRODUCT, 36) + <u32>(carry >> 32), 32); // PRODUCT < 2 m
  }
  if (load<u32>(PRODUCT, 32) != 0 || !wordsLess(PRODUCT, m)) wordsSub(z, PRODUCT, m);
  else memory.copy(z, PRODUCT, WORDS_BYTES);
}
