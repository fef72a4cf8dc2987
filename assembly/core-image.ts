// The verifier without SUIT: operators speak about the hash of an image, and whose image it is, the boot loader checks by itself
// (MCUboot has a signature of its own). Nothing is stored, nothing is sent.
//
// For boot loaders with little room: core.ts is the whole verifier. The exports that both have mean the same. What is asked here:
//
//   image(sequence)                             the image's hash in the window, and the number that says what is newer
//   consider(source, n) ..., decide      -> verdict
//
// An entry of an approval document names the hash by its member 8, or the class and a range of numbers; an entry with the digest
// of a manifest (2) or a vendor's key (5) is about a package, and never about an image (approval/entries.ts).

import { identity } from './approval/bootstrap';
import { subject, subjectForget } from './approval/entries';
import {
  evidenceBegin,
  evidenceBroken,
  evidenceConsider,
  evidenceNewest,
  evidenceSure,
  evidenceWeigh,
  operatorFloor as floorOf,
  outcome,
  Source,
  setOperatorFloor as setFloorOf,
} from './approval/evidence';
import { compare } from './codec/bytes';
import { Cursor } from './codec/cbor';
import {
  ed25519Begin as beginEd25519,
  ed25519Finish as finishEd25519,
  ed25519Update as updateEd25519,
} from './crypto/ed25519';
import { p256Verify as verifyP256 } from './crypto/p256';
import {
  sha256Begin as beginSha256,
  sha256Finish as finishSha256,
  SHA256_STATE_BYTES,
  sha256Update as updateSha256,
} from './crypto/sha256';
import { facts, now } from './policy/facts';
import { policy } from './policy/policy';
import { provision as provisionDevice, provisioned } from './policy/provision';
import { reasonOfRow, Situation, Verdict, verdictOf, verdictRow } from './policy/verdict';
import { P256_ONLY } from './profile';
import { Reason } from './reason';

const INPUT_BYTES: u32 = 1024; // a document whole
const INPUT: usize = memory.data(1024, 16);
const HASH_BYTES: i32 = 32;
const HASH: usize = memory.data(SHA256_STATE_BYTES, 16);
const HASH_RESULT: usize = memory.data(32, 16);
const DIGEST: usize = memory.data(32, 8); // of the image that is asked about

const list = changetype<Cursor>(memory.data(offsetof<Cursor>(), 8));
const situation = changetype<Situation>(memory.data(offsetof<Situation>(), 4));

let fault: Reason = Reason.WrongState; // until an image is asked about
let reason: Reason = Reason.WrongState;
let decided: Verdict = Verdict.Reject;
let row: i32 = 0; // of the verdict table, which decided last
let outputAt: usize = 0;

// The last of the top level, as in core.ts.
const VARIABLES_END: usize = memory.data(1, 16);

export function input(): usize {
  return INPUT;
}

export function inputBytes(): u32 {
  return INPUT_BYTES;
}

export function memoryBytes(): usize {
  return VARIABLES_END;
}

export function tablesEnd(): usize {
  return (__heap_base + 7) & ~7;
}

export function output(): usize {
  return outputAt;
}

// --- the device: as in core.ts ---

export function provision(length: u32): i32 {
  forget(Reason.WrongState);
  return length <= INPUT_BYTES ? provisionDevice(INPUT, length) : Reason.TooLarge;
}

export function setTime(seconds: u64): void {
  facts.trustedTime = seconds;
}

export function setTimeFloor(seconds: u64): void {
  facts.timeFloor = seconds;
}

export function timeFloor(): u64 {
  return facts.timeFloor;
}

export function setInstalled(sequence: u64): void {
  facts.installedSequence = sequence;
}

export function installed(): u64 {
  return facts.installedSequence;
}

export function setOperatorFloor(anchor: u32, sequence: u64): void {
  setFloorOf(anchor, sequence);
}

export function operatorFloor(anchor: u32): u64 {
  return floorOf(anchor);
}

// --- the image ---

function forget(why: Reason): void {
  evidenceBegin();
  subjectForget();
  fault = why;
  reason = why;
  row = 0;
  decided = Verdict.Reject;
}

