// Montgomery's reduction modulo p = 2^256 - 2^224 + 2^192 + 2^96 - 1 of the columns that product-wide.ts leaves.
//
// As p = -1 mod 2^96, the multiple of p that clears a limb m is m itself: m is dropped, and m * (p + 1) is added above,
// which is four shifts: 2^96 = limb 3 << 9, 2^192 = limb 6 << 18, 2^224 = limb 7 << 21, 2^256 = limb 8 << 24.

import { COLUMNS } from './areas';

const MASK: i64 = (1 << 29) - 1;
const HALF: i64 = 1 << 28; // rounds, so that limbs come out around 0

// in: COLUMNS with an 18th, for what is added or taken above, |column| < 2^63 - 2^56
// out: z = value / 2^261 mod p, value / 2^261 <= z < p + value / 2^261, |limb| <= 2^28 but for limb 8, which takes what is left:
// it is z / 2^232 to the nearest. What curve256.ts makes is within 3.6 p, so limb 8 < 2^26 (tests/crypto/bounds.test.ts).
export function wideReduce256(z: usize): void {
  store<i32>(z, 0, 32); // the highest address first: translated to C, its bounds check then serves all
  const c0 = load<i64>(COLUMNS, 0);
  let c1 = load<i64>(COLUMNS, 8);
  let c2 = load<i64>(COLUMNS, 16);
  let c3 = load<i64>(COLUMNS, 24);
  let c4 = load<i64>(COLUMNS, 32);
  let c5 = load<i64>(COLUMNS, 40);
  let c6 = load<i64>(COLUMNS, 48);
  let c7 = load<i64>(COLUMNS, 56);
  const m0 = c0 & MASK;
  c1 += c0 >> 29;
  c3 += m0 << 9;
  c6 += m0 << 18;
  c7 -= m0 << 21;
  let c8 = (m0 << 24) + load<i64>(COLUMNS, 64);
  const m1 = c1 & MASK;
  c2 += c1 >> 29;
  c4 += m1 << 9;
  c7 += m1 << 18;
  c8 -= m1 << 21;
  let c9 = (m1 << 24) + load<i64>(COLUMNS, 72);
  const m2 = c2 & MASK;
  c3 += c2 >> 29;
  c5 += m2 << 9;
  c8 += m2 << 18;
  c9 -= m2 << 21;
  let c10 = (m2 << 24) + load<i64>(COLUMNS, 80);
  const m3 = c3 & MASK;
  c4 += c3 >> 29;
  c6 += m3 << 9;
  c9 += m3 << 18;
  c10 -= m3 << 21;
  let c11 = (m3 << 24) + load<i64>(COLUMNS, 88);
  const m4 = c4 & MASK;
  c5 += c4 >> 29;
  c7 += m4 << 9;
  c10 += m4 << 18;
  c11 -= m4 << 21;
  let c12 = (m4 << 24) + load<i64>(COLUMNS, 96);
  const m5 = c5 & MASK;
  c6 += c5 >> 29;
  c8 += m5 << 9;
  c11 += m5 << 18;
  c12 -= m5 << 21;
  let c13 = (m5 << 24) + load<i64>(COLUMNS, 104);
  const m6 = c6 & MASK;
  c7 += c6 >> 29;
  c9 += m6 << 9;
  c12 += m6 << 18;
  c13 -= m6 << 21;
  let c14 = (m6 << 24) + load<i64>(COLUMNS, 112);
  const m7 = c7 & MASK;
  c8 += c7 >> 29;
  c10 += m7 << 9;
  c13 += m7 << 18;
  c14 -= m7 << 21;
  let c15 = (m7 << 24) + load<i64>(COLUMNS, 120);
  const m8 = c8 & MASK;
  c9 += c8 >> 29;
  c11 += m8 << 9;
  c14 += m8 << 18;
  c15 -= m8 << 21;
  let c16 = (m8 << 24) + load<i64>(COLUMNS, 128);
  const r0 = (c9 + HALF) >> 29;
  store<i32>(z, <i32>(c9 - (r0 << 29)), 0);
  c10 += r0;
  const r1 = (c10 + HALF) >> 29;
  store<i32>(z, <i32>(c10 - (r1 << 29)), 4);
  c11 += r1;
  const r2 = (c11 + HALF) >> 29;
  store<i32>(z, <i32>(c11 - (r2 << 29)), 8);
  c12 += r2;
  const r3 = (c12 + HALF) >> 29;
  store<i32>(z, <i32>(c12 - (r3 << 29)), 12);
  c13 += r3;
  const r4 = (c13 + HALF) >> 29;
  store<i32>(z, <i32>(c13 - (r4 << 29)), 16);
  c14 += r4;
  const r5 = (c14 + HALF) >> 29;
  store<i32>(z, <i32>(c14 - (r5 << 29)), 20);
  c15 += r5;
  const r6 = (c15 + HALF) >> 29;
  store<i32>(z, <i32>(c15 - (r6 << 29)), 24);
  c16 += r6;
  const r7 = (c16 + HALF) >> 29;
  store<i32>(z, <i32>(c16 - (r7 << 29)), 28);
  store<i32>(z, <i32>(r7 + load<i64>(COLUMNS, 136)), 32);
}

// in: COLUMNS, w of up to 4 units   out: COLUMNS - w * 2^261, so that reduction gives its result less w
export function wideSubtract256(w: usize): void {
  store<i64>(COLUMNS, -(<i64>load<i32>(w, 32)), 136);
  store<i64>(COLUMNS, load<i64>(COLUMNS, 128) - <i64>load<i32>(w, 28), 128);
  store<i64>(COLUMNS, load<i64>(COLUMNS, 120) - <i64>load<i32>(w, 24), 120);
  store<i64>(COLUMNS, load<i64>(COLUMNS, 112) - <i64>load<i32>(w, 20), 112);
  store<i64>(COLUMNS, load<i64>(COLUMNS, 104) - <i64>load<i32>(w, 16), 104);
  store<i64>(COLUMNS, load<i64>(COLUMNS, 96) - <i64>load<i32>(w, 12), 96);
  store<i64>(COLUMNS, load<i64>(COLUMNS, 88) - <i64>load<i32>(w, 8), 88);
  store<i64>(COLUMNS, load<i64>(COLUMNS, 80) - <i64>load<i32>(w, 4), 80);
  store<i64>(COLUMNS, load<i64>(COLUMNS, 72) - <i64>load<i32>(w, 0), 72);
}
