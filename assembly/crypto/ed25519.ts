// Ed25519 verification (RFC 8032 section 5.1.7), the message streamed: begin, any number of updates, finish.
//
// The equation is the cofactorless one, [S]B = R + [k]A. OpenSSL, libsodium and nearly every signer's own check use it,
// so what verifies on the vendor's desk verifies here, and the other way round; the cofactored form that RFC 8032 also
// allows accepts more signatures, all of them made on purpose. halves.ts says how it is checked at half the length.
// A Cortex-M0 checks it at full length: 12.1 M instructions in place of 9.4 M, and 600 bytes of flash less.
//
// Strict: S must be below L, A and R canonical encodings of points, and A and R of small order are refused (such keys
// "sign" anything). One verification runs at a time. Everything here is public, so running time follows the values.

import { NARROW, SMALL } from '../profile';
import { SCRATCH, SCRATCH_BYTES } from '../scratch';
import { BASE25519_WIDTH, base25519Entry, base25519High } from './base25519';
import { digitAt, digitsBegin, READER_BYTES } from './digits';
import {
  EDWARDS_END,
  edwardsAdd,
  edwardsBase,
  edwardsDecode,
  edwardsDouble,
  edwardsIsNeutral,
  edwardsNegate,
  edwardsNeutral,
  edwardsSmallOrder,
  edwardsTable,
  POINT_BYTES,
} from './edwards25519';
import { halvesOf } from './halves';
import { SHA512_STATE_BYTES, sha512Begin, sha512Finish, sha512Update } from './sha512';
import { wordsAdd, wordsCopy, wordsLess, wordsMontgomery, wordsSmall, wordsSub } from './words';

// Kept from begin to finish: hash state, signature, public key. Live while a message streams, so not in SCRATCH.
const HASH: usize = memory.data(SHA512_STATE_BYTES, 8);
const SIGNATURE: usize = memory.data(64, 4); // R | S
const PUBLIC: usize = memory.data(32, 4);

// Windows: of A and R, whose tables are made anew each time, and of B and 2^128 B. The tables of those are kept in the
// fast profile, once the first verification has made them; the small one takes each entry from flash.
const WIDTH: i32 = SMALL ? 4 : 5;
const COUNT: u32 = 1 << (WIDTH - 2);
const BASE_WIDTH: i32 = SMALL ? BASE25519_WIDTH : 7;
const BASE_COUNT: u32 = 1 << (BASE_WIDTH - 2);
const BASE_TABLE: usize = memory.data(SMALL ? 4 : 2 * BASE_COUNT * <i32>POINT_BYTES, 4);
const HIGH_TABLE: usize = BASE_TABLE + <usize>BASE_COUNT * POINT_BYTES;
const BASE_READY: usize = memory.data(4, 4); // 1 once BASE_TABLE is filled

// This file's turn in SCRATCH. What leads to the scalars is over before the table of R is made, and lies there.
const POINT: usize = EDWARDS_END;
const U: usize = POINT + POINT_BYTES;
const V: usize = U + 32;
const VS: usize = V + 32;
const READ_U: usize = VS + 32;
const READ_V: usize = READ_U + READER_BYTES;
const READ_LOW: usize = READ_V + READER_BYTES;
const READ_HIGH: usize = READ_LOW + READER_BYTES;
const TABLE_A: usize = READ_HIGH + READER_BYTES;
const TABLE_R: usize = TABLE_A + <usize>COUNT * POINT_BYTES;
const ENTRY: usize = TABLE_R + <usize>COUNT * POINT_BYTES; // small profile: the multiple of B in hand
const END: usize = ENTRY + POINT_BYTES;
const K: usize = NARROW ? U : TABLE_R; // 64 bytes: the hash, then k
const ORDER: usize = TABLE_R + 64;
const R2: usize = ORDER + 32;

const ORDER_INVERSE: u32 = 0x12547e1b; // -1/L mod 2^32

// L = 2^252 + 27742317777372353535851937790883648493 (RFC 8032 section 5.1)
function setOrder(words: usize): void {
  wordsCopy(words, memory.data<u32>([0x5cf5d3ed, 0x5812631a, 0xa2f79cd6, 0x14def9de, 0, 0, 0, 0x10000000]));
}

// Takes copies of key and signature, 32 and 64 bytes at any alignment. false if S alone refuses them already; a
// verification that goes on all the same ends with false.
export function ed25519Begin(publicKey: usize, signature: usize): bool {
  memory.copy(PUBLIC, publicKey, 32);
  memory.copy(SIGNATURE, signature, 64);
  sha512Begin(HASH); // step 2: SHA-512(dom2(F, C) || R || A || PH(M)); for Ed25519 dom2 is empty and PH(M) = M
  sha512Update(HASH, SIGNATURE, 32);
  sha512Update(HASH, PUBLIC, 32);
  return belowOrder();
}

export function ed25519Update(from: usize, length: u32): void {
  sha512Update(HASH, from, length);
}

