// SHA-256 (FIPS 180-4), streaming: bytes arrive in pieces of any length and at any alignment.
//
// Nothing is allocated: the caller owns the state (SHA256_STATE_BYTES, 8-aligned), any number of states may be open at
// once, and a finished state is spent until begin. Bytes that are hashed here are public.
//
// Here sixteen rounds are written out twice, the shape that is fastest in V8; a Cortex-M4 takes sha256-unrolled.ts, a
// Cortex-M0 sha256-small.ts.

import { NARROW, SMALL } from '../profile';
import { sha256Constant } from './sha2-constants';
import { sha256CompressSmall } from './sha256-small';
import { sha256CompressUnrolled } from './sha256-unrolled';

// A state:  hash 8 words | bytes so far u64 | block 64 bytes, filled from its start
const LENGTH: usize = 32;
const BLOCK: usize = 40;
const BLOCK_BYTES: u32 = 64;
export const SHA256_STATE_BYTES: i32 = 104;

const ROUNDS: usize = 64;

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

// Blocks, 4-aligned in the small profile, into the state's hash.
function compress(state: usize, block: usize, blocks: u32): void {
  if (NARROW) sha256CompressSmall(state, block, blocks);
  else if (SMALL) sha256CompressUnrolled(state, block, blocks);
  else compressBlocks(state, block, blocks);
}

