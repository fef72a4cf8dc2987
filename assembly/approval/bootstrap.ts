// The bootstrap document: who the device is, whom it believes, and which groups of devices it belongs to.
//
//   {1: 1, 2: device id, 3: vendor-id, 4: class-id, 5: anchors, 6: policy, ? 7: [* bstr approval document],
//    ? 8: [* tstr group]}
//
// It is kept whole in BOOTSTRAP, and everything read from it points there. It is not signed: a blank device believes
// the first one and whoever stores it must lock it then. A faulty one leaves the device unprovisioned. Groups say whose orders
// are for this device, to whoever brings it orders: nothing here depends on them.

import { Cursor, reading } from '../codec/cbor';
import { Reason } from '../reason';
import { anchorsForget, anchorsRead } from './anchors';

// Eight keys with names (8 x 90), ids, policy and a little room; its copy is the device's largest standing record.
export const BOOTSTRAP_BYTES_MAX: u32 = 1024;
export const BOOTSTRAP: usize = memory.data(1024, 16);

const BOOTSTRAP_VERSION: u64 = 1;
const UUID_BYTES: u32 = 16;
// Chip ids have 8 to 16 bytes; a digest used as an id fits.
export const DEVICE_ID_BYTES_MAX: u32 = 32;
const GROUPS_MAX: u32 = 16;
const GROUP_BYTES_MAX: u32 = 64; // as one level of a topic has them

@unmanaged
export class Identity {
  deviceId: usize;
  deviceIdBytes: u32;
  vendorId: usize; // 16 bytes
  classId: usize; // 16 bytes
  policy: usize; // encoded policy map
  policyBytes: u32;
  approvals: usize; // encoded array of approval documents, 0: none
  approvalsBytes: u32;
  groups: usize; // their member of the document, with its key; 0: none
}

export const identity = changetype<Identity>(memory.data(offsetof<Identity>(), 4));

let held: u32 = 0;

// Bytes of the bootstrap document in BOOTSTRAP; 0: there is none.
export function bootstrapBytes(): u32 {
  return held;
}

export function bootstrapForget(): void {
  held = 0;
  anchorsForget();
  memory.fill(changetype<usize>(identity), 0, offsetof<Identity>());
}

export function bootstrapRead(from: usize, length: u32): Reason {
  bootstrapForget();
  if (length > BOOTSTRAP_BYTES_MAX) return Reason.TooLarge;
  memory.copy(BOOTSTRAP, from, length);
  const fault = readMembers(length);
  if (fault !== Reason.Ok) bootstrapForget();
  else held = length;
  return fault;
}

function readMembers(length: u32): Reason {
  reading.open(BOOTSTRAP, length);
  let required = 0;
  let previous: usize = 0;
  for (let left = reading.map(); reading.more(left); left--) {
    previous = reading.ordered(previous);
    const key = reading.label();
    if (reading.fault !== Reason.Ok) break;
    if (key <= 6) required++;
    const fault = readMember(key);
    if (reading.fault !== Reason.Ok) break;
    if (fault !== Reason.Ok) return fault;
  }
  if (reading.close() !== Reason.Ok) return reading.fault;
  return required === 6 ? Reason.Ok : Reason.MissingMember;
}

function readMember(key: i32): Reason {
  switch (key) {
    case 1:
      return reading.uint() === BOOTSTRAP_VERSION ? Reason.Ok : Reason.BootstrapVersion;
    case 2:
      identity.deviceId = reading.bytes();
      identity.deviceIdBytes = reading.length;
      return reading.length - 1 < DEVICE_ID_BYTES_MAX ? Reason.Ok : Reason.IdentityMalformed;
    case 3:
      identity.vendorId = reading.bytes();
      return reading.length === UUID_BYTES ? Reason.Ok : Reason.IdentityMalformed;
    case 4:
      identity.classId = reading.bytes();
      return reading.length === UUID_BYTES ? Reason.Ok : Reason.IdentityMalformed;
    case 5:
      return anchorsRead(reading);
    case 6:
      identity.policy = reading.at;
      reading.skip();
      identity.policyBytes = <u32>(reading.at - identity.policy);
      return Reason.Ok;
    case 7:
      identity.approvals = reading.at;
      for (let left = reading.array(); reading.more(left); left--) reading.bytes();
      identity.approvalsBytes = <u32>(reading.at - identity.approvals);
      return Reason.Ok;
    case 8:
      identity.groups = reading.at - 1;
      return groupsRead(reading);
    default:
      return Reason.UnknownMember;
  }
}

// Also those of a change.
export function groupsRead(reading: Cursor): Reason {
  const count = reading.array();
  for (let left = count; reading.more(left); left--) {
    reading.text();
    if (reading.length - 1 >= GROUP_BYTES_MAX) return Reason.IdentityMalformed;
  }
  return count > GROUPS_MAX ? Reason.IdentityMalformed : Reason.Ok;
}
