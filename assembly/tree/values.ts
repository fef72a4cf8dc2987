// Get: the value of a node, wherever it lies, to be read in pieces.

import { anchorAt, anchorCount } from '../approval/anchors';
import { BOOTSTRAP, bootstrapBytes, identity } from '../approval/bootstrap';
import { writing } from '../codec/cbor';
import { Key } from '../flash/keys';
import { storeLength, storeReadPart } from '../flash/store';
import { questionOpen } from '../policy/consent';
import { verdictRecord } from '../policy/explain';
import { provisioned } from '../policy/provision';
import { Reason } from '../reason';
import { SCRATCH } from '../scratch';
import { auditCount } from '../update/audit';
import { changeFloor } from '../update/floors';
import { hand, question } from '../update/hand';
import { fumoState } from '../update/machine';
import { decimal, digestOf, nameBytes, nameOf, pack, packageLoad, versionBytes, versionOf } from '../update/packages';
import { seatOf } from '../update/seats';
import { Node, nodeChildren, nodeNumber } from './nodes';

// Values that are made on demand stand behind the response under construction; nothing verifies meanwhile.
const VALUE: usize = SCRATCH + 1024;
const VALUE_BYTES_MAX: u32 = 1024;

let at: usize = 0; // in memory, or
let key: u32 = Key.None; // in the store
let bytes: u32 = 0;

export function valueBytes(): u32 {
  return bytes;
}

// Copies a part of the value, which has so many bytes there; returns how many it copied, or < 0 when flash failed.
export function valueRead(offset: u32, to: usize, length: u32): i32 {
  if (key !== Key.None) return storeReadPart(key, offset, to, length);
  memory.copy(to, at + offset, length);
  return length;
}

// Finds the value of `node`; a node without one is empty.
export function valueOpen(node: Node): Reason {
  key = Key.None;
  at = VALUE;
  bytes = 0;
  switch (node) {
    case Node.PkgName:
      return loadPackage() ? view(nameOf(pack), nameBytes(pack)) : Reason.Ok;
    case Node.PkgVersion:
      return loadPackage() ? view(versionOf(pack), versionBytes(pack)) : Reason.Ok;
    case Node.DownloadUrl:
      return stored(Key.Url);
    case Node.DownloadAndUpdateUrl:
      return stored(Key.Url | (1 << 8));
    case Node.State:
      return view(VALUE, decimal(VALUE, fumoState(hand.state)));
    case Node.Bootstrap:
      return view(BOOTSTRAP, bootstrapBytes());
    case Node.Approval:
      return nodeNumber() < anchorCount() ? stored(Key.Approval | (seatOf(nodeNumber()) << 8)) : Reason.NoSuchNode;
    case Node.Anchors:
      return anchors();
    case Node.Policy:
      return provisioned() ? view(identity.policy, identity.policyBytes) : Reason.Ok;
    case Node.Change:
      return change();
    case Node.Consent:
      return questionOpen(question) ? word(0x65757274, 4) : word(0x65736c6166, 5); // true, false
    case Node.Verdict:
      return view(VALUE, verdictRecord(VALUE));
    case Node.Log:
      return view(VALUE, decimal(VALUE, auditCount()));
    case Node.DeviceId:
      return provisioned() ? view(identity.deviceId, identity.deviceIdBytes) : Reason.Ok;
    case Node.Installed:
      return installed();
    case Node.Approvals:
      return approvals();
    default:
      return view(VALUE, nodeChildren(node, VALUE));
  }
}

function view(from: usize, length: u32): Reason {
  at = from;
  bytes = length;
  return Reason.Ok;
}

function word(letters: u64, length: u32): Reason {
  store<u64>(VALUE, letters);
  return view(VALUE, length);
}

// An approval that is not there is no node; a URL that was never put is empty.
function stored(which: u32): Reason {
  const length = storeLength(which);
  if (length < 0) return (which & 0xff) === Key.Approval ? Reason.NoSuchNode : Reason.Ok;
  key = which;
  bytes = length;
  return Reason.Ok;
}

// The package on board, else what runs.
function loadPackage(): bool {
  return packageLoad(pack, Key.Staged) || packageLoad(pack, Key.Primary);
}

function approvals(): Reason {
  let length: u32 = 0;
  for (let anchor: u32 = 0; anchor < anchorCount(); anchor++) {
    if (storeLength(Key.Approval | (seatOf(anchor) << 8)) < 0) continue;
    if (length) store<u8>(VALUE + length++, 0x2f);
    store<u8>(VALUE + length++, 0x30 + anchor);
  }
  return view(VALUE, length);
}

function anchors(): Reason {
  writing.open(VALUE, VALUE_BYTES_MAX);
  const count = provisioned() ? anchorCount() : 0;
  writing.array(count);
  for (let i: u32 = 0; i < count; i++) {
    const anchor = anchorAt(i);
    writing.array(3);
    writing.uint(anchor.role);
    if (anchor.kid) writing.bytes(anchor.kid, anchor.kidBytes);
    else writing.empty();
    if (anchor.name) writing.text(anchor.name, anchor.nameBytes);
    else writing.empty();
  }
  return view(VALUE, writing.written());
}

function change(): Reason {
  writing.open(VALUE, VALUE_BYTES_MAX);
  writing.map(1);
  writing.uint(1);
  writing.uint(changeFloor());
  return view(VALUE, writing.written());
}

function installed(): Reason {
  if (!packageLoad(pack, Key.Primary)) return Reason.Ok;
  writing.open(VALUE, VALUE_BYTES_MAX);
  writing.map(3);
  writing.uint(1);
  writing.uint(pack.sequence);
  writing.uint(2);
  writing.bytes(digestOf(pack), 32);
  writing.uint(3);
  writing.text(versionOf(pack), versionBytes(pack));
  return view(VALUE, writing.written());
}
