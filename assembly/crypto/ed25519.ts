// Ed25519 verification (RFC 8032 section 5.1.7), the message streamed: begin, any number of updates, finish.
//
// The equation is the cofactorless one, [S]B = R + [k]A, checked by encoding: the point [S]B - [k]A is encoded and
// must be R byte for byte. OpenSSL, libsodium and most signers' self tests use the same equation, so a package that
// verifies on the vendor's desk verifies here and the other way round. RFC 8032 allows it; the cofactored form would
// accept more signatures, all of them made on purpose.
//
// Strict: S must be below L, A and R must be canonical encodings of points, and A and R of small order are refused
// (such keys "sign" anything). One verification runs at a time. Everything here is public, so time follows the values.

import { SCRATCH } from '../scratch';
import {
  FE_BYTES,
  FE_MODULUS,
  FE_ONE,
  feAdd,
  feEqual,
  feFromWords,
  feInvert,
  feMul,
  fePow22523,
  feSquare,
  feSub,
  feToWords,
  feZero,
} from './field25519';
import { SHA512_STATE_BYTES, sha512Begin, sha512Finish, sha512Update } from './sha512';
import { WORDS_BYTES, wordsAdd, wordsLess, wordsMontgomery, wordsSub } from './words';

// Kept from begin to finish: hash state, signature, public key. Live while a message streams, so not in SCRATCH.
const HASH: usize = memory.data(SHA512_STATE_BYTES, 8);
const SIGNATURE: usize = memory.data(64, 4); // R | S
const PUBLIC: usize = memory.data(32, 4);

// L, the order of B: 2^252 + 27742317777372353535851937790883648493 (RFC 8032 section 5.1)
const ORDER: usize = memory.data<u32>([
  0x5cf5d3ed, 0x5812631a, 0xa2f79cd6, 0x14def9de, 0x00000000, 0x00000000, 0x00000000, 0x10000000,
]);
const ORDER_INVERSE: u32 = 0x12547e1b; // -1/L mod 2^32
// 2^512 mod L
const ORDER_R2: usize = memory.data<u32>([
  0x449c0f01, 0xa40611e3, 0x68859347, 0xd00e1ba7, 0x17f5be65, 0xceec73d2, 0x7c309a3d, 0x0399411b,
]);
const ONE: usize = memory.data<u32>([1, 0, 0, 0, 0, 0, 0, 0]);
// d = -121665/121666 mod p
const D: usize = memory.data<u32>([
  0x135978a3, 0x75eb4dca, 0x4141d8ab, 0x00700a4d, 0x7779e898, 0x8cc74079, 0x2b6ffe73, 0x52036cee,
]);
// 2^((p-1)/4), a square root of -1
const ROOT: usize = memory.data<u32>([
  0x4a0ea0b0, 0xc4ee1b27, 0xad2fe478, 0x2f431806, 0x3dfbd7a7, 0x2b4d0099, 0x4fc1df0b, 0x2b832480,
]);
// B, encoded: y = 4/5, x even
const BASE: usize = memory.data<u32>([
  0x66666658, 0x66666666, 0x66666666, 0x66666666, 0x66666666, 0x66666666, 0x66666666, 0x66666666,
]);

// A point is X | Y | Z | T with x = X/Z, y = Y/Z, x y = T/Z ("extended", Hisil et al. 2008).
const X: usize = 0;
const Y: usize = FE_BYTES;
const Z: usize = 2 * FE_BYTES;
const T: usize = 3 * FE_BYTES;
const POINT_BYTES: usize = 4 * FE_BYTES;

