// ECDSA over NIST P-256 (FIPS 186-5 section 6.4.2, SEC 1 section 4.1.4): verification of a signature over a digest.
//
// Takes raw r || s, big-endian, 1..n-1 each; low and high s alike, as COSE (RFC 9053 section 2.1) asks for neither.
// The public key must have canonical coordinates and lie on the curve; with cofactor 1 that is all there is to check.
// Addresses of inputs need no alignment. Everything here is public, so running time follows the values.

import { SMALL } from '../profile';
import { SCRATCH, SCRATCH_BYTES } from '../scratch';
import {
  CURVE_END,
  curveAdd,
  curveBase,
  curveDouble,
  curveIsInfinity,
  curvePoint,
  curveSet,
  curveTable,
  POINT_BYTES,
} from './curve256';
import { digitAt, digitsBegin, READER_BYTES } from './digits';
import { GF_BYTES, gfCanonical, gfFromWords, gfMul, gfSquare, gfSub, gfZero } from './field256';
import { wordsInvert } from './inverse';
import { wordsAdd, wordsCopy, wordsFromBigEndian, wordsLess, wordsMontgomery, wordsZero } from './words';

// Windows: of the key, whose table is made anew each time, and of the base point. The table of that is kept in the fast
// profile, once the first verification has made it; the small one makes it in SCRATCH like the key's.
const WIDTH: i32 = SMALL ? 4 : 5;
const COUNT: u32 = 1 << (WIDTH - 2);
const BASE_WIDTH: i32 = SMALL ? 4 : 7;
const BASE_COUNT: u32 = 1 << (BASE_WIDTH - 2);
const BASE_KEPT: usize = memory.data(SMALL ? 4 : BASE_COUNT * <i32>POINT_BYTES, 4);
const BASE_READY: usize = memory.data(4, 4); // 1 once BASE_KEPT is filled

// This file's turn in SCRATCH
const POINT: usize = CURVE_END;
const TABLE: usize = POINT + POINT_BYTES;
const R: usize = TABLE + <usize>COUNT * POINT_BYTES;
const S: usize = R + 32;
const U1: usize = S + 32;
const U2: usize = U1 + 32;
const READ_U1: usize = U2 + 32;
const READ_U2: usize = READ_U1 + READER_BYTES;
const ORDER: usize = READ_U2 + READER_BYTES;
const R2: usize = ORDER + 32;
const BASE_TABLE: usize = SMALL ? R2 + 32 : BASE_KEPT;
const END: usize = R2 + 32 + (SMALL ? <usize>BASE_COUNT * POINT_BYTES : 0);

const ORDER_INVERSE: u32 = 0xee00bc4f; // -1/n mod 2^32
const ORDER_RECIPROCAL: u32 = 0x11ff43b1; // 1/n mod 2^30

// publicKey x || y, 64 bytes big-endian
export function p256ValidKey(publicKey: usize): bool {
  wordsFromBigEndian(S, publicKey);
  wordsFromBigEndian(R2, publicKey + 32);
  return curvePoint(POINT, S, R2);
}

// digest 32 bytes, signature r || s 64 bytes
export function p256Verify(publicKey: usize, digest: usize, signature: usize): bool {
  if (END > SCRATCH + SCRATCH_BYTES) ERROR('SCRATCH is too small'); // at compile time
  // SEC 1 section 4.1.4 step 1
  wordsCopy(
    ORDER,
    memory.data<u32>([0xfc632551, 0xf3b9cac2, 0xa7179e84, 0xbce6faad, 0xffffffff, 0xffffffff, 0, 0xffffffff]),
  );
  wordsFromBigEndian(R, signature);
  wordsFromBigEndian(S, signature + 32);
  if (wordsZero(R) || wordsZero(S) || !wordsLess(R, ORDER) || !wordsLess(S, ORDER)) return false;
  // steps 3 and 4: u1 = e / s, u2 = r / s mod n. The digest is as long as n, so e is all of it; it may reach n.
  wordsInvert(S, S, ORDER, ORDER_RECIPROCAL);
  // 2^512 mod n
  wordsCopy(
    R2,
    memory.data<u32>([0xbe79eea2, 0x83244c95, 0x49bd6fa6, 0x4699799c, 0x2b6bec59, 0x2845b239, 0xf3d95620, 0x66e12d94]),
  );
  wordsMontgomery(S, S, R2, ORDER, ORDER_INVERSE);
  wordsFromBigEndian(U1, digest);
  wordsMontgomery(U1, U1, S, ORDER, ORDER_INVERSE);
  wordsMontgomery(U2, R, S, ORDER, ORDER_INVERSE);

  if (!p256ValidKey(publicKey)) return false;
  curveTable(TABLE, COUNT, POINT);
  if (SMALL || load<u32>(BASE_READY) === 0) {
    curveBase(POINT);
    curveTable(BASE_TABLE, BASE_COUNT, POINT);
    if (!SMALL) store<u32>(BASE_READY, 1);
  }
  // step 5
  combine(false);
  if (curveIsInfinity(POINT)) combine(true);
  if (curveIsInfinity(POINT)) return false;
  // steps 6 to 8: r = x mod n with x = X/Z^2, that is X = r Z^2 or, as x < p may exceed n, X = (r + n) Z^2
  gfSquare(TABLE, POINT + 2 * GF_BYTES); // 4
  if (matches()) return true;
  return !wordsAdd(R, ORDER) && gfCanonical(R) && matches();
}

// POINT = [u1]G + [u2]Q, both scalars at once
function combine(careful: bool): void {
  digitsBegin(READ_U1, U1, 256);
  digitsBegin(READ_U2, U2, 256);
  let begun = false;
  for (let i = 256; i >= 0; i--) {
    const base = digitAt(READ_U1, i, BASE_WIDTH);
    const key = digitAt(READ_U2, i, WIDTH);
    if (begun) curveDouble(POINT);
    if (base !== 0) {
      addMultiple(BASE_TABLE, base, begun, careful);
      begun = true;
    }
    if (key !== 0) {
      addMultiple(TABLE, key, begun, careful);
      begun = true;
    }
  }
}

// POINT += digit * the table's point
function addMultiple(table: usize, digit: i32, begun: bool, careful: bool): void {
  const size = digit < 0 ? -digit : digit;
  const entry = table + POINT_BYTES * <usize>(size >> 1);
  if (begun) curveAdd(POINT, entry, digit < 0, careful);
  else curveSet(POINT, entry, digit < 0);
}

// Whether X = R Z^2, with Z^2 in the table's first element, which is spent
function matches(): bool {
  const product = TABLE + GF_BYTES;
  gfFromWords(product, R);
  gfMul(product, product, TABLE);
  gfSub(product, product, POINT); // 2
  return gfZero(product);
}
