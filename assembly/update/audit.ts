// The audit log: what was decided, why, by whom, and how it ended. One record a decision: an update that goes well
// makes three (downloaded, installing, installed).
//
// A bounded ring of LOG_RECORDS_MAX records in the store, each naming the SHA-256 of the one before it: a reader who
// remembers one record notices any later one that was changed or left out. A record is staged beside the settings whose
// change it tells of, so both become true in the same commit.
//
//   record   = { 1: number, 2: SHA-256 of the record before it (zeros for the first), 3: time, 4: event, 5: reason,
//                ? 6: manifest digest, ? 7: [sequence that ran, sequence of this package], ? 8: row of the verdict table,
//                ? 9: [* operator], ? 10: answer, ? 11: how many records of strangers were left out before this one }
//   operator = [kid, shortened, or null; sequence of its document, null for a countersignature; source]    that counted
//   answer   = [channel (1 local, 2 signed, 4 the delivering line), ? kid of the consenter, shortened, or null]
//                                              deterministic CBOR; time = the later of trusted clock and floor, seconds
//
// What strangers can bring about (a refusal, a download, a question that nobody answered) is written STRANGERS_MAX times
// in a row; then it is counted, and the next record says how often. So nobody can push out what was decided.

import { anchorAt, anchorCount } from '../approval/anchors';
import { findingAt, findingCount } from '../approval/evidence';
import { writing } from '../codec/cbor';
import { sha256Begin, sha256Finish, sha256Update } from '../crypto/sha256';
import { PIECE } from '../flash/flash';
import { Key } from '../flash/keys';
import { storeLength, storeRead, storeStage, storeStageDelete, storeStageMirror } from '../flash/store';
import { Channel } from '../policy/consent';
import { verdictRowKept } from '../policy/explain';
import { now } from '../policy/facts';
import { Reason } from '../reason';
import { SCRATCH } from '../scratch';
import { Consent, question } from './hand';
import { seatOf } from './seats';

// Permanent numbers; 3, 7 and 8 are no longer written.
export const enum Event {
  Provisioned = 1,
  ApprovalStored = 2,
  Refused = 4, // at the offer, before installation, or by a person
  Downloaded = 5, // it was accepted, is whole, and waits
  DownloadFailed = 6,
  Installing = 9, // decided: by whom stands here
  Installed = 10, // confirmed
  Reverted = 11,
  Damaged = 12, // what should run is not what was installed
  Denied = 13, // what runs was denied by an operator
  Changed = 14, // anchors or policy, by the operators' signatures
}

export const LOG_RECORDS_MAX: u32 = 24; // eight whole updates
const LOG_BYTES_MAX: u32 = LOG_RECORDS_MAX * 112; // a third of a bank of 8 KB: flash/keys.ts keeps it free
// 1 to 6: 92, 7: 20, 8: 2, 9: 2 and 20 for each operator, 10: 13, 11: 6
export const AUDIT_RECORD_BYTES_MAX: u32 = 224;
const OPERATORS_MAX: u32 = 4;
const KID_BYTES_SHOWN: u32 = 8;
const STRANGERS_MAX: u32 = 4;

@unmanaged
class End {
  count: u32;
  oldest: u32; // number of the oldest record that is still there
  bytes: u32; // of those that are
  unused: u32;
  strangers: u32; // records in a row that strangers brought about, those left out too
  told: u32; // first bytes of the digest of the last refusal, and its reason: told once, not at every try
  toldReason: u32;
  hash: u64; // 32 bytes
  hash1: u64;
  hash2: u64;
  hash3: u64;
}

const end = changetype<End>(memory.data(offsetof<End>(), 8));
const HASH: usize = changetype<usize>(end) + offsetof<End>('hash');
const RECORD: usize = SCRATCH; // nothing verifies between a record and its commit
const state: usize = PIECE; // has room for one, and carries nothing while a record is made

export function auditMount(): void {
  storeRead(Key.LogEnd, changetype<usize>(end), offsetof<End>());
}

export function auditCount(): u32 {
  return end.count;
}

export function auditOldest(): u32 {
  return end.oldest;
}

// SHA-256 of the newest record; zeros before the first.
export function auditHash(): usize {
  return HASH;
}

export function auditKey(number: u32): u32 {
  return Key.Log | ((number % LOG_RECORDS_MAX) << 8);
}

// May strangers bring it about as often as they like? Not a no by the button or signed.
function byStrangers(event: Event, reason: Reason): bool {
  if (event === Event.Refused) return reason !== Reason.UserRefused || question.line !== 0;
  return event === Event.Downloaded || event === Event.DownloadFailed;
}

