// SHA-256's blocks for a Cortex-M0: eight rounds written out, with the schedule in memory.
//
// Measured there, instructions per byte and bytes of flash, all of SHA-256 with a table of its own: this shape 72 in 1.8 KB; sha256-unrolled.ts 66 in
// 3.3 KB; the plain loop of the standard 106 in 1.2 KB. The table is SHA-512's, whose first constants begin with SHA-256's: 256 bytes
// less where both are, for 0.2 instructions a byte. One address serves schedule and constants, and the majority is computed
// anew each round: either kept in a variable of its own goes through the stack, and takes four instructions a byte more.

import { P256_ONLY } from '../profile';
import { SCHEDULE } from '../scratch';
import { sha256Constant, sha512Constant } from './sha2-constants';

class Constant {
  // SHA-256's constants are the upper halves of SHA-512's first 64: one table serves both, where both are.
  @inline static at(k: usize): u32 {
    return P256_ONLY ? sha256Constant(k >> 1) : <u32>(sha512Constant(k) >> 32);
  }
}

// One block, 4-aligned, into the state's hash (FIPS 180-4 section 6.2.2).
export function sha256CompressSmall(state: usize, block: usize): void {
  let at: usize = SCHEDULE;
  do {
    store<u32>(at, bswap<u32>(load<u32>(block, 4)), 4);
    store<u32>(at, bswap<u32>(load<u32>(block)));
    block += 8;
    at += 8;
  } while (at !== SCHEDULE + 4 * 16);
  at = SCHEDULE;
  let w = load<u32>(at);
  do {
    const w1 = load<u32>(at, 4);
    const w14 = load<u32>(at, 56);
    w += load<u32>(at, 36) + (rotr<u32>(w1 ^ rotr<u32>(w1, 11), 7) ^ (w1 >> 3)); // rotations by 7 and 18
    w += rotr<u32>(w14 ^ rotr<u32>(w14, 2), 17) ^ (w14 >> 10); // by 17 and 19
    store<u32>(at, w, 64);
    w = load<u32>(at, 8);
    const w15 = load<u32>(at, 60);
    store<u32>(
      at,
      w1 +
        load<u32>(at, 40) +
        (rotr<u32>(w ^ rotr<u32>(w, 11), 7) ^ (w >> 3)) +
        (rotr<u32>(w15 ^ rotr<u32>(w15, 2), 17) ^ (w15 >> 10)),
      68,
    );
    at += 8;
  } while (at !== SCHEDULE + 4 * (64 - 16));
  let h = load<u32>(state, 28);
  let g = load<u32>(state, 24);
  let f = load<u32>(state, 20);
  let e = load<u32>(state, 16);
  let d = load<u32>(state, 12);
  let c = load<u32>(state, 8);
  let b = load<u32>(state, 4);
  let a = load<u32>(state, 0);
  at = SCHEDULE;
  do {
    const k = (at - SCHEDULE) << 1; // SHA-512's constants take twice the room
    h += load<u32>(at) + Constant.at(k) + (g ^ (e & (f ^ g)));
    h += rotr<u32>(e ^ rotr<u32>(e ^ rotr<u32>(e, 14), 5), 6); // by 6, 11 and 25
    d += h;
    h += (b ^ ((a ^ b) & (b ^ c))) + rotr<u32>(a ^ rotr<u32>(a ^ rotr<u32>(a, 9), 11), 2); // by 2, 13 and 22
    g += load<u32>(at, 4) + Constant.at(k + 8) + (f ^ (d & (e ^ f)));
    g += rotr<u32>(d ^ rotr<u32>(d ^ rotr<u32>(d, 14), 5), 6);
    c += g;
    g += (a ^ ((h ^ a) & (a ^ b))) + rotr<u32>(h ^ rotr<u32>(h ^ rotr<u32>(h, 9), 11), 2);
    f += load<u32>(at, 8) + Constant.at(k + 16) + (e ^ (c & (d ^ e)));
    f += rotr<u32>(c ^ rotr<u32>(c ^ rotr<u32>(c, 14), 5), 6);
    b += f;
    f += (h ^ ((g ^ h) & (h ^ a))) + rotr<u32>(g ^ rotr<u32>(g ^ rotr<u32>(g, 9), 11), 2);
    e += load<u32>(at, 12) + Constant.at(k + 24) + (d ^ (b & (c ^ d)));
    e += rotr<u32>(b ^ rotr<u32>(b ^ rotr<u32>(b, 14), 5), 6);
    a += e;
    e += (g ^ ((f ^ g) & (g ^ h))) + rotr<u32>(f ^ rotr<u32>(f ^ rotr<u32>(f, 9), 11), 2);
    d += load<u32>(at, 16) + Constant.at(k + 32) + (c ^ (a & (b ^ c)));
    d += rotr<u32>(a ^ rotr<u32>(a ^ rotr<u32>(a, 14), 5), 6);
    h += d;
    d += (f ^ ((e ^ f) & (f ^ g))) + rotr<u32>(e ^ rotr<u32>(e ^ rotr<u32>(e, 9), 11), 2);
    c += load<u32>(at, 20) + Constant.at(k + 40) + (b ^ (h & (a ^ b)));
    c += rotr<u32>(h ^ rotr<u32>(h ^ rotr<u32>(h, 14), 5), 6);
    g += c;
    c += (e ^ ((d ^ e) & (e ^ f))) + rotr<u32>(d ^ rotr<u32>(d ^ rotr<u32>(d, 9), 11), 2);
    b += load<u32>(at, 24) + Constant.at(k + 48) + (a ^ (g & (h ^ a)));
    b += rotr<u32>(g ^ rotr<u32>(g ^ rotr<u32>(g, 14), 5), 6);
    f += b;
    b += (d ^ ((c ^ d) & (d ^ e))) + rotr<u32>(c ^ rotr<u32>(c ^ rotr<u32>(c, 9), 11), 2);
    a += load<u32>(at, 28) + Constant.at(k + 56) + (h ^ (f & (g ^ h)));
    a += rotr<u32>(f ^ rotr<u32>(f ^ rotr<u32>(f, 14), 5), 6);
    e += a;
    a += (c ^ ((b ^ c) & (c ^ d))) + rotr<u32>(b ^ rotr<u32>(b ^ rotr<u32>(b, 9), 11), 2);
    at += 32;
  } while (at !== SCHEDULE + 4 * 64);
  store<u32>(state, load<u32>(state, 28) + h, 28);
  store<u32>(state, load<u32>(state, 24) + g, 24);
  store<u32>(state, load<u32>(state, 20) + f, 20);
  store<u32>(state, load<u32>(state, 16) + e, 16);
  store<u32>(state, load<u32>(state, 12) + d, 12);
  store<u32>(state, load<u32>(state, 8) + c, 8);
  store<u32>(state, load<u32>(state, 4) + b, 4);
  store<u32>(state, load<u32>(state, 0) + a, 0);
}
