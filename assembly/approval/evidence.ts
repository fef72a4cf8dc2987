// All approval data that was seen about one package, and what it adds up to.
//
// - Per operator the document with the highest sequence is in force, of those seen now and of the floor that the device
//   remembers; lower ones are Superseded whole. With equal sequences both are in force, and deny wins.
// - A countersignature (an operator's block over the SUIT_Digest) approves exactly this manifest, on any device, for
//   ever; only a deny in force beats it.
// - Deny beats approve, from any operator and any source, also sources that policy takes no approvals from. It does not
//   lapse by nbf or exp: time limits what a document permits, never what it forbids.
// - What supersedes an approval need only be authentic; a denial is lifted by nothing less than a newer document that is
//   here and well-formed. So a document that we cannot read (of a newer tool, say) takes approvals away and gives none.
// - nbf <= now < exp, judged when all evidence is in. now = trusted time if there is one, else the newest iat of any
//   authentic document ever seen, these included.
// - Distinct operator anchors count, once each.
// - Confirm: 1 from any counted approval wins over 0, and 0 over absent.
//
// Findings are what a verdict is explained by, and how approvals are remembered. When their table is full, one that
// cannot matter gives way to one that can, so the worst that a flood of junk does is that an approval is not found.
// Denials and sequences are kept per operator besides, where nothing can push them out.

import { compare } from '../codec/bytes';
import { IMAGE } from '../profile';
import { Reason } from '../reason';
import { ANCHORS_MAX, anchorsIn } from './anchors';
import { CLAIMS, document, documentOpen, NEVER } from './document';
import { Confirm, opinion } from './entries';

export const enum Source {
  Package = 1,
  Card = 2,
  Bootstrap = 3,
  Tree = 4,
}

// Four documents in the package, one per operator from elsewhere, blocks; a verdict record of 512 bytes holds them.
export const FINDINGS_MAX: u32 = 12;
export const NO_ANCHOR: i32 = -1;

// What a finding can still become.
const enum Weight {
  Note = 0, // of no consequence: a block of somebody unknown
  Broken = 1, // approval data that proves nothing
  Silent = 2, // authentic, but not about this package or device
  Approves = 3,
  Denies = 4,
}

// What a document (one bit each) or a block itself says, for the second look.
const enum Says {
  Nothing = 0,
  Approve = 1, // EntryVerdict
  Deny = 2,
  Ask = 4, // ASKS
  Block = 0x38, // of somebody unknown
  Countersignature = 0xc9, // an approval
}

@unmanaged
export class Finding {
  sequence: u64; // these three as in Document (document.ts)
  notBefore: u64;
  expires: u64;
  source: u8;
  weight: u8;
  fixed: u8; // reason by itself, before time, newer documents and policy are looked at
  reason: u8; // reason after all
  anchor: i8; // operator anchor, or NO_ANCHOR
  entry: u8;
  confirm: u8;
  says: u8; // Says

  // No document: nothing supersedes it, it has neither sequence nor entry.
  get countersignature(): bool {
    return !IMAGE && <i32>this.says >= Says.Block;
  }
}

const table: usize = memory.data(384, 8); // FINDINGS_MAX of Finding (32 bytes each)
const floors: usize = memory.data(64, 8); // per anchor, the highest sequence of a document of this operator, ever
const sound: usize = memory.data(64, 8); // the same, of well-formed documents that are here now
const denials: usize = memory.data(64, 8); // per anchor of `deniers`, the highest sequence of a document that denies
let deniers: u32 = 0;
let count: u32 = 0;
let newest: u64 = 0; // iat

// What the findings add up to.
@unmanaged
export class Outcome {
  approvals: u32; // distinct operators
  denied: bool;
  confirm: i32; // Confirm
  reason: Reason; // why it is not approved, if it is not
  asks: u32; // by the second look, not 0: somebody who approves wants a person to be asked
}

export const outcome = changetype<Outcome>(memory.data(offsetof<Outcome>(), 4));

export function evidenceBegin(): void {
  count = 0;
  newest = 0;
  deniers = 0;
  memory.fill(sound, 0, ANCHORS_MAX << 3);
}

export function findingCount(): u32 {
  return count;
}

export function findingAt(index: u32): Finding {
  return changetype<Finding>(table + index * offsetof<Finding>());
}

// The newest iat of an authentic document since evidenceBegin.
export function evidenceNewest(): u64 {
  return newest;
}

