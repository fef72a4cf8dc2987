// Reduction modulo 2^255 - 19 of the columns that product-wide.ts leaves.

import { COLUMNS } from './areas';

const MASK: i32 = (1 << 29) - 1; // of 32 bits, as what it leaves: GCC then takes one UMLAL for a product with FOLD
const HALF: i64 = 1 << 28; // rounds, so that limbs come out around 0
const FOLD: i64 = 1216; // 2^261 = 19 * 2^6 mod p

// in: COLUMNS, |column| < 2^63 - 2^46   out: z tight (|limb| <= 2^28 + 2^17), |z| < 2^254 + 2^240
export function wideReduce25519(z: usize): void {
  store<i32>(z, 0, 32); // the highest address first: translated to C, its bounds check then serves all
  // The upper half as limbs of 29 bits, so that folding it down cannot overflow.
  let c = load<i64>(COLUMNS, 72);
  const h0 = <i64>(<i32>c & MASK);
  c = (c >> 29) + load<i64>(COLUMNS, 80);
  const h1 = <i64>(<i32>c & MASK);
  c = (c >> 29) + load<i64>(COLUMNS, 88);
  const h2 = <i64>(<i32>c & MASK);
  c = (c >> 29) + load<i64>(COLUMNS, 96);
  const h3 = <i64>(<i32>c & MASK);
  c = (c >> 29) + load<i64>(COLUMNS, 104);
  const h4 = <i64>(<i32>c & MASK);
  c = (c >> 29) + load<i64>(COLUMNS, 112);
  const h5 = <i64>(<i32>c & MASK);
  c = (c >> 29) + load<i64>(COLUMNS, 120);
  const h6 = <i64>(<i32>c & MASK);
  c = (c >> 29) + load<i64>(COLUMNS, 128);
  const h7 = <i64>(<i32>c & MASK);
  c = c >> 29; // |c| < 2^34, times FOLD < 2^45
  const h8 = c;
  c = load<i64>(COLUMNS, 0) + h0 * FOLD;
  const r0 = (c + HALF) >> 29;
  const z0 = c - (r0 << 29);
  c = r0 + load<i64>(COLUMNS, 8) + h1 * FOLD;
  const r1 = (c + HALF) >> 29;
  const z1 = c - (r1 << 29);
  c = r1 + load<i64>(COLUMNS, 16) + h2 * FOLD;
  const r2 = (c + HALF) >> 29;
  store<i32>(z, <i32>(c - (r2 << 29)), 8);
  c = r2 + load<i64>(COLUMNS, 24) + h3 * FOLD;
  const r3 = (c + HALF) >> 29;
  store<i32>(z, <i32>(c - (r3 << 29)), 12);
  c = r3 + load<i64>(COLUMNS, 32) + h4 * FOLD;
  const r4 = (c + HALF) >> 29;
  store<i32>(z, <i32>(c - (r4 << 29)), 16);
  c = r4 + load<i64>(COLUMNS, 40) + h5 * FOLD;
  const r5 = (c + HALF) >> 29;
  store<i32>(z, <i32>(c - (r5 << 29)), 20);
  c = r5 + load<i64>(COLUMNS, 48) + h6 * FOLD;
  const r6 = (c + HALF) >> 29;
  store<i32>(z, <i32>(c - (r6 << 29)), 24);
  c = r6 + load<i64>(COLUMNS, 56) + h7 * FOLD;
  const r7 = (c + HALF) >> 29;
  store<i32>(z, <i32>(c - (r7 << 29)), 28);
  c = r7 + load<i64>(COLUMNS, 64) + h8 * FOLD;
  // What lies above bit 255, 23 bits into limb 8, comes back as 19 times itself at the bottom.
  const above = (c + (1 << 22)) >> 23; // |above| < 2^41
  store<i32>(z, <i32>(c - (above << 23)), 32); // <= 2^22
  c = z0 + above * 19; // < 2^46
  const r8 = (c + HALF) >> 29; // < 2^17
  store<i32>(z, <i32>(c - (r8 << 29)));
  store<i32>(z, <i32>(z1 + r8), 4);
}