// This file's turn in SCRATCH.
const A_: usize = SCRATCH;
const B_: usize = A_ + FE_BYTES;
const C_: usize = B_ + FE_BYTES;
const E_: usize = C_ + FE_BYTES;
const F_: usize = E_ + FE_BYTES;
const G_: usize = F_ + FE_BYTES;
const H_: usize = G_ + FE_BYTES;
const D_: usize = H_ + FE_BYTES;
const POINT: usize = D_ + FE_BYTES;
const NEGATED_KEY: usize = POINT + POINT_BYTES;
const BASE_POINT: usize = NEGATED_KEY + POINT_BYTES;
const BOTH: usize = BASE_POINT + POINT_BYTES;
const K: usize = BOTH + POINT_BYTES;
const ENCODED: usize = K + 64;

// Copies key and signature. false if they can be refused at once; the verification may go on and finish will say no.
export function ed25519Begin(publicKey: usize, signature: usize): bool {
  memory.copy(PUBLIC, publicKey, 32);
  memory.copy(SIGNATURE, signature, 64);
  sha512Begin(HASH); // step 2: SHA-512(dom2(F, C) || R || A || PH(M)), dom2 empty and PH the identity for Ed25519
  sha512Update(HASH, SIGNATURE, 32);
  sha512Update(HASH, PUBLIC, 32);
  return wordsLess(SIGNATURE + 32, ORDER) && canonical(PUBLIC) && canonical(SIGNATURE);
}

export function ed25519Update(from: usize, length: u32): void {
  sha512Update(HASH, from, length);
}

export function ed25519Finish(): bool {
  sha512Finish(HASH, K);
  // K mod L = (K high * 2^256 + K low) mod L
  wordsMontgomery(K + 32, K + 32, ORDER_R2, ORDER, ORDER_INVERSE);
  wordsMontgomery(K, K, ORDER_R2, ORDER, ORDER_INVERSE);
  wordsMontgomery(K, K, ONE, ORDER, ORDER_INVERSE);
  wordsAdd(K, K, K + 32);
  if (!wordsLess(K, ORDER)) wordsSub(K, K, ORDER);

  if (!wordsLess(SIGNATURE + 32, ORDER) || !canonical(SIGNATURE)) return false;
  if (!decode(NEGATED_KEY, PUBLIC) || small(NEGATED_KEY)) return false;
  negate(NEGATED_KEY);
  decode(BASE_POINT, BASE);
  memory.copy(BOTH, BASE_POINT, POINT_BYTES);
  add(BOTH, NEGATED_KEY);

  // [S]B + [k](-A), both scalars at once from their highest bit
  identity(POINT);
  for (let i = 252; i >= 0; i--) {
    double(POINT);
    const s = bit(SIGNATURE + 32, i);
    const k = bit(K, i);
    if (s && k) add(POINT, BOTH);
    else if (s) add(POINT, BASE_POINT);
    else if (k) add(POINT, NEGATED_KEY);
  }
  if (small(POINT)) return false;
  encode(ENCODED, POINT);
  return memory.compare(ENCODED, SIGNATURE, 32) == 0;
}

// Whether 32 bytes are the encoding of a point that may be a public key: canonical, on the curve, not of small order.
export function ed25519ValidKey(publicKey: usize): bool {
  memory.copy(PUBLIC, publicKey, 32);
  return decode(POINT, PUBLIC) && !small(POINT);
}

function bit(words: usize, i: i32): bool {
  return ((load<u8>(words + (i >> 3)) >> (i & 7)) & 1) != 0;
}

// RFC 8032 section 5.1.3 step 1: y, without the sign bit, is below p
function canonical(encoding: usize): bool {
  memory.copy(ENCODED, encoding, 32);
  store<u8>(ENCODED, load<u8>(ENCODED, 31) & 0x7f, 31);
  return wordsLess(ENCODED, FE_MODULUS);
}

function identity(point: usize): void {
  memory.fill(point, 0, POINT_BYTES);
  memory.copy(point + Y, FE_ONE, FE_BYTES);
  memory.copy(point + Z, FE_ONE, FE_BYTES);
}

function negate(point: usize): void {
  memory.fill(E_, 0, FE_BYTES);
  feSub(point + X, E_, point + X);
  feSub(point + T, E_, point + T);
}

