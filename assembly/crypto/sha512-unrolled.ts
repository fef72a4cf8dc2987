// SHA-512's blocks, sixteen rounds written out, with variables and schedule in locals that change names instead of places.
//
// For a microcontroller that hashes much with SHA-512: on a Cortex-M0 two thirds of the time of sha512-small.ts in three times its
// flash. V8 takes sha512-simd.ts.

import { sha512Constant } from './sha2-constants';
import { Sigma } from './sigma512';

const LAST: usize = 8 * 64; // the last sixteen rounds begin here

// FIPS 180-4 section 6.4.2
export function sha512CompressUnrolled(state: usize, block: usize, blocks: u32): void {
  for (; blocks !== 0; blocks--) {
    // From the highest address down: translated to C, the first bounds check then serves all.
    let w15 = bswap<u64>(load<u64>(block, 120));
    let w14 = bswap<u64>(load<u64>(block, 112));
    let w13 = bswap<u64>(load<u64>(block, 104));
    let w12 = bswap<u64>(load<u64>(block, 96));
    let w11 = bswap<u64>(load<u64>(block, 88));
    let w10 = bswap<u64>(load<u64>(block, 80));
    let w9 = bswap<u64>(load<u64>(block, 72));
    let w8 = bswap<u64>(load<u64>(block, 64));
    let w7 = bswap<u64>(load<u64>(block, 56));
    let w6 = bswap<u64>(load<u64>(block, 48));
    let w5 = bswap<u64>(load<u64>(block, 40));
    let w4 = bswap<u64>(load<u64>(block, 32));
    let w3 = bswap<u64>(load<u64>(block, 24));
    let w2 = bswap<u64>(load<u64>(block, 16));
    let w1 = bswap<u64>(load<u64>(block, 8));
    let w0 = bswap<u64>(load<u64>(block, 0));
    block += 128;
    let h = load<u64>(state, 56);
    let g = load<u64>(state, 48);
    let f = load<u64>(state, 40);
    let e = load<u64>(state, 32);
    let d = load<u64>(state, 24);
    let c = load<u64>(state, 16);
    let b = load<u64>(state, 8);
    let a = load<u64>(state, 0);
    for (let i: usize = 0; ; i += 128) {
      h += Sigma.large1(e) + (g ^ (e & (f ^ g))) + w0 + sha512Constant(i);
      d += h;
      h += Sigma.large0(a) + (b ^ ((a ^ b) & (b ^ c)));
      g += Sigma.large1(d) + (f ^ (d & (e ^ f))) + w1 + sha512Constant(i + 8);
      c += g;
      g += Sigma.large0(h) + (a ^ ((h ^ a) & (a ^ b)));
      f += Sigma.large1(c) + (e ^ (c & (d ^ e))) + w2 + sha512Constant(i + 16);
      b += f;
      f += Sigma.large0(g) + (h ^ ((g ^ h) & (h ^ a)));
      e += Sigma.large1(b) + (d ^ (b & (c ^ d))) + w3 + sha512Constant(i + 24);
      a += e;
      e += Sigma.large0(f) + (g ^ ((f ^ g) & (g ^ h)));
      d += Sigma.large1(a) + (c ^ (a & (b ^ c))) + w4 + sha512Constant(i + 32);
      h += d;
      d += Sigma.large0(e) + (f ^ ((e ^ f) & (f ^ g)));
      c += Sigma.large1(h) + (b ^ (h & (a ^ b))) + w5 + sha512Constant(i + 40);
      g += c;
      c += Sigma.large0(d) + (e ^ ((d ^ e) & (e ^ f)));
      b += Sigma.large1(g) + (a ^ (g & (h ^ a))) + w6 + sha512Constant(i + 48);
      f += b;
      b += Sigma.large0(c) + (d ^ ((c ^ d) & (d ^ e)));
      a += Sigma.large1(f) + (h ^ (f & (g ^ h))) + w7 + sha512Constant(i + 56);
      e += a;
      a += Sigma.large0(b) + (c ^ ((b ^ c) & (c ^ d)));
      h += Sigma.large1(e) + (g ^ (e & (f ^ g))) + w8 + sha512Constant(i + 64);
      d += h;
      h += Sigma.large0(a) + (b ^ ((a ^ b) & (b ^ c)));
      g += Sigma.large1(d) + (f ^ (d & (e ^ f))) + w9 + sha512Constant(i + 72);
      c += g;
      g += Sigma.large0(h) + (a ^ ((h ^ a) & (a ^ b)));
      f += Sigma.large1(c) + (e ^ (c & (d ^ e))) + w10 + sha512Constant(i + 80);
      b += f;
      f += Sigma.large0(g) + (h ^ ((g ^ h) & (h ^ a)));
      e += Sigma.large1(b) + (d ^ (b & (c ^ d))) + w11 + sha512Constant(i + 88);
      a += e;
      e += Sigma.large0(f) + (g ^ ((f ^ g) & (g ^ h)));
      d += Sigma.large1(a) + (c ^ (a & (b ^ c))) + w12 + sha512Constant(i + 96);
      h += d;
      d += Sigma.large0(e) + (f ^ ((e ^ f) & (f ^ g)));
      c += Sigma.large1(h) + (b ^ (h & (a ^ b))) + w13 + sha512Constant(i + 104);
      g += c;
      c += Sigma.large0(d) + (e ^ ((d ^ e) & (e ^ f)));
      b += Sigma.large1(g) + (a ^ (g & (h ^ a))) + w14 + sha512Constant(i + 112);
      f += b;
      b += Sigma.large0(c) + (d ^ ((c ^ d) & (d ^ e)));
      a += Sigma.large1(f) + (h ^ (f & (g ^ h))) + w15 + sha512Constant(i + 120);
      e += a;
      a += Sigma.large0(b) + (c ^ ((b ^ c) & (c ^ d)));
      if (i === LAST) break;
      w0 += Sigma.small1(w14) + w9 + Sigma.small0(w1);
      w1 += Sigma.small1(w15) + w10 + Sigma.small0(w2);
      w2 += Sigma.small1(w0) + w11 + Sigma.small0(w3);
      w3 += Sigma.small1(w1) + w12 + Sigma.small0(w4);
      w4 += Sigma.small1(w2) + w13 + Sigma.small0(w5);
      w5 += Sigma.small1(w3) + w14 + Sigma.small0(w6);
      w6 += Sigma.small1(w4) + w15 + Sigma.small0(w7);
      w7 += Sigma.small1(w5) + w0 + Sigma.small0(w8);
      w8 += Sigma.small1(w6) + w1 + Sigma.small0(w9);
      w9 += Sigma.small1(w7) + w2 + Sigma.small0(w10);
      w10 += Sigma.small1(w8) + w3 + Sigma.small0(w11);
      w11 += Sigma.small1(w9) + w4 + Sigma.small0(w12);
      w12 += Sigma.small1(w10) + w5 + Sigma.small0(w13);
      w13 += Sigma.small1(w11) + w6 + Sigma.small0(w14);
      w14 += Sigma.small1(w12) + w7 + Sigma.small0(w15);
      w15 += Sigma.small1(w13) + w8 + Sigma.small0(w0);
    }
    store<u64>(state, load<u64>(state, 56) + h, 56);
    store<u64>(state, load<u64>(state, 48) + g, 48);
    store<u64>(state, load<u64>(state, 40) + f, 40);
    store<u64>(state, load<u64>(state, 32) + e, 32);
    store<u64>(state, load<u64>(state, 24) + d, 24);
    store<u64>(state, load<u64>(state, 16) + c, 16);
    store<u64>(state, load<u64>(state, 8) + b, 8);
    store<u64>(state, load<u64>(state, 0) + a, 0);
  }
}
