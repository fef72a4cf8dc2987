// The field of NIST P-256, p = 2^256 - 2^224 + 2^192 + 2^96 - 1, as Montgomery residues.
//
// An element is GF_BYTES at a 4-aligned address, in the limbs of the build's product kernel, not in any normal form; it
// stands for its value divided by R = 2^(limbs * bits). Units are counted as in field25519.ts, products are tight, words
// too, as they come in by a product. Results may stand where an operand stood.
// Public data only: running time follows the values.

import { NARROW } from '../profile';
import { COLUMNS, FIELD_MODULUS, FIELD_SPARE, FIELD_WORDS } from './areas';
import { narrowReduce256, narrowSubtract256 } from './field256-narrow';
import { wideReduce256, wideSubtract256 } from './field256-wide';
import { wordsInvert } from './inverse';
import { multiply, square } from './product';
import { WIDE_BITS, WIDE_BYTES, WIDE_LIMBS, wideAdd, wideSub } from './product-wide';
import { wordsCopy, wordsFromLimbs, wordsLess, wordsSmall, wordsToLimbs, wordsZero } from './words';

export const GF_BYTES: usize = WIDE_BYTES;

// p in words
export function gfModulus(words: usize): void {
  wordsCopy(words, memory.data<u32>([-1, -1, -1, 0, 0, 0, 1, -1]));
}

export function gfMul(z: usize, x: usize, y: usize): void {
  multiply(x, y);
  reduce(z);
}

export function gfSquare(z: usize, x: usize): void {
  square(x);
  reduce(z);
}

function reduce(z: usize): void {
  store<i64>(COLUMNS, 0, 8 * 17);
  reduceColumns(z);
}

function reduceColumns(z: usize): void {
  if (NARROW) narrowReduce256(z);
  else wideReduce256(z);
}

function subtract(w: usize): void {
  if (NARROW) narrowSubtract256(w);
  else wideSubtract256(w);
}

// z = x * y - w, w of at most 4 units
export function gfMulSub(z: usize, x: usize, y: usize, w: usize): void {
  multiply(x, y);
  subtract(w);
  reduceColumns(z);
}

// z = x * x - w, w of at most 4 units
export function gfSquareSub(z: usize, x: usize, w: usize): void {
  square(x);
  subtract(w);
  reduceColumns(z);
}

export function gfAdd(z: usize, x: usize, y: usize): void {
  wideAdd(z, x, y);
}

export function gfSub(z: usize, x: usize, y: usize): void {
  wideSub(z, x, y);
}

export function gfCopy(z: usize, x: usize): void {
  memory.copy(z, x, GF_BYTES);
}

// out: words = the residue itself (not divided by R) in 0..p-1
function normal(words: usize, x: usize): void {
  gfModulus(FIELD_MODULUS);
  wordsFromLimbs(words, x, WIDE_BITS, WIDE_LIMBS, FIELD_MODULUS);
}

// Whether words < p: the coordinates that are canonical
export function gfCanonical(words: usize): bool {
  gfModulus(FIELD_MODULUS);
  return wordsLess(words, FIELD_MODULUS);
}

export function gfZero(x: usize): bool {
  normal(FIELD_WORDS, x);
  return wordsZero(FIELD_WORDS);
}

// out: z = words * R mod p, that is, the element that stands for words.   in: words < 2^256
export function gfFromWords(z: usize, words: usize): void {
  wordsToLimbs(z, words, WIDE_BITS, WIDE_LIMBS);
  wordsCopy(
    FIELD_WORDS,
    memory.data<u32>([0xc00, 0, 0xfffffc00, 0xffffefff, 0xfffffbff, 0xffffffff, 0xfffff7ff, 0x13ff]),
  ); // R^2 mod p
  wordsToLimbs(FIELD_SPARE, FIELD_WORDS, WIDE_BITS, WIDE_LIMBS);
  gfMul(z, z, FIELD_SPARE);
}

// out: words = the value that x stands for, in 0..p-1. x is spent.
export function gfToWords(words: usize, x: usize): void {
  memory.fill(FIELD_SPARE, 0, GF_BYTES);
  store<u32>(FIELD_SPARE, 1);
  gfMul(x, x, FIELD_SPARE);
  normal(words, x);
}

// out: z = 1 / x, x not 0
export function gfInvert(z: usize, x: usize): void {
  gfCopy(z, x);
  gfToWords(FIELD_WORDS, z);
  wordsInvert(FIELD_WORDS, FIELD_WORDS, FIELD_MODULUS, -1); // p = -1 mod 2^30
  gfFromWords(z, FIELD_WORDS);
}

// z = 1
export function gfOne(z: usize): void {
  wordsSmall(FIELD_WORDS, 1);
  gfFromWords(z, FIELD_WORDS);
}

export function gfNegate(z: usize, x: usize): void {
  for (let i: usize = 0; i < GF_BYTES; i += 4) store<i32>(z + i, -load<i32>(x + i));
}
