// SHA-256 (FIPS 180-4), streaming: bytes arrive in pieces of any length and at any alignment.
//
// Nothing is allocated: the caller owns the state (SHA256_STATE_BYTES, 8-aligned), any number of states may be open at
// once, and a finished state is spent until begin. Bytes that are hashed here are public.
//
// Sixteen rounds are written out, with the schedule in locals and rotations nested: the shape that is fastest both in V8
// and on a Cortex-M0, where the plain loop of the standard costs nearly twice as much.

import { SMALL } from '../profile';

// A state:  hash 8 words | bytes so far u64 | block 64 bytes, filled from its start
const LENGTH: usize = 32;
const BLOCK: usize = 40;
const BLOCK_BYTES: u32 = 64;
export const SHA256_STATE_BYTES: i32 = 104;

const ROUNDS: u32 = 64;

// FIPS 180-4 section 4.2.2: the first 32 bits of the fractional parts of the cube roots of the first 64 primes. In memory
// for V8; on a microcontroller, where a data segment costs RAM, as a function of constants, which is a table in flash.
function words(): usize {
  // biome-ignore format: a table
  return memory.data<u32>([
    0x428a2f98, 0x71374491, 0xb5c0fbcf, 0xe9b5dba5, 0x3956c25b, 0x59f111f1, 0x923f82a4, 0xab1c5ed5,
    0xd807aa98, 0x12835b01, 0x243185be, 0x550c7dc3, 0x72be5d74, 0x80deb1fe, 0x9bdc06a7, 0xc19bf174,
    0xe49b69c1, 0xefbe4786, 0x0fc19dc6, 0x240ca1cc, 0x2de92c6f, 0x4a7484aa, 0x5cb0a9dc, 0x76f988da,
    0x983e5152, 0xa831c66d, 0xb00327c8, 0xbf597fc7, 0xc6e00bf3, 0xd5a79147, 0x06ca6351, 0x14292967,
    0x27b70a85, 0x2e1b2138, 0x4d2c6dfc, 0x53380d13, 0x650a7354, 0x766a0abb, 0x81c2c92e, 0x92722c85,
    0xa2bfe8a1, 0xa81a664b, 0xc24b8b70, 0xc76c51a3, 0xd192e819, 0xd6990624, 0xf40e3585, 0x106aa070,
    0x19a4c116, 0x1e376c08, 0x2748774c, 0x34b0bcb5, 0x391c0cb3, 0x4ed8aa4a, 0x5b9cca4f, 0x682e6ff3,
    0x748f82ee, 0x78a5636f, 0x84c87814, 0x8cc70208, 0x90befffa, 0xa4506ceb, 0xbef9a3f7, 0xc67178f2,
  ]);
}

function constant(t: u32): u32 {
  // biome-ignore format: a table
  switch (t) {
    case 0: return 0x428a2f98;   case 1: return 0x71374491;   case 2: return 0xb5c0fbcf;   case 3: return 0xe9b5dba5;   case 4: return 0x3956c25b;   case 5: return 0x59f111f1;   case 6: return 0x923f82a4;   case 7: return 0xab1c5ed5;
    case 8: return 0xd807aa98;   case 9: return 0x12835b01;   case 10: return 0x243185be;   case 11: return 0x550c7dc3;   case 12: return 0x72be5d74;   case 13: return 0x80deb1fe;   case 14: return 0x9bdc06a7;   case 15: return 0xc19bf174;
    case 16: return 0xe49b69c1;   case 17: return 0xefbe4786;   case 18: return 0x0fc19dc6;   case 19: return 0x240ca1cc;   case 20: return 0x2de92c6f;   case 21: return 0x4a7484aa;   case 22: return 0x5cb0a9dc;   case 23: return 0x76f988da;
    case 24: return 0x983e5152;   case 25: return 0xa831c66d;   case 26: return 0xb00327c8;   case 27: return 0xbf597fc7;   case 28: return 0xc6e00bf3;   case 29: return 0xd5a79147;   case 30: return 0x06ca6351;   case 31: return 0x14292967;
    case 32: return 0x27b70a85;   case 33: return 0x2e1b2138;   case 34: return 0x4d2c6dfc;   case 35: return 0x53380d13;   case 36: return 0x650a7354;   case 37: return 0x766a0abb;   case 38: return 0x81c2c92e;   case 39: return 0x92722c85;
    case 40: return 0xa2bfe8a1;   case 41: return 0xa81a664b;   case 42: return 0xc24b8b70;   case 43: return 0xc76c51a3;   case 44: return 0xd192e819;   case 45: return 0xd6990624;   case 46: return 0xf40e3585;   case 47: return 0x106aa070;
    case 48: return 0x19a4c116;   case 49: return 0x1e376c08;   case 50: return 0x2748774c;   case 51: return 0x34b0bcb5;   case 52: return 0x391c0cb3;   case 53: return 0x4ed8aa4a;   case 54: return 0x5b9cca4f;   case 55: return 0x682e6ff3;
    case 56: return 0x748f82ee;   case 57: return 0x78a5636f;   case 58: return 0x84c87814;   case 59: return 0x8cc70208;   case 60: return 0x90befffa;   case 61: return 0xa4506ceb;   case 62: return 0xbef9a3f7;   default: return 0xc67178f2;
  }
}

