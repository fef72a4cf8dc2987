// SHA-256's blocks for a Cortex-M4: sixteen rounds written out once, with the schedule in locals and rotations nested.

import { sha256Constant } from './sha2-constants';

// Blocks, 4-aligned, into the state's hash (FIPS 180-4 section 6.2.2).
export function sha256CompressUnrolled(state: usize, block: usize, blocks: u32): void {
  for (; blocks !== 0; blocks--) {
    // From the highest address down: translated to C, the first bounds check then serves all.
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
    block += 64;
    let h = load<u32>(state, 28);
    let g = load<u32>(state, 24);
    let f = load<u32>(state, 20);
    let e = load<u32>(state, 16);
    let d = load<u32>(state, 12);
    let c = load<u32>(state, 8);
    let b = load<u32>(state, 4);
    let a = load<u32>(state, 0);
    let x: u32 = 0; // a ^ b of this round and of the one before, its b ^ c: majority = b ^ ((a ^ b) & (b ^ c))
    let y: u32 = b ^ c;
    for (let i: usize = 0; ; i += 64) {
      h += w0 + sha256Constant(i) + (g ^ (e & (f ^ g))) + rotr<u32>(e ^ rotr<u32>(e ^ rotr<u32>(e, 14), 5), 6); // by 6, 11, 25
      d += h;
      x = a ^ b;
      h += (b ^ (x & y)) + rotr<u32>(a ^ rotr<u32>(a ^ rotr<u32>(a, 9), 11), 2); // by 2, 13, 22
      g += w1 + sha256Constant(i + 4) + (f ^ (d & (e ^ f))) + rotr<u32>(d ^ rotr<u32>(d ^ rotr<u32>(d, 14), 5), 6);
      c += g;
      y = h ^ a;
      g += (a ^ (x & y)) + rotr<u32>(h ^ rotr<u32>(h ^ rotr<u32>(h, 9), 11), 2);
      f += w2 + sha256Constant(i + 8) + (e ^ (c & (d ^ e))) + rotr<u32>(c ^ rotr<u32>(c ^ rotr<u32>(c, 14), 5), 6);
      b += f;
      x = g ^ h;
      f += (h ^ (x & y)) + rotr<u32>(g ^ rotr<u32>(g ^ rotr<u32>(g, 9), 11), 2);
      e += w3 + sha256Constant(i + 12) + (d ^ (b & (c ^ d))) + rotr<u32>(b ^ rotr<u32>(b ^ rotr<u32>(b, 14), 5), 6);
      a += e;
      y = f ^ g;
      e += (g ^ (x & y)) + rotr<u32>(f ^ rotr<u32>(f ^ rotr<u32>(f, 9), 11), 2);
      d += w4 + sha256Constant(i + 16) + (c ^ (a & (b ^ c))) + rotr<u32>(a ^ rotr<u32>(a ^ rotr<u32>(a, 14), 5), 6);
      h += d;
      x = e ^ f;
      d += (f ^ (x & y)) + rotr<u32>(e ^ rotr<u32>(e ^ rotr<u32>(e, 9), 11), 2);
      c += w5 + sha256Constant(i + 20) + (b ^ (h & (a ^ b))) + rotr<u32>(h ^ rotr<u32>(h ^ rotr<u32>(h, 14), 5), 6);
      g += c;
      y = d ^ e;
      c += (e ^ (x & y)) + rotr<u32>(d ^ rotr<u32>(d ^ rotr<u32>(d, 9), 11), 2);
      b += w6 + sha256Constant(i + 24) + (a ^ (g & (h ^ a))) + rotr<u32>(g ^ rotr<u32>(g ^ rotr<u32>(g, 14), 5), 6);
      f += b;
      x = c ^ d;
      b += (d ^ (x & y)) + rotr<u32>(c ^ rotr<u32>(c ^ rotr<u32>(c, 9), 11), 2);
      a += w7 + sha256Constant(i + 28) + (h ^ (f & (g ^ h))) + rotr<u32>(f ^ rotr<u32>(f ^ rotr<u32>(f, 14), 5), 6);
      e += a;
      y = b ^ c;
      a += (c ^ (x & y)) + rotr<u32>(b ^ rotr<u32>(b ^ rotr<u32>(b, 9), 11), 2);
      h += w8 + sha256Constant(i + 32) + (g ^ (e & (f ^ g))) + rotr<u32>(e ^ rotr<u32>(e ^ rotr<u32>(e, 14), 5), 6);
      d += h;
      x = a ^ b;
      h += (b ^ (x & y)) + rotr<u32>(a ^ rotr<u32>(a ^ rotr<u32>(a, 9), 11), 2);
      g += w9 + sha256Constant(i + 36) + (f ^ (d & (e ^ f))) + rotr<u32>(d ^ rotr<u32>(d ^ rotr<u32>(d, 14), 5), 6);
      c += g;
      y = h ^ a;
      g += (a ^ (x & y)) + rotr<u32>(h ^ rotr<u32>(h ^ rotr<u32>(h, 9), 11), 2);
      f += w10 + sha256Constant(i + 40) + (e ^ (c & (d ^ e))) + rotr<u32>(c ^ rotr<u32>(c ^ rotr<u32>(c, 14), 5), 6);
      b += f;
      x = g ^ h;
      f += (h ^ (x & y)) + rotr<u32>(g ^ rotr<u32>(g ^ rotr<u32>(g, 9), 11), 2);
      e += w11 + sha256Constant(i + 44) + (d ^ (b & (c ^ d))) + rotr<u32>(b ^ rotr<u32>(b ^ rotr<u32>(b, 14), 5), 6);
      a += e;
      y = f ^ g;
      e += (g ^ (x & y)) + rotr<u32>(f ^ rotr<u32>(f ^ rotr<u32>(f, 9), 11), 2);
      d += w12 + sha256Constant(i + 48) + (c ^ (a & (b ^ c))) + rotr<u32>(a ^ rotr<u32>(a ^ rotr<u32>(a, 14), 5), 6);
      h += d;
      x = e ^ f;
      d += (f ^ (x & y)) + rotr<u32>(e ^ rotr<u32>(e ^ rotr<u32>(e, 9), 11), 2);
      c += w13 + sha256Constant(i + 52) + (b ^ (h & (a ^ b))) + rotr<u32>(h ^ rotr<u32>(h ^ rotr<u32>(h, 14), 5), 6);
      g += c;
      y = d ^ e;
      c += (e ^ (x & y)) + rotr<u32>(d ^ rotr<u32>(d ^ rotr<u32>(d, 9), 11), 2);
      b += w14 + sha256Constant(i + 56) + (a ^ (g & (h ^ a))) + rotr<u32>(g ^ rotr<u32>(g ^ rotr<u32>(g, 14), 5), 6);
      f += b;
      x = c ^ d;
      b += (d ^ (x & y)) + rotr<u32>(c ^ rotr<u32>(c ^ rotr<u32>(c, 9), 11), 2);
      a += w15 + sha256Constant(i + 60) + (h ^ (f & (g ^ h))) + rotr<u32>(f ^ rotr<u32>(f ^ rotr<u32>(f, 14), 5), 6);
      e += a;
      y = b ^ c;
      a += (c ^ (x & y)) + rotr<u32>(b ^ rotr<u32>(b ^ rotr<u32>(b, 9), 11), 2);
      if (i === 192) break;
      w0 +=
        w9 +
        (rotr<u32>(w14 ^ rotr<u32>(w14, 2), 17) ^ (w14 >> 10)) +
        (rotr<u32>(w1 ^ rotr<u32>(w1, 11), 7) ^ (w1 >> 3));
      w1 +=
        w10 +
        (rotr<u32>(w15 ^ rotr<u32>(w15, 2), 17) ^ (w15 >> 10)) +
        (rotr<u32>(w2 ^ rotr<u32>(w2, 11), 7) ^ (w2 >> 3));
      w2 +=
        w11 + (rotr<u32>(w0 ^ rotr<u32>(w0, 2), 17) ^ (w0 >> 10)) + (rotr<u32>(w3 ^ rotr<u32>(w3, 11), 7) ^ (w3 >> 3));
      w3 +=
        w12 + (rotr<u32>(w1 ^ rotr<u32>(w1, 2), 17) ^ (w1 >> 10)) + (rotr<u32>(w4 ^ rotr<u32>(w4, 11), 7) ^ (w4 >> 3));
      w4 +=
        w13 + (rotr<u32>(w2 ^ rotr<u32>(w2, 2), 17) ^ (w2 >> 10)) + (rotr<u32>(w5 ^ rotr<u32>(w5, 11), 7) ^ (w5 >> 3));
      w5 +=
        w14 + (rotr<u32>(w3 ^ rotr<u32>(w3, 2), 17) ^ (w3 >> 10)) + (rotr<u32>(w6 ^ rotr<u32>(w6, 11), 7) ^ (w6 >> 3));
      w6 +=
        w15 + (rotr<u32>(w4 ^ rotr<u32>(w4, 2), 17) ^ (w4 >> 10)) + (rotr<u32>(w7 ^ rotr<u32>(w7, 11), 7) ^ (w7 >> 3));
      w7 +=
        w0 + (rotr<u32>(w5 ^ rotr<u32>(w5, 2), 17) ^ (w5 >> 10)) + (rotr<u32>(w8 ^ rotr<u32>(w8, 11), 7) ^ (w8 >> 3));
      w8 +=
        w1 + (rotr<u32>(w6 ^ rotr<u32>(w6, 2), 17) ^ (w6 >> 10)) + (rotr<u32>(w9 ^ rotr<u32>(w9, 11), 7) ^ (w9 >> 3));
      w9 +=
        w2 +
        (rotr<u32>(w7 ^ rotr<u32>(w7, 2), 17) ^ (w7 >> 10)) +
        (rotr<u32>(w10 ^ rotr<u32>(w10, 11), 7) ^ (w10 >> 3));
      w10 +=
        w3 +
        (rotr<u32>(w8 ^ rotr<u32>(w8, 2), 17) ^ (w8 >> 10)) +
        (rotr<u32>(w11 ^ rotr<u32>(w11, 11), 7) ^ (w11 >> 3));
      w11 +=
        w4 +
        (rotr<u32>(w9 ^ rotr<u32>(w9, 2), 17) ^ (w9 >> 10)) +
        (rotr<u32>(w12 ^ rotr<u32>(w12, 11), 7) ^ (w12 >> 3));
      w12 +=
        w5 +
        (rotr<u32>(w10 ^ rotr<u32>(w10, 2), 17) ^ (w10 >> 10)) +
        (rotr<u32>(w13 ^ rotr<u32>(w13, 11), 7) ^ (w13 >> 3));
      w13 +=
        w6 +
        (rotr<u32>(w11 ^ rotr<u32>(w11, 2), 17) ^ (w11 >> 10)) +
        (rotr<u32>(w14 ^ rotr<u32>(w14, 11), 7) ^ (w14 >> 3));
      w14 +=
        w7 +
        (rotr<u32>(w12 ^ rotr<u32>(w12, 2), 17) ^ (w12 >> 10)) +
        (rotr<u32>(w15 ^ rotr<u32>(w15, 11), 7) ^ (w15 >> 3));
      w15 +=
        w8 +
        (rotr<u32>(w13 ^ rotr<u32>(w13, 2), 17) ^ (w13 >> 10)) +
        (rotr<u32>(w0 ^ rotr<u32>(w0, 11), 7) ^ (w0 >> 3));
    }
    store<u32>(state, load<u32>(state, 28) + h, 28);
    store<u32>(state, load<u32>(state, 24) + g, 24);
    store<u32>(state, load<u32>(state, 20) + f, 20);
    store<u32>(state, load<u32>(state, 16) + e, 16);
    store<u32>(state, load<u32>(state, 12) + d, 12);
    store<u32>(state, load<u32>(state, 8) + c, 8);
    store<u32>(state, load<u32>(state, 4) + b, 4);
    store<u32>(state, load<u32>(state, 0) + a, 0);
  }
}