// The image whose hash is in the window (32 bytes). Its own reason: an older one than what is installed is refused.
export function image(sequence: u64): i32 {
  forget(!provisioned() ? Reason.NotProvisioned : sequence < facts.installedSequence ? Reason.Rollback : Reason.Ok);
  memory.copy(DIGEST, INPUT, HASH_BYTES);
  subject.digest = DIGEST;
  subject.sequence = sequence;
  subject.classId = identity.classId;
  if (fault === Reason.Ok) considerBootstrap();
  return fault;
}

// [* bstr approval document] of the bootstrap document, which the device has whatever else is found.
function considerBootstrap(): void {
  if (identity.approvals === 0) return;
  list.open(identity.approvals, identity.approvalsBytes);
  for (let left = list.array(); list.more(left); left--) {
    const document = list.bytes();
    if (list.fault === Reason.Ok) evidenceConsider(Source.Bootstrap, document, list.length);
  }
  if (list.close() !== Reason.Ok) evidenceBroken(Source.Bootstrap, list.fault);
}

// Sequence number of the image that is asked about.
export function sequence(): u64 {
  return subject.sequence;
}

// Whether the hash in the window is the one that was asked about.
export function imageIs(): bool {
  return subject.digest !== 0 && compare(INPUT, DIGEST, HASH_BYTES) === 0;
}

// --- the verdict ---

export function consider(source: i32, length: u32): i32 {
  decided = Verdict.Reject;
  if (fault !== Reason.Ok) return fault;
  if (source < Source.Package || source > Source.Tree) return Reason.OutOfRange;
  return evidenceConsider(source, INPUT, length);
}

export function unreachable(source: i32): void {
  if (fault === Reason.Ok && source >= Source.Package && source <= Source.Tree)
    evidenceBroken(source, Reason.SourceUnreachable);
}

// Taken twice, by the table and by what documents said, and the stricter one is given, as in policy/judge.ts.
export function decide(): i32 {
  facts.timeFloor = max(facts.timeFloor, evidenceNewest());
  evidenceWeigh(now(), policy.sources);
  situation.provisioned = provisioned();
  situation.fault = fault;
  situation.denied = outcome.denied;
  situation.approved = policy.threshold !== 0 && outcome.approvals >= policy.threshold;
  situation.confirm = outcome.confirm;
  situation.unapproved = outcome.reason;
  situation.askBeforeDownload = policy.askBeforeDownload;
  situation.prompt = policy.prompt;
  row = verdictRow(situation);
  reason = reasonOfRow(row, situation);
  const first = verdictOf(row);
  const second = decideAgain();
  decided = max(first, second);
  if (decided !== first) reason = Reason.Internal;
  return decided;
}

function decideAgain(): Verdict {
  if (subject.digest === 0 || fault !== Reason.Ok || !provisioned()) return Verdict.Reject;
  const approvals = evidenceSure(now(), policy.sources);
  if (approvals < 0 || policy.threshold === 0) return Verdict.Reject;
  if (<u32>approvals >= policy.threshold) return outcome.asks ? Verdict.Ask : Verdict.Install;
  return policy.prompt ? Verdict.Ask : Verdict.Reject;
}

export function verdictReason(): i32 {
  return reason;
}

export function mayCome(): bool {
  return decided !== Verdict.Install && row > 3;
}

// --- primitives: as in core.ts ---

export function sha256Begin(): void {
  beginSha256(HASH);
}

export function sha256Update(length: u32): void {
  if (length <= INPUT_BYTES) updateSha256(HASH, INPUT, length);
}

export function sha256Finish(): void {
  finishSha256(HASH, HASH_RESULT);
  outputAt = HASH_RESULT;
}

export function ed25519Begin(): bool {
  return !P256_ONLY && beginEd25519(INPUT, INPUT + 32);
}

export function ed25519Update(length: u32): void {
  if (!P256_ONLY && length <= INPUT_BYTES) updateEd25519(INPUT, length);
}

export function ed25519Finish(): bool {
  return !P256_ONLY && finishEd25519();
}

export function p256Verify(): bool {
  return verifyP256(INPUT, INPUT + 128, INPUT + 64);
}
