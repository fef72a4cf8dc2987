// The group of NIST P-256: points of y^2 = x^3 - 3 x + b.
//
// A point is X | Y | Z with x = X/Z^2, y = Y/Z^3 (Jacobian); Z = 0 is infinity. A table entry is affine, X | Y, with a
// third element that only the making of the table uses. Bounds in the margin are units of field256.ts: X and Y are
// tight, Z has up to two.
//
// The addition formula fails for equal points and gives Z = 0 for opposite ones; and whatever is done to a point with
// Z = 0 keeps Z = 0. So a long computation runs without looking, and only if it ends with Z = 0 is it repeated, careful.

import { GROUP } from './areas';
import {
  GF_BYTES,
  gfAdd,
  gfCanonical,
  gfCopy,
  gfFromWords,
  gfInvert,
  gfMul,
  gfMulSub,
  gfNegate,
  gfOne,
  gfSquare,
  gfSquareSub,
  gfSub,
  gfZero,
} from './field256';
import { wordsCopy } from './words';

const X: usize = 0;
const Y: usize = GF_BYTES;
const Z: usize = 2 * GF_BYTES;
export const POINT_BYTES: usize = 3 * GF_BYTES;

// Working elements
const A: usize = GROUP;
const B: usize = A + GF_BYTES;
const C: usize = B + GF_BYTES;
const D: usize = C + GF_BYTES;
const E: usize = D + GF_BYTES;
export const CURVE_END: usize = E + GF_BYTES; // free for callers from here on

// P = the base point (SP 800-186 section 3.2.1.3)
export function curveBase(p: usize): void {
  wordsCopy(
    A,
    memory.data<u32>([0xd898c296, 0xf4a13945, 0x2deb33a0, 0x77037d81, 0x63a440f2, 0xf8bce6e5, 0xe12c4247, 0x6b17d1f2]),
  );
  gfFromWords(p + X, A);
  wordsCopy(
    A,
    memory.data<u32>([0x37bf51f5, 0xcbb64068, 0x6b315ece, 0x2bce3357, 0x7c0f9e16, 0x8ee7eb4a, 0xfe1a7f9b, 0x4fe342e2]),
  );
  gfFromWords(p + Y, A);
  gfOne(p + Z);
}

// P = (x, y) of two canonical coordinates in words; false if they are not, or not on the curve. x, y outside A..E.
export function curvePoint(p: usize, x: usize, y: usize): bool {
  if (!gfCanonical(x) || !gfCanonical(y)) return false;
  gfFromWords(p + X, x);
  gfFromWords(p + Y, y);
  gfOne(p + Z);
  // y^2 = (x^2 - 3) x + b
  wordsCopy(
    A,
    memory.data<u32>([0x27d2604b, 0x3bce3c3e, 0xcc53b0f6, 0x651d06b0, 0x769886bc, 0xb3ebbd55, 0xaa3a93e7, 0x5ac635d8]),
  );
  gfFromWords(B, A);
  gfSquare(A, p + X);
  gfSub(A, A, p + Z);
  gfSub(A, A, p + Z);
  gfSub(A, A, p + Z); // 4
  gfMul(A, A, p + X);
  gfAdd(A, A, B); // 2
  gfSquare(B, p + Y);
  gfSub(A, A, B); // 3
  return gfZero(A);
}

// P = the table entry Q, or -Q
export function curveSet(p: usize, q: usize, negative: bool): void {
  gfCopy(p + X, q + X);
  gfCopy(p + Y, q + Y);
  if (negative) gfNegate(p + Y, p + Y);
  gfOne(p + Z);
}

export function curveIsInfinity(p: usize): bool {
  return gfZero(p + Z);
}

