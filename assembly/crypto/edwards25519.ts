// The group of Ed25519: points of -x^2 + y^2 = 1 + d x^2 y^2 over the field of 2^255 - 19.
//
// A point is X | Y | Z | T with x = X/Z, y = Y/Z, x y = T/Z; a table entry is Y + X | Y - X | 2d T | 2 Z (Hisil, Wong,
// Carter and Dawson, "Twisted Edwards Curves Revisited", 2008). The formulas are complete: they hold for any two points,
// equal, opposite, neutral or of small order. Bounds in the margin are units of field25519.ts; coordinates are tight.

import { FIELD_WORDS, GROUP } from './areas';
import {
  FE_BYTES,
  feAdd,
  feCanonical,
  feFromWords,
  feMul,
  feNegate,
  fePow22523,
  feSet,
  feSquare,
  feSub,
  feToWords,
  feZero,
} from './field25519';
import { wordsCopy } from './words';

const X: usize = 0;
const Y: usize = FE_BYTES;
const Z: usize = 2 * FE_BYTES;
const T: usize = 3 * FE_BYTES;
export const POINT_BYTES: usize = 4 * FE_BYTES;

// Working elements
const A: usize = GROUP;
const B: usize = A + FE_BYTES;
const C: usize = B + FE_BYTES;
const D: usize = C + FE_BYTES;
const E: usize = D + FE_BYTES;
const F: usize = E + FE_BYTES;
const G: usize = F + FE_BYTES;
const H: usize = G + FE_BYTES;
export const EDWARDS_END: usize = H + FE_BYTES; // free for callers from here on

// z = d = -121665/121666
function setD(z: usize): void {
  wordsCopy(
    FIELD_WORDS,
    memory.data<u32>([0x135978a3, 0x75eb4dca, 0x4141d8ab, 0x00700a4d, 0x7779e898, 0x8cc74079, 0x2b6ffe73, 0x52036cee]),
  );
  feFromWords(z, FIELD_WORDS);
}

// z = 2^((p - 1) / 4), a square root of -1
function setRoot(z: usize): void {
  wordsCopy(
    FIELD_WORDS,
    memory.data<u32>([0x4a0ea0b0, 0xc4ee1b27, 0xad2fe478, 0x2f431806, 0x3dfbd7a7, 0x2b4d0099, 0x4fc1df0b, 0x2b832480]),
  );
  feFromWords(z, FIELD_WORDS);
}

// P = B, the base point: y = 4/5 and x even (RFC 8032 section 5.1)
export function edwardsBase(p: usize): void {
  wordsCopy(
    EDWARDS_END - 32,
    memory.data<u32>([0x66666658, 0x66666666, 0x66666666, 0x66666666, 0x66666666, 0x66666666, 0x66666666, 0x66666666]),
  );
  edwardsDecode(p, EDWARDS_END - 32);
}

// P = the neutral element (0, 1)
export function edwardsNeutral(p: usize): void {
  feSet(p + X, 0);
  feSet(p + Y, 1);
  feSet(p + Z, 1);
  feSet(p + T, 0);
}

export function edwardsIsNeutral(p: usize): bool {
  feSub(A, p + Y, p + Z);
  return feZero(p + X) && feZero(A);
}

// RFC 8032 section 5.1.3; false if the 32 bytes, 4-aligned, are not the canonical encoding of a point. Z comes out as 1.
export function edwardsDecode(p: usize, encoding: usize): bool {
  // step 1
  const sign = load<u8>(encoding, 31) >> 7;
  wordsCopy(FIELD_WORDS, encoding);
  store<u8>(FIELD_WORDS, load<u8>(FIELD_WORDS, 31) & 0x7f, 31);
  if (!feCanonical(FIELD_WORDS)) return false;
  feFromWords(p + Y, FIELD_WORDS);
  feSet(p + Z, 1);
  // step 2: x^2 = u / v with u = y^2 - 1 and v = d y^2 + 1
  setD(B);
  feSquare(A, p + Y);
  feMul(B, B, A);
  feSub(A, A, p + Z); // u, 2
  feAdd(B, B, p + Z); // v, 2
  // step 3: candidate x = u v^3 (u v^7)^((p - 5) / 8)
  feSquare(C, B);
  feMul(C, C, B); // v^3
  feSquare(D, C);
  feMul(D, D, B); // v^7
  feMul(D, D, A);
  fePow22523(E, D, G);
  feMul(E, E, C);
  feMul(p + X, E, A);
  feSquare(C, p + X);
  feMul(C, C, B); // v x^2 is u, or -u if x is off by the root of -1
  feSub(D, C, A); // 3
  if (!feZero(D)) {
    feAdd(D, C, A); // 3
    if (!feZero(D)) return false;
    setRoot(D);
    feMul(p + X, p + X, D);
  }
  // step 4
  feToWords(FIELD_WORDS, p + X);
  if ((load<u8>(FIELD_WORDS) & 1) !== sign) {
    if (feZero(p + X)) return false;
    feNegate(p + X, p + X);
  }
  feMul(p + T, p + X, p + Y);
  return true;
}

