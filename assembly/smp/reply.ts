// The response under construction: one packet of at most PACKET_BYTES_MAX bytes, in REPLY.
//
// REPLY is the working area of verifications. A handler therefore does its work first and writes its answer then: from
// `replyMap` on nothing may hash, verify, or write with `writing`.

import { letters, writing } from '../codec/cbor';
import { PACKET_BYTES_MAX } from '../codec/frame';
import { Reason } from '../reason';
import { SCRATCH } from '../scratch';
import { ERR, GROUP, RC } from './words';

export const HEADER_BYTES: u32 = 8;
export const REPLY: usize = SCRATCH;

// SMP's own error numbers, the same in both versions of the protocol.
export const enum Rc {
  Ok = 0,
  Invalid = 3,
  TooLarge = 7,
  NotSupported = 8,
  Corrupt = 9,
  Busy = 10,
}

export const enum Group {
  None = -1, // an error of SMP itself, not of a group
  Os = 0,
  Image = 1,
  Ours = 64,
}

const LONG: usize = memory.data(24, 8);

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

// Our group's numbers are the list of reasons.
export function ours(reason: Reason): i32 {
  return failure(Group.Ours, reason);
}

// Closes the body. In: protocol version 0 or 1, and what the handler returned. Out: its length.
export function replyEnd(version: u32, failed: i32): u32 {
  // A body that did not fit is our fault, never half an answer.
  if (failed === OK && writing.fault !== 0) failed = failure(Group.None, Rc.TooLarge);
  if (failed !== OK) writeError(version, (failed >>> 16) - 1, failed & 0xffff);
  return writing.written();
}

//   version 2, error of a group   {"err": {"group": g, "rc": n}}
//   otherwise                     {"rc": n}, image group numbers translated as SMP's table of v1 says
function writeError(version: u32, group: Group, code: i32): void {
  replyMap(1);
  if (group === Group.None || version === 0) {
    replyNumber(RC, group === Group.Image ? imageCodeV1(code) : code);
    return;
  }
  writing.word(ERR);
  writing.map(2);
  replyNumber(GROUP, group);
  replyNumber(RC, code);
}

function imageCodeV1(code: i32): i32 {
  switch (code) {
    case 3:
    case 4:
      return 5;
    case 9:
    case 27:
    case 28:
      return 6;
    case 15:
      return 2;
    case 14:
    case 19:
    case 20:
    case 21:
    case 22:
    case 24:
    case 25:
      return 3;
    default:
      return 1;
  }
}