// P = 2 P: alpha = 3 (X - Z^2)(X + Z^2), S = 4 X Y^2, X' = alpha^2 - 2 S, Y' = alpha (S - X') - 8 Y^4, Z' = 2 Y Z
export function curveDouble(p: usize): void {
  gfSquare(A, p + Z); // 4
  gfSub(B, p + X, A); // 2
  gfAdd(A, p + X, A); // 2
  gfMul(A, A, B); // 4
  gfAdd(B, A, A);
  gfAdd(A, A, B); // alpha, 3
  gfMul(p + Z, p + Z, p + Y); // 2
  gfAdd(p + Z, p + Z, p + Z); // 2
  gfSquare(B, p + Y);
  gfAdd(B, B, B); // 2 Y^2, 2
  gfAdd(C, B, B); // 4
  gfMul(C, C, p + X); // S
  gfAdd(D, C, C); // 2
  gfSquareSub(p + X, A, D); // 9
  gfSquare(B, B); // 4 Y^4
  gfAdd(B, B, B); // 2
  gfSub(C, C, p + X); // 2
  gfMulSub(p + Y, A, C, B); // 6
}

// P = P + Q, or P - Q if negative, Q affine. Leaves the new Z / the old Z in E.
// If not careful, P must be neither infinity nor Q; for infinity, Q and -Q the result has Z = 0.
export function curveAdd(p: usize, q: usize, negative: bool, careful: bool): void {
  if (careful && gfZero(p + Z)) {
    curveSet(p, q, negative);
    return;
  }
  gfSquare(A, p + Z); // 4
  gfMul(B, A, p + Z); // 2
  gfMul(B, B, q + Y);
  if (negative) gfNegate(B, B);
  gfSub(B, B, p + Y); // difference of the y, 2
  gfMul(A, A, q + X);
  gfSub(E, A, p + X); // difference of the x, 2
  if (careful && gfZero(E)) {
    if (gfZero(B)) curveDouble(p);
    else memory.fill(p, 0, POINT_BYTES);
    return;
  }
  gfMul(p + Z, p + Z, E); // 4
  gfSquare(A, E); // 4
  gfMul(C, p + X, A); // V
  gfMul(A, A, E); // cube of the difference, 2
  gfMul(D, p + Y, A);
  gfAdd(A, A, C);
  gfAdd(A, A, C); // 3
  gfSquareSub(p + X, B, A); // 4
  gfSub(C, C, p + X); // 2
  gfMulSub(p + Y, B, C, D); // 4
}

// table = P, 3 P, 5 P, ... as affine entries, count of them.   in: P of Z = 1; P is spent
// Additions of D = 2 P run on the curve where D is affine, which (x, y) -> (x Z^2, y Z^3) with D's Z leads to, and all
// entries come back with one inversion: each addition leaves the ratio of one Z to the next.
export function curveTable(table: usize, count: u32, p: usize): void {
  gfCopy(table + X, p + X);
  gfCopy(table + Y, p + Y);
  curveDouble(p);
  gfSquare(A, p + Z); // 4
  gfMul(B, A, p + Z); // 2
  gfMul(table + X, table + X, A);
  gfMul(table + Y, table + Y, B);
  const last = table + POINT_BYTES * <usize>(count - 1);
  gfCopy(last + X, p + X); // D waits where the last entry will stand
  gfCopy(last + Y, p + Y);
  gfCopy(table + Z, p + Z); // the first ratio: of the curves, 2
  curveSet(p, table, false);
  for (let at = table + POINT_BYTES; at <= last; at += POINT_BYTES) {
    curveAdd(p, last, false, false);
    gfCopy(at + X, p + X);
    gfCopy(at + Y, p + Y);
    gfCopy(at + Z, E); // 2
  }
  gfMul(A, p + Z, table + Z); // 2
  gfInvert(A, A);
  for (let at = last; at >= table; at -= POINT_BYTES) {
    gfSquare(B, A);
    gfMul(at + X, at + X, B);
    gfMul(B, B, A);
    gfMul(at + Y, at + Y, B);
    gfMul(A, A, at + Z); // 2
  }
}
