// Euclid's algorithm on numbers of 256 bits, by shifts and subtractions: the step that halves.ts takes too, and an inversion
// made of it, for the Cortex-M0; inverse.ts has a faster one of three times the code. Public data only.

import { INVERSE } from './areas';
import { WORDS_BYTES, wordsAddShifted, wordsCopy, wordsLess, wordsSmall, wordsSub } from './words';

const U: usize = INVERSE;
const V: usize = U + WORDS_BYTES;
const R: usize = V + WORDS_BYTES;
const W: usize = R + WORDS_BYTES;

// in: x >= y > 0 and their lengths in bits   out: x -= y 2^n, p += q 2^n with the largest n that leaves x >= 0
// Returns the length of x.
export function euclidStep(x: usize, p: usize, lengthX: u32, y: usize, q: usize, lengthY: u32): u32 {
  let n = lengthX - lengthY;
  if (wordsAddShifted(x, y, n, true)) {
    n--;
    wordsAddShifted(x, y, n, false);
  }
  wordsAddShifted(p, q, n, false);
  return bitLength(x);
}

export function bitLength(x: usize): u32 {
  for (let at = WORDS_BYTES; at !== 0; ) {
    at -= 4;
    const word = load<u32>(x + at);
    if (word !== 0) return <u32>(at << 3) + 32 - <u32>clz<u32>(word);
  }
  return 0;
}

// in: 0 < x < m, m prime   out: z = 1/x mod m
// z, x and m may be the same addresses or disjoint.
export function euclidInvert(z: usize, x: usize, m: usize): void {
  // Two rows, each a remainder and the factor of x that gives it: u = -v x, r = w x mod m, and u w + r v = m.
  wordsCopy(U, m);
  wordsSmall(V, 0);
  wordsCopy(R, x);
  wordsSmall(W, 1);
  let lengthU = bitLength(U);
  let lengthR = bitLength(R);
  while (lengthU !== 1 && lengthR !== 1) {
    if (wordsLess(U, R)) lengthR = euclidStep(R, W, lengthR, U, V, lengthU);
    else lengthU = euclidStep(U, V, lengthU, R, W, lengthR);
  }
  if (lengthR === 1) wordsCopy(z, W);
  else {
    wordsCopy(z, m);
    wordsSub(z, V);
  }
}