// Whether [8]P = 0.   in: Z = 1
// Doubling P twice gives x = 0 exactly if x, y, x^2 - y^2 or x^2 + y^2 is 0: the factors of the doubled X and Y.
export function edwardsSmallOrder(p: usize): bool {
  feSquare(A, p + X);
  feSquare(B, p + Y);
  feSub(C, A, B); // 2
  feAdd(D, A, B); // 2
  feMul(C, C, D); // 4
  feMul(C, C, p + T);
  return feZero(C);
}

export function edwardsNegate(p: usize): void {
  feNegate(p + X, p + X);
  feNegate(p + T, p + T);
}

// P = 2 P (RFC 8032 section 5.1.4). T is computed only if an addition will need it.
export function edwardsDouble(p: usize, withT: bool): void {
  feSquare(A, p + X);
  feSquare(B, p + Y);
  feSquare(C, p + Z);
  feAdd(H, A, B); // 2
  feSub(G, A, B); // 2
  feAdd(F, C, C);
  feAdd(F, F, G); // 4
  feAdd(E, p + X, p + Y); // 2
  feSquare(E, E); // 4
  feSub(E, H, E); // 3
  complete(p, withT);
}

// P = P + Q, or P - Q if negative, Q a table entry (RFC 8032 section 5.1.4). T as for doubling.
export function edwardsAdd(p: usize, q: usize, negative: bool, withT: bool): void {
  feSub(A, p + Y, p + X); // 2
  feAdd(B, p + Y, p + X); // 2
  feMul(A, A, q + (negative ? 0 : FE_BYTES)); // 4
  feMul(B, B, q + (negative ? FE_BYTES : 0)); // 4
  feMul(C, p + T, q + 2 * FE_BYTES);
  feMul(D, p + Z, q + 3 * FE_BYTES); // 2
  feSub(E, B, A); // 2
  feAdd(H, B, A); // 2
  if (negative) {
    feAdd(F, D, C); // 2
    feSub(G, D, C); // 2
  } else {
    feSub(F, D, C); // 2
    feAdd(G, D, C); // 2
  }
  complete(p, withT);
}

function complete(p: usize, withT: bool): void {
  feMul(p + X, E, F); // at most 12
  feMul(p + Y, G, H);
  feMul(p + Z, F, G);
  if (withT) feMul(p + T, E, H);
}

// table = P, 3 P, 5 P, ... as entries, count > 2 of them. P is spent.
export function edwardsTable(table: usize, count: u32, p: usize): void {
  const second = table + POINT_BYTES;
  const last = table + POINT_BYTES * (count - 1);
  toEntry(table, p);
  memory.copy(second, p, POINT_BYTES); // P waits here,
  edwardsDouble(p, true);
  toEntry(last, p); // and 2 P, an entry, where the last one will stand
  memory.copy(p, second, POINT_BYTES);
  for (let at = second; at <= last; at += POINT_BYTES) {
    edwardsAdd(p, last, false, true);
    toEntry(at, p);
  }
}

function toEntry(to: usize, p: usize): void {
  feAdd(to, p + Y, p + X); // 2
  feSub(to + FE_BYTES, p + Y, p + X); // 2
  setD(A);
  feAdd(A, A, A); // 2
  feMul(to + 2 * FE_BYTES, p + T, A);
  feAdd(to + 3 * FE_BYTES, p + Z, p + Z); // 2
}
