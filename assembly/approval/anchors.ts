// Trust anchors: the public keys that a device believes, each in one role, as the bootstrap document names them.
//
// A role is exclusive: no key may stand in two of them, or twice in one, for it could then be counted twice
// (AnchorDuplicate). An anchor's index is its name inside the device; a set of anchors is a mask of indices, so a key
// counts once however often it signs. A message's kid is a hint (RFC 9052 section 3.1): the anchors that have it are tried
// first, then the others of the role, for a vendor's tools may call its key by another name than we do.

import { compare } from '../codec/bytes';
import { Cursor } from '../codec/cbor';
import { Key, keyRead, keysEqual, Sign1, signedBy } from '../codec/cose';
import { Reason } from '../reason';

export const enum Role {
  Vendor = 1,
  Operator = 2,
  Consenter = 3,
}

// Few enough that each block costs at most this many signature checks.
export const ANCHORS_MAX: u32 = 8;
// A whole key thumbprint (RFC 9679) fits.
export const KID_BYTES_MAX: u32 = 32;
export const NAME_BYTES_MAX: u32 = 64;

@unmanaged
export class Anchor extends Key {
  role: i32;
  name: usize; // 0: none
  nameBytes: u32;
}

const anchors: usize = memory.data(256, 8); // ANCHORS_MAX of Anchor (32 bytes each)
let count: u32 = 0;

export function anchorCount(): u32 {
  return count;
}

export function anchorAt(index: u32): Anchor {
  return changetype<Anchor>(anchors + index * offsetof<Anchor>());
}

// How many anchors have this role.
export function anchorsOf(role: i32): u32 {
  let found: u32 = 0;
  for (let i: u32 = 0; i < count; i++) if (anchorAt(i).role === role) found++;
  return found;
}

// How many anchors are in a set.
export function anchorsIn(set: u32): u32 {
  let found: u32 = 0;
  for (; set !== 0; set &= set - 1) found++;
  return found;
}

// The first anchor of a set; of none, -1, which is nobody.
export function anchorFirst(set: u32): i32 {
  return 31 - <i32>clz(set & -set);
}

export function anchorsForget(): void {
  count = 0;
}

// [+ {1: role, 2: COSE_Key, ? 3: name}], views on bytes that must stay where they are.
export function anchorsRead(from: Cursor): Reason {
  count = 0;
  const items = from.array();
  if (items > ANCHORS_MAX) return Reason.AnchorsTooMany;
  for (let left = items; from.more(left); left--) {
    const fault = anchorRead(from, anchorAt(count));
    if (fault !== Reason.Ok) return fault;
    for (let i: u32 = 0; i < count; i++) if (keysEqual(anchorAt(i), anchorAt(count))) return Reason.AnchorDuplicate;
    count++;
  }
  return from.fault;
}

function anchorRead(from: Cursor, anchor: Anchor): Reason {
  anchor.role = 0;
  anchor.kind = 0;
  anchor.name = 0;
  anchor.nameBytes = 0;
  let previous: usize = 0;
  for (let left = from.map(); from.more(left); left--) {
    previous = from.ordered(previous);
    switch (from.label()) {
      case 1: {
        const role = from.uint();
        if (role < <u64>Role.Vendor || role > <u64>Role.Consenter)
          return from.fault !== Reason.Ok ? from.fault : Reason.AnchorRole;
        anchor.role = <i32>role;
        break;
      }
      case 2: {
        const fault = keyRead(from, anchor);
        if (fault !== Reason.Ok) return fault;
        if (anchor.kidBytes > KID_BYTES_MAX) return Reason.AnchorMalformed;
        break;
      }
      case 3:
        anchor.name = from.text();
        anchor.nameBytes = from.length;
        if (from.length > NAME_BYTES_MAX) return Reason.AnchorMalformed;
        break;
      default:
        return from.fault !== Reason.Ok ? from.fault : Reason.AnchorMalformed;
    }
  }
  if (from.fault !== Reason.Ok) return from.fault;
  return anchor.role === 0 || anchor.kind === 0 ? Reason.AnchorMalformed : Reason.Ok;
}

export function anchorHasKid(index: u32, kid: usize, kidBytes: u32): bool {
  const anchor = anchorAt(index);
  return anchor.kid !== 0 && anchor.kidBytes === kidBytes && compare(anchor.kid, kid, kidBytes) === 0;
}

// The anchor of this role that made the signature, as a set: of one, or of none, so that it counts as nobody wherever it is added.
// message.fault says why it is none: SignerUnknown if none of ours made it, and what was wrong (mostly SignatureInvalid) if the
// message names one of ours by its kid.
export function anchorSigner(message: Sign1, role: i32, payload: usize, payloadBytes: u32): u32 {
  message.fault = Reason.SignerUnknown;
  for (let hinted = 1; hinted >= 0; hinted--) {
    for (let i: u32 = 0; i < count; i++) {
      const anchor = anchorAt(i);
      const named = message.kid !== 0 && anchorHasKid(i, message.kid, message.kidBytes);
      if (anchor.role !== role || <i32>named !== hinted) continue;
      const result = signedBy(message, anchor, payload, payloadBytes, 0, 0);
      if (result === Reason.Ok) return 1 << i;
      if (named) message.fault = result;
    }
  }
  return 0;
}
