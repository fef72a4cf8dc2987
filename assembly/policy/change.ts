// A change: what the operators of a provisioned device alter about whom it believes and what it does.
//
//   change  = [payload: bstr, + bstr .cbor COSE_Sign1_Tagged (detached, over the payload)]
//   payload = ["change", {1: sequence, 2: iat, ? 3: [+ device id], ? 5: anchors, ? 6: policy, ? 8: groups}]
//
// 5, 6 and 8 are as in the bootstrap document (design, section 5) and replace what stands there whole; at least one is
// there. As many distinct operator anchors must have signed as the policy in force asks for to approve a package:
// whoever can bring firmware in can alter the rules, nobody else. All signatures come in one document, so a device
// never keeps half a change. Signers that it does not know count for nothing.
//
// No other document of ours can be taken for one, nor the reverse, whatever is signed with the same key: approvals and
// consents are maps, a SUIT_Digest is an array that begins with a number, and a change begins with its own name.

import { ANCHORS_MAX, anchorSigner, anchorsIn, Role } from '../approval/anchors';
import { BOOTSTRAP, BOOTSTRAP_BYTES_MAX, bootstrapBytes, groupsRead, identity } from '../approval/bootstrap';
import { listsDevice } from '../approval/entries';
import { compare } from '../codec/bytes';
import { reading, writing } from '../codec/cbor';
import { message, sign1Open } from '../codec/cose';
import { Reason } from '../reason';
import { SCRATCH } from '../scratch';
import { policy } from './policy';
import { provision } from './provision';

// The largest bootstrap document, and signatures (88 bytes each) of all the operators that one can name.
export const CHANGE_BYTES_MAX: u32 = 1792;

const NAME: u64 = 0x65676e616863; // change
const UUID_BYTES: u32 = 16;

@unmanaged
export class Change {
  sequence: u64;
  issuedAt: u64; // Unix seconds
  anchors: usize; // encoded; 0: they stay
  anchorsBytes: u32;
  policy: usize; // encoded; 0: it stays
  policyBytes: u32;
  groups: usize; // encoded; 0: they stay
  groupsBytes: u32;
  otherDevice: bool; // it lists devices, and this is none of them
}

export const change = changetype<Change>(memory.data(offsetof<Change>(), 8));

// Authentic, well-formed, and for this device? Fills `change`, with views on the bytes. Nothing is altered yet.
export function changeOpen(from: usize, length: u32): Reason {
  if (length > CHANGE_BYTES_MAX) return Reason.TooLarge;
  reading.open(from, length);
  const items = reading.array();
  const payload = reading.bytes();
  const payloadBytes = reading.length;
  const fault = authenticate(items, payload, payloadBytes);
  if (fault !== Reason.Ok) return fault;
  if (!readPayload(payload, payloadBytes)) return Reason.ChangeMalformed;
  return change.otherDevice ? Reason.ChangeOtherDevice : Reason.Ok;
}

function authenticate(items: u32, payload: usize, payloadBytes: u32): Reason {
  if (items > ANCHORS_MAX + 1) return Reason.BlocksTooMany;
  let signers: u32 = 0;
  let stranger: Reason = Reason.SignerUnknown; // never Ok: a change that nobody signed is refused whatever else is wrong
  for (let left = items - 1; reading.more(left); left--) {
    const block = reading.bytes();
    if (reading.fault !== Reason.Ok) break;
    const fault = sign1Open(message, block, reading.length);
    if (fault !== Reason.Ok) return fault;
    if (message.payload !== 0) return Reason.PayloadPlace;
    signers |= anchorSigner(message, Role.Operator, payload, payloadBytes);
    stranger = message.fault;
  }
  if (reading.close() !== Reason.Ok) return reading.fault;
  if (signers === 0) return stranger;
  return anchorsIn(signers) < policy.threshold ? Reason.TooFewOperators : Reason.Ok;
}

function readPayload(from: usize, length: u32): bool {
  memory.fill(changetype<usize>(change), 0, offsetof<Change>());
  reading.open(from, length);
  if (reading.array() !== 2) reading.fail(Reason.WrongType);
  reading.text();
  if (reading.word() !== NAME) reading.fail(Reason.WrongType);
  let previous: usize = 0;
  for (let left = reading.map(); reading.more(left); left--) {
    previous = reading.ordered(previous);
    readMember(reading.label());
  }
  return (
    reading.close() === Reason.Ok &&
    change.sequence !== 0 &&
    change.issuedAt !== 0 &&
    (change.anchors | change.policy | change.groups) !== 0
  );
}

function readMember(key: i32): void {
  const at = reading.at;
  switch (key) {
    case 1:
      change.sequence = reading.uint();
      break;
    case 2:
      change.issuedAt = reading.uint();
      break;
    case 3:
      change.otherDevice = !listsDevice(reading);
      break;
    case 5:
      reading.skip();
      change.anchors = at;
      change.anchorsBytes = <u32>(reading.at - at);
      break;
    case 6:
      reading.skip();
      change.policy = at;
      change.policyBytes = <u32>(reading.at - at);
      break;
    case 8:
      if (groupsRead(reading) !== Reason.Ok) reading.fail(Reason.IdentityMalformed);
      change.groups = at;
      change.groupsBytes = <u32>(reading.at - at);
      break;
    default:
      reading.fail(Reason.UnknownMember);
  }
}

// The bootstrap document as it stands with the change, in SCRATCH. Its members stand in the order of their keys: what is
// before the anchors, and between policy and groups, stays. Returns its length, 0 when it is too long.
function compose(): u32 {
  const anchorsAt = identity.classId + UUID_BYTES + 1;
  writing.open(SCRATCH, BOOTSTRAP_BYTES_MAX);
  writing.raw(BOOTSTRAP, <u32>(anchorsAt - BOOTSTRAP));
  if (change.anchors !== 0) writing.raw(change.anchors, change.anchorsBytes);
  else writing.raw(anchorsAt, <u32>(identity.policy - 1 - anchorsAt));
  writing.uint(6);
  if (change.policy !== 0) writing.raw(change.policy, change.policyBytes);
  else writing.raw(identity.policy, identity.policyBytes);
  const rest = identity.policy + identity.policyBytes;
  const end = BOOTSTRAP + bootstrapBytes();
  const groups = identity.groups !== 0 ? identity.groups : end;
  writing.raw(rest, <u32>(groups - rest));
  if (change.groups === 0) {
    writing.raw(groups, <u32>(end - groups));
  } else {
    if (groups === end) store<u8>(SCRATCH, load<u8>(BOOTSTRAP) + 1); // the map has one pair more
    writing.uint(8);
    writing.raw(change.groups, change.groupsBytes);
  }
  return writing.fault === Reason.Ok ? writing.written() : 0;
}

// Does the device stand as the change wants it? It may have come before.
export function changeInForce(): bool {
  const length = compose();
  return length !== 0 && length === bootstrapBytes() && compare(SCRATCH, BOOTSTRAP, length) === 0;
}

// Puts what changeOpen found sound into force, in memory. On a fault the device is nobody's: provision it again.
export function changeApply(): Reason {
  const length = compose();
  return length === 0 ? Reason.TooLarge : provision(SCRATCH, length);
}
