// The response under construction: one packet of at most PACKET_BYTES_MAX bytes, in REPLY.
//
// REPLY is the working area of verifications. A handler therefore does its work first and writes its answer then: from
// `replyMap` on nothing may hash, verify, or write with `writing`.

import { letters, writing } from '../codec/cbor';
import { PACKET_BYTES_MAX } from '../codec/frame';
import { Reason } from '../reason';
import { SCRATCH } from '../scratch';
import { decimal } from '../update/packages';
import { ERR, GROUP, NOT_APPROVED, NOT_APPROVED_, RC, REFUSED, RSN, WAITS_FOR_USER, WAITS_FOR_USER_ } from './words';

export const HEADER_BYTES: u32 = 8;
export const REPLY: usize = SCRATCH;

// SMP's own error numbers, the same in both versions of the protocol.
export const enum Rc {
  Ok = 0,
  Invalid = 3,
  TooLarge = 7,
  NotSupported = 8,
  AccessDenied = 11,
  Busy = 10,
}

export const enum Group {
  None = -1, // an error of SMP itself, not of a group
  Os = 0,
  Image = 1,
  Ours = 64,
}

const LONG: usize = memory.data(24, 8); // at most 20 letters, in words of 8

// Begins the body with the head of its map.
export function replyMap(count: u32): void {
  writing.open(REPLY + HEADER_BYTES, PACKET_BYTES_MAX - HEADER_BYTES);
  writing.map(count);
}

// One member each: key and value.
export function replyNumber(key: u64, value: u32): void {
  writing.word(key);
  writing.uint(value);
}

export function replyTruth(key: u64, value: bool): void {
  writing.word(key);
  writing.boolean(value);
}

export function replyBytes(key: u64, from: usize, length: u32): void {
  writing.word(key);
  writing.bytes(from, length);
}

export function replyText(key: u64, from: usize, length: u32): void {
  writing.word(key);
  writing.text(from, length);
}

// Text of 9 to 16 letters, eight of them in `first`.
export function wordLong(first: u64, rest: u64): void {
  store<u64>(LONG, first);
  store<u64>(LONG, rest, 8);
  writing.text(LONG, 8 + letters(rest));
}

// What a handler returns: OK, or why not. A group's number, or one of SMP's own (Group.None).
export const OK: i32 = 0;

export function failure(group: Group, code: i32): i32 {
  return ((group + 1) << 16) | code;
}

// The empty map: done, and nothing to tell.
export function done(): i32 {
  replyMap(0);
  return OK;
}

// A reason is told in the terms of the group that was asked: see replyEnd.
export function ours(reason: Reason): i32 {
  return failure(Group.Ours, reason);
}

// Closes the body. In: protocol version 0 or 1, the group that was asked, what the handler returned. Out: its length.
export function replyEnd(version: u32, asked: u32, failed: i32): u32 {
  // A body that did not fit is our fault, never half an answer.
  if (failed === OK && writing.fault !== 0) failed = failure(Group.None, Rc.TooLarge);
  if (failed !== OK) writeError(version, asked, (failed >>> 16) - 1, failed & 0xffff);
  return writing.written();
}

// Clients know the numbers of the group that they asked, and SMP's own; any other group in an answer is beyond them.
//
//   what failed                   asked in version 2                     in version 1
//   SMP's own number              {"rc": n}                              {"rc": n}
//   a number of the group asked   {"err": {"group": asked, "rc": n}}     {"rc": n}, by SMP's table of v1
//   a reason, group 64 asked      {"err": {"group": 64, "rc": reason}}   {"rc": reason}
//   a reason, any other asked     {"rc": 11, "rsn": "refused (48)"}      the same: no list but ours has such numbers
function writeError(version: u32, asked: u32, group: Group, code: i32): void {
  if (group === Group.Ours && asked !== Group.Ours) {
    writeRefusal(<Reason>code);
    return;
  }
  replyMap(1);
  if (group === Group.None || version === 0) {
    replyNumber(RC, group === Group.Image ? imageCodeV1(code) : code);
    return;
  }
  writing.word(ERR);
  writing.map(2);
  replyNumber(GROUP, asked);
  replyNumber(RC, code);
}

// For whoever does not know our numbers the words say what kind of refusal it is; the number says which.
function writeRefusal(reason: Reason): void {
  let first = REFUSED;
  let rest: u64 = 0;
  if (reason >= Reason.NotApproved && reason <= Reason.ApprovalsFull) {
    first = NOT_APPROVED;
    rest = NOT_APPROVED_;
  } else if (reason === Reason.AwaitingUser) {
    first = WAITS_FOR_USER;
    rest = WAITS_FOR_USER_;
  }
  // Byte by byte: a microcontroller stores words at their own addresses only.
  let length = spell(spell(0, first), rest);
  length = spell(length, 0x2820); // " ("
  length += decimal(LONG + length, <u32>reason);
  length = spell(length, 0x29); // ")"
  replyMap(2);
  replyNumber(RC, Rc.AccessDenied);
  replyText(RSN, LONG, length);
}

// Sets of the numbers of the image group, as bits.
const NO_ENTRY: u32 = (1 << 3) | (1 << 4);
const BAD_STATE: u32 = (1 << 9) | (1 << 27) | (1 << 28);
const NO_MEMORY: u32 = 1 << 15;
const INVALID: u32 = (1 << 14) | (15 << 19) | (3 << 24); // 14, 19 to 22, 24, 25

function imageCodeV1(code: i32): i32 {
  const bit: u32 = 1 << code;
  if (bit & NO_ENTRY) return 5;
  if (bit & BAD_STATE) return 6;
  if (bit & NO_MEMORY) return 2;
  return bit & INVALID ? 3 : 1;
}

function spell(at: u32, word: u64): u32 {
  for (; word; word >>= 8) store<u8>(LONG + at++, <u8>word);
  return at;
}
