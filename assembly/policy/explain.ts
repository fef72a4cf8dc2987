// The verdict explains itself: a CBOR record for people, logs and servers.
//
//   {1: verdict (1 install, 2 ask, 3 reject), 2: reason, ? 3: manifest digest, ? 4: sequence number, 5: [*finding],
//    6: row of the verdict table, 7: threshold, 8: operators that approve, 9: time it was judged at,
//    ? 10: kid of the vendor anchor or null, ? 11: confirm (0, 1),
//    ? 12: sections with update-authorized (2 payload-fetch, 4 install)}
//   finding = [source, reason, operator kid or null, document sequence or null, entry index or null]
//
// 3 and 10 are there only if the manifest is authentic, 4 and 12 only if it was read to its end. A finding with reason
// Ok counts as an approval, one with Denied denies; without a sequence it is about a block of the envelope. Findings
// that do not fit are left out at the end; they were weighed all the same.

import { Anchor, anchorAt, anchorFirst } from '../approval/anchors';
import { Confirm, subject } from '../approval/entries';
import { Finding, findingAt, findingCount, findingHasEntry, outcome } from '../approval/evidence';
import { writing } from '../codec/cbor';
import { DIGEST_BYTES } from '../package/digest';
import { manifest } from '../package/manifest';
import { Reason } from '../reason';
import { policy } from './policy';
import { Verdict } from './verdict';

// Twelve findings with kids of 16 bytes; one SMP response and one flash record hold it.
export const VERDICT_BYTES_MAX: i32 = 512;
const FINDING_BYTES_MAX: u32 = 50; // with a kid of 32 bytes
const TAIL_BYTES_MAX: u32 = 64; // members 6 to 12

// What is kept of a verdict, with the findings: the record itself is written for whoever asks.
@unmanaged
class Kept {
  sequence: u64;
  now: u64;
  digest: u64; // DIGEST_BYTES, of the manifest
  digest1: u64;
  digest2: u64;
  digest3: u64;
  verdict: u8; // 0: none was taken
  reason: u8;
  row: u8;
  threshold: u8;
  asks: u8;
  vendor: u8; // anchor
  authentic: bool;
  read: bool; // the manifest, to its end
}

const kept = changetype<Kept>(memory.data(offsetof<Kept>(), 8));
const DIGEST: usize = changetype<usize>(kept) + offsetof<Kept>('digest');

export function verdictForget(): void {
  kept.verdict = 0;
}

export function verdictKeep(verdict: Verdict, reason: Reason, row: i32, now: u64): void {
  kept.verdict = <u8>verdict;
  kept.reason = <u8>reason;
  kept.row = <u8>row;
  kept.now = now;
  kept.threshold = <u8>policy.threshold;
  kept.read = manifest.read;
  kept.sequence = manifest.sequence;
  kept.asks = <u8>manifest.asks;
  kept.authentic = subject.digest !== 0;
  if (!kept.authentic) return;
  memory.copy(DIGEST, subject.digest, DIGEST_BYTES);
  kept.vendor = <u8>anchorFirst(subject.vendors);
}

// Row of the verdict table that decided last; 0: none was taken.
export function verdictRowKept(): u32 {
  return kept.verdict === 0 ? 0 : kept.row;
}

// Writes the record of the last verdict, at most VERDICT_BYTES_MAX, and returns its length; 0: none was taken.
export function verdictRecord(to: usize): u32 {
  writing.open(to, VERDICT_BYTES_MAX);
  if (kept.verdict === 0) return 0;
  const confirm = outcome.confirm !== Confirm.Unsaid;
  const asks = kept.read && kept.asks !== 0;
  writing.map(7 + (kept.authentic ? 2 : 0) + u32(kept.read) + u32(confirm) + u32(asks));
  member(1, kept.verdict);
  member(2, kept.reason);
  if (kept.authentic) {
    writing.uint(3);
    writing.bytes(DIGEST, DIGEST_BYTES);
  }
  if (kept.read) member(4, kept.sequence);
  writing.uint(5);
  findings();
  member(6, kept.row);
  member(7, kept.threshold);
  member(8, outcome.approvals);
  member(9, kept.now);
  if (kept.authentic) {
    writing.uint(10);
    kid(anchorAt(kept.vendor));
  }
  if (confirm) member(11, outcome.confirm === Confirm.Ask ? 1 : 0);
  if (asks) member(12, kept.asks);
  return writing.written();
}

function member(key: u32, value: u64): void {
  writing.uint(key);
  writing.uint(value);
}

function kid(anchor: Anchor): void {
  if (anchor.kid === 0) writing.empty();
  else writing.bytes(anchor.kid, anchor.kidBytes);
}

function findings(): void {
  const head = writing.at;
  writing.array(0);
  const last = writing.end - FINDING_BYTES_MAX - TAIL_BYTES_MAX;
  let written: u32 = 0;
  for (let i: u32 = 0; i < findingCount() && writing.at <= last; i++) {
    writeFinding(findingAt(i));
    written++;
  }
  store<u8>(head, 0x80 | written); // at most 12: the head is one byte
}

function writeFinding(finding: Finding): void {
  writing.array(5);
  writing.uint(finding.source);
  writing.uint(finding.reason);
  if (finding.anchor < 0) {
    writing.empty();
    writing.empty();
  } else {
    kid(anchorAt(finding.anchor));
    if (finding.countersignature) writing.empty();
    else writing.uint(finding.sequence);
  }
  if (findingHasEntry(finding)) writing.uint(finding.entry);
  else writing.empty();
}
