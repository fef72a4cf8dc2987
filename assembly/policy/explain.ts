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
import { Writer } from '../codec/cbor';
import { DIGEST_BYTES } from '../package/digest';
import { manifest } from '../package/manifest';
import { policy } from './policy';

/** Twelve findings with kids of 16 bytes; one SMP response and one flash record hold it. */
export const VERDICT_BYTES_MAX: u32 = 512;
export const VERDICT: usize = memory.data(512, 16);
const FINDING_BYTES_MAX: u32 = 50; // with a kid of 32 bytes
const TAIL_BYTES_MAX: u32 = 64; // members 6 to 12

const writer = changetype<Writer>(memory.data(offsetof<Writer>(), 4));

/** Bytes of the record in VERDICT; 0: no verdict was taken. */
export function verdictBytes(): u32 {
  return writer.written();
}

export function explain(verdict: i32, reason: i32, row: i32, now: u64): void {
  const authentic = subject.digest != 0;
  const confirm = outcome.confirm != Confirm.Unsaid;
  const asks = manifest.read && manifest.asks != 0;
  writer.open(VERDICT, VERDICT_BYTES_MAX);
  writer.map(7 + (authentic ? 2 : 0) + u32(manifest.read) + u32(confirm) + u32(asks));
  member(1, verdict);
  member(2, reason);
  if (authentic) {
    writer.uint(3);
    writer.bytes(subject.digest, DIGEST_BYTES);
  }
  if (manifest.read) member(4, manifest.sequence);
  writer.uint(5);
  findings();
  member(6, row);
  member(7, policy.threshold);
  member(8, outcome.approvals);
  member(9, now);
  if (authentic) {
    writer.uint(10);
    kid(anchorAt(anchorFirst(subject.vendors)));
  }
  if (confirm) member(11, outcome.confirm == Confirm.Ask ? 1 : 0);
  if (asks) member(12, manifest.asks);
}

function member(key: u32, value: u64): void {
  writer.uint(key);
  writer.uint(value);
}

function kid(anchor: Anchor): void {
  if (anchor.kid == 0) writer.empty();
  else writer.bytes(anchor.kid, anchor.kidBytes);
}

function findings(): void {
  const head = writer.at;
  writer.array(0);
  const last = writer.end - FINDING_BYTES_MAX - TAIL_BYTES_MAX;
  let written: u32 = 0;
  for (let i: u32 = 0; i < findingCount() && writer.at <= last; i++) {
    writeFinding(findingAt(i));
    written++;
  }
  store<u8>(head, 0x80 | written); // at most 12: the head is one byte
}

function writeFinding(finding: Finding): void {
  writer.array(5);
  writer.uint(finding.source);
  writer.uint(finding.reason);
  if (finding.anchor < 0) {
    writer.empty();
    writer.empty();
  } else {
    kid(anchorAt(finding.anchor));
    if (finding.countersignature) writer.empty();
    else writer.uint(finding.sequence);
  }
  if (findingHasEntry(finding)) writer.uint(finding.entry);
  else writer.empty();
}
