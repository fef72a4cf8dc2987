// The reduction of field256-wide.ts as loops, in a quarter of the flash: a Cortex-M0 has no registers to keep columns in.

import { COLUMNS } from './areas';

const MASK: i32 = (1 << 29) - 1;
const HALF: i64 = 1 << 28; // rounds, so that limbs come out around 0

// Contract as of wideReduce256
export function narrowReduce256(z: usize): void {
  for (let at = COLUMNS; at !== COLUMNS + 72; at += 8) {
    const column = load<i64>(at);
    const m = <i64>(<i32>column & MASK);
    store<i64>(at, load<i64>(at, 64) + (m << 24), 64);
    store<i64>(at, load<i64>(at, 56) - (m << 21), 56);
    store<i64>(at, load<i64>(at, 48) + (m << 18), 48);
    store<i64>(at, load<i64>(at, 24) + (m << 9), 24);
    store<i64>(at, load<i64>(at, 8) + (column >> 29), 8);
  }
  let carry: i64 = HALF;
  for (let i: usize = 0; i !== 32; i += 4) {
    carry += load<i64>(COLUMNS + (i << 1), 72);
    store<i32>(z + i, (<i32>carry & MASK) - <i32>HALF);
    carry = (carry >> 29) + HALF;
  }
  store<i32>(z, <i32>(carry - HALF) + load<i32>(COLUMNS, 136), 32);
}

// Contract as of wideSubtract256
export function narrowSubtract256(w: usize): void {
  store<i64>(COLUMNS, -(<i64>load<i32>(w, 32)), 136);
  for (let i: usize = 0; i !== 32; i += 4) {
    store<i64>(COLUMNS + (i << 1), load<i64>(COLUMNS + (i << 1), 72) - <i64>load<i32>(w + i), 72);
  }
}