// Section 6.2.2
function compressBlocks(state: usize, block: usize, blocks: u32): void {
  let h = load<u32>(state, 28);
  let g = load<u32>(state, 24);
  let f = load<u32>(state, 20);
  let e = load<u32>(state, 16);
  let d = load<u32>(state, 12);
  let c = load<u32>(state, 8);
  let b = load<u32>(state, 4);
  let a = load<u32>(state, 0);
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
    h += sha256Constant(0);
    d += h;
    x = a ^ b;
    h += rotr<u32>(a ^ rotr<u32>(a ^ rotr<u32>(a, 9), 11), 2) + (b ^ (x & y));
    g += rotr<u32>(d ^ rotr<u32>(d ^ rotr<u32>(d, 14), 5), 6) + (f ^ (d & (e ^ f))) + w1;
    g += sha256Constant(4);
    c += g;
    y = h ^ a;
    g += rotr<u32>(h ^ rotr<u32>(h ^ rotr<u32>(h, 9), 11), 2) + (a ^ (y & x));
    f += rotr<u32>(c ^ rotr<u32>(c ^ rotr<u32>(c, 14), 5), 6) + (e ^ (c & (d ^ e))) + w2;
    f += sha256Constant(8);
    b += f;
    x = g ^ h;
    f += rotr<u32>(g ^ rotr<u32>(g ^ rotr<u32>(g, 9), 11), 2) + (h ^ (x & y));
    e += rotr<u32>(b ^ rotr<u32>(b ^ rotr<u32>(b, 14), 5), 6) + (d ^ (b & (c ^ d))) + w3;
    e += sha256Constant(12);
    a += e;
    y = f ^ g;
    e += rotr<u32>(f ^ rotr<u32>(f ^ rotr<u32>(f, 9), 11), 2) + (g ^ (y & x));
    d += rotr<u32>(a ^ rotr<u32>(a ^ rotr<u32>(a, 14), 5), 6) + (c ^ (a & (b ^ c))) + w4;
    d += sha256Constant(16);
    h += d;
    x = e ^ f;
    d += rotr<u32>(e ^ rotr<u32>(e ^ rotr<u32>(e, 9), 11), 2) + (f ^ (x & y));
    c += rotr<u32>(h ^ rotr<u32>(h ^ rotr<u32>(h, 14), 5), 6) + (b ^ (h & (a ^ b))) + w5;
    c += sha256Constant(20);
    g += c;
    y = d ^ e;
    c += rotr<u32>(d ^ rotr<u32>(d ^ rotr<u32>(d, 9), 11), 2) + (e ^ (y & x));
    b += rotr<u32>(g ^ rotr<u32>(g ^ rotr<u32>(g, 14), 5), 6) + (a ^ (g & (h ^ a))) + w6;
    b += sha256Constant(24);
    f += b;
    x = c ^ d;
    b += rotr<u32>(c ^ rotr<u32>(c ^ rotr<u32>(c, 9), 11), 2) + (d ^ (x & y));
    a += rotr<u32>(f ^ rotr<u32>(f ^ rotr<u32>(f, 14), 5), 6) + (h ^ (f & (g ^ h))) + w7;
    a += sha256Constant(28);
    e += a;
    y = b ^ c;
    a += rotr<u32>(b ^ rotr<u32>(b ^ rotr<u32>(b, 9), 11), 2) + (c ^ (y & x));
    h += rotr<u32>(e ^ rotr<u32>(e ^ rotr<u32>(e, 14), 5), 6) + (g ^ (e & (f ^ g))) + w8;
    h += sha256Constant(32);
    d += h;
    x = a ^ b;
    h += rotr<u32>(a ^ rotr<u32>(a ^ rotr<u32>(a, 9), 11), 2) + (b ^ (x & y));
    g += rotr<u32>(d ^ rotr<u32>(d ^ rotr<u32>(d, 14), 5), 6) + (f ^ (d & (e ^ f))) + w9;
    g += sha256Constant(36);
    c += g;
    y = h ^ a;
    g += rotr<u32>(h ^ rotr<u32>(h ^ rotr<u32>(h, 9), 11), 2) + (a ^ (y & x));
    f += rotr<u32>(c ^ rotr<u32>(c ^ rotr<u32>(c, 14), 5), 6) + (e ^ (c & (d ^ e))) + w10;
    f += sha256Constant(40);
    b += f;
    x = g ^ h;
    f += rotr<u32>(g ^ rotr<u32>(g ^ rotr<u32>(g, 9), 11), 2) + (h ^ (x & y));
    e += rotr<u32>(b ^ rotr<u32>(b ^ rotr<u32>(b, 14), 5), 6) + (d ^ (b & (c ^ d))) + w11;
    e += sha256Constant(44);
    a += e;
    y = f ^ g;
    e += rotr<u32>(f ^ rotr<u32>(f ^ rotr<u32>(f, 9), 11), 2) + (g ^ (y & x));
    d += rotr<u32>(a ^ rotr<u32>(a ^ rotr<u32>(a, 14), 5), 6) + (c ^ (a & (b ^ c))) + w12;
    d += sha256Constant(48);
    h += d;
    x = e ^ f;
    d += rotr<u32>(e ^ rotr<u32>(e ^ rotr<u32>(e, 9), 11), 2) + (f ^ (x & y));
    c += rotr<u32>(h ^ rotr<u32>(h ^ rotr<u32>(h, 14), 5), 6) + (b ^ (h & (a ^ b))) + w13;
    c += sha256Constant(52);
    g += c;
    y = d ^ e;
    c += rotr<u32>(d ^ rotr<u32>(d ^ rotr<u32>(d, 9), 11), 2) + (e ^ (y & x));
    b += rotr<u32>(g ^ rotr<u32>(g ^ rotr<u32>(g, 14), 5), 6) + (a ^ (g & (h ^ a))) + w14;
    b += sha256Constant(56);
    f += b;
    x = c ^ d;
    b += rotr<u32>(c ^ rotr<u32>(c ^ rotr<u32>(c, 9), 11), 2) + (d ^ (x & y));
    a += rotr<u32>(f ^ rotr<u32>(f ^ rotr<u32>(f, 14), 5), 6) + (h ^ (f & (g ^ h))) + w15;
    a += sha256Constant(60);
    e += a;
    y = b ^ c;
    a += rotr<u32>(b ^ rotr<u32>(b ^ rotr<u32>(b, 9), 11), 2) + (c ^ (y & x));
    for (let i: usize = 64; i != 4 * ROUNDS; i += 64) {
      w0 +=
        (rotr<u32>(w14, 17) ^ rotr<u32>(w14, 19) ^ (w14 >> 10)) +
        w9 +
        (rotr<u32>(w1, 7) ^ rotr<u32>(w1, 18) ^ (w1 >> 3));
      h += rotr<u32>(e ^ rotr<u32>(e ^ rotr<u32>(e, 14), 5), 6) + (g ^ (e & (f ^ g))) + w0;
      h += sha256Constant(i);
      d += h;
      x = a ^ b;
      h += rotr<u32>(a ^ rotr<u32>(a ^ rotr<u32>(a, 9), 11), 2) + (b ^ (x & y));
      w1 +=
        (rotr<u32>(w15, 17) ^ rotr<u32>(w15, 19) ^ (w15 >> 10)) +
        w10 +
        (rotr<u32>(w2, 7) ^ rotr<u32>(w2, 18) ^ (w2 >> 3));
      g += rotr<u32>(d ^ rotr<u32>(d ^ rotr<u32>(d, 14), 5), 6) + (f ^ (d & (e ^ f))) + w1;
      g += sha256Constant(i + 4);
      c += g;
      y = h ^ a;
      g += rotr<u32>(h ^ rotr<u32>(h ^ rotr<u32>(h, 9), 11), 2) + (a ^ (y & x));
      w2 +=
        (rotr<u32>(w0, 17) ^ rotr<u32>(w0, 19) ^ (w0 >> 10)) + w11 + (rotr<u32>(w3, 7) ^ rotr<u32>(w3, 18) ^ (w3 >> 3));
      f += rotr<u32>(c ^ rotr<u32>(c ^ rotr<u32>(c, 14), 5), 6) + (e ^ (c & (d ^ e))) + w2;
      f += sha256Constant(i + 8);
      b += f;
      x = g ^ h;
      f += rotr<u32>(g ^ rotr<u32>(g ^ rotr<u32>(g, 9), 11), 2) + (h ^ (x & y));
      w3 +=
        (rotr<u32>(w1, 17) ^ rotr<u32>(w1, 19) ^ (w1 >> 10)) + w12 + (rotr<u32>(w4, 7) ^ rotr<u32>(w4, 18) ^ (w4 >> 3));
      e += rotr<u32>(b ^ rotr<u32>(b ^ rotr<u32>(b, 14), 5), 6) + (d ^ (b & (c ^ d))) + w3;
      e += sha256Constant(i + 12);
      a += e;
      y = f ^ g;
      e += rotr<u32>(f ^ rotr<u32>(f ^ rotr<u32>(f, 9), 11), 2) + (g ^ (y & x));
      w4 +=
        (rotr<u32>(w2, 17) ^ rotr<u32>(w2, 19) ^ (w2 >> 10)) + w13 + (rotr<u32>(w5, 7) ^ rotr<u32>(w5, 18) ^ (w5 >> 3));
      d += rotr<u32>(a ^ rotr<u32>(a ^ rotr<u32>(a, 14), 5), 6) + (c ^ (a & (b ^ c))) + w4;
      d += sha256Constant(i + 16);
      h += d;
      x = e ^ f;
      d += rotr<u32>(e ^ rotr<u32>(e ^ rotr<u32>(e, 9), 11), 2) + (f ^ (x & y));
      w5 +=
        (rotr<u32>(w3, 17) ^ rotr<u32>(w3, 19) ^ (w3 >> 10)) + w14 + (rotr<u32>(w6, 7) ^ rotr<u32>(w6, 18) ^ (w6 >> 3));
      c += rotr<u32>(h ^ rotr<u32>(h ^ rotr<u32>(h, 14), 5), 6) + (b ^ (h & (a ^ b))) + w5;
      c += sha256Constant(i + 20);
      g += c;
      y = d ^ e;
      c += rotr<u32>(d ^ rotr<u32>(d ^ rotr<u32>(d, 9), 11), 2) + (e ^ (y & x));
      w6 +=
        (rotr<u32>(w4, 17) ^ rotr<u32>(w4, 19) ^ (w4 >> 10)) + w15 + (rotr<u32>(w7, 7) ^ rotr<u32>(w7, 18) ^ (w7 >> 3));
      b += rotr<u32>(g ^ rotr<u32>(g ^ rotr<u32>(g, 14), 5), 6) + (a ^ (g & (h ^ a))) + w6;
      b += sha256Constant(i + 24);
      f += b;
      x = c ^ d;
      b += rotr<u32>(c ^ rotr<u32>(c ^ rotr<u32>(c, 9), 11), 2) + (d ^ (x & y));
      w7 +=
        (rotr<u32>(w5, 17) ^ rotr<u32>(w5, 19) ^ (w5 >> 10)) + w0 + (rotr<u32>(w8, 7) ^ rotr<u32>(w8, 18) ^ (w8 >> 3));
      a += rotr<u32>(f ^ rotr<u32>(f ^ rotr<u32>(f, 14), 5), 6) + (h ^ (f & (g ^ h))) + w7;
      a += sha256Constant(i + 28);
      e += a;
      y = b ^ c;
      a += rotr<u32>(b ^ rotr<u32>(b ^ rotr<u32>(b, 9), 11), 2) + (c ^ (y & x));
      w8 +=
        (rotr<u32>(w6, 17) ^ rotr<u32>(w6, 19) ^ (w6 >> 10)) + w1 + (rotr<u32>(w9, 7) ^ rotr<u32>(w9, 18) ^ (w9 >> 3));
      h += rotr<u32>(e ^ rotr<u32>(e ^ rotr<u32>(e, 14), 5), 6) + (g ^ (e & (f ^ g))) + w8;
      h += sha256Constant(i + 32);
      d += h;
      x = a ^ b;
      h += rotr<u32>(a ^ rotr<u32>(a ^ rotr<u32>(a, 9), 11), 2) + (b ^ (x & y));
      w9 +=
        (rotr<u32>(w7, 17) ^ rotr<u32>(w7, 19) ^ (w7 >> 10)) +
        w2 +
        (rotr<u32>(w10, 7) ^ rotr<u32>(w10, 18) ^ (w10 >> 3));
      g += rotr<u32>(d ^ rotr<u32>(d ^ rotr<u32>(d, 14), 5), 6) + (f ^ (d & (e ^ f))) + w9;
      g += sha256Constant(i + 36);
      c += g;
      y = h ^ a;
      g += rotr<u32>(h ^ rotr<u32>(h ^ rotr<u32>(h, 9), 11), 2) + (a ^ (y & x));
      w10 +=
        (rotr<u32>(w8, 17) ^ rotr<u32>(w8, 19) ^ (w8 >> 10)) +
        w3 +
        (rotr<u32>(w11, 7) ^ rotr<u32>(w11, 18) ^ (w11 >> 3));
      f += rotr<u32>(c ^ rotr<u32>(c ^ rotr<u32>(c, 14), 5), 6) + (e ^ (c & (d ^ e))) + w10;
      f += sha256Constant(i + 40);
      b += f;
      x = g ^ h;
      f += rotr<u32>(g ^ rotr<u32>(g ^ rotr<u32>(g, 9), 11), 2) + (h ^ (x & y));
      w11 +=
        (rotr<u32>(w9, 17) ^ rotr<u32>(w9, 19) ^ (w9 >> 10)) +
        w4 +
        (rotr<u32>(w12, 7) ^ rotr<u32>(w12, 18) ^ (w12 >> 3));
      e += rotr<u32>(b ^ rotr<u32>(b ^ rotr<u32>(b, 14), 5), 6) + (d ^ (b & (c ^ d))) + w11;
      e += sha256Constant(i + 44);
      a += e;
      y = f ^ g;
      e += rotr<u32>(f ^ rotr<u32>(f ^ rotr<u32>(f, 9), 11), 2) + (g ^ (y & x));
      w12 +=
        (rotr<u32>(w10, 17) ^ rotr<u32>(w10, 19) ^ (w10 >> 10)) +
        w5 +
        (rotr<u32>(w13, 7) ^ rotr<u32>(w13, 18) ^ (w13 >> 3));
      d += rotr<u32>(a ^ rotr<u32>(a ^ rotr<u32>(a, 14), 5), 6) + (c ^ (a & (b ^ c))) + w12;
      d += sha256Constant(i + 48);
      h += d;
      x = e ^ f;
      d += rotr<u32>(e ^ rotr<u32>(e ^ rotr<u32>(e, 9), 11), 2) + (f ^ (x & y));
      w13 +=
        (rotr<u32>(w11, 17) ^ rotr<u32>(w11, 19) ^ (w11 >> 10)) +
        w6 +
        (rotr<u32>(w14, 7) ^ rotr<u32>(w14, 18) ^ (w14 >> 3));
      c += rotr<u32>(h ^ rotr<u32>(h ^ rotr<u32>(h, 14), 5), 6) + (b ^ (h & (a ^ b))) + w13;
      c += sha256Constant(i + 52);
      g += c;
      y = d ^ e;
      c += rotr<u32>(d ^ rotr<u32>(d ^ rotr<u32>(d, 9), 11), 2) + (e ^ (y & x));
      w14 +=
        (rotr<u32>(w12, 17) ^ rotr<u32>(w12, 19) ^ (w12 >> 10)) +
        w7 +
        (rotr<u32>(w15, 7) ^ rotr<u32>(w15, 18) ^ (w15 >> 3));
      b += rotr<u32>(g ^ rotr<u32>(g ^ rotr<u32>(g, 14), 5), 6) + (a ^ (g & (h ^ a))) + w14;
      b += sha256Constant(i + 56);
      f += b;
      x = c ^ d;
      b += rotr<u32>(c ^ rotr<u32>(c ^ rotr<u32>(c, 9), 11), 2) + (d ^ (x & y));
      w15 +=
        (rotr<u32>(w13, 17) ^ rotr<u32>(w13, 19) ^ (w13 >> 10)) +
        w8 +
        (rotr<u32>(w0, 7) ^ rotr<u32>(w0, 18) ^ (w0 >> 3));
      a += rotr<u32>(f ^ rotr<u32>(f ^ rotr<u32>(f, 14), 5), 6) + (h ^ (f & (g ^ h))) + w15;
      a += sha256Constant(i + 60);
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
