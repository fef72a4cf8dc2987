// The four functions of SHA-512 that rotate (FIPS 180-4 section 4.1.3), in the form that each processor likes best.
//
//   V8           rotations of 64 bits, nested: three for three
//   Cortex-M4    halves of 32 bits, whose shifts cost nothing beside the exclusive or that takes them
//   Cortex-M0    the same as calls: a number given in registers comes back in registers, where written out the compiler
//                sends its halves through the stack; it is a third of the flash, too
//
// A class, as TypeScript's grammar has @inline nowhere else.

import { NARROW, SMALL } from '../profile';

export class Sigma {
  @inline static large0(x: u64): u64 {
    if (NARROW) return large0(x);
    return SMALL ? Halves.rotations(x, 28, 34, 39) : rotr<u64>(x ^ rotr<u64>(x ^ rotr<u64>(x, 5), 6), 28);
  }

  @inline static large1(x: u64): u64 {
    if (NARROW) return large1(x);
    return SMALL ? Halves.rotations(x, 14, 18, 41) : rotr<u64>(x ^ rotr<u64>(x ^ rotr<u64>(x, 23), 4), 14);
  }

  @inline static small0(x: u64): u64 {
    if (NARROW) return small0(x);
    return SMALL ? Halves.withShift(x, 1, 8, 7) : rotr<u64>(x, 1) ^ rotr<u64>(x, 8) ^ (x >> 7);
  }

  @inline static small1(x: u64): u64 {
    if (NARROW) return small1(x);
    return SMALL ? Halves.withShift(x, 19, 61, 6) : rotr<u64>(x, 19) ^ rotr<u64>(x, 61) ^ (x >> 6);
  }
}

function large0(x: u64): u64 {
  return Halves.rotations(x, 28, 34, 39);
}

function large1(x: u64): u64 {
  return Halves.rotations(x, 14, 18, 41);
}

function small0(x: u64): u64 {
  return Halves.withShift(x, 1, 8, 7);
}

function small1(x: u64): u64 {
  return Halves.withShift(x, 19, 61, 6);
}

class Halves {
  // The lower half of a number rotated to the right by n; with the halves exchanged, the upper one. n is not 0 or 32.
  @inline static rotated(low: u32, high: u32, n: u32): u32 {
    return n < 32 ? (low >> n) ^ (high << (32 - n)) : (high >> (n - 32)) ^ (low << (64 - n));
  }

  @inline static joined(low: u32, high: u32): u64 {
    return <u64>low | ((<u64>high) << 32);
  }

  // x rotated by a, by b and by c
  @inline static rotations(x: u64, a: u32, b: u32, c: u32): u64 {
    const low = <u32>x;
    const high = <u32>(x >> 32);
    return Halves.joined(
      Halves.rotated(low, high, a) ^ Halves.rotated(low, high, b) ^ Halves.rotated(low, high, c),
      Halves.rotated(high, low, a) ^ Halves.rotated(high, low, b) ^ Halves.rotated(high, low, c),
    );
  }

  // x rotated by a and by b, and shifted by n
  @inline static withShift(x: u64, a: u32, b: u32, n: u32): u64 {
    const low = <u32>x;
    const high = <u32>(x >> 32);
    return Halves.joined(
      Halves.rotated(low, high, a) ^ Halves.rotated(low, high, b) ^ Halves.rotated(low, high, n),
      Halves.rotated(high, low, a) ^ Halves.rotated(high, low, b) ^ (high >> n),
    );
  }
}
