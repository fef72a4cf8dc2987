// The field of Curve25519, p = 2^255 - 19, as Montgomery residues: an element is x * 2^256 mod p in eight words, below p.
//
// Elements are FE_BYTES at 4-aligned addresses. Results may stand where an operand stood. Public data only.

import { wordsAdd, wordsLess, wordsMontgomery, wordsSub, wordsZero } from './words';

export const FE_BYTES: usize = 32;

const INVERSE: u32 = 0x286bca1b; // -1/p mod 2^32
export const FE_MODULUS: usize = memory.data<u32>([
  0xffffffed, 0xffffffff, 0xffffffff, 0xffffffff, 0xffffffff, 0xffffffff, 0xffffffff, 0x7fffffff,
]);
// 2^512 mod p
const R2: usize = memory.data<u32>([0x000005a4, 0, 0, 0, 0, 0, 0, 0]);
// 2^256 mod p
export const FE_ONE: usize = memory.data<u32>([0x00000026, 0, 0, 0, 0, 0, 0, 0]);
const PLAIN_ONE: usize = memory.data<u32>([1, 0, 0, 0, 0, 0, 0, 0]);

export function feMul(z: usize, x: usize, y: usize): void {
  wordsMontgomery(z, x, y, FE_MODULUS, INVERSE);
}

export function feSquare(z: usize, x: usize): void {
  wordsMontgomery(z, x, x, FE_MODULUS, INVERSE);
}

export function feAdd(z: usize, x: usize, y: usize): void {
  if (wordsAdd(z, x, y) != 0 || !wordsLess(z, FE_MODULUS)) wordsSub(z, z, FE_MODULUS);
}

export function feSub(z: usize, x: usize, y: usize): void {
  if (wordsSub(z, x, y) != 0) wordsAdd(z, z, FE_MODULUS);
}

export function feZero(x: usize): bool {
  return wordsZero(x);
}

export function feEqual(x: usize, y: usize): bool {
  return memory.compare(x, y, FE_BYTES) == 0;
}

// words below p <-> element
export function feFromWords(z: usize, words: usize): void {
  wordsMontgomery(z, words, R2, FE_MODULUS, INVERSE);
}

export function feToWords(words: usize, x: usize): void {
  wordsMontgomery(words, x, PLAIN_ONE, FE_MODULUS, INVERSE);
}

// out: z = x^(2^252 - 3) = x^((p - 5) / 8), z disjoint from x
export function fePow22523(z: usize, x: usize): void {
  memory.copy(z, x, FE_BYTES);
  // 2^252 - 3 in binary: 250 ones, 0, 1
  for (let i = 0; i < 249; i++) {
    feSquare(z, z);
    feMul(z, z, x);
  }
  feSquare(z, z);
  feSquare(z, z);
  feMul(z, z, x);
}

// out: z = 1 / x (0 for 0), z disjoint from x; p - 2 = 8 (2^252 - 3) + 3
export function feInvert(z: usize, x: usize): void {
  fePow22523(z, x);
  feSquare(z, z);
  feSquare(z, z);
  feMul(z, z, x);
  feSquare(z, z);
  feMul(z, z, x);
}
