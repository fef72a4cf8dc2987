// SHA-256's blocks for V8 and browsers: the schedule four words at a time in SIMD, the rounds one by one beside it.
//
// A round takes its word, constant added, from memory, where the schedule puts it sixteen rounds ahead: what the vectors
// do in between costs the rounds little, as the processor works on both at once. On x86-64 it is 1.5 times as fast as the
// schedule in 32-bit words. Sixteen rounds are written out once; the words that the last of four passes makes are nobody's.
//
// The rotations of a and of e differ in form: e is what the next round waits for first, so its three stand side by side;
// nested, as for a, they wait for one another and take fewer registers.

import { sha256Constant } from './sha2-constants';

const BLOCK_BYTES: usize = 64;
const PASS: usize = 4 * 16; // bytes of constants for the rounds that are written out
const ROUNDS: usize = 4 * 64;

class Schedule {
  // Four words of a block, big-endian at any alignment.
  @inline static read(block: usize): v128 {
    return i8x16.swizzle(v128.load(block), i8x16(3, 2, 1, 0, 7, 6, 5, 4, 11, 10, 9, 8, 15, 14, 13, 12));
  }

  // in: sixteen words, four each   out: the four that follow (FIPS 180-4 section 6.2.2 step 1)
  // The last two need sigma1 of the first two that are made here, so it takes two turns.
  @inline static next(w0: v128, w4: v128, w8: v128, w12: v128): v128 {
    const sum = i32x4.add(
      i32x4.add(w0, v128.shuffle<u32>(w8, w12, 1, 2, 3, 4)),
      Schedule.small0(v128.shuffle<u32>(w0, w4, 1, 2, 3, 4)),
    );
    const first = i32x4.add(sum, Schedule.small1(v128.shuffle<u32>(w12, w12, 2, 2, 3, 3)));
    const last = i32x4.add(sum, Schedule.small1(v128.shuffle<u32>(first, first, 0, 0, 1, 1)));
    return v128.shuffle<u32>(first, last, 0, 1, 6, 7);
  }

  @inline static small0(x: v128): v128 {
    const by7 = v128.xor(i32x4.shr_u(x, 7), i32x4.shl(x, 25));
    const by18 = v128.xor(i32x4.shr_u(x, 18), i32x4.shl(x, 14));
    return v128.xor(v128.xor(by7, by18), i32x4.shr_u(x, 3));
  }

  // in: two words, each twice: shifted to the right as one of 64 bits, the lower half is the word rotated
  // out: the two results, and again
  @inline static small1(x: v128): v128 {
    const sigma = v128.xor(v128.xor(i64x2.shr_u(x, 17), i64x2.shr_u(x, 19)), i32x4.shr_u(x, 10));
    return v128.shuffle<u32>(sigma, sigma, 0, 2, 0, 2);
  }
}

class Round {
  // T1 (section 6.2.2 step 3), for h with word and constant added
  @inline static first(h: u32, e: u32, f: u32, g: u32): u32 {
    return h + (g ^ (e & (f ^ g))) + (rotr<u32>(e, 6) ^ rotr<u32>(e, 11) ^ rotr<u32>(e, 25));
  }

  // T1 + T2: the majority is b ^ ((a ^ b) & (b ^ c)), and the a ^ b of a round the b ^ c of the next.
  @inline static second(h: u32, a: u32, b: u32, both: u32): u32 {
    return h + (b ^ both) + rotr<u32>(a ^ rotr<u32>(a ^ rotr<u32>(a, 9), 11), 2); // by 2, 13 and 22
  }
}

