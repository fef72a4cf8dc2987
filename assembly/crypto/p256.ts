// ECDSA over NIST P-256 (FIPS 186-5 section 6.4.2, SEC 1 section 4.1.4): verification of a signature over a digest.
//
// Takes raw r || s, big-endian, 1..n-1 each; low and high s alike, as COSE (RFC 9053 section 2.1) asks for neither.
// The public key must have canonical coordinates and lie on the curve; with cofactor 1 that is all there is to check.
// Addresses of inputs need no alignment. Everything here is public, so time follows the values.

import { SCRATCH } from '../scratch';
import { GF_BYTES, GF_MODULUS, GF_ONE, gfAdd, gfEqual, gfFromWords, gfMul, gfSquare, gfSub, gfZero } from './field256';
import { wordsAdd, wordsFromBigEndian, wordsLess, wordsMontgomery, wordsSub, wordsZero } from './words';

// n, the order of the group
const ORDER: usize = memory.data<u32>([
  0xfc632551, 0xf3b9cac2, 0xa7179e84, 0xbce6faad, 0xffffffff, 0xffffffff, 0x00000000, 0xffffffff,
]);
const ORDER_INVERSE: u32 = 0xee00bc4f; // -1/n mod 2^32
// 2^512 mod n
const ORDER_R2: usize = memory.data<u32>([
  0xbe79eea2, 0x83244c95, 0x49bd6fa6, 0x4699799c, 0x2b6bec59, 0x2845b239, 0xf3d95620, 0x66e12d94,
]);
// The generator and the curve's b
const BASE_X: usize = memory.data<u32>([
  0xd898c296, 0xf4a13945, 0x2deb33a0, 0x77037d81, 0x63a440f2, 0xf8bce6e5, 0xe12c4247, 0x6b17d1f2,
]);
const BASE_Y: usize = memory.data<u32>([
  0x37bf51f5, 0xcbb64068, 0x6b315ece, 0x2bce3357, 0x7c0f9e16, 0x8ee7eb4a, 0xfe1a7f9b, 0x4fe342e2,
]);
const CURVE_B: usize = memory.data<u32>([
  0x27d2604b, 0x3bce3c3e, 0xcc53b0f6, 0x651d06b0, 0x769886bc, 0xb3ebbd55, 0xaa3a93e7, 0x5ac635d8,
]);

// A point is X | Y | Z with x = X/Z^2, y = Y/Z^3 (Jacobian); Z = 0 is the point at infinity.
const X: usize = 0;
const Y: usize = GF_BYTES;
const Z: usize = 2 * GF_BYTES;
const POINT_BYTES: usize = 3 * GF_BYTES;

// This file's turn in SCRATCH.
const T0: usize = SCRATCH;
const T1: usize = T0 + GF_BYTES;
const T2: usize = T1 + GF_BYTES;
const T3: usize = T2 + GF_BYTES;
const T4: usize = T3 + GF_BYTES;
const T5: usize = T4 + GF_BYTES;
const POINT: usize = T5 + GF_BYTES;
const KEY: usize = POINT + POINT_BYTES;
const BASE: usize = KEY + POINT_BYTES;
const BOTH: usize = BASE + POINT_BYTES;
const R: usize = BOTH + POINT_BYTES;
const S: usize = R + 32;
const U1: usize = S + 32;
const U2: usize = U1 + 32;

// publicKey x || y, 64 bytes big-endian
export function p256ValidKey(publicKey: usize): bool {
  wordsFromBigEndian(T0, publicKey);
  wordsFromBigEndian(T1, publicKey + 32);
  if (!wordsLess(T0, GF_MODULUS) || !wordsLess(T1, GF_MODULUS)) return false;
  gfFromWords(KEY + X, T0);
  gfFromWords(KEY + Y, T1);
  memory.copy(KEY + Z, GF_ONE, GF_BYTES);
  // y^2 = x^3 - 3 x + b
  gfSquare(T0, KEY + X);
  gfSub(T0, T0, GF_ONE);
  gfSub(T0, T0, GF_ONE);
  gfSub(T0, T0, GF_ONE);
  gfMul(T0, T0, KEY + X);
  gfFromWords(T1, CURVE_B);
  gfAdd(T0, T0, T1);
  gfSquare(T1, KEY + Y);
  return gfEqual(T0, T1);
}