// Highest document sequence ever seen of the operator with this anchor index. Documents that are considered raise it.
export function operatorFloor(anchor: u32): u64 {
  return anchor < ANCHORS_MAX ? load<u64>(floors + (anchor << 3)) : 0;
}

// What was seen in earlier times.
export function setOperatorFloor(anchor: u32, sequence: u64): void {
  if (anchor < ANCHORS_MAX) store<u64>(floors + (anchor << 3), sequence);
}

function raise(at: usize, sequence: u64): void {
  if (sequence > load<u64>(at)) store<u64>(at, sequence);
}

// One more approval document. Returns what is wrong with it by itself.
export function evidenceConsider(source: i32, from: usize, length: u32): Reason {
  const fault = documentOpen(from, length);
  const signer = document.signer;
  if (signer < 0) {
    add(source, Weight.Broken, fault, NO_ANCHOR);
    return fault;
  }
  raise(floors + (signer << 3), document.sequence);
  newest = max(newest, document.issuedAt);
  if (fault === Reason.Ok) raise(sound + (signer << 3), document.sequence);
  const reason = fault === Reason.Ok ? opinion.reason : fault;
  if (reason === Reason.Denied) deny(signer, document.sequence);
  const finding = add(source, weightOf(reason), reason, signer);
  if (finding) {
    memory.copy(changetype<usize>(finding), CLAIMS, offsetof<Finding>('source'));
    finding.entry = <u8>opinion.entry;
    finding.confirm = <u8>opinion.confirm;
    finding.says = <u8>opinion.says;
    // Looked at again: with one instruction left out, what has lapsed was for ever.
    if (compare(changetype<usize>(finding), CLAIMS, offsetof<Finding>('source')) !== 0) {
      finding.fixed = <u8>Reason.Internal;
      finding.says = <u8>Says.Nothing;
    }
  }
  return reason;
}

function deny(anchor: u32, sequence: u64): void {
  const at = denials + (anchor << 3);
  if ((deniers & (1 << anchor)) === 0 || sequence > load<u64>(at)) store<u64>(at, sequence);
  deniers |= 1 << anchor;
}

// Whether a deny is in force: no newer document of the same operator has replaced it.
function denied(): bool {
  for (let i: u32 = 0, left = deniers; left !== 0; i++, left >>= 1) {
    if ((left & 1) !== 0 && load<u64>(denials + (i << 3)) >= load<u64>(sound + (i << 3))) return true;
  }
  return false;
}

function weightOf(reason: Reason): Weight {
  switch (reason) {
    case Reason.Ok:
      return Weight.Approves;
    case Reason.Denied:
      return Weight.Denies;
    case Reason.ApprovalMalformed:
      return Weight.Broken;
    default:
      return Weight.Silent;
  }
}

// A block over the manifest's digest that this operator anchor made. A second one of the same anchor says nothing.
export function evidenceCountersigned(anchor: i32): void {
  for (let i: u32 = 0; i < count; i++) if (findingAt(i).countersignature && findingAt(i).anchor === anchor) return;
  const finding = add(Source.Package, Weight.Approves, Reason.Ok, anchor);
  if (!finding) return;
  finding.says = <u8>Says.Countersignature;
  finding.notBefore = 0;
  finding.expires = NEVER;
  finding.confirm = <u8>Confirm.Unsaid;
}

// A block that nobody of ours made. `claimed`: its kid is an operator's, so it was meant as approval.
export function evidenceBlock(reason: Reason, claimed: bool): void {
  const finding = add(Source.Package, claimed ? Weight.Broken : Weight.Note, reason, NO_ANCHOR);
  if (finding) finding.says = <u8>Says.Block;
}

// A source that gave nothing usable: unreachable, or what it gave is no list of documents.
export function evidenceBroken(source: i32, reason: Reason): void {
  add(source, Weight.Broken, reason, NO_ANCHOR);
}

function add(source: i32, weight: i32, reason: Reason, anchor: i32): Finding | null {
  const index = room(weight);
  if (index === FINDINGS_MAX) return null;
  const finding = findingAt(index);
  memory.fill(changetype<usize>(finding), 0, offsetof<Finding>());
  finding.source = <u8>source;
  finding.weight = <u8>weight;
  finding.fixed = <u8>reason;
  finding.reason = <u8>reason;
  finding.anchor = <i8>anchor;
  // It approves at no time and not unasked, unless whoever adds it says otherwise.
  finding.notBefore = NEVER;
  finding.confirm = <u8>Confirm.Ask;
  return finding;
}

