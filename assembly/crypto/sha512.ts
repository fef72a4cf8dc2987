// SHA-512 (FIPS 180-4), streaming: bytes arrive in pieces of any length and at any alignment.
//
// Nothing is allocated: the caller owns the state (SHA512_STATE_BYTES, 8-aligned), any number of states may be open at
// once, and a finished state is spent until begin. Bytes that are hashed here are public.
//
// Sixteen rounds are written out, with the schedule in locals and rotations nested: the shape that is fastest in V8. On a
// Cortex-M0 that is 13 KB of flash, to hash what is less than a kilobyte: the small profile has sha512-small.ts.

import { SMALL } from '../profile';
import { sha512Constant } from './sha2-constants';
import { sha512CompressSmall } from './sha512-small';

// A state:  hash 8 words | bytes so far u64 | block 128 bytes, filled from its start
const LENGTH: usize = 64;
const BLOCK: usize = 72;
const BLOCK_BYTES: u32 = 128;
export const SHA512_STATE_BYTES: i32 = 200;

const ROUNDS: usize = 80;

export function sha512Begin(state: usize): void {
  // Section 5.3.5: the square roots of the first eight primes.
  store<u64>(state, 0x6a09e667f3bcc908, 0);
  store<u64>(state, 0xbb67ae8584caa73b, 8);
  store<u64>(state, 0x3c6ef372fe94f82b, 16);
  store<u64>(state, 0xa54ff53a5f1d36f1, 24);
  store<u64>(state, 0x510e527fade682d1, 32);
  store<u64>(state, 0x9b05688c2b3e6c1f, 40);
  store<u64>(state, 0x1f83d9abfb41bd6b, 48);
  store<u64>(state, 0x5be0cd19137e2179, 56);
  store<u64>(state, 0, LENGTH);
}