// digest 32 bytes, signature r || s 64 bytes
export function p256Verify(publicKey: usize, digest: usize, signature: usize): bool {
  // SEC 1 section 4.1.4 step 1
  wordsFromBigEndian(R, signature);
  wordsFromBigEndian(S, signature + 32);
  if (wordsZero(R) || wordsZero(S) || !wordsLess(R, ORDER) || !wordsLess(S, ORDER)) return false;
  if (!p256ValidKey(publicKey)) return false;
  // steps 3 and 4: u1 = e / s, u2 = r / s mod n; e may reach n, the product reduces it
  invert();
  wordsFromBigEndian(U1, digest);
  wordsMontgomery(U1, U1, S, ORDER, ORDER_INVERSE);
  wordsMontgomery(U2, R, S, ORDER, ORDER_INVERSE);
  // step 5
  gfFromWords(BASE + X, BASE_X);
  gfFromWords(BASE + Y, BASE_Y);
  memory.copy(BASE + Z, GF_ONE, GF_BYTES);
  memory.copy(BOTH, BASE, POINT_BYTES);
  add(BOTH, KEY);
  memory.fill(POINT, 0, POINT_BYTES);
  for (let i = 255; i >= 0; i--) {
    double(POINT);
    const u = bit(U1, i);
    const v = bit(U2, i);
    if (u && v) add(POINT, BOTH);
    else if (u) add(POINT, BASE);
    else if (v) add(POINT, KEY);
  }
  if (gfZero(POINT + Z)) return false;
  // steps 6 to 8: x = X/Z^2 mod n is r, that is, X = r Z^2 or, as x < p may exceed n, X = (r + n) Z^2
  gfSquare(T1, POINT + Z);
  gfFromWords(T0, R);
  gfMul(T0, T0, T1);
  if (gfEqual(T0, POINT + X)) return true;
  if (wordsAdd(R, R, ORDER) != 0 || !wordsLess(R, GF_MODULUS)) return false;
  gfFromWords(T0, R);
  gfMul(T0, T0, T1);
  return gfEqual(T0, POINT + X);
}

function bit(words: usize, i: i32): bool {
  return ((load<u8>(words + (i >> 3)) >> (i & 7)) & 1) != 0;
}

// S = 2^256 / S mod n, by Fermat: S^(n-2)
function invert(): void {
  wordsMontgomery(T0, S, ORDER_R2, ORDER, ORDER_INVERSE);
  memory.copy(S, T0, 32);
  memory.fill(T2, 0, 32);
  store<u32>(T2, 2);
  wordsSub(T1, ORDER, T2);
  for (let i = 254; i >= 0; i--) {
    wordsMontgomery(S, S, S, ORDER, ORDER_INVERSE);
    if (bit(T1, i)) wordsMontgomery(S, S, T0, ORDER, ORDER_INVERSE);
  }
}

// P = 2 P, for a = -3 (dbl-2001-b of the Explicit-Formulas Database); infinity stays infinity
function double(p: usize): void {
  gfSquare(T0, p + Z); // delta
  gfSquare(T1, p + Y); // gamma
  gfMul(T2, p + X, T1); // beta
  gfSub(T3, p + X, T0);
  gfAdd(T4, p + X, T0);
  gfMul(T3, T3, T4);
  gfAdd(T4, T3, T3);
  gfAdd(T3, T4, T3); // alpha
  gfAdd(T4, p + Y, p + Z);
  gfSquare(T4, T4);
  gfSub(T4, T4, T1);
  gfSub(p + Z, T4, T0);
  gfAdd(T2, T2, T2);
  gfAdd(T2, T2, T2); // 4 beta
  gfSquare(T4, T3);
  gfSub(T4, T4, T2);
  gfSub(p + X, T4, T2);
  gfSub(T2, T2, p + X);
  gfMul(T2, T2, T3);
  gfSquare(T1, T1);
  gfAdd(T1, T1, T1);
  gfAdd(T1, T1, T1);
  gfAdd(T1, T1, T1);
  gfSub(p + Y, T2, T1);
}

// P = P + Q (add-2007-bl without its doublings), any two points
function add(p: usize, q: usize): void {
  if (gfZero(q + Z)) return;
  if (gfZero(p + Z)) {
    memory.copy(p, q, POINT_BYTES);
    return;
  }
  gfSquare(T0, p + Z);
  gfSquare(T1, q + Z);
  gfMul(T2, p + X, T1); // U1
  gfMul(T3, q + X, T0); // U2
  gfMul(T4, p + Y, q + Z);
  gfMul(T4, T4, T1); // S1
  gfMul(T5, q + Y, p + Z);
  gfMul(T5, T5, T0); // S2
  gfSub(T3, T3, T2); // H
  gfSub(T5, T5, T4); // R
  if (gfZero(T3)) {
    if (gfZero(T5)) double(p);
    else memory.fill(p, 0, POINT_BYTES);
    return;
  }
  gfMul(p + Z, p + Z, q + Z);
  gfMul(p + Z, p + Z, T3);
  gfSquare(T0, T3);
  gfMul(T1, T0, T3); // H^3
  gfMul(T2, T2, T0); // U1 H^2
  gfSquare(T0, T5);
  gfSub(T0, T0, T1);
  gfSub(T0, T0, T2);
  gfSub(p + X, T0, T2);
  gfSub(T2, T2, p + X);
  gfMul(T2, T2, T5);
  gfMul(T4, T4, T1);
  gfSub(p + Y, T2, T4);
}
