// Inversion modulo an odd number of 256 bits, by division steps (Bernstein and Yang, "Fast constant-time gcd computation
// and modular inversion", 2019), in the variable-time form that libsecp256k1 describes in doc/safegcd_implementation.md.
//
// Thirty steps at a time run on the lowest bits of f and g alone and give a matrix; the matrix is then applied to the
// whole f, g (exactly) and to d, e (modulo m). Numbers are nine signed limbs of 30 bits. Public data only.

import { NARROW } from '../profile';
import { COLUMNS, INVERSE } from './areas';
import { euclidInvert } from './euclid';
import { wordsFromLimbs, wordsToLimbs } from './words';

const LIMBS: u32 = 9;
const BITS: u32 = 30;
const MASK: u32 = (1 << 30) - 1;
const BYTES: usize = 36;

const F: usize = INVERSE;
const G: usize = F + BYTES;
const D: usize = G + BYTES;
const E: usize = D + BYTES;
const MODULUS: usize = COLUMNS; // no product runs meanwhile

// in: 0 < x < m, m an odd prime above 2^254, reciprocal = 1/m mod 2^30   out: z = 1/x mod m
// z, x and m may be the same addresses or disjoint.
export function wordsInvert(z: usize, x: usize, m: usize, reciprocal: u32): void {
  if (NARROW) euclidInvert(z, x, m);
  else invertByDivisionSteps(z, x, m, reciprocal);
}

function invertByDivisionSteps(z: usize, x: usize, m: usize, reciprocal: u32): void {
  wordsToLimbs(MODULUS, m, BITS, LIMBS);
  memory.copy(F, MODULUS, BYTES);
  wordsToLimbs(G, x, BITS, LIMBS);
  memory.fill(D, 0, 2 * BYTES);
  store<u32>(E, 1);

  // Invariant: d * x = f and e * x = g mod m. Ends with g = 0, f = 1 or -1.
  let eta: i32 = -1; // minus the delta of the paper
  do {
    // Thirty steps need thirty bits of f and g; what shifts in above is never looked at.
    // |u| + |v| <= 2^30, |q| + |r| <= 2^30
    let f: i32 = load<i32>(F);
    let g: i32 = load<i32>(G);
    let u: i32 = 1;
    let v: i32 = 0;
    let q: i32 = 0;
    let r: i32 = 1;
    let left: i32 = 30;
    while (true) {
      const zeros = ctz<i32>(g | (-1 << left));
      g >>= zeros;
      u <<= zeros;
      v <<= zeros;
      eta -= zeros;
      left -= zeros;
      if (left === 0) break;
      if (eta < 0) {
        eta = -eta;
        let swap = f;
        f = g;
        g = -swap;
        swap = u;
        u = q;
        q = -swap;
        swap = v;
        v = r;
        r = -swap;
      }
      // Clear up to six low bits of g with one multiple of f: f * (f^2 - 2) = -1/f mod 64.
      const limit = min(eta + 1, left);
      const w = (f * g * (f * f - 2)) & (<i32>(0xffffffff >>> (32 - limit)) & 63);
      g += f * w;
      q += u * w;
      r += v * w;
    }
    applyExactly(u, v, q, r);
    applyModulo(u, v, q, r, reciprocal);
  } while (!zero(G));

  if (load<i32>(F, 32) < 0) {
    for (let i: usize = 0; i < BYTES; i += 4) store<i32>(D + i, -load<i32>(D + i));
  }
  wordsFromLimbs(z, D, BITS, LIMBS, m);
}

function zero(x: usize): bool {
  let any: i32 = 0;
  for (let i: usize = 0; i < BYTES; i += 4) any |= load<i32>(x + i);
  return any === 0;
}

// (f, g) = (u f + v g, q f + r g) / 2^30, which is exact
function applyExactly(u: i32, v: i32, q: i32, r: i32): void {
  let f: i64 = 0;
  let g: i64 = 0;
  for (let i: usize = 0; i < BYTES; i += 4) {
    const a = <i64>load<i32>(F + i);
    const b = <i64>load<i32>(G + i);
    f += <i64>u * a + <i64>v * b; // < 2^61
    g += <i64>q * a + <i64>r * b;
    if (i !== 0) {
      store<u32>(F + i - 4, <u32>f & MASK);
      store<u32>(G + i - 4, <u32>g & MASK);
    }
    f >>= 30;
    g >>= 30;
  }
  store<i32>(F, <i32>f, 32);
  store<i32>(G, <i32>g, 32);
}

// (d, e) = (u d + v e, q d + r e) / 2^30 mod m; both stay in -2m..m
function applyModulo(u: i32, v: i32, q: i32, r: i32, reciprocal: u32): void {
  // Multiples of m that keep the range, then those that make the division exact.
  const negativeD: i32 = load<i32>(D, 32) >> 31;
  const negativeE: i32 = load<i32>(E, 32) >> 31;
  let timesD: i32 = (u & negativeD) + (v & negativeE);
  let timesE: i32 = (q & negativeD) + (r & negativeE);
  const lowD: i32 = load<i32>(D);
  const lowE: i32 = load<i32>(E);
  timesD -= <i32>((reciprocal * <u32>(u * lowD + v * lowE) + <u32>timesD) & MASK);
  timesE -= <i32>((reciprocal * <u32>(q * lowD + r * lowE) + <u32>timesE) & MASK);
  let d: i64 = 0;
  let e: i64 = 0;
  for (let i: usize = 0; i < BYTES; i += 4) {
    const a = <i64>load<i32>(D + i);
    const b = <i64>load<i32>(E + i);
    const m = <i64>load<i32>(MODULUS + i);
    d += <i64>u * a + <i64>v * b + m * <i64>timesD; // < 2^62
    e += <i64>q * a + <i64>r * b + m * <i64>timesE;
    if (i !== 0) {
      store<u32>(D + i - 4, <u32>d & MASK);
      store<u32>(E + i - 4, <u32>e & MASK);
    }
    d >>= 30;
    e >>= 30;
  }
  store<i32>(D, <i32>d, 32);
  store<i32>(E, <i32>e, 32);
}
