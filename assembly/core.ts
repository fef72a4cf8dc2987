// core.wasm: the verifier. Hashes, signatures, packages, approvals and the verdict; nothing is stored, nothing is sent.
//
// For hosts, browsers, and firmware that has its own boot loader. It imports nothing, has no start function and never
// grows its memory. Where there is no SIMD (Safari before 16.4) core-small.wasm, the same core, takes its place. Bytes go in through a window: write up to inputBytes() of them at input(), in as many pieces as
// they come, then call with their number. Results are numbers (Reason, Phase, Verdict), and bytes at output(),
// outputBytes() long, valid until the next call.
//
//   provision(n), change(n)                     bootstrap document in the window; what operators altered later
//   setTime.. setInstalled .. setSlotBytes ..   facts of the device; addComponent .. if it has several
//   offerBegin, offerPush(n) ... -> Judging     the package as it arrives; pushes return how many bytes they took
//   judge, consider(source, n) ..., decide      -> verdict, its record as output
//   offerAccept, offerPush(n) ... -> Complete   only after a verdict that does not reject; payload bytes in the window
//   imageIs, sequence, mayCome                  for boot loaders that have the image already, and keep or drop it
//
// After "ask", offerAccept means that the user said yes: who asks is up to the caller (the agent has consent.ts for
// it). The functions below those are single primitives, for tests, tools and applications that need a hash.

import { BOOTSTRAP, bootstrapBytes } from './approval/bootstrap';
import { operatorFloor as floorOf, setOperatorFloor as setFloorOf } from './approval/evidence';
import { compare } from './codec/bytes';
import { reading } from './codec/cbor';
import { Key, keyRead, message, sign1Open, signedBy } from './codec/cose';
import {
  ed25519Begin as beginEd25519,
  ed25519Finish as finishEd25519,
  ed25519Update as updateEd25519,
} from './crypto/ed25519';
import { p256Verify as verifyP256 } from './crypto/p256';
import {
  sha256Begin as beginSha256,
  sha256Finish as finishSha256,
  sha256Update as updateSha256,
} from './crypto/sha256';
import {
  sha512Begin as beginSha512,
  sha512Finish as finishSha512,
  SHA512_STATE_BYTES,
  sha512Update as updateSha512,
} from './crypto/sha512';
import { componentAdd, componentAt, componentCount, componentsForget } from './package/components';
import { manifest } from './package/manifest';
import { payloadsTaken } from './package/payloads';
import {
  offerAccept as accept,
  offerBegin as beginOffer,
  offerFault as faultOfOffer,
  offerHeadBytes as headBytesOfOffer,
  payloadBytes as payloadBytesOfOffer,
  offerPhase as phaseOfOffer,
  offerPush as push,
} from './package/reader';
import { CHANGE_BYTES_MAX, changeApply, changeOpen } from './policy/change';
import { VERDICT_BYTES_MAX, verdictRecord, verdictRowKept } from './policy/explain';
import { facts } from './policy/facts';
import { judgeConsider, judgeDecide, judgeForget, judgeHead, judgeReason, judgeUnreachable } from './policy/judge';
import { provision as provisionDevice, provisioned } from './policy/provision';
import { Verdict } from './policy/verdict';
import { COMPONENTS, P256_ONLY } from './profile';
import { Reason } from './reason';

// Approval and bootstrap documents and changes fit whole; packages pass in any number of pieces.
const INPUT_BYTES: u32 = CHANGE_BYTES_MAX;
const INPUT: usize = memory.data(1792, 16);
// The one hash that an application can have open here, and its result: SHA-512 is the larger.
const HASH: usize = memory.data(SHA512_STATE_BYTES, 16);
const HASH_RESULT: usize = memory.data(64, 16);
const RECORD: usize = memory.data(VERDICT_BYTES_MAX, 16);

const key = changetype<Key>(memory.data(offsetof<Key>(), 4));

let outputAt: usize = 0;
let outputLength: u32 = 0;
let decided: i32 = Verdict.Reject; // about the package that is offered now

// The last of the top level: after it come only the tables that functions make by memory.data([...]).
const VARIABLES_END: usize = memory.data(1, 16); // a byte that nobody uses: the least there is

export function input(): usize {
  return INPUT;
}

export function inputBytes(): u32 {
  return INPUT_BYTES;
}

// For C boards (boards/port/translate.ts): variables end here, and constant tables, which stay in flash, end there.
export function memoryBytes(): usize {
  return VARIABLES_END;
}

export function tablesEnd(): usize {
  return (__heap_base + 7) & ~7;
}

export function output(): usize {
  return outputAt;
}

export function outputBytes(): u32 {
  return outputLength;
}