export function ed25519Finish(): bool {
  if (END > SCRATCH + SCRATCH_BYTES) ERROR('SCRATCH is too small'); // at compile time
  // Step 1: S below L; A and R are decoded further down.
  if (!belowOrder()) return false;

  // Step 2: k, reduced modulo L as step 3 allows: (high 2^256 + low) mod L.
  sha512Finish(HASH, K);
  setOrder(ORDER);
  // 2^512 mod L
  wordsCopy(
    R2,
    memory.data<u32>([0x449c0f01, 0xa40611e3, 0x68859347, 0xd00e1ba7, 0x17f5be65, 0xceec73d2, 0x7c309a3d, 0x0399411b]),
  );
  wordsMontgomery(K + 32, K + 32, R2, ORDER, ORDER_INVERSE);
  wordsMontgomery(K, K, R2, ORDER, ORDER_INVERSE);
  wordsSmall(VS, 1);
  wordsMontgomery(K, K, VS, ORDER, ORDER_INVERSE);
  wordsAdd(K, K + 32);
  if (!wordsLess(K, ORDER)) wordsSub(K, ORDER);

  // Step 3 as [v S]B - [u]A - [v]R = 0, or all of it negated where v is negative. At full length v = 1.
  const negative = NARROW ? false : halvesOf(U, V, K);
  if (!NARROW) {
    wordsMontgomery(VS, V, R2, ORDER, ORDER_INVERSE);
    wordsMontgomery(VS, VS, SIGNATURE + 32, ORDER, ORDER_INVERSE);
  }
  if (!SMALL) prepareBase();
  if (!edwardsDecode(POINT, PUBLIC) || edwardsSmallOrder(POINT)) return false;
  if (!negative) edwardsNegate(POINT);
  edwardsTable(TABLE_A, COUNT, POINT);
  if (!edwardsDecode(POINT, SIGNATURE) || edwardsSmallOrder(POINT)) return false;
  edwardsNegate(POINT);
  edwardsTable(TABLE_R, COUNT, POINT);

  // All four scalars at once, from the highest digit that is not 0.
  digitsBegin(READ_U, U, 256);
  if (!NARROW) digitsBegin(READ_V, V, 256);
  digitsBegin(READ_LOW, NARROW ? SIGNATURE + 32 : VS, NARROW ? 256 : 128);
  if (!NARROW) digitsBegin(READ_HIGH, VS + 16, 128);
  let begun = false;
  edwardsNeutral(POINT);
  for (let i = 256; i >= 0; i--) {
    const a = digitAt(READ_U, i, WIDTH);
    const r: i32 = NARROW ? i32(i === 0) : digitAt(READ_V, i, WIDTH); // 1 has one digit
    const low = digitAt(READ_LOW, i, BASE_WIDTH);
    const high: i32 = NARROW ? 0 : digitAt(READ_HIGH, i, BASE_WIDTH);
    if (NARROW || begun) edwardsDouble(POINT, (a | r | low | high) !== 0);
    if (a !== 0) addMultiple(TABLE_A, a, (r | low | high) !== 0);
    if (r !== 0) addMultiple(TABLE_R, r, (low | high) !== 0);
    if (low !== 0) addBase(low, high !== 0);
    if (!NARROW && high !== 0) addHigh(high, false);
    if ((a | r | low | high) !== 0) begun = true;
  }
  return edwardsIsNeutral(POINT);
}

// Whether 32 bytes are a public key: the canonical encoding of a point that is not of small order.
export function ed25519ValidKey(publicKey: usize): bool {
  memory.copy(TABLE_A, publicKey, 32);
  return edwardsDecode(POINT, TABLE_A) && !edwardsSmallOrder(POINT);
}

function belowOrder(): bool {
  setOrder(ORDER);
  return wordsLess(SIGNATURE + 32, ORDER);
}

// POINT += digit * the table's point
function addMultiple(table: usize, digit: i32, withT: bool): void {
  edwardsAdd(POINT, table + POINT_BYTES * <usize>indexOf(digit), digit < 0, withT);
}

// Where a table of odd multiples has that of a digit.
function indexOf(digit: i32): u32 {
  return <u32>(digit < 0 ? -digit : digit) >> 1;
}

// POINT += digit * B
function addBase(digit: i32, withT: bool): void {
  if (SMALL) {
    base25519Entry(ENTRY, indexOf(digit));
    edwardsAdd(POINT, ENTRY, digit < 0, withT);
  } else {
    addMultiple(BASE_TABLE, digit, withT);
  }
}

// POINT += digit * 2^128 B
function addHigh(digit: i32, withT: bool): void {
  if (SMALL) {
    base25519High(ENTRY, indexOf(digit));
    edwardsAdd(POINT, ENTRY, digit < 0, withT);
  } else {
    addMultiple(HIGH_TABLE, digit, withT);
  }
}

function prepareBase(): void {
  if (load<u32>(BASE_READY) !== 0) return;
  edwardsBase(POINT);
  memory.copy(TABLE_A, POINT, POINT_BYTES);
  edwardsTable(BASE_TABLE, BASE_COUNT, POINT);
  memory.copy(POINT, TABLE_A, POINT_BYTES);
  for (let i = 0; i < 128; i++) edwardsDouble(POINT, i === 127);
  edwardsTable(HIGH_TABLE, BASE_COUNT, POINT);
  store<u32>(BASE_READY, 1);
}
