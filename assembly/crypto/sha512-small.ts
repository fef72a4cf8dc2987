// SHA-512 for microcontrollers: one block, by loops, in a fraction of the flash.
//
// The working variables stand in memory and never move, as no small processor has registers for them. Variables a..h of
// round t are numbers t+7..t of a row: a round puts the new e in the place of d, and the new a at the end.

import { SCRATCH } from '../scratch';
import { sha512Constant } from './sha2-constants';
import { Sigma } from './sigma512';

const BLOCK: usize = 8 * 16;
const ROUNDS: usize = 8 * 80;
const HASH: usize = 8 * 8;
// This file's turn in SCRATCH
const SCHEDULE: usize = SCRATCH;
const ROW: usize = SCHEDULE + ROUNDS; // and 8 numbers more

// FIPS 180-4 section 6.4.2
export function sha512CompressSmall(state: usize, block: usize): void {
  for (let i: usize = 0; i < BLOCK; i += 8) store<u64>(i, bswap<u64>(load<u64>(block + i)), SCHEDULE);
  for (let i: usize = 0; i < ROUNDS - BLOCK; i += 8) {
    const x = load<u64>(i, SCHEDULE + 8);
    let w = load<u64>(i, SCHEDULE) + Sigma.small0(x);
    const y = load<u64>(i, SCHEDULE + 112);
    w += load<u64>(i, SCHEDULE + 72) + Sigma.small1(y);
    store<u64>(i, w, SCHEDULE + 128);
  }
  for (let i: usize = 0; i < HASH; i += 8) store<u64>(i, load<u64>(state + HASH - 8 - i), ROW);
  for (let i: usize = 0; i < ROUNDS; i += 8) {
    const e = load<u64>(i, ROW + 24);
    const g = load<u64>(i, ROW + 8);
    let t = load<u64>(i, ROW) + sha512Constant(i) + load<u64>(i, SCHEDULE);
    t += g ^ (e & (load<u64>(i, ROW + 16) ^ g));
    t += Sigma.large1(e);
    store<u64>(i, load<u64>(i, ROW + 32) + t, ROW + 32);
    const a = load<u64>(i, ROW + 56);
    const b = load<u64>(i, ROW + 48);
    t += b ^ ((a ^ b) & (b ^ load<u64>(i, ROW + 40)));
    t += Sigma.large0(a);
    store<u64>(i, t, ROW + 64);
  }
  for (let i: usize = 0; i < HASH; i += 8) {
    const at = state + HASH - 8 - i;
    store<u64>(at, load<u64>(at) + load<u64>(i, ROW + ROUNDS));
  }
}
