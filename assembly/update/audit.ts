// The audit log: what was offered, what was decided and why, who consented, how it ended.
//
// A bounded ring of LOG_RECORDS_MAX records in the store, each naming the SHA-256 of the one before it: a reader who
// remembers one record notices any later one that was changed or left out. A record is staged beside the settings whose
// change it tells of, so both become true in the same commit.
//
//   record = { 1: number, 2: SHA-256 of the record before it (zeros for the first), 3: time, 4: event, 5: reason,
//              ? 6: manifest digest }                          deterministic CBOR; time = trusted seconds, else the floor

import { writing } from '../codec/cbor';
import { sha256Begin, sha256Finish, sha256Update } from '../crypto/sha256';
import { PIECE } from '../flash/flash';
import { Key } from '../flash/keys';
import { storeRead, storeStage } from '../flash/store';
import { facts } from '../policy/facts';
import { Reason } from '../reason';

export const enum Event {
  Provisioned = 1,
  ApprovalStored = 2,
  Accepted = 3, // a package may be downloaded; reason tells why if it was not plainly approved
  Refused = 4, // at the offer or before installation
  Downloaded = 5,
  DownloadFailed = 6,
  Asked = 7,
  Answered = 8, // Ok for yes, UserRefused, Deferred
  Installing = 9,
  Installed = 10, // confirmed
  Reverted = 11,
  Damaged = 12, // what should run is not what was installed
  Denied = 13, // what runs was denied by an operator
  Changed = 14, // anchors or policy, by the operators' signatures
}

// With 96 bytes each, about a quarter of a bank of 8 KB.
export const LOG_RECORDS_MAX: u32 = 24;
export const AUDIT_RECORD_BYTES_MAX: u32 = 96; // 1 + 6 + 35 + 10 + 2 + 3 + 35

@unmanaged
class End {
  count: u32;
  refused: u32; // first bytes of the digest of the last refusal, and its reason: told once, not at every try
  refusedReason: u32;
  unused: u32;
  hash: u64; // 32 bytes
  hash1: u64;
  hash2: u64;
  hash3: u64;
}

const end = changetype<End>(memory.data(offsetof<End>(), 8));
const HASH: usize = changetype<usize>(end) + offsetof<End>('hash');
const RECORD: usize = memory.data(AUDIT_RECORD_BYTES_MAX, 4);
const state: usize = PIECE; // has room for one, and carries nothing while a record is made

export function auditMount(): void {
  storeRead(Key.LogEnd, changetype<usize>(end), offsetof<End>());
}

export function auditCount(): u32 {
  return end.count;
}

// Number of the oldest record that is still there.
export function auditOldest(): u32 {
  return end.count > LOG_RECORDS_MAX ? end.count - LOG_RECORDS_MAX : 0;
}

// SHA-256 of the newest record; zeros before the first.
export function auditHash(): usize {
  return HASH;
}

export function auditKey(number: u32): u32 {
  return Key.Log | ((number % LOG_RECORDS_MAX) << 8);
}

// Stages one record, at most one per commit. `digest` 0: none.
export function auditStage(event: Event, reason: Reason, digest: usize): void {
  writing.open(RECORD, AUDIT_RECORD_BYTES_MAX);
  writing.map(digest ? 6 : 5);
  writing.uint(1);
  writing.uint(end.count);
  writing.uint(2);
  writing.bytes(HASH, 32);
  writing.uint(3);
  writing.uint(facts.trustedTime ? facts.trustedTime : facts.timeFloor);
  writing.uint(4);
  writing.uint(event);
  writing.uint(5);
  writing.uint(reason);
  if (digest) {
    writing.uint(6);
    writing.bytes(digest, 32);
  }
  const bytes = writing.written();
  storeStage(auditKey(end.count), RECORD, bytes);
  sha256Begin(state);
  sha256Update(state, RECORD, bytes);
  sha256Finish(state, HASH);
  end.count++;
  end.refused = event === Event.Refused ? first(digest) : 0;
  end.refusedReason = event === Event.Refused ? reason : 0;
  storeStage(Key.LogEnd, changetype<usize>(end), offsetof<End>());
}

// Was exactly this refusal the last thing told? Whoever offers it a thousand times must not wear out the flash.
export function auditTold(reason: Reason, digest: usize): bool {
  return end.refusedReason === <u32>reason && end.refused === first(digest);
}

function first(digest: usize): u32 {
  let value: u32 = 0;
  for (let i: u32 = 0; i < 4; i++) value = (value << 8) | load<u8>(digest + i);
  return value;
}
