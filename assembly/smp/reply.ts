// The response under construction: one packet of at most REPLY_BYTES_MAX bytes, in REPLY.
//
// REPLY is the working area of verifications. A handler therefore does its work first and writes its answer then: from
// `replyMap` on nothing may hash, verify, or write with `writing`.

import { writing } from '../codec/cbor';
import { Reason } from '../reason';
import { SCRATCH } from '../scratch';
import { decimal } from '../update/packages';
import { ERR, GROUP, NOT_APPROVED, RC, REFUSED, RSN, WAITS_FOR_USER, wordSpell } from './words';

export const HEADER_BYTES: u32 = 8;
export const REPLY: usize = SCRATCH;
export const REPLY_BYTES_MAX: u32 = 640; // whatever a packet may have: no answer of ours has more, and a value stands behind it

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

const LETTERS: usize = memory.data(16, 4); // of one word
const SENTENCE: usize = memory.data(24, 4); // "waits for user (255)"

// Begins the body with the head of its map.
export function replyMap(count: u32): void {
  writing.open(REPLY + HEADER_BYTES, REPLY_BYTES_MAX - HEADER_BYTES);
  writing.map(count);
}

export function replyWord(word: u32): void {
  writing.text(LETTERS, wordSpell(word, LETTERS));
}

// One member each: key and value.
export function replyNumber(key: u32, value: u32): void {
  replyWord(key);
  writing.uint(value);
}

export function replyTruth(key: u32, value: bool): void {
  replyWord(key);
  writing.boolean(value);
}

export function replyBytes(key: u32, from: usize, length: u32): void {
  replyWord(key);
  writing.bytes(from, length);
}

export function replyText(key: u32, from: usize, length: u32): void {
  replyWord(key);
  writing.text(from, length);
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

// The header, before a body of so many bytes (dispatch.ts has its picture). Returns the length of the packet.
export function replyHead(first: u32, body: u32, group: u32, sequence: u32, id: u32): u32 {
  store<u8>(REPLY, first);
  store<u8>(REPLY, 0, 1);
  store<u8>(REPLY, body >>> 8, 2);
  store<u8>(REPLY, body, 3);
  store<u8>(REPLY, group >>> 8, 4);
  store<u8>(REPLY, group, 5);
  store<u8>(REPLY, sequence, 6);
  store<u8>(REPLY, id, 7);
  return HEADER_BYTES + body;
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
  replyWord(ERR);
  writing.map(2);
  replyNumber(GROUP, asked);
  replyNumber(RC, code);
}

// For whoever does not know our numbers the words say what kind of refusal it is; the number says which.
function writeRefusal(reason: Reason): void {
  let kind = REFUSED;
  if (reason >= Reason.NotApproved && reason <= Reason.ApprovalsFull) kind = NOT_APPROVED;
  else if (reason === Reason.AwaitingUser) kind = WAITS_FOR_USER;
  let length = wordSpell(kind, SENTENCE);
  store<u8>(SENTENCE + length++, 0x20);
  store<u8>(SENTENCE + length++, 0x28); // "("
  length += decimal(SENTENCE + length, <u32>reason);
  store<u8>(SENTENCE + length++, 0x29); // ")"
  replyMap(2);
  replyNumber(RC, Rc.AccessDenied);
  replyWord(RSN);
  writing.text(SENTENCE, length);
}

// Of the numbers that image.ts has: 14, 20, 21 and 24 say what is wrong with a request.
function imageCodeV1(code: i32): i32 {
  return code >= 14 && code <= 24 ? 3 : 1;
}