export function sha256Begin(state: usize): void {
  // Section 5.3.3: the square roots of the first eight primes.
  store<u32>(state, 0x6a09e667, 0);
  store<u32>(state, 0xbb67ae85, 4);
  store<u32>(state, 0x3c6ef372, 8);
  store<u32>(state, 0xa54ff53a, 12);
  store<u32>(state, 0x510e527f, 16);
  store<u32>(state, 0x9b05688c, 20);
  store<u32>(state, 0x1f83d9ab, 24);
  store<u32>(state, 0x5be0cd19, 28);
  store<u64>(state, 0, LENGTH);
}

export function sha256Update(state: usize, from: usize, length: u32): void {
  const before = load<u64>(state, LENGTH);
  store<u64>(state, before + length, LENGTH);
  let filled = <u32>before & (BLOCK_BYTES - 1);
  while (length != 0) {
    // Whole blocks are read where they lie, if this processor can read words there.
    if (filled == 0 && length >= BLOCK_BYTES && (!SMALL || (from & 3) == 0)) {
      const blocks = length / BLOCK_BYTES;
      compress(state, from, blocks);
      from += blocks * BLOCK_BYTES;
      length -= blocks * BLOCK_BYTES;
      continue;
    }
    const taken = min(BLOCK_BYTES - filled, length);
    memory.copy(state + BLOCK + filled, from, taken);
    from += taken;
    length -= taken;
    filled += taken;
    if (filled == BLOCK_BYTES) {
      compress(state, state + BLOCK, 1);
      filled = 0;
    }
  }
}

// Writes the 32 bytes of the digest, at any alignment.
export function sha256Finish(state: usize, digest: usize): void {
  const length = load<u64>(state, LENGTH);
  let filled = <u32>length & (BLOCK_BYTES - 1);
  store<u8>(state + BLOCK + filled++, 0x80);
  if (filled > BLOCK_BYTES - 8) {
    memory.fill(state + BLOCK + filled, 0, BLOCK_BYTES - filled);
    compress(state, state + BLOCK, 1);
    filled = 0;
  }
  memory.fill(state + BLOCK + filled, 0, BLOCK_BYTES - 8 - filled);
  store<u64>(state, bswap<u64>(length << 3), BLOCK + BLOCK_BYTES - 8); // the length in bits
  compress(state, state + BLOCK, 1);
  for (let i: usize = 0; i < 32; i++) store<u8>(digest + i, load<u8>(state + (i ^ 3))); // words to big-endian
}