export function sha512Update(state: usize, from: usize, length: u32): void {
  const before = load<u64>(state, LENGTH);
  store<u64>(state, before + length, LENGTH);
  let filled = <u32>before & (BLOCK_BYTES - 1);
  while (length != 0) {
    // Whole blocks are read where they lie, where words may be read at any address.
    if (!SMALL && filled == 0 && length >= BLOCK_BYTES) {
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

// Writes the 64 bytes of the digest, at any alignment.
export function sha512Finish(state: usize, digest: usize): void {
  const length = load<u64>(state, LENGTH);
  let filled = <u32>length & (BLOCK_BYTES - 1);
  store<u8>(state + BLOCK + filled++, 0x80);
  if (filled > BLOCK_BYTES - 16) {
    memory.fill(state + BLOCK + filled, 0, BLOCK_BYTES - filled);
    compress(state, state + BLOCK, 1);
    filled = 0;
  }
  memory.fill(state + BLOCK + filled, 0, BLOCK_BYTES - 8 - filled);
  store<u64>(state, bswap<u64>(length << 3), BLOCK + BLOCK_BYTES - 8); // of the 128-bit length in bits, the lower half
  compress(state, state + BLOCK, 1);
  for (let i: usize = 0; i < 64; i++) store<u8>(digest + i, load<u8>(state + (i ^ 7))); // words to big-endian
}

// Blocks into the state's hash (section 6.4.2); in the small profile one, which is used up.
function compress(state: usize, block: usize, blocks: u32): void {
  if (SMALL) sha512CompressSmall(state, block);
  else compressBlocks(state, block, blocks);
}

function compressBlocks(state: usize, block: usize, blocks: u32): void {
  let a = load<u64>(state, 0);
  let b = load<u64>(state, 8);
  let c = load<u64>(state, 16);
  let d = load<u64>(state, 24);
  let e = load<u64>(state, 32);
  let f = load<u64>(state, 40);
  let g = load<u64>(state, 48);
  let h = load<u64>(state, 56);
  for (; blocks != 0; blocks--) {
    let w0 = bswap<u64>(load<u64>(block, 0));
    let w1 = bswap<u64>(load<u64>(block, 8));
    let w2 = bswap<u64>(load<u64>(block, 16));
    let w3 = bswap<u64>(load<u64>(block, 24));
    let w4 = bswap<u64>(load<u64>(block, 32));
    let w5 = bswap<u64>(load<u64>(block, 40));
    let w6 = bswap<u64>(load<u64>(block, 48));
    let w7 = bswap<u64>(load<u64>(block, 56));
    let w8 = bswap<u64>(load<u64>(block, 64));
    let w9 = bswap<u64>(load<u64>(block, 72));
    let w10 = bswap<u64>(load<u64>(block, 80));
    let w11 = bswap<u64>(load<u64>(block, 88));
    let w12 = bswap<u64>(load<u64>(block, 96));
    let w13 = bswap<u64>(load<u64>(block, 104));
    let w14 = bswap<u64>(load<u64>(block, 112));
    let w15 = bswap<u64>(load<u64>(block, 120));
    let x: u64 = 0; // a ^ b of this round and of the one before, its b ^ c: majority = b ^ ((a ^ b) & (b ^ c))
    let y: u64 = b ^ c;
    h += rotr<u64>(e ^ rotr<u64>(e ^ rotr<u64>(e, 23), 4), 14) + (g ^ (e & (f ^ g))) + w0;
    h += sha512Constant(0);
    d += h;
    x = a ^ b;
    h += rotr<u64>(a ^ rotr<u64>(a ^ rotr<u64>(a, 5), 6), 28) + (b ^ (x & y));
    g += rotr<u64>(d ^ rotr<u64>(d ^ rotr<u64>(d, 23), 4), 14) + (f ^ (d & (e ^ f))) + w1;
    g += sha512Constant(8);
    c += g;
    y = h ^ a;
    g += rotr<u64>(h ^ rotr<u64>(h ^ rotr<u64>(h, 5), 6), 28) + (a ^ (y & x));
    f += rotr<u64>(c ^ rotr<u64>(c ^ rotr<u64>(c, 23), 4), 14) + (e ^ (c & (d ^ e))) + w2;
    f += sha512Constant(16);
    b += f;
    x = g ^ h;
    f += rotr<u64>(g ^ rotr<u64>(g ^ rotr<u64>(g, 5), 6), 28) + (h ^ (x & y));
    e += rotr<u64>(b ^ rotr<u64>(b ^ rotr<u64>(b, 23), 4), 14) + (d ^ (b & (c ^ d))) + w3;
    e += sha512Constant(24);
    a += e;
    y = f ^ g;
    e += rotr<u64>(f ^ rotr<u64>(f ^ rotr<u64>(f, 5), 6), 28) + (g ^ (y & x));
    d += rotr<u64>(a ^ rotr<u64>(a ^ rotr<u64>(a, 23), 4), 14) + (c ^ (a & (b ^ c))) + w4;
    d += sha512Constant(32);
    h += d;
    x = e ^ f;
    d += rotr<u64>(e ^ rotr<u64>(e ^ rotr<u64>(e, 5), 6), 28) + (f ^ (x & y));
    c += rotr<u64>(h ^ rotr<u64>(h ^ rotr<u64>(h, 23), 4), 14) + (b ^ (h & (a ^ b))) + w5;
    c += sha512Constant(40);
    g += c;
    y = d ^ e;
    c += rotr<u64>(d ^ rotr<u64>(d ^ rotr<u64>(d, 5), 6), 28) + (e ^ (y & x));
    b += rotr<u64>(g ^ rotr<u64>(g ^ rotr<u64>(g, 23), 4), 14) + (a ^ (g & (h ^ a))) + w6;
    b += sha512Constant(48);
    f += b;
    x = c ^ d;
    b += rotr<u64>(c ^ rotr<u64>(c ^ rotr<u64>(c, 5), 6), 28) + (d ^ (x & y));
    a += rotr<u64>(f ^ rotr<u64>(f ^ rotr<u64>(f, 23), 4), 14) + (h ^ (f & (g ^ h))) + w7;
    a += sha512Constant(56);
    e += a;
    y = b ^ c;
    a += rotr<u64>(b ^ rotr<u64>(b ^ rotr<u64>(b, 5), 6), 28) + (c ^ (y & x));
    h += rotr<u64>(e ^ rotr<u64>(e ^ rotr<u64>(e, 23), 4), 14) + (g ^ (e & (f ^ g))) + w8;
    h += sha512Constant(64);
    d += h;
    x = a ^ b;
    h += rotr<u64>(a ^ rotr<u64>(a ^ rotr<u64>(a, 5), 6), 28) + (b ^ (x & y));
    g += rotr<u64>(d ^ rotr<u64>(d ^ rotr<u64>(d, 23), 4), 14) + (f ^ (d & (e ^ f))) + w9;
    g += sha512Constant(72);
    c += g;
    y = h ^ a;
    g += rotr<u64>(h ^ rotr<u64>(h ^ rotr<u64>(h, 5), 6), 28) + (a ^ (y & x));
    f += rotr<u64>(c ^ rotr<u64>(c ^ rotr<u64>(c, 23), 4), 14) + (e ^ (c & (d ^ e))) + w10;
    f += sha512Constant(80);
    b += f;
    x = g ^ h;
    f += rotr<u64>(g ^ rotr<u64>(g ^ rotr<u64>(g, 5), 6), 28) + (h ^ (x & y));
    e += rotr<u64>(b ^ rotr<u64>(b ^ rotr<u64>(b, 23), 4), 14) + (d ^ (b & (c ^ d))) + w11;
    e += sha512Constant(88);
    a += e;
    y = f ^ g;
    e += rotr<u64>(f ^ rotr<u64>(f ^ rotr<u64>(f, 5), 6), 28) + (g ^ (y & x));
    d += rotr<u64>(a ^ rotr<u64>(a ^ rotr<u64>(a, 23), 4), 14) + (c ^ (a & (b ^ c))) + w12;
    d += sha512Constant(96);
    h += d;
    x = e ^ f;
    d += rotr<u64>(e ^ rotr<u64>(e ^ rotr<u64>(e, 5), 6), 28) + (f ^ (x & y));
    c += rotr<u64>(h ^ rotr<u64>(h ^ rotr<u64>(h, 23), 4), 14) + (b ^ (h & (a ^ b))) + w13;
    c += sha512Constant(104);
    g += c;
    y = d ^ e;
    c += rotr<u64>(d ^ rotr<u64>(d ^ rotr<u64>(d, 5), 6), 28) + (e ^ (y & x));
    b += rotr<u64>(g ^ rotr<u64>(g ^ rotr<u64>(g, 23), 4), 14) + (a ^ (g & (h ^ a))) + w14;
    b += sha512Constant(112);
    f += b;
    x = c ^ d;
    b += rotr<u64>(c ^ rotr<u64>(c ^ rotr<u64>(c, 5), 6), 28) + (d ^ (x & y));
    a += rotr<u64>(f ^ rotr<u64>(f ^ rotr<u64>(f, 23), 4), 14) + (h ^ (f & (g ^ h))) + w15;
    a += sha512Constant(120);
    e += a;
    y = b ^ c;
    a += rotr<u64>(b ^ rotr<u64>(b ^ rotr<u64>(b, 5), 6), 28) + (c ^ (y & x));
    for (let i: usize = 128; i != 8 * ROUNDS; i += 128) {
      w0 +=
        (rotr<u64>(w14, 19) ^ rotr<u64>(w14, 61) ^ (w14 >> 6)) + w9 + (rotr<u64>(w1, 1) ^ rotr<u64>(w1, 8) ^ (w1 >> 7));
      h += rotr<u64>(e ^ rotr<u64>(e ^ rotr<u64>(e, 23), 4), 14) + (g ^ (e & (f ^ g))) + w0;
      h += sha512Constant(i);
      d += h;
      x = a ^ b;
      h += rotr<u64>(a ^ rotr<u64>(a ^ rotr<u64>(a, 5), 6), 28) + (b ^ (x & y));
      w1 +=
        (rotr<u64>(w15, 19) ^ rotr<u64>(w15, 61) ^ (w15 >> 6)) +
        w10 +
        (rotr<u64>(w2, 1) ^ rotr<u64>(w2, 8) ^ (w2 >> 7));
      g += rotr<u64>(d ^ rotr<u64>(d ^ rotr<u64>(d, 23), 4), 14) + (f ^ (d & (e ^ f))) + w1;
      g += sha512Constant(i + 8);
      c += g;
      y = h ^ a;
      g += rotr<u64>(h ^ rotr<u64>(h ^ rotr<u64>(h, 5), 6), 28) + (a ^ (y & x));
      w2 +=
        (rotr<u64>(w0, 19) ^ rotr<u64>(w0, 61) ^ (w0 >> 6)) + w11 + (rotr<u64>(w3, 1) ^ rotr<u64>(w3, 8) ^ (w3 >> 7));
      f += rotr<u64>(c ^ rotr<u64>(c ^ rotr<u64>(c, 23), 4), 14) + (e ^ (c & (d ^ e))) + w2;
      f += sha512Constant(i + 16);
      b += f;
      x = g ^ h;
      f += rotr<u64>(g ^ rotr<u64>(g ^ rotr<u64>(g, 5), 6), 28) + (h ^ (x & y));
      w3 +=
        (rotr<u64>(w1, 19) ^ rotr<u64>(w1, 61) ^ (w1 >> 6)) + w12 + (rotr<u64>(w4, 1) ^ rotr<u64>(w4, 8) ^ (w4 >> 7));
      e += rotr<u64>(b ^ rotr<u64>(b ^ rotr<u64>(b, 23), 4), 14) + (d ^ (b & (c ^ d))) + w3;
      e += sha512Constant(i + 24);
      a += e;
      y = f ^ g;
      e += rotr<u64>(f ^ rotr<u64>(f ^ rotr<u64>(f, 5), 6), 28) + (g ^ (y & x));
      w4 +=
        (rotr<u64>(w2, 19) ^ rotr<u64>(w2, 61) ^ (w2 >> 6)) + w13 + (rotr<u64>(w5, 1) ^ rotr<u64>(w5, 8) ^ (w5 >> 7));
      d += rotr<u64>(a ^ rotr<u64>(a ^ rotr<u64>(a, 23), 4), 14) + (c ^ (a & (b ^ c))) + w4;
      d += sha512Constant(i + 32);
      h += d;
      x = e ^ f;
      d += rotr<u64>(e ^ rotr<u64>(e ^ rotr<u64>(e, 5), 6), 28) + (f ^ (x & y));
      w5 +=
        (rotr<u64>(w3, 19) ^ rotr<u64>(w3, 61) ^ (w3 >> 6)) + w14 + (rotr<u64>(w6, 1) ^ rotr<u64>(w6, 8) ^ (w6 >> 7));
      c += rotr<u64>(h ^ rotr<u64>(h ^ rotr<u64>(h, 23), 4), 14) + (b ^ (h & (a ^ b))) + w5;
      c += sha512Constant(i + 40);
      g += c;
      y = d ^ e;
      c += rotr<u64>(d ^ rotr<u64>(d ^ rotr<u64>(d, 5), 6), 28) + (e ^ (y & x));
      w6 +=
        (rotr<u64>(w4, 19) ^ rotr<u64>(w4, 61) ^ (w4 >> 6)) + w15 + (rotr<u64>(w7, 1) ^ rotr<u64>(w7, 8) ^ (w7 >> 7));
      b += rotr<u64>(g ^ rotr<u64>(g ^ rotr<u64>(g, 23), 4), 14) + (a ^ (g & (h ^ a))) + w6;
      b += sha512Constant(i + 48);
      f += b;
      x = c ^ d;
      b += rotr<u64>(c ^ rotr<u64>(c ^ rotr<u64>(c, 5), 6), 28) + (d ^ (x & y));
      w7 +=
        (rotr<u64>(w5, 19) ^ rotr<u64>(w5, 61) ^ (w5 >> 6)) + w0 + (rotr<u64>(w8, 1) ^ rotr<u64>(w8, 8) ^ (w8 >> 7));
      a += rotr<u64>(f ^ rotr<u64>(f ^ rotr<u64>(f, 23), 4), 14) + (h ^ (f & (g ^ h))) + w7;
      a += sha512Constant(i + 56);
      e += a;
      y = b ^ c;
      a += rotr<u64>(b ^ rotr<u64>(b ^ rotr<u64>(b, 5), 6), 28) + (c ^ (y & x));
      w8 +=
        (rotr<u64>(w6, 19) ^ rotr<u64>(w6, 61) ^ (w6 >> 6)) + w1 + (rotr<u64>(w9, 1) ^ rotr<u64>(w9, 8) ^ (w9 >> 7));
      h += rotr<u64>(e ^ rotr<u64>(e ^ rotr<u64>(e, 23), 4), 14) + (g ^ (e & (f ^ g))) + w8;
      h += sha512Constant(i + 64);
      d += h;
      x = a ^ b;
      h += rotr<u64>(a ^ rotr<u64>(a ^ rotr<u64>(a, 5), 6), 28) + (b ^ (x & y));
      w9 +=
        (rotr<u64>(w7, 19) ^ rotr<u64>(w7, 61) ^ (w7 >> 6)) + w2 + (rotr<u64>(w10, 1) ^ rotr<u64>(w10, 8) ^ (w10 >> 7));
      g += rotr<u64>(d ^ rotr<u64>(d ^ rotr<u64>(d, 23), 4), 14) + (f ^ (d & (e ^ f))) + w9;
      g += sha512Constant(i + 72);
      c += g;
      y = h ^ a;
      g += rotr<u64>(h ^ rotr<u64>(h ^ rotr<u64>(h, 5), 6), 28) + (a ^ (y & x));
      w10 +=
        (rotr<u64>(w8, 19) ^ rotr<u64>(w8, 61) ^ (w8 >> 6)) + w3 + (rotr<u64>(w11, 1) ^ rotr<u64>(w11, 8) ^ (w11 >> 7));
      f += rotr<u64>(c ^ rotr<u64>(c ^ rotr<u64>(c, 23), 4), 14) + (e ^ (c & (d ^ e))) + w10;
      f += sha512Constant(i + 80);
      b += f;
      x = g ^ h;
      f += rotr<u64>(g ^ rotr<u64>(g ^ rotr<u64>(g, 5), 6), 28) + (h ^ (x & y));
      w11 +=
        (rotr<u64>(w9, 19) ^ rotr<u64>(w9, 61) ^ (w9 >> 6)) + w4 + (rotr<u64>(w12, 1) ^ rotr<u64>(w12, 8) ^ (w12 >> 7));
      e += rotr<u64>(b ^ rotr<u64>(b ^ rotr<u64>(b, 23), 4), 14) + (d ^ (b & (c ^ d))) + w11;
      e += sha512Constant(i + 88);
      a += e;
      y = f ^ g;
      e += rotr<u64>(f ^ rotr<u64>(f ^ rotr<u64>(f, 5), 6), 28) + (g ^ (y & x));
      w12 +=
        (rotr<u64>(w10, 19) ^ rotr<u64>(w10, 61) ^ (w10 >> 6)) +
        w5 +
        (rotr<u64>(w13, 1) ^ rotr<u64>(w13, 8) ^ (w13 >> 7));
      d += rotr<u64>(a ^ rotr<u64>(a ^ rotr<u64>(a, 23), 4), 14) + (c ^ (a & (b ^ c))) + w12;
      d += sha512Constant(i + 96);
      h += d;
      x = e ^ f;
      d += rotr<u64>(e ^ rotr<u64>(e ^ rotr<u64>(e, 5), 6), 28) + (f ^ (x & y));
      w13 +=
        (rotr<u64>(w11, 19) ^ rotr<u64>(w11, 61) ^ (w11 >> 6)) +
        w6 +
        (rotr<u64>(w14, 1) ^ rotr<u64>(w14, 8) ^ (w14 >> 7));
      c += rotr<u64>(h ^ rotr<u64>(h ^ rotr<u64>(h, 23), 4), 14) + (b ^ (h & (a ^ b))) + w13;
      c += sha512Constant(i + 104);
      g += c;
      y = d ^ e;
      c += rotr<u64>(d ^ rotr<u64>(d ^ rotr<u64>(d, 5), 6), 28) + (e ^ (y & x));
      w14 +=
        (rotr<u64>(w12, 19) ^ rotr<u64>(w12, 61) ^ (w12 >> 6)) +
        w7 +
        (rotr<u64>(w15, 1) ^ rotr<u64>(w15, 8) ^ (w15 >> 7));
      b += rotr<u64>(g ^ rotr<u64>(g ^ rotr<u64>(g, 23), 4), 14) + (a ^ (g & (h ^ a))) + w14;
      b += sha512Constant(i + 112);
      f += b;
      x = c ^ d;
      b += rotr<u64>(c ^ rotr<u64>(c ^ rotr<u64>(c, 5), 6), 28) + (d ^ (x & y));
      w15 +=
        (rotr<u64>(w13, 19) ^ rotr<u64>(w13, 61) ^ (w13 >> 6)) + w8 + (rotr<u64>(w0, 1) ^ rotr<u64>(w0, 8) ^ (w0 >> 7));
      a += rotr<u64>(f ^ rotr<u64>(f ^ rotr<u64>(f, 23), 4), 14) + (h ^ (f & (g ^ h))) + w15;
      a += sha512Constant(i + 120);
      e += a;
      y = b ^ c;
      a += rotr<u64>(b ^ rotr<u64>(b ^ rotr<u64>(b, 5), 6), 28) + (c ^ (y & x));
    }
    a += load<u64>(state, 0);
    store<u64>(state, a, 0);
    b += load<u64>(state, 8);
    store<u64>(state, b, 8);
    c += load<u64>(state, 16);
    store<u64>(state, c, 16);
    d += load<u64>(state, 24);
    store<u64>(state, d, 24);
    e += load<u64>(state, 32);
    store<u64>(state, e, 32);
    f += load<u64>(state, 40);
    store<u64>(state, f, 40);
    g += load<u64>(state, 48);
    store<u64>(state, g, 48);
    h += load<u64>(state, 56);
    store<u64>(state, h, 56);
    block += BLOCK_BYTES;
  }
}