function give(from: usize, length: u32): u32 {
  outputAt = from;
  outputLength = from === 0 ? 0 : length;
  return outputLength;
}

function fits(length: u32): bool {
  return length <= INPUT_BYTES;
}

// --- the device ---

export function provision(length: u32): i32 {
  decided = Verdict.Reject;
  return fits(length) ? provisionDevice(INPUT, length) : Reason.TooLarge;
}

// A change of anchors, policy or groups in the window, taken as the device would: Ok leaves the bootstrap document that results
// as output, and the core is that device. Sequence numbers are for the device to know. If what would result is unsound,
// the core is nobody's.
export function change(length: u32): i32 {
  decided = Verdict.Reject;
  give(0, 0);
  let fault: Reason = !provisioned()
    ? Reason.NotProvisioned
    : fits(length)
      ? changeOpen(INPUT, length)
      : Reason.TooLarge;
  if (fault === Reason.Ok) fault = changeApply();
  if (fault === Reason.Ok) give(BOOTSTRAP, bootstrapBytes());
  return fault;
}

// Trusted Unix seconds; 0: there is no trusted clock.
export function setTime(seconds: u64): void {
  facts.trustedTime = seconds;
}

// Newest iat ever seen; a verdict raises it, and who keeps it over a reset reads it back.
export function setTimeFloor(seconds: u64): void {
  facts.timeFloor = seconds;
}

export function timeFloor(): u64 {
  return facts.timeFloor;
}

// Sequence number of the package that is installed.
export function setInstalled(sequence: u64): void {
  facts.installedSequence = sequence;
}

export function installed(): u64 {
  return facts.installedSequence;
}

// Room for an image; 0, the state after start, takes none.
export function setSlotBytes(bytes: u32): void {
  facts.slotBytes = bytes;
}

// The device has several components, or none of its own any more (package/components.ts). The package at hand is dropped.
export function forgetComponents(): void {
  if (COMPONENTS) componentsForget();
  offerBegin();
}

// One more: its encoded identifier in the window, the slot that an image would go to, and the room there. Without any, the
// device takes packages of one component.
export function addComponent(length: u32, slot: u32, bytes: u32): i32 {
  offerBegin();
  if (!COMPONENTS) return Reason.Components;
  return fits(length) ? componentAdd(INPUT, length, slot, bytes) : Reason.TooLarge;
}

// Highest document sequence ever seen of the operator with this anchor index; a verdict raises it too.
export function setOperatorFloor(anchor: u32, sequence: u64): void {
  setFloorOf(anchor, sequence);
}

export function operatorFloor(anchor: u32): u64 {
  return floorOf(anchor);
}

// --- the package ---

export function offerBegin(): void {
  decided = Verdict.Reject;
  judgeForget();
  beginOffer();
}

export function offerPush(length: u32): u32 {
  return fits(length) ? push(INPUT, length) : 0;
}

export function offerPhase(): i32 {
  return phaseOfOffer();
}

export function offerFault(): i32 {
  return faultOfOffer();
}

export function offerHeadBytes(): u32 {
  return headBytesOfOffer();
}

export function payloadBytes(): u32 {
  return payloadBytesOfOffer();
}

// The caller's go-ahead. Refused unless the last verdict was install, or ask and the caller has asked.
export function offerAccept(): i32 {
  return decided === Verdict.Install || decided === Verdict.Ask ? accept() : Reason.WrongState;
}

// --- the verdict ---

// Reason of the package itself; approval data in it and in the bootstrap document is considered at once.
export function judge(): i32 {
  decided = Verdict.Reject;
  return judgeHead();
}

// An approval document in the window, from source 1 package, 2 card, 3 bootstrap or 4 tree.
export function consider(source: i32, length: u32): i32 {
  decided = Verdict.Reject;
  return judgeConsider(source, INPUT, length); // too long for a document is for the core to say, and to note
}

export function unreachable(source: i32): void {
  judgeUnreachable(source);
}

// 1 install, 2 ask, 3 reject; its record (policy/explain.ts) is the output.
export function decide(): i32 {
  decided = judgeDecide();
  give(RECORD, verdictRecord(RECORD));
  return decided;
}

export function verdictReason(): i32 {
  return judgeReason();
}

// Whether a document that comes later, or a person, could turn the last verdict about this package into Install: it was a row of
// the verdict table that looks at approvals, and no operator has denied.
export function mayCome(): bool {
  return judgeReason() !== Reason.WrongState && decided !== Verdict.Install && verdictRowKept() > 3;
}

// --- what the manifest says, once it was found authentic; 0 bytes: nothing ---

