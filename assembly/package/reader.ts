// Reads a package as it arrives, in pieces of any size, and stops where a decision is due.
//
//   Empty -> Head -> Judging -> Payload -> Complete        any fault -> Failed, which takes nothing more
//
// The head is collected in HEAD. Then nothing is taken until offerAccept: not one payload byte passes before the
// verdict. The payload is hashed as it passes and kept by whoever calls; it is Complete only if it has the size and the
// digest that the authentic manifest states. A payload that is not in the envelope (detached) is simply the next bytes.

import { compare } from '../codec/bytes';
import { SHA256_STATE_BYTES, sha256Begin, sha256Finish, sha256Update } from '../crypto/sha256';
import { COMPONENTS } from '../profile';
import { Reason } from '../reason';
import { HASHED } from '../scratch';
import { componentsOwned } from './components';
import { DIGEST_BYTES } from './digest';
import { envelopeBegin, envelopeHeadBytes, envelopeScan, envelopeWanted } from './envelope';
import { HEAD, HEAD_BYTES_MAX } from './head';
import { manifest } from './manifest';
import { payloadsBegin, payloadsBytes, payloadsDone, payloadsFault, payloadsPush } from './payloads';

export const enum Phase {
  Empty = 0,
  Head = 1, // collecting the head
  Judging = 2, // the head is whole; nothing more is taken until offerAccept
  Payload = 3,
  Complete = 4, // the payload is the one that the manifest names
  Failed = 5,
}

const state: usize = memory.data(SHA256_STATE_BYTES, 8);

let phase: Phase = Phase.Empty;
let fault: Reason = Reason.Ok;
let have: u32 = 0; // bytes in HEAD
let passed: u32 = 0; // payload bytes

export function offerBegin(): void {
  phase = Phase.Empty;
  fault = Reason.Ok;
  have = 0;
  passed = 0;
  manifest.read = false;
  envelopeBegin();
}

export function offerPhase(): Phase {
  return phase;
}

// Why the phase is Failed.
export function offerFault(): Reason {
  return fault;
}

export function offerHeadBytes(): u32 {
  return envelopeHeadBytes();
}

// Payload bytes that have passed.
export function payloadBytes(): u32 {
  return COMPONENTS && componentsOwned() && phase >= Phase.Payload ? payloadsBytes() : passed;
}

function fail(reason: Reason): Reason {
  phase = Phase.Failed;
  fault = reason;
  return reason;
}

// Takes up to `length` bytes and returns how many: fewer at the end of the head, and at the end of the payload.
export function offerPush(from: usize, length: u32): u32 {
  if (length === 0) return 0;
  if (phase <= Phase.Head) return pushHead(from, length);
  if (phase === Phase.Payload) return pushPayload(from, length);
  if (phase === Phase.Complete) fail(Reason.TrailingBytes);
  return 0;
}

function pushHead(from: usize, length: u32): u32 {
  phase = Phase.Head;
  let taken: u32 = 0;
  while (taken < length && phase === Phase.Head) {
    const piece = min(envelopeWanted() - have, length - taken);
    memory.copy(HEAD + have, from + taken, piece);
    have += piece;
    taken += piece;
    scan();
  }
  return taken;
}

function scan(): Reason {
  const reason = envelopeScan(have);
  if (reason !== Reason.Ok) return fail(reason);
  if (envelopeWanted() === 0) phase = Phase.Judging;
  return Reason.Ok;
}

// Reads a head again that the caller has put back into HEAD, after a reset. The payload that is stored already is then
// pushed again after offerAccept, and the rest as it arrives.
export function offerResume(headBytes: u32): Reason {
  offerBegin();
  if (headBytes > HEAD_BYTES_MAX) return fail(Reason.TooLarge);
  have = headBytes;
  phase = Phase.Head;
  const reason = scan();
  if (reason !== Reason.Ok) return reason;
  if (phase !== Phase.Judging) return fail(Reason.Truncated);
  return envelopeHeadBytes() === headBytes ? Reason.Ok : fail(Reason.TrailingBytes);
}

// The go-ahead after the verdict. The manifest must have been found authentic and fit (manifestRead).
export function offerAccept(): Reason {
  if (phase !== Phase.Judging || !manifest.read) return Reason.WrongState;
  phase = Phase.Payload;
  passed = 0;
  if (COMPONENTS && componentsOwned()) payloadsBegin();
  else sha256Begin(state);
  return Reason.Ok;
}

function pushPayload(from: usize, length: u32): u32 {
  if (!manifest.read) {
    fail(Reason.WrongState); // judged again meanwhile, and found wanting
    return 0;
  }
  if (COMPONENTS && componentsOwned()) return pushSeveral(from, length);
  const taken = min(length, manifest.imageBytes - passed);
  sha256Update(state, from, taken);
  passed += taken;
  if (passed === manifest.imageBytes) {
    sha256Finish(state, HASHED);
    if (compare(HASHED, manifest.imageDigest, DIGEST_BYTES) === 0) phase = Phase.Complete;
    else fail(Reason.PayloadDigest);
  }
  return taken;
}

// Of a device with several components.
function pushSeveral(from: usize, length: u32): u32 {
  const taken = payloadsPush(from, length);
  if (payloadsFault() !== Reason.Ok) fail(payloadsFault());
  else if (payloadsDone()) phase = Phase.Complete;
  return taken;
}
