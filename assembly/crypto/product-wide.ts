// Products of field elements in nine signed limbs of 29 bits: value = sum of limb[i] * 2^(29 i), 36 bytes.
//
// For processors that multiply 32 x 32 -> 64 bits: V8 on any desktop, Cortex-M3 and up. Limbs are signed and need not be
// normal, so sums and differences carry nothing. Their size is counted in units of 2^28: a "tight" element, what
// reduction gives, has |limb| <= 2^28 + 2^6, one unit; a sum or difference of two tight ones has two, and so on.
//
// Limbs are read and written from the highest down: a translation to C with bounds checks then needs one per element, as
// the first address being inside says it of all.

import { COLUMNS } from './areas';

export const WIDE_LIMBS: u32 = 9;
export const WIDE_BITS: u32 = 29;
export const WIDE_BYTES: usize = 36;

// in: x of s units, y of t units, s + t <= 7   out: COLUMNS[k] = sum of x[i] * y[k - i], k = 0..16
//   s * t <= 12, |column| <= 9 * 12 * (2^28 + 2^17)^2 < 2^63
export function wideMultiply(x: usize, y: usize): void {
  const y8 = <i64>load<i32>(y, 32);
  const y7 = <i64>load<i32>(y, 28);
  const y6 = <i64>load<i32>(y, 24);
  const y5 = <i64>load<i32>(y, 20);
  const y4 = <i64>load<i32>(y, 16);
  const y3 = <i64>load<i32>(y, 12);
  const y2 = <i64>load<i32>(y, 8);
  const y1 = <i64>load<i32>(y, 4);
  const y0 = <i64>load<i32>(y, 0);
  const x8 = <i64>load<i32>(x, 32);
  const x7 = <i64>load<i32>(x, 28);
  const x6 = <i64>load<i32>(x, 24);
  const x5 = <i64>load<i32>(x, 20);
  const x4 = <i64>load<i32>(x, 16);
  const x3 = <i64>load<i32>(x, 12);
  const x2 = <i64>load<i32>(x, 8);
  const x1 = <i64>load<i32>(x, 4);
  const x0 = <i64>load<i32>(x, 0);
  store<i64>(COLUMNS, x0 * y0, 0);
  store<i64>(COLUMNS, x0 * y1 + x1 * y0, 8);
  store<i64>(COLUMNS, x0 * y2 + x1 * y1 + x2 * y0, 16);
  store<i64>(COLUMNS, x0 * y3 + x1 * y2 + x2 * y1 + x3 * y0, 24);
  store<i64>(COLUMNS, x0 * y4 + x1 * y3 + x2 * y2 + x3 * y1 + x4 * y0, 32);
  store<i64>(COLUMNS, x0 * y5 + x1 * y4 + x2 * y3 + x3 * y2 + x4 * y1 + x5 * y0, 40);
  store<i64>(COLUMNS, x0 * y6 + x1 * y5 + x2 * y4 + x3 * y3 + x4 * y2 + x5 * y1 + x6 * y0, 48);
  store<i64>(COLUMNS, x0 * y7 + x1 * y6 + x2 * y5 + x3 * y4 + x4 * y3 + x5 * y2 + x6 * y1 + x7 * y0, 56);
  store<i64>(COLUMNS, x0 * y8 + x1 * y7 + x2 * y6 + x3 * y5 + x4 * y4 + x5 * y3 + x6 * y2 + x7 * y1 + x8 * y0, 64);
  store<i64>(COLUMNS, x1 * y8 + x2 * y7 + x3 * y6 + x4 * y5 + x5 * y4 + x6 * y3 + x7 * y2 + x8 * y1, 72);
  store<i64>(COLUMNS, x2 * y8 + x3 * y7 + x4 * y6 + x5 * y5 + x6 * y4 + x7 * y3 + x8 * y2, 80);
  store<i64>(COLUMNS, x3 * y8 + x4 * y7 + x5 * y6 + x6 * y5 + x7 * y4 + x8 * y3, 88);
  store<i64>(COLUMNS, x4 * y8 + x5 * y7 + x6 * y6 + x7 * y5 + x8 * y4, 96);
  store<i64>(COLUMNS, x5 * y8 + x6 * y7 + x7 * y6 + x8 * y5, 104);
  store<i64>(COLUMNS, x6 * y8 + x7 * y7 + x8 * y6, 112);
  store<i64>(COLUMNS, x7 * y8 + x8 * y7, 120);
  store<i64>(COLUMNS, x8 * y8, 128);
}