// RFC 8032 section 5.1.3; false if no point has this encoding
function decode(point: usize, encoding: usize): bool {
  if (!canonical(encoding)) return false;
  feFromWords(point + Y, ENCODED);
  memory.copy(point + Z, FE_ONE, FE_BYTES);
  // step 2: x^2 = u / v with u = y^2 - 1 and v = d y^2 + 1
  feSquare(A_, point + Y);
  feFromWords(B_, D);
  feMul(B_, B_, A_);
  feSub(A_, A_, FE_ONE); // u
  feAdd(B_, B_, FE_ONE); // v
  // step 3: candidate u v^3 (u v^7)^((p-5)/8)
  feSquare(C_, B_);
  feMul(C_, C_, B_); // v^3
  feSquare(E_, C_);
  feMul(E_, E_, B_);
  feMul(E_, E_, A_); // u v^7
  fePow22523(F_, E_);
  feMul(F_, F_, C_);
  feMul(F_, F_, A_);
  feSquare(G_, F_);
  feMul(G_, G_, B_); // v x^2
  if (!feEqual(G_, A_)) {
    feAdd(G_, G_, A_);
    if (!feZero(G_)) return false;
    feFromWords(G_, ROOT);
    feMul(F_, F_, G_);
  }
  // step 4
  feToWords(G_, F_);
  const sign = load<u8>(encoding, 31) >> 7;
  if ((load<u8>(G_) & 1) != sign) {
    if (feZero(F_)) return false;
    memory.fill(E_, 0, FE_BYTES);
    feSub(F_, E_, F_);
  }
  memory.copy(point + X, F_, FE_BYTES);
  feMul(point + T, point + X, point + Y);
  return true;
}

function encode(to: usize, point: usize): void {
  feInvert(A_, point + Z);
  feMul(B_, point + X, A_);
  feMul(C_, point + Y, A_);
  feToWords(to, C_);
  feToWords(A_, B_);
  store<u8>(to, load<u8>(to, 31) | ((load<u8>(A_) & 1) << 7), 31);
}

// Whether [8]P is the identity. D_ onwards is a copy.
function small(point: usize): bool {
  memory.copy(BOTH, point, POINT_BYTES);
  double(BOTH);
  double(BOTH);
  double(BOTH);
  return feZero(BOTH + X);
}

// P = P + Q (RFC 8032 section 5.1.4; complete, so any two points)
function add(p: usize, q: usize): void {
  feSub(A_, p + Y, p + X);
  feSub(B_, q + Y, q + X);
  feMul(A_, A_, B_);
  feAdd(B_, p + Y, p + X);
  feAdd(C_, q + Y, q + X);
  feMul(B_, B_, C_);
  feMul(C_, p + T, q + T);
  feFromWords(D_, D);
  feMul(C_, C_, D_);
  feAdd(C_, C_, C_);
  feMul(D_, p + Z, q + Z);
  feAdd(D_, D_, D_);
  feSub(E_, B_, A_);
  feSub(F_, D_, C_);
  feAdd(G_, D_, C_);
  feAdd(H_, B_, A_);
  finish(p);
}

// P = 2 P (RFC 8032 section 5.1.4)
function double(p: usize): void {
  feSquare(A_, p + X);
  feSquare(B_, p + Y);
  feSquare(C_, p + Z);
  feAdd(C_, C_, C_);
  feAdd(H_, A_, B_);
  feAdd(E_, p + X, p + Y);
  feSquare(E_, E_);
  feSub(E_, H_, E_);
  feSub(G_, A_, B_);
  feAdd(F_, C_, G_);
  finish(p);
}

function finish(p: usize): void {
  feMul(p + X, E_, F_);
  feMul(p + Y, G_, H_);
  feMul(p + T, E_, H_);
  feMul(p + Z, F_, G_);
}