// Blocks, 4-aligned in the small profile, into the state's hash (section 6.2.2).
function compress(state: usize, block: usize, blocks: u32): void {
  // From the highest address down: translated to C, the first bounds check then serves all.
  let h = load<u32>(state, 28);
  let g = load<u32>(state, 24);
  let f = load<u32>(state, 20);
  let e = load<u32>(state, 16);
  let d = load<u32>(state, 12);
  let c = load<u32>(state, 8);
  let b = load<u32>(state, 4);
  let a = load<u32>(state, 0);
  const K: usize = SMALL ? 0 : words();
  for (; blocks != 0; blocks--) {
    let w15 = bswap<u32>(load<u32>(block, 60));
    let w14 = bswap<u32>(load<u32>(block, 56));
    let w13 = bswap<u32>(load<u32>(block, 52));
    let w12 = bswap<u32>(load<u32>(block, 48));
    let w11 = bswap<u32>(load<u32>(block, 44));
    let w10 = bswap<u32>(load<u32>(block, 40));
    let w9 = bswap<u32>(load<u32>(block, 36));
    let w8 = bswap<u32>(load<u32>(block, 32));
    let w7 = bswap<u32>(load<u32>(block, 28));
    let w6 = bswap<u32>(load<u32>(block, 24));
    let w5 = bswap<u32>(load<u32>(block, 20));
    let w4 = bswap<u32>(load<u32>(block, 16));
    let w3 = bswap<u32>(load<u32>(block, 12));
    let w2 = bswap<u32>(load<u32>(block, 8));
    let w1 = bswap<u32>(load<u32>(block, 4));
    let w0 = bswap<u32>(load<u32>(block, 0));
    let x: u32 = 0; // a ^ b of this round and of the one before, its b ^ c: majority = b ^ ((a ^ b) & (b ^ c))
    let y: u32 = b ^ c;
    h += rotr<u32>(e ^ rotr<u32>(e ^ rotr<u32>(e, 14), 5), 6) + (g ^ (e & (f ^ g))) + w0;
    h += SMALL ? constant(0) : load<u32>(K, 0);
    d += h;
    x = a ^ b;
    h += rotr<u32>(a ^ rotr<u32>(a ^ rotr<u32>(a, 9), 11), 2) + (b ^ (x & y));
    g += rotr<u32>(d ^ rotr<u32>(d ^ rotr<u32>(d, 14), 5), 6) + (f ^ (d & (e ^ f))) + w1;
    g += SMALL ? constant(1) : load<u32>(K, 4);
    c += g;
    y = h ^ a;
    g += rotr<u32>(h ^ rotr<u32>(h ^ rotr<u32>(h, 9), 11), 2) + (a ^ (y & x));
    f += rotr<u32>(c ^ rotr<u32>(c ^ rotr<u32>(c, 14), 5), 6) + (e ^ (c & (d ^ e))) + w2;
    f += SMALL ? constant(2) : load<u32>(K, 8);
    b += f;
    x = g ^ h;
    f += rotr<u32>(g ^ rotr<u32>(g ^ rotr<u32>(g, 9), 11), 2) + (h ^ (x & y));
    e += rotr<u32>(b ^ rotr<u32>(b ^ rotr<u32>(b, 14), 5), 6) + (d ^ (b & (c ^ d))) + w3;
    e += SMALL ? constant(3) : load<u32>(K, 12);
    a += e;
    y = f ^ g;
    e += rotr<u32>(f ^ rotr<u32>(f ^ rotr<u32>(f, 9), 11), 2) + (g ^ (y & x));
    d += rotr<u32>(a ^ rotr<u32>(a ^ rotr<u32>(a, 14), 5), 6) + (c ^ (a & (b ^ c))) + w4;
    d += SMALL ? constant(4) : load<u32>(K, 16);
    h += d;
    x = e ^ f;
    d += rotr<u32>(e ^ rotr<u32>(e ^ rotr<u32>(e, 9), 11), 2) + (f ^ (x & y));
    c += rotr<u32>(h ^ rotr<u32>(h ^ rotr<u32>(h, 14), 5), 6) + (b ^ (h & (a ^ b))) + w5;
    c += SMALL ? constant(5) : load<u32>(K, 20);
    g += c;
    y = d ^ e;
    c += rotr<u32>(d ^ rotr<u32>(d ^ rotr<u32>(d, 9), 11), 2) + (e ^ (y & x));
    b += rotr<u32>(g ^ rotr<u32>(g ^ rotr<u32>(g, 14), 5), 6) + (a ^ (g & (h ^ a))) + w6;
    b += SMALL ? constant(6) : load<u32>(K, 24);
    f += b;
    x = c ^ d;
    b += rotr<u32>(c ^ rotr<u32>(c ^ rotr<u32>(c, 9), 11), 2) + (d ^ (x & y));
    a += rotr<u32>(f ^ rotr<u32>(f ^ rotr<u32>(f, 14), 5), 6) + (h ^ (f & (g ^ h))) + w7;
    a += SMALL ? constant(7) : load<u32>(K, 28);
    e += a;
    y = b ^ c;
    a += rotr<u32>(b ^ rotr<u32>(b ^ rotr<u32>(b, 9), 11), 2) + (c ^ (y & x));
    h += rotr<u32>(e ^ rotr<u32>(e ^ rotr<u32>(e, 14), 5), 6) + (g ^ (e & (f ^ g))) + w8;
    h += SMALL ? constant(8) : load<u32>(K, 32);
    d += h;
    x = a ^ b;
    h += rotr<u32>(a ^ rotr<u32>(a ^ rotr<u32>(a, 9), 11), 2) + (b ^ (x & y));
    g += rotr<u32>(d ^ rotr<u32>(d ^ rotr<u32>(d, 14), 5), 6) + (f ^ (d & (e ^ f))) + w9;
    g += SMALL ? constant(9) : load<u32>(K, 36);
    c += g;
    y = h ^ a;
    g += rotr<u32>(h ^ rotr<u32>(h ^ rotr<u32>(h, 9), 11), 2) + (a ^ (y & x));
    f += rotr<u32>(c ^ rotr<u32>(c ^ rotr<u32>(c, 14), 5), 6) + (e ^ (c & (d ^ e))) + w10;
    f += SMALL ? constant(10) : load<u32>(K, 40);
    b += f;
    x = g ^ h;
    f += rotr<u32>(g ^ rotr<u32>(g ^ rotr<u32>(g, 9), 11), 2) + (h ^ (x & y));
    e += rotr<u32>(b ^ rotr<u32>(b ^ rotr<u32>(b, 14), 5), 6) + (d ^ (b & (c ^ d))) + w11;
    e += SMALL ? constant(11) : load<u32>(K, 44);
    a += e;
    y = f ^ g;
    e += rotr<u32>(f ^ rotr<u32>(f ^ rotr<u32>(f, 9), 11), 2) + (g ^ (y & x));
    d += rotr<u32>(a ^ rotr<u32>(a ^ rotr<u32>(a, 14), 5), 6) + (c ^ (a & (b ^ c))) + w12;
    d += SMALL ? constant(12) : load<u32>(K, 48);
    h += d;
    x = e ^ f;
    d += rotr<u32>(e ^ rotr<u32>(e ^ rotr<u32>(e, 9), 11), 2) + (f ^ (x & y));
    c += rotr<u32>(h ^ rotr<u32>(h ^ rotr<u32>(h, 14), 5), 6) + (b ^ (h & (a ^ b))) + w13;
    c += SMALL ? constant(13) : load<u32>(K, 52);
    g += c;
    y = d ^ e;
    c += rotr<u32>(d ^ rotr<u32>(d ^ rotr<u32>(d, 9), 11), 2) + (e ^ (y & x));
    b += rotr<u32>(g ^ rotr<u32>(g ^ rotr<u32>(g, 14), 5), 6) + (a ^ (g & (h ^ a))) + w14;
    b += SMALL ? constant(14) : load<u32>(K, 56);
    f += b;
    x = c ^ d;
    b += rotr<u32>(c ^ rotr<u32>(c ^ rotr<u32>(c, 9), 11), 2) + (d ^ (x & y));
    a += rotr<u32>(f ^ rotr<u32>(f ^ rotr<u32>(f, 14), 5), 6) + (h ^ (f & (g ^ h))) + w15;
    a += SMALL ? constant(15) : load<u32>(K, 60);
    e += a;
    y = b ^ c;
    a += rotr<u32>(b ^ rotr<u32>(b ^ rotr<u32>(b, 9), 11), 2) + (c ^ (y & x));
    let k = K;
    for (let t: u32 = 16; t != ROUNDS; t += 16) {
      k += 64;
      w0 +=
        (rotr<u32>(w14, 17) ^ rotr<u32>(w14, 19) ^ (w14 >> 10)) +
        w9 +
        (rotr<u32>(w1, 7) ^ rotr<u32>(w1, 18) ^ (w1 >> 3));
      h += rotr<u32>(e ^ rotr<u32>(e ^ rotr<u32>(e, 14), 5), 6) + (g ^ (e & (f ^ g))) + w0;
      h += SMALL ? constant(t + 0) : load<u32>(k, 0);
      d += h;
      x = a ^ b;
      h += rotr<u32>(a ^ rotr<u32>(a ^ rotr<u32>(a, 9), 11), 2) + (b ^ (x & y));
      w1 +=
        (rotr<u32>(w15, 17) ^ rotr<u32>(w15, 19) ^ (w15 >> 10)) +
        w10 +
        (rotr<u32>(w2, 7) ^ rotr<u32>(w2, 18) ^ (w2 >> 3));
      g += rotr<u32>(d ^ rotr<u32>(d ^ rotr<u32>(d, 14), 5), 6) + (f ^ (d & (e ^ f))) + w1;
      g += SMALL ? constant(t + 1) : load<u32>(k, 4);
      c += g;
      y = h ^ a;
      g += rotr<u32>(h ^ rotr<u32>(h ^ rotr<u32>(h, 9), 11), 2) + (a ^ (y & x));
      w2 +=
        (rotr<u32>(w0, 17) ^ rotr<u32>(w0, 19) ^ (w0 >> 10)) + w11 + (rotr<u32>(w3, 7) ^ rotr<u32>(w3, 18) ^ (w3 >> 3));
      f += rotr<u32>(c ^ rotr<u32>(c ^ rotr<u32>(c, 14), 5), 6) + (e ^ (c & (d ^ e))) + w2;
      f += SMALL ? constant(t + 2) : load<u32>(k, 8);
      b += f;
      x = g ^ h;
      f += rotr<u32>(g ^ rotr<u32>(g ^ rotr<u32>(g, 9), 11), 2) + (h ^ (x & y));
      w3 +=
        (rotr<u32>(w1, 17) ^ rotr<u32>(w1, 19) ^ (w1 >> 10)) + w12 + (rotr<u32>(w4, 7) ^ rotr<u32>(w4, 18) ^ (w4 >> 3));
      e += rotr<u32>(b ^ rotr<u32>(b ^ rotr<u32>(b, 14), 5), 6) + (d ^ (b & (c ^ d))) + w3;
      e += SMALL ? constant(t + 3) : load<u32>(k, 12);
      a += e;
      y = f ^ g;
      e += rotr<u32>(f ^ rotr<u32>(f ^ rotr<u32>(f, 9), 11), 2) + (g ^ (y & x));
      w4 +=
        (rotr<u32>(w2, 17) ^ rotr<u32>(w2, 19) ^ (w2 >> 10)) + w13 + (rotr<u32>(w5, 7) ^ rotr<u32>(w5, 18) ^ (w5 >> 3));
      d += rotr<u32>(a ^ rotr<u32>(a ^ rotr<u32>(a, 14), 5), 6) + (c ^ (a & (b ^ c))) + w4;
      d += SMALL ? constant(t + 4) : load<u32>(k, 16);
      h += d;
      x = e ^ f;
      d += rotr<u32>(e ^ rotr<u32>(e ^ rotr<u32>(e, 9), 11), 2) + (f ^ (x & y));
      w5 +=
        (rotr<u32>(w3, 17) ^ rotr<u32>(w3, 19) ^ (w3 >> 10)) + w14 + (rotr<u32>(w6, 7) ^ rotr<u32>(w6, 18) ^ (w6 >> 3));
      c += rotr<u32>(h ^ rotr<u32>(h ^ rotr<u32>(h, 14), 5), 6) + (b ^ (h & (a ^ b))) + w5;
      c += SMALL ? constant(t + 5) : load<u32>(k, 20);
      g += c;
      y = d ^ e;
      c += rotr<u32>(d ^ rotr<u32>(d ^ rotr<u32>(d, 9), 11), 2) + (e ^ (y & x));
      w6 +=
        (rotr<u32>(w4, 17) ^ rotr<u32>(w4, 19) ^ (w4 >> 10)) + w15 + (rotr<u32>(w7, 7) ^ rotr<u32>(w7, 18) ^ (w7 >> 3));
      b += rotr<u32>(g ^ rotr<u32>(g ^ rotr<u32>(g, 14), 5), 6) + (a ^ (g & (h ^ a))) + w6;
      b += SMALL ? constant(t + 6) : load<u32>(k, 24);
      f += b;
      x = c ^ d;
      b += rotr<u32>(c ^ rotr<u32>(c ^ rotr<u32>(c, 9), 11), 2) + (d ^ (x & y));
      w7 +=
        (rotr<u32>(w5, 17) ^ rotr<u32>(w5, 19) ^ (w5 >> 10)) + w0 + (rotr<u32>(w8, 7) ^ rotr<u32>(w8, 18) ^ (w8 >> 3));
      a += rotr<u32>(f ^ rotr<u32>(f ^ rotr<u32>(f, 14), 5), 6) + (h ^ (f & (g ^ h))) + w7;
      a += SMALL ? constant(t + 7) : load<u32>(k, 28);
      e += a;
      y = b ^ c;
      a += rotr<u32>(b ^ rotr<u32>(b ^ rotr<u32>(b, 9), 11), 2) + (c ^ (y & x));
      w8 +=
        (rotr<u32>(w6, 17) ^ rotr<u32>(w6, 19) ^ (w6 >> 10)) + w1 + (rotr<u32>(w9, 7) ^ rotr<u32>(w9, 18) ^ (w9 >> 3));
      h += rotr<u32>(e ^ rotr<u32>(e ^ rotr<u32>(e, 14), 5), 6) + (g ^ (e & (f ^ g))) + w8;
      h += SMALL ? constant(t + 8) : load<u32>(k, 32);
      d += h;
      x = a ^ b;
      h += rotr<u32>(a ^ rotr<u32>(a ^ rotr<u32>(a, 9), 11), 2) + (b ^ (x & y));
      w9 +=
        (rotr<u32>(w7, 17) ^ rotr<u32>(w7, 19) ^ (w7 >> 10)) +
        w2 +
        (rotr<u32>(w10, 7) ^ rotr<u32>(w10, 18) ^ (w10 >> 3));
      g += rotr<u32>(d ^ rotr<u32>(d ^ rotr<u32>(d, 14), 5), 6) + (f ^ (d & (e ^ f))) + w9;
      g += SMALL ? constant(t + 9) : load<u32>(k, 36);
      c += g;
      y = h ^ a;
      g += rotr<u32>(h ^ rotr<u32>(h ^ rotr<u32>(h, 9), 11), 2) + (a ^ (y & x));
      w10 +=
        (rotr<u32>(w8, 17) ^ rotr<u32>(w8, 19) ^ (w8 >> 10)) +
        w3 +
        (rotr<u32>(w11, 7) ^ rotr<u32>(w11, 18) ^ (w11 >> 3));
      f += rotr<u32>(c ^ rotr<u32>(c ^ rotr<u32>(c, 14), 5), 6) + (e ^ (c & (d ^ e))) + w10;
      f += SMALL ? constant(t + 10) : load<u32>(k, 40);
      b += f;
      x = g ^ h;
      f += rotr<u32>(g ^ rotr<u32>(g ^ rotr<u32>(g, 9), 11), 2) + (h ^ (x & y));
      w11 +=
        (rotr<u32>(w9, 17) ^ rotr<u32>(w9, 19) ^ (w9 >> 10)) +
        w4 +
        (rotr<u32>(w12, 7) ^ rotr<u32>(w12, 18) ^ (w12 >> 3));
      e += rotr<u32>(b ^ rotr<u32>(b ^ rotr<u32>(b, 14), 5), 6) + (d ^ (b & (c ^ d))) + w11;
      e += SMALL ? constant(t + 11) : load<u32>(k, 44);
      a += e;
      y = f ^ g;
      e += rotr<u32>(f ^ rotr<u32>(f ^ rotr<u32>(f, 9), 11), 2) + (g ^ (y & x));
      w12 +=
        (rotr<u32>(w10, 17) ^ rotr<u32>(w10, 19) ^ (w10 >> 10)) +
        w5 +
        (rotr<u32>(w13, 7) ^ rotr<u32>(w13, 18) ^ (w13 >> 3));
      d += rotr<u32>(a ^ rotr<u32>(a ^ rotr<u32>(a, 14), 5), 6) + (c ^ (a & (b ^ c))) + w12;
      d += SMALL ? constant(t + 12) : load<u32>(k, 48);
      h += d;
      x = e ^ f;
      d += rotr<u32>(e ^ rotr<u32>(e ^ rotr<u32>(e, 9), 11), 2) + (f ^ (x & y));
      w13 +=
        (rotr<u32>(w11, 17) ^ rotr<u32>(w11, 19) ^ (w11 >> 10)) +
        w6 +
        (rotr<u32>(w14, 7) ^ rotr<u32>(w14, 18) ^ (w14 >> 3));
      c += rotr<u32>(h ^ rotr<u32>(h ^ rotr<u32>(h, 14), 5), 6) + (b ^ (h & (a ^ b))) + w13;
      c += SMALL ? constant(t + 13) : load<u32>(k, 52);
      g += c;
      y = d ^ e;
      c += rotr<u32>(d ^ rotr<u32>(d ^ rotr<u32>(d, 9), 11), 2) + (e ^ (y & x));
      w14 +=
        (rotr<u32>(w12, 17) ^ rotr<u32>(w12, 19) ^ (w12 >> 10)) +
        w7 +
        (rotr<u32>(w15, 7) ^ rotr<u32>(w15, 18) ^ (w15 >> 3));
      b += rotr<u32>(g ^ rotr<u32>(g ^ rotr<u32>(g, 14), 5), 6) + (a ^ (g & (h ^ a))) + w14;
      b += SMALL ? constant(t + 14) : load<u32>(k, 56);
      f += b;
      x = c ^ d;
      b += rotr<u32>(c ^ rotr<u32>(c ^ rotr<u32>(c, 9), 11), 2) + (d ^ (x & y));
      w15 +=
        (rotr<u32>(w13, 17) ^ rotr<u32>(w13, 19) ^ (w13 >> 10)) +
        w8 +
        (rotr<u32>(w0, 7) ^ rotr<u32>(w0, 18) ^ (w0 >> 3));
      a += rotr<u32>(f ^ rotr<u32>(f ^ rotr<u32>(f, 14), 5), 6) + (h ^ (f & (g ^ h))) + w15;
      a += SMALL ? constant(t + 15) : load<u32>(k, 60);
      e += a;
      y = b ^ c;
      a += rotr<u32>(b ^ rotr<u32>(b ^ rotr<u32>(b, 9), 11), 2) + (c ^ (y & x));
    }
    a += load<u32>(state, 0);
    store<u32>(state, a, 0);
    b += load<u32>(state, 4);
    store<u32>(state, b, 4);
    c += load<u32>(state, 8);
    store<u32>(state, c, 8);
    d += load<u32>(state, 12);
    store<u32>(state, d, 12);
    e += load<u32>(state, 16);
    store<u32>(state, e, 16);
    f += load<u32>(state, 20);
    store<u32>(state, f, 20);
    g += load<u32>(state, 24);
    store<u32>(state, g, 24);
    h += load<u32>(state, 28);
    store<u32>(state, h, 28);
    block += BLOCK_BYTES;
  }
}
