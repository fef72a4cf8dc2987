// The SUIT commands that we follow, and where each may stand. Anything else is an error, nothing is skipped.
//
//   command               | shared | payload-fetch | install | validate | invoke |
//    1 vendor-identifier  |   x    |       x       |    x    |    x     |   x    | against the device's vendor id
//    2 class-identifier   |   x    |       x       |    x    |    x     |   x    | against the device's class id
//    3 image-match        |        |               |    x    |    x     |        | install: after the fetch
//   12 set-component-index|   x    |       x       |    x    |    x     |   x    | 0 or true: there is one component
//   20 override-parameters|   x    |       x       |    x    |          |        | see `parameter`
//   21 fetch              |        |               |    x    |          |        | once; what is to be installed
//   23 invoke             |        |               |         |          |   x    | read, never done: the boot loader does
//   27 update-authorized  |        |       x       |    x    |          |        | the verdict's own question, recorded
//
// (draft-ietf-suit-manifest-37 section 8.4, templates "compatibility", "download" and "integrated payload"; 27 from
// draft-ietf-suit-update-management-14.) Conditions are evaluated where they stand. Parameters: 1 vendor-id,
// 2 class-id, 3 image-digest, 14 image-size, 21 uri, 27 update-priority.

import { compare } from '../codec/bytes';
import { inside, reading, Type } from '../codec/cbor';
import { Reason } from '../reason';
import { digestRead } from './digest';

// Sequences of a manifest, as a mask.
export const enum Section {
  Shared = 1,
  PayloadFetch = 2,
  Install = 4,
  Validate = 8,
  Invoke = 16,
  Load = 32, // only where there are several components, as what follows: sequences.ts
  Branch = 64, // of try-each, wherever that stands
}
const EVERYWHERE: i32 = 31;

export const UUID_BYTES: u32 = 16;
const REPORTING_MAX: u32 = 15; // four reporting bits

// Parameters as they stand, and what the sequences have done so far.
@unmanaged
export class Run {
  vendorId: usize; // 0 addresses: not set
  classId: usize;
  imageDigest: usize;
  imageBytes: u32; // 0: not set
  uri: usize;
  uriBytes: u32;
  prioritySet: bool;
  vendorChecked: bool;
  classChecked: bool;
  asked: u32; // sections in which update-authorized stood
  fetched: usize; // digest of what is fetched, 0: nothing yet
  fetchedBytes: u32;
  fetchedUri: usize;
  fetchedUriBytes: u32;
}

export const run = changetype<Run>(memory.data(offsetof<Run>(), 4));

let deviceVendor: usize = 0;
let deviceClass: usize = 0;

export function runBegin(vendorId: usize, classId: usize): void {
  memory.fill(changetype<usize>(run), 0, offsetof<Run>());
  deviceVendor = vendorId;
  deviceClass = classId;
}

// The table above.
function places(command: i32): i32 {
  switch (command) {
    case 1:
    case 2:
    case 12:
      return EVERYWHERE;
    case 3:
      return Section.Install | Section.Validate;
    case 20:
      return Section.Shared | Section.PayloadFetch | Section.Install;
    case 21:
      return Section.Install;
    case 23:
      return Section.Invoke;
    case 27:
      return Section.PayloadFetch | Section.Install;
    default:
      return 0;
  }
}

// Follows one sequence: [code, argument, code, argument, ...].
export function runSequence(section: i32, from: usize, length: u32): Reason {
  reading.open(from, length);
  const items = reading.array();
  if ((items & 1) !== 0) return Reason.CommandArgument;
  for (let left = items; reading.more(left); left -= 2) {
    const command = reading.label();
    if (reading.fault !== Reason.Ok) break;
    const allowed = places(command);
    if (allowed === 0) return Reason.CommandUnsupported;
    if ((allowed & section) === 0) return Reason.CommandPlace;
    const fault = follow(command, section);
    if (reading.fault !== Reason.Ok) break;
    if (fault !== Reason.Ok) return fault;
  }
  return reading.close();
}

function follow(command: i32, section: i32): Reason {
  if (command === 20) return overrideParameters();
  if (command === 12) return componentIndex();
  if (reading.peek() !== Type.Uint || reading.uint() > REPORTING_MAX) return Reason.CommandArgument;
  switch (command) {
    case 1:
      run.vendorChecked = true;
      return identity(run.vendorId, deviceVendor, Reason.VendorId);
    case 2:
      run.classChecked = true;
      return identity(run.classId, deviceClass, Reason.ClassId);
    case 3:
      return imageMatch();
    case 21:
      return fetch();
    case 27:
      run.asked |= section;
      return run.prioritySet ? Reason.Ok : Reason.ParameterMissing;
    default:
      return Reason.Ok; // 23
  }
}

function componentIndex(): Reason {
  const type = reading.peek();
  const chosen = type === Type.Uint ? reading.uint() === 0 : type === Type.Simple && reading.boolean();
  return chosen ? Reason.Ok : Reason.CommandArgument;
}

function identity(stated: usize, own: usize, reason: Reason): Reason {
  if (stated === 0) return Reason.ParameterMissing;
  return compare(stated, own, UUID_BYTES) === 0 ? Reason.Ok : reason;
}

// The digest is compared when the payload has passed (reader.ts). Here is made sure that it is the one that is meant.
function imageMatch(): Reason {
  if (run.imageDigest === 0 || run.imageBytes === 0) return Reason.ParameterMissing;
  if (run.fetched === 0) return Reason.CommandPlace;
  return compare(run.imageDigest, run.fetched, 32) === 0 ? Reason.Ok : Reason.PayloadDigest;
}

function fetch(): Reason {
  if (run.fetched !== 0) return Reason.CommandPlace;
  if (run.imageDigest === 0 || run.imageBytes === 0 || run.uri === 0) return Reason.ParameterMissing;
  run.fetched = run.imageDigest;
  run.fetchedBytes = run.imageBytes;
  run.fetchedUri = run.uri;
  run.fetchedUriBytes = run.uriBytes;
  return Reason.Ok;
}

function overrideParameters(): Reason {
  let previous: usize = 0;
  for (let left = reading.map(); reading.more(left); left--) {
    previous = reading.ordered(previous);
    const fault = parameter(reading.label());
    if (reading.fault !== Reason.Ok) break;
    if (fault !== Reason.Ok) return fault;
  }
  return Reason.Ok;
}

function parameter(id: i32): Reason {
  switch (id) {
    case 1:
      run.vendorId = reading.bytesOf(UUID_BYTES);
      return Reason.Ok;
    case 2:
      run.classId = reading.bytesOf(UUID_BYTES);
      return Reason.Ok;
    case 3:
      reading.enter(inside);
      run.imageDigest = digestRead(inside);
      reading.leave(inside);
      return Reason.Ok;
    case 14:
      run.imageBytes = reading.upTo(u32.MAX_VALUE);
      return run.imageBytes === 0 ? Reason.OutOfRange : Reason.Ok;
    case 21:
      run.uri = reading.text();
      run.uriBytes = reading.length;
      return Reason.Ok;
    case 27:
      reading.int();
      run.prioritySet = true;
      return Reason.Ok;
    default:
      return Reason.ParameterUnsupported;
  }
}
