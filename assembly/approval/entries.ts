// What the entries of one approval document say about one package on this device.
//
//   entry = {1: verdict (1 approve, 2 deny), ? 2: manifest digest, ? 3: class-id, ? 4: [lowest, highest],
//            ? 5: vendor kid, ? 6: [+ device id], ? 7: confirm (0 do not ask, 1 ask), ? 8: image hash}
//
// - An entry says what it is about by at least one of 2, 3, 5 and 8; all that it names must match. 4 is inclusive and
//   compares manifest sequence numbers; 6 must list this device.
// - 8 is for boot loaders that are told of images and not of packages (core-image.ts): there the subject's digest is the boot
//   loader's hash of the image, and 2 and 5 fit nothing. Elsewhere 8 is a key like any other that is not defined.
// - Deny wins over approve, whatever their order.
// - Of the entries that approve, confirm 1 wins over 0, and 0 over absent.
// - Any other key, value or shape makes the whole document malformed: half of a rule is no rule.

import { compare } from '../codec/bytes';
import { Cursor } from '../codec/cbor';
import { IMAGE } from '../profile';
import { Reason } from '../reason';
import { anchorHasKid } from './anchors';
import { DEVICE_ID_BYTES_MAX, identity } from './bootstrap';

export const ENTRIES_MAX: u32 = 16; // what fits a document of 1024 bytes with a digest in each
export const DEVICES_MAX: u32 = 32; // per entry; larger fleets are approved by class
const DIGEST_BYTES: u32 = 32;
const UUID_BYTES: u32 = 16;
const KEYS: u32 = IMAGE ? 9 : 8; // all are below it
const ABOUT: u32 = IMAGE ? 0b100101100 : 0b101100; // keys that say what an entry is about

const enum EntryVerdict {
  Approve = 1,
  Deny = 2,
}

export const enum Confirm {
  Unsaid = 0,
  DoNotAsk = 1,
  Ask = 2,
}

// In `says`: one of those that approve wants a person to be asked.
const ASKS: u32 = 4;

// The package that approval data is held against: facts that are authentic by now.
@unmanaged
export class Subject {
  sequence: u64;
  digest: usize; // of the manifest (core-image.ts: of the image); 0: no package, then nothing matches
  classId: usize;
  vendors: u32; // mask of the vendor anchors that signed it
  proof: u32; // codec/cose.ts: PROVEN, of the vendor's signature
}

// What a document says about the subject.
@unmanaged
export class Opinion {
  reason: Reason; // Ok approves, Denied, ApprovalOtherDevice or ApprovalOtherPackage
  entry: u32; // index of the first entry that says so
  confirm: i32; // Confirm
  says: u32; // EntryVerdict of all entries that fit, one bit each, and ASKS
}

export const subject = changetype<Subject>(memory.data(offsetof<Subject>(), 8));
export const opinion = changetype<Opinion>(memory.data(offsetof<Opinion>(), 4));

export function subjectForget(): void {
  memory.fill(changetype<usize>(subject), 0, offsetof<Subject>());
}

// Reads [+ entry] to its end and leaves the opinion. The cursor's fault says if it is malformed.
export function entriesRead(from: Cursor): void {
  opinion.reason = Reason.ApprovalOtherPackage;
  opinion.entry = 0;
  opinion.confirm = Confirm.Unsaid;
  opinion.says = 0;
  const entries = from.array();
  if (entries === 0 || entries > ENTRIES_MAX) from.fail(Reason.OutOfRange);
  for (let index: u32 = 0; index < entries && from.more(1); index++) readEntry(from, index);
}

function readEntry(from: Cursor, index: u32): void {
  let verdict: u32 = 0;
  let named: u32 = 0; // mask of the keys that were there
  let fits = subject.digest !== 0;
  let confirm: i32 = Confirm.Unsaid;
  let device = true;
  let previous: usize = 0;
  for (let left = from.map(); from.more(left); left--) {
    previous = from.ordered(previous);
    const key = from.label();
    if (<u32>key < KEYS) named |= 1 << key;
    switch (key) {
      case 1:
        from.value = 0; // it is the key's: 1, which would be an approval if a glitch kept the verdict from being read
        verdict = from.upTo(EntryVerdict.Deny);
        break;
      case 2:
        fits = matches(from.bytesOf(DIGEST_BYTES), subject.digest, DIGEST_BYTES, fits);
        if (IMAGE) fits = false;
        break;
      case 3:
        fits = matches(from.bytesOf(UUID_BYTES), subject.classId, UUID_BYTES, fits);
        break;
      case 4:
        if (!inRange(from)) fits = false;
        break;
      case 5:
        if (!vendorSigned(from)) fits = false;
        break;
      case 6:
        device = listsDevice(from);
        break;
      case 7:
        confirm = from.upTo(1) === 0 ? Confirm.DoNotAsk : Confirm.Ask;
        break;
      default:
        if (IMAGE && key === 8) fits = matches(from.bytesOf(DIGEST_BYTES), subject.digest, DIGEST_BYTES, fits);
        else from.fail(Reason.UnknownMember);
    }
  }
  if (verdict === 0 || (named & ABOUT) === 0) from.fail(Reason.MissingMember);
  if (from.fault === Reason.Ok && fits) weigh(index, verdict, device, confirm);
}

function weigh(index: u32, verdict: u32, device: bool, confirm: i32): void {
  if (device) opinion.says |= verdict | (confirm === Confirm.Ask ? ASKS : 0);
  const reason: Reason = !device
    ? Reason.ApprovalOtherDevice
    : verdict === EntryVerdict.Deny
      ? Reason.Denied
      : Reason.Ok;
  if (strength(reason) > strength(opinion.reason)) {
    opinion.reason = reason;
    opinion.entry = index;
  }
  if (reason === Reason.Ok) opinion.confirm = max(opinion.confirm, confirm);
}

// Which of two entries of a document prevails.
function strength(reason: Reason): i32 {
  switch (reason) {
    case Reason.Denied:
      return 3;
    case Reason.Ok:
      return 2;
    case Reason.ApprovalOtherDevice:
      return 1;
    default:
      return 0;
  }
}

function matches(stated: usize, ours: usize, length: u32, soFar: bool): bool {
  return soFar && compare(stated, ours, length) === 0;
}

function inRange(from: Cursor): bool {
  if (from.array() !== 2) from.fail(Reason.WrongType);
  const lowest = from.uint();
  const highest = from.uint();
  if (lowest > highest) from.fail(Reason.OutOfRange);
  return subject.sequence >= lowest && subject.sequence <= highest;
}

function vendorSigned(from: Cursor): bool {
  const kid = from.bytes();
  if (IMAGE) return false;
  for (let i: u32 = 0, left = subject.vendors; left !== 0; i++, left >>= 1) {
    if ((left & 1) !== 0 && anchorHasKid(i, kid, from.length)) return true;
  }
  return false;
}

// Reads [+ device id] and says whether this device is among them.
export function listsDevice(from: Cursor): bool {
  const devices = from.array();
  if (devices === 0 || devices > DEVICES_MAX) from.fail(Reason.OutOfRange);
  let found = false;
  for (let left = devices; from.more(left); left--) {
    const id = from.bytes();
    if (from.length - 1 >= DEVICE_ID_BYTES_MAX) from.fail(Reason.OutOfRange);
    else if (from.length === identity.deviceIdBytes && compare(id, identity.deviceId, from.length) === 0) found = true;
  }
  return found;
}
