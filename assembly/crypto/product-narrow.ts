// The products of product-wide.ts for a processor whose multiplier gives 32 bits (Cortex-M0, M0+): same limbs, same columns,
// each 32 x 32 -> 64 from four multiplications of halves. Written out by hand because the compiler's runtime would
// multiply 64 x 64 bits each time, at twice the price.

import { COLUMNS } from './areas';

// out: x * y
// x = a 2^16 + b and y = c 2^16 + d with signed a, c and unsigned b, d:  x y = a c 2^32 + (a d + b c) 2^16 + b d
function product(x: i32, y: i32): i64 {
  const a = x >> 16;
  const b = x & 0xffff;
  const c = y >> 16;
  const d = y & 0xffff;
  const low = b * d; // < 2^32, unsigned
  const middle = a * d + (low >>> 16); // -2^15 (2^16 - 1) .. (2^15 - 1)(2^16 - 1) + 2^16: no overflow
  const other = b * c + (middle & 0xffff); // likewise
  const high = a * c + (middle >> 16) + (other >> 16);
  return ((<i64>high) << 32) | <i64>(<u32>((other << 16) | (low & 0xffff)));
}

// Contract as of wideMultiply
export function narrowMultiply(x: usize, y: usize): void {
  const y8 = load<i32>(y, 32);
  const y7 = load<i32>(y, 28);
  const y6 = load<i32>(y, 24);
  const y5 = load<i32>(y, 20);
  const y4 = load<i32>(y, 16);
  const y3 = load<i32>(y, 12);
  const y2 = load<i32>(y, 8);
  const y1 = load<i32>(y, 4);
  const y0 = load<i32>(y, 0);
  const x8 = load<i32>(x, 32);
  const x7 = load<i32>(x, 28);
  const x6 = load<i32>(x, 24);
  const x5 = load<i32>(x, 20);
  const x4 = load<i32>(x, 16);
  const x3 = load<i32>(x, 12);
  const x2 = load<i32>(x, 8);
  const x1 = load<i32>(x, 4);
  const x0 = load<i32>(x, 0);
  store<i64>(COLUMNS, product(x0, y0), 0);
  store<i64>(COLUMNS, product(x0, y1) + product(x1, y0), 8);
  store<i64>(COLUMNS, product(x0, y2) + product(x1, y1) + product(x2, y0), 16);
  store<i64>(COLUMNS, product(x0, y3) + product(x1, y2) + product(x2, y1) + product(x3, y0), 24);
  store<i64>(COLUMNS, product(x0, y4) + product(x1, y3) + product(x2, y2) + product(x3, y1) + product(x4, y0), 32);
  store<i64>(
    COLUMNS,
    product(x0, y5) + product(x1, y4) + product(x2, y3) + product(x3, y2) + product(x4, y1) + product(x5, y0),
    40,
  );
  store<i64>(
    COLUMNS,
    product(x0, y6) +
      product(x1, y5) +
      product(x2, y4) +
      product(x3, y3) +
      product(x4, y2) +
      product(x5, y1) +
      product(x6, y0),
    48,
  );
  store<i64>(
    COLUMNS,
    product(x0, y7) +
      product(x1, y6) +
      product(x2, y5) +
      product(x3, y4) +
      product(x4, y3) +
      product(x5, y2) +
      product(x6, y1) +
      product(x7, y0),
    56,
  );
  store<i64>(
    COLUMNS,
    product(x0, y8) +
      product(x1, y7) +
      product(x2, y6) +
      product(x3, y5) +
      product(x4, y4) +
      product(x5, y3) +
      product(x6, y2) +
      product(x7, y1) +
      product(x8, y0),
    64,
  );
  store<i64>(
    COLUMNS,
    product(x1, y8) +
      product(x2, y7) +
      product(x3, y6) +
      product(x4, y5) +
      product(x5, y4) +
      product(x6, y3) +
      product(x7, y2) +
      product(x8, y1),
    72,
  );
  store<i64>(
    COLUMNS,
    product(x2, y8) +
      product(x3, y7) +
      product(x4, y6) +
      product(x5, y5) +
      product(x6, y4) +
      product(x7, y3) +
      product(x8, y2),
    80,
  );
  store<i64>(
    COLUMNS,
    product(x3, y8) + product(x4, y7) + product(x5, y6) + product(x6, y5) + product(x7, y4) + product(x8, y3),
    88,
  );
  store<i64>(COLUMNS, product(x4, y8) + product(x5, y7) + product(x6, y6) + product(x7, y5) + product(x8, y4), 96);
  store<i64>(COLUMNS, product(x5, y8) + product(x6, y7) + product(x7, y6) + product(x8, y5), 104);
  store<i64>(COLUMNS, product(x6, y8) + product(x7, y7) + product(x8, y6), 112);
  store<i64>(COLUMNS, product(x7, y8) + product(x8, y7), 120);
  store<i64>(COLUMNS, product(x8, y8), 128);
}

// Contract as of wideSquare
export function narrowSquare(x: usize): void {
  const x8 = load<i32>(x, 32);
  const x7 = load<i32>(x, 28);
  const x6 = load<i32>(x, 24);
  const x5 = load<i32>(x, 20);
  const x4 = load<i32>(x, 16);
  const x3 = load<i32>(x, 12);
  const x2 = load<i32>(x, 8);
  const x1 = load<i32>(x, 4);
  const x0 = load<i32>(x, 0);
  store<i64>(COLUMNS, product(x0, x0), 0);
  store<i64>(COLUMNS, product(x0, x1) << 1, 8);
  store<i64>(COLUMNS, (product(x0, x2) << 1) + product(x1, x1), 16);
  store<i64>(COLUMNS, (product(x0, x3) + product(x1, x2)) << 1, 24);
  store<i64>(COLUMNS, ((product(x0, x4) + product(x1, x3)) << 1) + product(x2, x2), 32);
  store<i64>(COLUMNS, (product(x0, x5) + product(x1, x4) + product(x2, x3)) << 1, 40);
  store<i64>(COLUMNS, ((product(x0, x6) + product(x1, x5) + product(x2, x4)) << 1) + product(x3, x3), 48);
  store<i64>(COLUMNS, (product(x0, x7) + product(x1, x6) + product(x2, x5) + product(x3, x4)) << 1, 56);
  store<i64>(
    COLUMNS,
    ((product(x0, x8) + product(x1, x7) + product(x2, x6) + product(x3, x5)) << 1) + product(x4, x4),
    64,
  );
  store<i64>(COLUMNS, (product(x1, x8) + product(x2, x7) + product(x3, x6) + product(x4, x5)) << 1, 72);
  store<i64>(COLUMNS, ((product(x2, x8) + product(x3, x7) + product(x4, x6)) << 1) + product(x5, x5), 80);
  store<i64>(COLUMNS, (product(x3, x8) + product(x4, x7) + product(x5, x6)) << 1, 88);
  store<i64>(COLUMNS, ((product(x4, x8) + product(x5, x7)) << 1) + product(x6, x6), 96);
  store<i64>(COLUMNS, (product(x5, x8) + product(x6, x7)) << 1, 104);
  store<i64>(COLUMNS, (product(x6, x8) << 1) + product(x7, x7), 112);
  store<i64>(COLUMNS, product(x7, x8) << 1, 120);
  store<i64>(COLUMNS, product(x8, x8), 128);
}