// 1 name, 2 version, 3 description (texts for people), 4 URI of the payload, 5 image digest.
export function manifestText(field: i32): u32 {
  if (!manifest.read) return give(0, 0);
  switch (field) {
    case 1:
      return give(manifest.name, manifest.nameBytes);
    case 2:
      return give(manifest.versionText, manifest.versionTextBytes);
    case 3:
      return give(manifest.description, manifest.descriptionBytes);
    case 4:
      return give(manifest.uri, manifest.uriBytes);
    case 5:
      return give(manifest.imageDigest, 32);
    default:
      return give(0, 0);
  }
}

export function imageBytes(): u32 {
  return manifest.read ? manifest.imageBytes : 0;
}

// Sequence number of the manifest; 0 before it was read.
export function sequence(): u64 {
  return manifest.read ? manifest.sequence : 0;
}

// Components of the manifest, on a device that has several; 0 on others.
export function components(): u32 {
  return COMPONENTS && manifest.read ? componentCount() : 0;
}

// Of the component at `index`: 1 encoded identifier, 2 digest of its image, 3 URI that it is fetched from.
export function componentText(index: u32, field: i32): u32 {
  if (!COMPONENTS || index >= components()) return give(0, 0);
  const component = componentAt(index);
  if (field === 1) return give(component.id, component.idBytes);
  if (field === 2) return give(component.image, 32);
  return field === 3 ? give(component.imageUri, component.imageUriBytes) : give(0, 0);
}

export function componentBytes(index: u32): u32 {
  return COMPONENTS && index < components() ? componentAt(index).imageBytes : 0;
}

// 1 fetched, 2 copied while it is installed, 3 loaded at each start: 3 is to be hashed by whoever starts it.
export function componentOrigin(index: u32): i32 {
  return COMPONENTS && index < components() ? componentAt(index).origin : 0;
}

// Index of the component whose image the last push took bytes of; -1: it took none of an image.
export function payloadComponent(): i32 {
  return COMPONENTS && components() !== 0 ? payloadsTaken() : -1;
}

// Whether the SHA-256 in the window (32 bytes) is that of the image which the manifest names.
export function imageIs(): bool {
  return manifest.read && manifest.imageDigest !== 0 && compare(INPUT, manifest.imageDigest, 32) === 0;
}

// --- primitives; the bytes they work on are in the window. A build for P-256 alone has none of the other curve ---

export function sha256Begin(): void {
  beginSha256(HASH);
}

export function sha256Update(length: u32): void {
  if (fits(length)) updateSha256(HASH, INPUT, length);
}

// 32 bytes of output.
export function sha256Finish(): void {
  finishSha256(HASH, HASH_RESULT);
  give(HASH_RESULT, 32);
}

export function sha512Begin(): void {
  if (!P256_ONLY) beginSha512(HASH);
}

export function sha512Update(length: u32): void {
  if (!P256_ONLY && fits(length)) updateSha512(HASH, INPUT, length);
}

// 64 bytes of output.
export function sha512Finish(): void {
  if (P256_ONLY) return;
  finishSha512(HASH, HASH_RESULT);
  give(HASH_RESULT, 64);
}

// Window: public key 32 | signature 64. Then the message in pieces, then finish, whatever was said here.
export function ed25519Begin(): bool {
  return !P256_ONLY && beginEd25519(INPUT, INPUT + 32);
}

export function ed25519Update(length: u32): void {
  if (!P256_ONLY && fits(length)) updateEd25519(INPUT, length);
}

export function ed25519Finish(): bool {
  return !P256_ONLY && finishEd25519();
}

// Window: public key x, y 64 | signature r, s 64 | SHA-256 of the message 32.
export function p256Verify(): bool {
  return verifyP256(INPUT, INPUT + 128, INPUT + 64);
}

// Window: COSE_Key | COSE_Sign1_Tagged | detached payload | external_aad. The payload is looked at only if the message
// has none. Ok: the key made the signature.
export function sign1Verify(keyBytes: u32, messageBytes: u32, payload: u32, aad: u32): i32 {
  if (!fits(keyBytes) || !fits(messageBytes) || !fits(payload) || !fits(aad)) return Reason.TooLarge;
  if (!fits(keyBytes + messageBytes + payload + aad)) return Reason.TooLarge;
  const at = INPUT + keyBytes;
  const detached = at + messageBytes;
  reading.open(INPUT, keyBytes);
  const unusable = keyRead(reading, key);
  if (unusable !== Reason.Ok) return unusable;
  if (reading.close() !== Reason.Ok) return reading.fault;
  const fault = sign1Open(message, at, messageBytes);
  if (fault !== Reason.Ok) return fault;
  if (message.payload !== 0)
    return signedBy(message, key, message.payload, message.payloadBytes, detached + payload, aad);
  return signedBy(message, key, detached, payload, detached + payload, aad);
}
