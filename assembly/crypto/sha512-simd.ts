// SHA-512's blocks for V8 and browsers: the schedule two words at a time in SIMD, the rounds one by one beside it.
//
// As sha256-simd.ts: a round takes its word, constant added, from memory, where the schedule puts it sixteen rounds ahead. Two words
// are no less work in vectors than in 64-bit registers; but sixteen of those do not hold state and schedule at once. On x86-64 it is
// 1.4 times as fast as sha512-unrolled.ts.

import { sha512Constant } from './sha2-constants';

const BLOCK_BYTES: usize = 128;
const PASS: usize = 8 * 16; // bytes of constants for the rounds that are written out
const ROUNDS: usize = 8 * 80;

class Schedule {
  // Two words of a block, big-endian at any alignment.
  @inline static read(block: usize): v128 {
    return i8x16.swizzle(v128.load(block), i8x16(7, 6, 5, 4, 3, 2, 1, 0, 15, 14, 13, 12, 11, 10, 9, 8));
  }

  // in: words 0 to 3, 8 to 11, and 14 and 15 of sixteen   out: the two that follow (FIPS 180-4 section 6.4.2 step 1)
  @inline static next(w0: v128, w2: v128, w8: v128, w10: v128, w14: v128): v128 {
    return i64x2.add(
      i64x2.add(w0, v128.shuffle<u64>(w8, w10, 1, 2)),
      i64x2.add(Schedule.small0(v128.shuffle<u64>(w0, w2, 1, 2)), Schedule.small1(w14)),
    );
  }

  @inline static small0(x: v128): v128 {
    const by1 = v128.xor(i64x2.shr_u(x, 1), i64x2.shl(x, 63));
    const by8 = v128.xor(i64x2.shr_u(x, 8), i64x2.shl(x, 56));
    return v128.xor(v128.xor(by1, by8), i64x2.shr_u(x, 7));
  }

  @inline static small1(x: v128): v128 {
    const by19 = v128.xor(i64x2.shr_u(x, 19), i64x2.shl(x, 45));
    const by61 = v128.xor(i64x2.shr_u(x, 61), i64x2.shl(x, 3));
    return v128.xor(v128.xor(by19, by61), i64x2.shr_u(x, 6));
  }
}

class Round {
  // T1 (section 6.4.2 step 3), for h with word and constant added
  @inline static first(h: u64, e: u64, f: u64, g: u64): u64 {
    return h + (g ^ (e & (f ^ g))) + (rotr<u64>(e, 14) ^ rotr<u64>(e, 18) ^ rotr<u64>(e, 41));
  }

  // T1 + T2: the majority is b ^ ((a ^ b) & (b ^ c)), and the a ^ b of a round the b ^ c of the next.
  @inline static second(h: u64, a: u64, b: u64, both: u64): u64 {
    return h + (b ^ both) + rotr<u64>(a ^ rotr<u64>(a ^ rotr<u64>(a, 5), 6), 28); // by 28, 34 and 39
  }
}

