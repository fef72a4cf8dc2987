// The products of product-wide.ts for a processor whose multiplier gives 32 bits (Cortex-M0, M0+): same limbs, same columns,
// each 32 x 32 -> 64 from four multiplications of halves. By hand, because the compiler's runtime would multiply 64 x 64
// bits each time at twice the price; and row by row with the products as calls, as all 81 and the 45 of a square written
// out are four times the flash for a fifth of the time.

import { COLUMNS } from './areas';

// in: x of s units, y of t units, s + t <= 7, or |x| < 2^29 and |y| < 2^16   out: x * y
// x = a 2^16 + b and y = c 2^16 + d with signed a, c and unsigned b, d:  x y = a c 2^32 + (a d + b c) 2^16 + b d
export function narrowProduct(x: i32, y: i32): i64 {
  const a = x >> 16; // |a| <= s (2^12 + 2) + 1
  const b = x & 0xffff;
  const c = y >> 16;
  const d = y & 0xffff;
  const middle = a * d + b * c; // |middle| < ((s + t) (2^12 + 2) + 2) 2^16 < 2^31
  const high = a * c + (middle >> 16);
  return (((<i64>high) << 32) | <i64>(<u32>(b * d))) + <i64>(<u32>(middle << 16));
}

// Contract as of wideMultiply
export function narrowMultiply(x: usize, y: usize): void {
  store<i64>(COLUMNS, 0, 0);
  store<i64>(COLUMNS, 0, 8);
  store<i64>(COLUMNS, 0, 16);
  store<i64>(COLUMNS, 0, 24);
  store<i64>(COLUMNS, 0, 32);
  store<i64>(COLUMNS, 0, 40);
  store<i64>(COLUMNS, 0, 48);
  store<i64>(COLUMNS, 0, 56);
  addRow(COLUMNS, load<i32>(x), y);
  for (let i: usize = 4; i !== 36; i += 4) addRow(COLUMNS + (i << 1), load<i32>(x + i), y);
}

// Nine columns from `at` on += limb * y, of which the last is new
function addRow(at: usize, limb: i32, y: usize): void {
  store<i64>(at, narrowProduct(limb, load<i32>(y, 32)), 64);
  store<i64>(at, load<i64>(at, 56) + narrowProduct(limb, load<i32>(y, 28)), 56);
  store<i64>(at, load<i64>(at, 48) + narrowProduct(limb, load<i32>(y, 24)), 48);
  store<i64>(at, load<i64>(at, 40) + narrowProduct(limb, load<i32>(y, 20)), 40);
  store<i64>(at, load<i64>(at, 32) + narrowProduct(limb, load<i32>(y, 16)), 32);
  store<i64>(at, load<i64>(at, 24) + narrowProduct(limb, load<i32>(y, 12)), 24);
  store<i64>(at, load<i64>(at, 16) + narrowProduct(limb, load<i32>(y, 8)), 16);
  store<i64>(at, load<i64>(at, 8) + narrowProduct(limb, load<i32>(y, 4)), 8);
  store<i64>(at, load<i64>(at) + narrowProduct(limb, load<i32>(y)));
}