// in: x of s units, s <= 3   out: COLUMNS as above for x * x
// Doubled limbs still fit 32 bits (6 * (2^28 + 2^17) < 2^31) and are doubled as such: GCC then takes one SMLAL for a product.
export function wideSquare(x: usize): void {
  const x8 = <i64>load<i32>(x, 32);
  const x7 = <i64>load<i32>(x, 28);
  const x6 = <i64>load<i32>(x, 24);
  const x5 = <i64>load<i32>(x, 20);
  const x4 = <i64>load<i32>(x, 16);
  const x3 = <i64>load<i32>(x, 12);
  const x2 = <i64>load<i32>(x, 8);
  const x1 = <i64>load<i32>(x, 4);
  const x0 = <i64>load<i32>(x, 0);
  const d0 = <i64>((<i32>x0) << 1);
  const d1 = <i64>((<i32>x1) << 1);
  const d2 = <i64>((<i32>x2) << 1);
  const d3 = <i64>((<i32>x3) << 1);
  const d4 = <i64>((<i32>x4) << 1);
  const d5 = <i64>((<i32>x5) << 1);
  const d6 = <i64>((<i32>x6) << 1);
  const d7 = <i64>((<i32>x7) << 1);
  store<i64>(COLUMNS, x0 * x0, 0);
  store<i64>(COLUMNS, d0 * x1, 8);
  store<i64>(COLUMNS, d0 * x2 + x1 * x1, 16);
  store<i64>(COLUMNS, d0 * x3 + d1 * x2, 24);
  store<i64>(COLUMNS, d0 * x4 + d1 * x3 + x2 * x2, 32);
  store<i64>(COLUMNS, d0 * x5 + d1 * x4 + d2 * x3, 40);
  store<i64>(COLUMNS, d0 * x6 + d1 * x5 + d2 * x4 + x3 * x3, 48);
  store<i64>(COLUMNS, d0 * x7 + d1 * x6 + d2 * x5 + d3 * x4, 56);
  store<i64>(COLUMNS, d0 * x8 + d1 * x7 + d2 * x6 + d3 * x5 + x4 * x4, 64);
  store<i64>(COLUMNS, d1 * x8 + d2 * x7 + d3 * x6 + d4 * x5, 72);
  store<i64>(COLUMNS, d2 * x8 + d3 * x7 + d4 * x6 + x5 * x5, 80);
  store<i64>(COLUMNS, d3 * x8 + d4 * x7 + d5 * x6, 88);
  store<i64>(COLUMNS, d4 * x8 + d5 * x7 + x6 * x6, 96);
  store<i64>(COLUMNS, d5 * x8 + d6 * x7, 104);
  store<i64>(COLUMNS, d6 * x8 + x7 * x7, 112);
  store<i64>(COLUMNS, d7 * x8, 120);
  store<i64>(COLUMNS, x8 * x8, 128);
}

// out: z = x + y, units add up. z may be x or y.
export function wideAdd(z: usize, x: usize, y: usize): void {
  store<i32>(z, load<i32>(x, 32) + load<i32>(y, 32), 32);
  store<i32>(z, load<i32>(x, 28) + load<i32>(y, 28), 28);
  store<i32>(z, load<i32>(x, 24) + load<i32>(y, 24), 24);
  store<i32>(z, load<i32>(x, 20) + load<i32>(y, 20), 20);
  store<i32>(z, load<i32>(x, 16) + load<i32>(y, 16), 16);
  store<i32>(z, load<i32>(x, 12) + load<i32>(y, 12), 12);
  store<i32>(z, load<i32>(x, 8) + load<i32>(y, 8), 8);
  store<i32>(z, load<i32>(x, 4) + load<i32>(y, 4), 4);
  store<i32>(z, load<i32>(x, 0) + load<i32>(y, 0), 0);
}

// out: z = x - y, units add up. z may be x or y.
export function wideSub(z: usize, x: usize, y: usize): void {
  store<i32>(z, load<i32>(x, 32) - load<i32>(y, 32), 32);
  store<i32>(z, load<i32>(x, 28) - load<i32>(y, 28), 28);
  store<i32>(z, load<i32>(x, 24) - load<i32>(y, 24), 24);
  store<i32>(z, load<i32>(x, 20) - load<i32>(y, 20), 20);
  store<i32>(z, load<i32>(x, 16) - load<i32>(y, 16), 16);
  store<i32>(z, load<i32>(x, 12) - load<i32>(y, 12), 12);
  store<i32>(z, load<i32>(x, 8) - load<i32>(y, 8), 8);
  store<i32>(z, load<i32>(x, 4) - load<i32>(y, 4), 4);
  store<i32>(z, load<i32>(x, 0) - load<i32>(y, 0), 0);
}
