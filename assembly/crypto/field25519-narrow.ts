// The reduction of field25519-wide.ts as loops, and with no product that the multiplier of a Cortex-M0 cannot give.

import { COLUMNS } from './areas';
import { narrowProduct } from './product-narrow';

const MASK: i32 = (1 << 29) - 1;
const HALF: i64 = 1 << 28; // rounds, so that limbs come out around 0
const FOLD: i32 = 1216; // 2^261 = 19 * 2^6 mod p

// Contract as of wideReduce25519
export function narrowReduce25519(z: usize): void {
  let upper: i64 = 0;
  let carry: i64 = HALF;
  for (let i: usize = 0; i !== 32; i += 4) {
    const at = COLUMNS + (i << 1);
    upper += load<i64>(at, 72);
    carry += load<i64>(at) + narrowProduct(<i32>upper & MASK, FOLD);
    upper >>= 29;
    store<i32>(z + i, (<i32>carry & MASK) - <i32>HALF);
    carry = (carry >> 29) + HALF;
  }
  // What is left above is below 2^34; times FOLD < 2^45
  carry += load<i64>(COLUMNS, 64) + narrowProduct(<i32>upper & MASK, FOLD) - HALF;
  carry += narrowProduct(<i32>(upper >> 29), FOLD) << 29;
  // What lies above bit 255, 23 bits into limb 8, comes back as 19 times itself at the bottom.
  const above = (carry + (1 << 22)) >> 23; // |above| < 2^41
  store<i32>(z, <i32>carry - <i32>(above << 23), 32); // <= 2^22
  carry = HALF + <i64>load<i32>(z) + above * 19; // < 2^46
  store<i32>(z, (<i32>carry & MASK) - <i32>HALF);
  store<i32>(z, load<i32>(z, 4) + <i32>(carry >> 29), 4); // < 2^17
}
