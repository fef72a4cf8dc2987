// The field of Curve25519, p = 2^255 - 19.
//
// An element is FE_BYTES at a 4-aligned address, in the limbs of the build's product kernel, not in any normal form.
// Sizes are counted in units: what a product gives is tight, one unit; words as they come have two; sums and differences
// add their operands' units. A product takes operands that have at most 7 units together.
// Results may stand where an operand stood, except where said. Public data only: running time follows the values.

import { NARROW } from '../profile';
import { FIELD_MODULUS, FIELD_WORDS } from './areas';
import { narrowReduce25519 } from './field25519-narrow';
import { wideReduce25519 } from './field25519-wide';
import { multiply, square } from './product';
import { WIDE_BITS, WIDE_BYTES, WIDE_LIMBS, wideAdd, wideSub } from './product-wide';
import { wordsCopy, wordsFromLimbs, wordsLess, wordsToLimbs, wordsZero } from './words';

export const FE_BYTES: usize = WIDE_BYTES;

function setModulus(): void {
  wordsCopy(FIELD_MODULUS, memory.data<u32>([-19, -1, -1, -1, -1, -1, -1, 0x7fffffff]));
}

export function feMul(z: usize, x: usize, y: usize): void {
  multiply(x, y);
  reduce(z);
}

export function feSquare(z: usize, x: usize): void {
  square(x);
  reduce(z);
}

function reduce(z: usize): void {
  if (NARROW) narrowReduce25519(z);
  else wideReduce25519(z);
}

export function feAdd(z: usize, x: usize, y: usize): void {
  wideAdd(z, x, y);
}

export function feSub(z: usize, x: usize, y: usize): void {
  wideSub(z, x, y);
}

export function feNegate(z: usize, x: usize): void {
  for (let i: usize = 0; i < FE_BYTES; i += 4) store<i32>(z + i, -load<i32>(x + i));
}

export function feCopy(z: usize, x: usize): void {
  memory.copy(z, x, FE_BYTES);
}

// z = a small number
export function feSet(z: usize, value: u32): void {
  memory.fill(z, 0, FE_BYTES);
  store<u32>(z, value);
}

// in: words < 2^256
export function feFromWords(z: usize, words: usize): void {
  wordsToLimbs(z, words, WIDE_BITS, WIDE_LIMBS);
}

// out: words = x in 0..p-1, of an element of few units
export function feToWords(words: usize, x: usize): void {
  setModulus();
  wordsFromLimbs(words, x, WIDE_BITS, WIDE_LIMBS, FIELD_MODULUS);
}

// Whether words < p: the coordinates that are canonical
export function feCanonical(words: usize): bool {
  setModulus();
  return wordsLess(words, FIELD_MODULUS);
}

export function feZero(x: usize): bool {
  feToWords(FIELD_WORDS, x);
  return wordsZero(FIELD_WORDS);
}

// z = x^(2^n), n > 0
function squareTimes(z: usize, x: usize, n: i32): void {
  feSquare(z, x);
  while (--n !== 0) feSquare(z, z);
}

// out: z = x^(2^252 - 3) = x^((p - 5) / 8)
// z, x and spare are disjoint elements.
export function fePow22523(z: usize, x: usize, spare: usize): void {
  // z = x^(2^n - 1): n doubles by a product of z and its n squarings, and grows by 1 by a squaring and x; so from 1 to 250
  const raised = spare;
  feCopy(z, x);
  let n: i32 = 1;
  for (let bit = 6; bit >= 0; bit--) {
    squareTimes(raised, z, n);
    feMul(z, raised, z);
    n = 250 >> bit;
    if ((n & 1) !== 0) {
      feSquare(z, z);
      feMul(z, z, x);
    }
  }
  squareTimes(z, z, 2);
  feMul(z, z, x);
}