// Blocks at any alignment into the state's hash (section 6.2.2). `words` is room for 64 bytes, and may be the block.
export function sha256CompressSimd(state: usize, words: usize, block: usize, blocks: u32): void {
  let h = load<u32>(state, 28);
  let g = load<u32>(state, 24);
  let f = load<u32>(state, 20);
  let e = load<u32>(state, 16);
  let d = load<u32>(state, 12);
  let c = load<u32>(state, 8);
  let b = load<u32>(state, 4);
  let a = load<u32>(state);
  for (; blocks !== 0; blocks--) {
    let w0 = Schedule.read(block);
    let w4 = Schedule.read(block + 16);
    let w8 = Schedule.read(block + 32);
    let w12 = Schedule.read(block + 48);
    v128.store(words, i32x4.add(w0, sha256Constant<v128>(0)));
    v128.store(words, i32x4.add(w4, sha256Constant<v128>(16)), 16);
    v128.store(words, i32x4.add(w8, sha256Constant<v128>(32)), 32);
    v128.store(words, i32x4.add(w12, sha256Constant<v128>(48)), 48);
    let x: u32 = 0; // a ^ b of this round and of the one before
    let y: u32 = b ^ c;
    for (let i = PASS; i <= ROUNDS; i += PASS) {
      const k = i & (ROUNDS - 1); // the last pass makes words for no round
      w0 = Schedule.next(w0, w4, w8, w12);
      h = Round.first(h + load<u32>(words), e, f, g);
      d += h;
      x = a ^ b;
      h = Round.second(h, a, b, x & y);
      g = Round.first(g + load<u32>(words, 4), d, e, f);
      c += g;
      y = h ^ a;
      g = Round.second(g, h, a, x & y);
      f = Round.first(f + load<u32>(words, 8), c, d, e);
      b += f;
      x = g ^ h;
      f = Round.second(f, g, h, x & y);
      e = Round.first(e + load<u32>(words, 12), b, c, d);
      a += e;
      y = f ^ g;
      e = Round.second(e, f, g, x & y);
      v128.store(words, i32x4.add(w0, sha256Constant<v128>(k)));
      w4 = Schedule.next(w4, w8, w12, w0);
      d = Round.first(d + load<u32>(words, 16), a, b, c);
      h += d;
      x = e ^ f;
      d = Round.second(d, e, f, x & y);
      c = Round.first(c + load<u32>(words, 20), h, a, b);
      g += c;
      y = d ^ e;
      c = Round.second(c, d, e, x & y);
      b = Round.first(b + load<u32>(words, 24), g, h, a);
      f += b;
      x = c ^ d;
      b = Round.second(b, c, d, x & y);
      a = Round.first(a + load<u32>(words, 28), f, g, h);
      e += a;
      y = b ^ c;
      a = Round.second(a, b, c, x & y);
      v128.store(words, i32x4.add(w4, sha256Constant<v128>(k + 16)), 16);
      w8 = Schedule.next(w8, w12, w0, w4);
      h = Round.first(h + load<u32>(words, 32), e, f, g);
      d += h;
      x = a ^ b;
      h = Round.second(h, a, b, x & y);
      g = Round.first(g + load<u32>(words, 36), d, e, f);
      c += g;
      y = h ^ a;
      g = Round.second(g, h, a, x & y);
      f = Round.first(f + load<u32>(words, 40), c, d, e);
      b += f;
      x = g ^ h;
      f = Round.second(f, g, h, x & y);
      e = Round.first(e + load<u32>(words, 44), b, c, d);
      a += e;
      y = f ^ g;
      e = Round.second(e, f, g, x & y);
      v128.store(words, i32x4.add(w8, sha256Constant<v128>(k + 32)), 32);
      w12 = Schedule.next(w12, w0, w4, w8);
      d = Round.first(d + load<u32>(words, 48), a, b, c);
      h += d;
      x = e ^ f;
      d = Round.second(d, e, f, x & y);
      c = Round.first(c + load<u32>(words, 52), h, a, b);
      g += c;
      y = d ^ e;
      c = Round.second(c, d, e, x & y);
      b = Round.first(b + load<u32>(words, 56), g, h, a);
      f += b;
      x = c ^ d;
      b = Round.second(b, c, d, x & y);
      a = Round.first(a + load<u32>(words, 60), f, g, h);
      e += a;
      y = b ^ c;
      a = Round.second(a, b, c, x & y);
      v128.store(words, i32x4.add(w12, sha256Constant<v128>(k + 48)), 48);
    }
    a += load<u32>(state);
    store<u32>(state, a);
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
