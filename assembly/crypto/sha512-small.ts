// SHA-512 for microcontrollers: one block, by the plain loop of the standard, in a tenth of the flash.
//
// The schedule takes the place of the block, sixteen words that go round; constants are a function, which compilers for
// microcontrollers turn into a table in flash, where a data segment would cost RAM.

const ROUNDS: u32 = 80;

// FIPS 180-4 section 4.2.3: the first 64 bits of the fractional parts of the cube roots of the first 80 primes.
function constant(t: u32): u64 {
  // biome-ignore format: a table
  switch (t) {
    case 0: return 0x428a2f98d728ae22;   case 1: return 0x7137449123ef65cd;   case 2: return 0xb5c0fbcfec4d3b2f;   case 3: return 0xe9b5dba58189dbbc;
    case 4: return 0x3956c25bf348b538;   case 5: return 0x59f111f1b605d019;   case 6: return 0x923f82a4af194f9b;   case 7: return 0xab1c5ed5da6d8118;
    case 8: return 0xd807aa98a3030242;   case 9: return 0x12835b0145706fbe;   case 10: return 0x243185be4ee4b28c;   case 11: return 0x550c7dc3d5ffb4e2;
    case 12: return 0x72be5d74f27b896f;   case 13: return 0x80deb1fe3b1696b1;   case 14: return 0x9bdc06a725c71235;   case 15: return 0xc19bf174cf692694;
    case 16: return 0xe49b69c19ef14ad2;   case 17: return 0xefbe4786384f25e3;   case 18: return 0x0fc19dc68b8cd5b5;   case 19: return 0x240ca1cc77ac9c65;
    case 20: return 0x2de92c6f592b0275;   case 21: return 0x4a7484aa6ea6e483;   case 22: return 0x5cb0a9dcbd41fbd4;   case 23: return 0x76f988da831153b5;
    case 24: return 0x983e5152ee66dfab;   case 25: return 0xa831c66d2db43210;   case 26: return 0xb00327c898fb213f;   case 27: return 0xbf597fc7beef0ee4;
    case 28: return 0xc6e00bf33da88fc2;   case 29: return 0xd5a79147930aa725;   case 30: return 0x06ca6351e003826f;   case 31: return 0x142929670a0e6e70;
    case 32: return 0x27b70a8546d22ffc;   case 33: return 0x2e1b21385c26c926;   case 34: return 0x4d2c6dfc5ac42aed;   case 35: return 0x53380d139d95b3df;
    case 36: return 0x650a73548baf63de;   case 37: return 0x766a0abb3c77b2a8;   case 38: return 0x81c2c92e47edaee6;   case 39: return 0x92722c851482353b;
    case 40: return 0xa2bfe8a14cf10364;   case 41: return 0xa81a664bbc423001;   case 42: return 0xc24b8b70d0f89791;   case 43: return 0xc76c51a30654be30;
    case 44: return 0xd192e819d6ef5218;   case 45: return 0xd69906245565a910;   case 46: return 0xf40e35855771202a;   case 47: return 0x106aa07032bbd1b8;
    case 48: return 0x19a4c116b8d2d0c8;   case 49: return 0x1e376c085141ab53;   case 50: return 0x2748774cdf8eeb99;   case 51: return 0x34b0bcb5e19b48a8;
    case 52: return 0x391c0cb3c5c95a63;   case 53: return 0x4ed8aa4ae3418acb;   case 54: return 0x5b9cca4f7763e373;   case 55: return 0x682e6ff3d6b2b8a3;
    case 56: return 0x748f82ee5defb2fc;   case 57: return 0x78a5636f43172f60;   case 58: return 0x84c87814a1f0ab72;   case 59: return 0x8cc702081a6439ec;
    case 60: return 0x90befffa23631e28;   case 61: return 0xa4506cebde82bde9;   case 62: return 0xbef9a3f7b2c67915;   case 63: return 0xc67178f2e372532b;
    case 64: return 0xca273eceea26619c;   case 65: return 0xd186b8c721c0c207;   case 66: return 0xeada7dd6cde0eb1e;   case 67: return 0xf57d4f7fee6ed178;
    case 68: return 0x06f067aa72176fba;   case 69: return 0x0a637dc5a2c898a6;   case 70: return 0x113f9804bef90dae;   case 71: return 0x1b710b35131c471b;
    case 72: return 0x28db77f523047d84;   case 73: return 0x32caab7b40c72493;   case 74: return 0x3c9ebe0a15c9bebc;   case 75: return 0x431d67c49c100d4c;
    case 76: return 0x4cc5d4becb3e42b6;   case 77: return 0x597f299cfc657e2a;   case 78: return 0x5fcb6fab3ad6faec;   default: return 0x6c44198c4a475817;
  }
}

// Section 6.4.2. The block, 8-aligned, is used up.
export function sha512CompressSmall(state: usize, block: usize): void {
  let a = load<u64>(state, 0);
  let b = load<u64>(state, 8);
  let c = load<u64>(state, 16);
  let d = load<u64>(state, 24);
  let e = load<u64>(state, 32);
  let f = load<u64>(state, 40);
  let g = load<u64>(state, 48);
  let h = load<u64>(state, 56);
  for (let t: u32 = 0; t < ROUNDS; t++) {
    const w = t < 16 ? bswap<u64>(load<u64>(word(block, t))) : next(block, t);
    store<u64>(word(block, t), w);
    const big1 = rotr<u64>(e, 14) ^ rotr<u64>(e, 18) ^ rotr<u64>(e, 41);
    const t1 = h + big1 + (g ^ (e & (f ^ g))) + constant(t) + w;
    const big0 = rotr<u64>(a, 28) ^ rotr<u64>(a, 34) ^ rotr<u64>(a, 39);
    h = g;
    g = f;
    f = e;
    e = d + t1;
    d = c;
    c = b;
    b = a;
    a = t1 + big0 + ((b & c) | (d & (b | c)));
  }
  store<u64>(state, load<u64>(state, 0) + a, 0);
  store<u64>(state, load<u64>(state, 8) + b, 8);
  store<u64>(state, load<u64>(state, 16) + c, 16);
  store<u64>(state, load<u64>(state, 24) + d, 24);
  store<u64>(state, load<u64>(state, 32) + e, 32);
  store<u64>(state, load<u64>(state, 40) + f, 40);
  store<u64>(state, load<u64>(state, 48) + g, 48);
  store<u64>(state, load<u64>(state, 56) + h, 56);
}

function word(block: usize, t: u32): usize {
  return block + ((t & 15) << 3);
}

// Word t of the schedule, from the sixteen before it; it takes the place of the first of them.
function next(block: usize, t: u32): u64 {
  const x = load<u64>(word(block, t + 1));
  const y = load<u64>(word(block, t + 14));
  const small0 = rotr<u64>(x, 1) ^ rotr<u64>(x, 8) ^ (x >> 7);
  const small1 = rotr<u64>(y, 19) ^ rotr<u64>(y, 61) ^ (y >> 6);
  return load<u64>(word(block, t)) + small0 + load<u64>(word(block, t + 9)) + small1;
}
