// Splitting the scalar of an Ed25519 check in two of half its length (Antipa, Brown, Gallant, Lambert, Struik and
// Vanstone, "Accelerated verification of ECDSA signatures", 2005).
//
// [S]B = R + [k]A holds exactly if [vS]B - [u]A - [v]R = 0 for u = v k, provided that v is prime to the order of every
// point there is. That order divides 8 L, so u = v k is wanted modulo 8 L, not L, and v odd and no multiple of L; then
// the short equation is the cofactorless one, torsion or not. Euclid's algorithm on 8 L and k passes through pairs
// (u, v) of about 128 bits each.

import { FIELD_MODULUS, FIELD_WORDS } from './areas';
import { bitLength, euclidStep } from './euclid';
import { wordsCopy, wordsLess, wordsSmall } from './words';

const HALF_BITS: u32 = 128; // u below 2^128 is short enough

// in: k < L   out: u and v, words, with u = v k mod 8 L, v odd and prime to L; returns whether v stands for its negative
// Both are of about 128 bits, and for rare k longer. u, v, k and FIELD_WORDS, FIELD_MODULUS are disjoint.
export function halvesOf(u: usize, v: usize, k: usize): bool {
  // Two rows, each a remainder and the factor of k that gives it:  u = -v k,  r = w k  mod 8 L.
  // u w + r v = 8 L throughout: factors stay below 2^256, and one whose remainder is below L but not 0 is prime to L.
  const r = FIELD_MODULUS;
  const w = FIELD_WORDS;
  wordsCopy(u, memory.data<u32>([0xe7ae9f68, 0xc09318d2, 0x17bce6b2, 0xa6f7cef5, 0, 0, 0, 0x80000000])); // 8 L
  wordsSmall(v, 0);
  wordsCopy(r, k);
  wordsSmall(w, 1);
  let lengthU: u32 = 256;
  let lengthR = bitLength(r);
  while (lengthU !== 0 && lengthR !== 0) {
    if (lengthR <= HALF_BITS && (load<u32>(w) & 1) !== 0) {
      wordsCopy(u, r);
      wordsCopy(v, w);
      return false;
    }
    if (lengthU <= HALF_BITS && (load<u32>(v) & 1) !== 0) return true;
    if (wordsLess(u, r)) lengthR = euclidStep(r, w, lengthR, u, v, lengthU);
    else lengthU = euclidStep(u, v, lengthU, r, w, lengthR);
  }
  // k is 0, or no short odd v exists: the full-length equation.
  wordsCopy(u, k);
  wordsSmall(v, 1);
  return false;
}