// Blocks at any alignment into the state's hash (section 6.4.2). `words` is room for 128 bytes, and may be the block.
export function sha512CompressSimd(state: usize, words: usize, block: usize, blocks: u32): void {
  let h = load<u64>(state, 56);
  let g = load<u64>(state, 48);
  let f = load<u64>(state, 40);
  let e = load<u64>(state, 32);
  let d = load<u64>(state, 24);
  let c = load<u64>(state, 16);
  let b = load<u64>(state, 8);
  let a = load<u64>(state, 0);
  for (; blocks !== 0; blocks--) {
    let w0 = Schedule.read(block);
    let w2 = Schedule.read(block + 16);
    let w4 = Schedule.read(block + 32);
    let w6 = Schedule.read(block + 48);
    let w8 = Schedule.read(block + 64);
    let w10 = Schedule.read(block + 80);
    let w12 = Schedule.read(block + 96);
    let w14 = Schedule.read(block + 112);
    v128.store(words, i64x2.add(w0, sha512Constant<v128>(0)));
    v128.store(words, i64x2.add(w2, sha512Constant<v128>(16)), 16);
    v128.store(words, i64x2.add(w4, sha512Constant<v128>(32)), 32);
    v128.store(words, i64x2.add(w6, sha512Constant<v128>(48)), 48);
    v128.store(words, i64x2.add(w8, sha512Constant<v128>(64)), 64);
    v128.store(words, i64x2.add(w10, sha512Constant<v128>(80)), 80);
    v128.store(words, i64x2.add(w12, sha512Constant<v128>(96)), 96);
    v128.store(words, i64x2.add(w14, sha512Constant<v128>(112)), 112);
    let x: u64 = 0; // a ^ b of this round and of the one before
    let y: u64 = b ^ c;
    for (let i = PASS; i <= ROUNDS; i += PASS) {
      const k: usize = i === ROUNDS ? 0 : i; // the last pass makes words for no round
      w0 = Schedule.next(w0, w2, w8, w10, w14);
      h = Round.first(h + load<u64>(words), e, f, g);
      d += h;
      x = a ^ b;
      h = Round.second(h, a, b, x & y);
      g = Round.first(g + load<u64>(words, 8), d, e, f);
      c += g;
      y = h ^ a;
      g = Round.second(g, h, a, x & y);
      v128.store(words, i64x2.add(w0, sha512Constant<v128>(k)));
      w2 = Schedule.next(w2, w4, w10, w12, w0);
      f = Round.first(f + load<u64>(words, 16), c, d, e);
      b += f;
      x = g ^ h;
      f = Round.second(f, g, h, x & y);
      e = Round.first(e + load<u64>(words, 24), b, c, d);
      a += e;
      y = f ^ g;
      e = Round.second(e, f, g, x & y);
      v128.store(words, i64x2.add(w2, sha512Constant<v128>(k + 16)), 16);
      w4 = Schedule.next(w4, w6, w12, w14, w2);
      d = Round.first(d + load<u64>(words, 32), a, b, c);
      h += d;
      x = e ^ f;
      d = Round.second(d, e, f, x & y);
      c = Round.first(c + load<u64>(words, 40), h, a, b);
      g += c;
      y = d ^ e;
      c = Round.second(c, d, e, x & y);
      v128.store(words, i64x2.add(w4, sha512Constant<v128>(k + 32)), 32);
      w6 = Schedule.next(w6, w8, w14, w0, w4);
      b = Round.first(b + load<u64>(words, 48), g, h, a);
      f += b;
      x = c ^ d;
      b = Round.second(b, c, d, x & y);
      a = Round.first(a + load<u64>(words, 56), f, g, h);
      e += a;
      y = b ^ c;
      a = Round.second(a, b, c, x & y);
      v128.store(words, i64x2.add(w6, sha512Constant<v128>(k + 48)), 48);
      w8 = Schedule.next(w8, w10, w0, w2, w6);
      h = Round.first(h + load<u64>(words, 64), e, f, g);
      d += h;
      x = a ^ b;
      h = Round.second(h, a, b, x & y);
      g = Round.first(g + load<u64>(words, 72), d, e, f);
      c += g;
      y = h ^ a;
      g = Round.second(g, h, a, x & y);
      v128.store(words, i64x2.add(w8, sha512Constant<v128>(k + 64)), 64);
      w10 = Schedule.next(w10, w12, w2, w4, w8);
      f = Round.first(f + load<u64>(words, 80), c, d, e);
      b += f;
      x = g ^ h;
      f = Round.second(f, g, h, x & y);
      e = Round.first(e + load<u64>(words, 88), b, c, d);
      a += e;
      y = f ^ g;
      e = Round.second(e, f, g, x & y);
      v128.store(words, i64x2.add(w10, sha512Constant<v128>(k + 80)), 80);
      w12 = Schedule.next(w12, w14, w4, w6, w10);
      d = Round.first(d + load<u64>(words, 96), a, b, c);
      h += d;
      x = e ^ f;
      d = Round.second(d, e, f, x & y);
      c = Round.first(c + load<u64>(words, 104), h, a, b);
      g += c;
      y = d ^ e;
      c = Round.second(c, d, e, x & y);
      v128.store(words, i64x2.add(w12, sha512Constant<v128>(k + 96)), 96);
      w14 = Schedule.next(w14, w0, w6, w8, w12);
      b = Round.first(b + load<u64>(words, 112), g, h, a);
      f += b;
      x = c ^ d;
      b = Round.second(b, c, d, x & y);
      a = Round.first(a + load<u64>(words, 120), f, g, h);
      e += a;
      y = b ^ c;
      a = Round.second(a, b, c, x & y);
      v128.store(words, i64x2.add(w14, sha512Constant<v128>(k + 112)), 112);
    }
    block += BLOCK_BYTES;
    a += load<u64>(state);
    store<u64>(state, a);
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
  }
}