// A free place, or else that of the first finding that weighs less, or of one that a newer document has superseded.
function room(weight: i32): u32 {
  if (count < FINDINGS_MAX) return count++;
  let best: u32 = FINDINGS_MAX;
  let least: i32 = weight;
  for (let i: u32 = 0; i < FINDINGS_MAX; i++) {
    const finding = findingAt(i);
    const remains: i32 = superseded(finding) ? Weight.Note : finding.weight;
    if (remains < least) {
      least = remains;
      best = i;
    }
  }
  return best;
}

// Whether a finding speaks by one of its entries.
export function findingHasEntry(finding: Finding): bool {
  if (finding.countersignature) return false;
  return <i32>finding.weight >= Weight.Approves || finding.fixed === Reason.ApprovalOtherDevice;
}

// By the rule that weighs it: what denies gives way to well-formed documents that are here, anything else to any newer.
function superseded(finding: Finding): bool {
  if (finding.anchor < 0 || finding.countersignature) return false;
  const newer = finding.weight === Weight.Denies ? sound : floors;
  return finding.sequence < load<u64>(newer + (finding.anchor << 3));
}

// Adds it all up. May be asked again: nothing is spent.
export function evidenceWeigh(now: u64, sources: u32): void {
  let approvers: u32 = 0;
  outcome.denied = denied();
  outcome.confirm = Confirm.Unsaid;
  outcome.reason = Reason.NotApproved;
  for (let i: u32 = 0; i < count; i++) {
    const finding = findingAt(i);
    finding.reason = <u8>reasonOf(finding, now, sources);
    if (finding.reason === Reason.Ok) {
      approvers |= 1 << finding.anchor;
      outcome.confirm = max(outcome.confirm, <i32>finding.confirm);
    }
    const reason = summary(finding);
    if (precedence(reason) > precedence(outcome.reason)) outcome.reason = reason;
  }
  outcome.approvals = anchorsIn(approvers);
  if (outcome.approvals !== 0) outcome.reason = Reason.TooFewOperators;
}

// The second look: how many distinct operators approve, -1 if one denies; by what documents said, from the last to the first, and
// by nothing that evidenceWeigh left behind.
export function evidenceSure(now: u64, sources: u32): i32 {
  let approvers: u32 = 0;
  let asks: u32 = 0;
  for (let i = count; i !== 0; i--) {
    const finding = findingAt(i - 1);
    if ((finding.says & Says.Deny) !== 0 && !superseded(finding)) return -1;
    if ((finding.says & Says.Approve) === 0 || reasonOf(finding, now, sources) !== Reason.Ok) continue;
    approvers |= 1 << finding.anchor;
    asks |= finding.says & Says.Ask;
  }
  outcome.asks = asks;
  return denied() ? -1 : anchorsIn(approvers);
}

function reasonOf(finding: Finding, now: u64, sources: u32): Reason {
  if (superseded(finding)) return Reason.Superseded;
  if (finding.fixed !== Reason.Ok) return finding.fixed;
  if (now >= finding.expires && finding.expires !== NEVER) return Reason.ApprovalExpired;
  if (now < finding.notBefore) return Reason.ApprovalNotYetValid;
  return (sources & (1 << (finding.source - 1))) === 0 ? Reason.SourceNotAllowed : Reason.Ok;
}

// What a finding says about why a package is not approved: the many ways not to be authentic are one.
function summary(finding: Finding): Reason {
  if (finding.weight === Weight.Note) return Reason.NotApproved;
  if (finding.weight !== Weight.Broken || precedence(finding.reason) !== 0) return finding.reason;
  return Reason.ApprovalInvalid;
}

// The most telling reason first; it is the one that would have to be cured.
function precedence(reason: Reason): i32 {
  switch (reason) {
    case Reason.ApprovalExpired:
      return 9;
    case Reason.ApprovalNotYetValid:
      return 8;
    case Reason.Superseded:
      return 7;
    case Reason.ApprovalOtherDevice:
      return 6;
    case Reason.ApprovalOtherPackage:
      return 5;
    case Reason.SourceNotAllowed:
      return 4;
    case Reason.ApprovalMalformed:
      return 3;
    case Reason.ApprovalInvalid:
      return 2;
    case Reason.SourceUnreachable:
      return 1;
    default:
      return 0;
  }
}