// Stages one record, at most one per commit. `digest` 0: none.
export function auditStage(event: Event, reason: Reason, digest: usize): void {
  const begun = begin(event, reason, digest, 0);
  if (begun) finish(begun);
}

// The same with what the decision rests on: the verdict that was just taken, and `answer`, a yes, or null.
// in: sequence numbers of what runs and of this package
export function auditDecision(
  event: Event,
  reason: Reason,
  digest: usize,
  from: u64,
  to: u64,
  answer: Consent | null,
): void {
  const begun = begin(event, reason, digest, answer ? 4 : 3);
  if (begun === 0) return;
  writing.uint(7);
  writing.array(2);
  writing.uint(from);
  writing.uint(to);
  writing.uint(8);
  writing.uint(verdictRowKept());
  writing.uint(9);
  operators();
  if (answer) who(answer);
  finish(begun);
}

// Opens the record with members 1 to 6 and room for `more`; 0 when it is only counted, else 1 and how many
// were left out before it.
function begin(event: Event, reason: Reason, digest: usize, more: u32): u32 {
  const left = end.strangers > STRANGERS_MAX ? end.strangers - STRANGERS_MAX : 0;
  end.strangers = byStrangers(event, reason) ? end.strangers + 1 : 0;
  end.told = event === Event.Refused ? first(digest) : 0;
  end.toldReason = event === Event.Refused ? reason : 0;
  storeStageMirror(Key.LogEnd, changetype<usize>(end), offsetof<End>());
  if (end.strangers > STRANGERS_MAX) return 0;
  writing.open(RECORD, AUDIT_RECORD_BYTES_MAX);
  writing.map(5 + u32(digest !== 0) + more + u32(left !== 0));
  writing.uint(1);
  writing.uint(end.count);
  writing.uint(2);
  writing.bytes(HASH, 32);
  writing.uint(3);
  writing.uint(now());
  writing.uint(4);
  writing.uint(event);
  writing.uint(5);
  writing.uint(reason);
  if (digest) {
    writing.uint(6);
    writing.bytes(digest, 32);
  }
  return 1 + left;
}

// `begun`: what begin returned
function finish(begun: u32): void {
  if (begun > 1) {
    writing.uint(11);
    writing.uint(begun - 1);
  }
  const bytes = writing.written();
  makeRoom(bytes);
  end.bytes += bytes;
  storeStage(auditKey(end.count), RECORD, bytes);
  sha256Begin(state);
  sha256Update(state, RECORD, bytes);
  sha256Finish(state, HASH);
  end.count++;
}

// The oldest records go, as many as it takes.
function makeRoom(bytes: u32): void {
  while (end.count - end.oldest >= LOG_RECORDS_MAX || end.bytes + bytes > LOG_BYTES_MAX) {
    const key = auditKey(end.oldest++);
    const length = storeLength(key);
    if (length > 0) end.bytes -= min(end.bytes, length);
    storeStageDelete(key);
    if (end.oldest === end.count) end.bytes = 0;
  }
}

// Each operator once, whose approval counted in the last verdict.
function operators(): void {
  const head = writing.at;
  writing.array(0);
  let seen: u32 = 0;
  let written: u32 = 0;
  for (let i: u32 = 0; i < findingCount() && written < OPERATORS_MAX; i++) {
    const finding = findingAt(i);
    if (finding.reason !== Reason.Ok || finding.anchor < 0 || (seen >>> finding.anchor) & 1) continue;
    seen |= 1 << finding.anchor;
    writing.array(3);
    kid(finding.anchor);
    if (finding.countersignature) writing.empty();
    else writing.uint(finding.sequence);
    writing.uint(finding.source);
    written++;
  }
  store<u8>(head, 0x80 | written); // few: the head is one byte
}

function kid(anchor: u32): void {
  if (anchor >= anchorCount() || anchorAt(anchor).kid === 0) writing.empty();
  else writing.bytes(anchorAt(anchor).kid, min(anchorAt(anchor).kidBytes, KID_BYTES_SHOWN));
}

function who(answer: Consent): void {
  const signed = answer.channel === Channel.Signed;
  writing.uint(10);
  writing.array(1 + u32(signed));
  writing.uint(answer.channel);
  if (!signed) return;
  let anchor: u32 = 0;
  while (anchor < anchorCount() && seatOf(anchor) !== answer.consenter) anchor++;
  kid(anchor);
}

// Was exactly this refusal the last thing told? Whoever offers it a thousand times must not wear out the flash.
export function auditTold(reason: Reason, digest: usize): bool {
  return end.toldReason === <u32>reason && end.told === first(digest);
}

function first(digest: usize): u32 {
  let value: u32 = 0;
  for (let i: u32 = 0; i < 4; i++) value = (value << 8) | load<u8>(digest + i);
  return value;
}
