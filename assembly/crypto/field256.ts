// The field of NIST P-256, p = 2^256 - 2^224 + 2^192 + 2^96 - 1, as Montgomery residues: an element is x * 2^256 mod p in eight words, below p.
//
// Elements are FE_BYTES at 4-aligned addresses. Results may stand where an operand stood. Public data only.

import { wordsAdd, wordsLess, wordsMontgomery, wordsSub, wordsZero } from './words';

export const GF_BYTES: usize = 32;

const INVERSE: u32 = 1; // -1/p mod 2^32
export const GF_MODULUS: usize = memory.data<u32>([0xffffffff, 0xffffffff, 0xffffffff, 0, 0, 0, 1, 0xffffffff]);
// 2^512 mod p
const R2: usize = memory.data<u32>([3, 0, 0xffffffff, 0xfffffffb, 0xfffffffe, 0xffffffff, 0xfffffffd, 4]);
// 2^256 mod p
export const GF_ONE: usize = memory.data<u32>([1, 0, 0, 0xffffffff, 0xffffffff, 0xffffffff, 0xfffffffe, 0]);
const PLAIN_ONE: usize = memory.data<u32>([1, 0, 0, 0, 0, 0, 0, 0]);

export function gfMul(z: usize, x: usize, y: usize): void {
  wordsMontgomery(z, x, y, GF_MODULUS, INVERSE);
}

export function gfSquare(z: usize, x: usize): void {
  wordsMontgomery(z, x, x, GF_MODULUS, INVERSE);
}

export function gfAdd(z: usize, x: usize, y: usize): void {
  if (wordsAdd(z, x, y) != 0 || !wordsLess(z, GF_MODULUS)) wordsSub(z, z, GF_MODULUS);
}

export function gfSub(z: usize, x: usize, y: usize): void {
  if (wordsSub(z, x, y) != 0) wordsAdd(z, z, GF_MODULUS);
}

export function gfZero(x: usize): bool {
  return wordsZero(x);
}

export function gfEqual(x: usize, y: usize): bool {
  return memory.compare(x, y, GF_BYTES) == 0;
}

// words below p <-> element
export function gfFromWords(z: usize, words: usize): void {
  wordsMontgomery(z, words, R2, GF_MODULUS, INVERSE);
}

export function gfToWords(words: usize, x: usize): void {
  wordsMontgomery(words, x, PLAIN_ONE, GF_MODULUS, INVERSE);
}
