// The commands of a manifest for a device with several components: what commands.ts is for one. Anything else is an error.
//
//   command               | shared | payload-fetch | install | validate | load | invoke | try-each |
//    1 vendor-identifier  |   x    |       x       |    x    |    x     |  x   |   x    |    x     |
//    2 class-identifier   |   x    |       x       |    x    |    x     |  x   |   x    |    x     |
//    3 image-match        |        |       x       |    x    |    x     |  x   |        |          |
//    5 component-slot     |   x    |       x       |    x    |          |      |        |    x     |
//   12 set-component-index|   x    |       x       |    x    |    x     |  x   |   x    |          |
//   15 try-each           |   x    |       x       |    x    |          |      |        |          |
//   20 override-parameters|   x    |       x       |    x    |          |  x   |        |    x     |
//   21 fetch              |        |       x       |    x    |          |      |        |          | once a component
//   22 copy               |        |               |    x    |          |  x   |        |          | of one that is checked
//   23 invoke             |        |               |         |          |      |   x    |          | read, never done
//   27 update-authorized  |        |       x       |    x    |          |      |        |          | recorded
//
// (draft-ietf-suit-manifest-37 section 8.4, with its examples 3 to 5.) A command is done for each component that is
// chosen: a number, a list of them that goes up, or true for all. Nothing is chosen where a sequence of several components begins.
//
// try-each has one component, and at most BRANCHES_MAX branches. Each of them is read to its end, begins with the parameters as
// they stood before the first, and leaves nothing behind but those of the first that held. Its last one may be null: none must hold.
//
// Parameters: those of commands.ts, 5 component-slot and 22 source-component.

import { compare } from '../codec/bytes';
import { Cursor, inside, Type } from '../codec/cbor';
import { COMPONENTS } from '../profile';
import { Reason } from '../reason';
import { Section, UUID_BYTES } from './commands';
import { COMPONENT_BYTES, Component, componentAt, componentCount, Origin, same, slotOf } from './components';
import { DIGEST_BYTES, digestRead } from './digest';

const EVERYWHERE: i32 = 127;
const REPORTING_MAX: u32 = 15; // four reporting bits
const BRANCHES_MAX: u32 = 4; // one a slot

// What holds for all components while sequences are followed.
@unmanaged
class Course {
  vendorId: usize; // the device's own
  classId: usize;
  chosen: u32; // components, a bit each
  asked: u32; // sections in which update-authorized stood
  fetched: u32;
}

const course = changetype<Course>(COMPONENTS ? memory.data(offsetof<Course>(), 4) : 0);
const commands = changetype<Cursor>(COMPONENTS ? memory.data(offsetof<Cursor>(), 8) : 0);
const branch = changetype<Cursor>(COMPONENTS ? memory.data(offsetof<Cursor>(), 8) : 0);
const before: usize = COMPONENTS ? memory.data(<i32>COMPONENT_BYTES, 4) : 0; // a component as it was in front of a branch

export function sequencesBegin(vendorId: usize, classId: usize): void {
  course.vendorId = vendorId;
  course.classId = classId;
  course.asked = 0;
  course.fetched = 0;
}

export function sequencesAsked(): u32 {
  return course.asked;
}

export function sequencesFetched(): u32 {
  return course.fetched;
}

// Follows one sequence: [code, argument, code, argument, ...].
export function sequenceRun(section: i32, from: usize, length: u32): Reason {
  course.chosen = componentCount() === 1 ? 1 : 0;
  commands.open(from, length);
  return steps(commands, section);
}

function places(command: i32): i32 {
  const writing = Section.PayloadFetch | Section.Install;
  switch (command) {
    case 1:
    case 2:
      return EVERYWHERE;
    case 3:
      return writing | Section.Validate | Section.Load;
    case 5:
      return writing | Section.Shared | Section.Branch;
    case 12:
      return EVERYWHERE & ~Section.Branch;
    case 15:
      return writing | Section.Shared;
    case 20:
      return writing | Section.Shared | Section.Load | Section.Branch;
    case 21:
    case 27:
      return writing;
    case 22:
      return Section.Install | Section.Load;
    case 23:
      return Section.Invoke;
    default:
      return 0;
  }
}

// Conditions that a branch may fail with.
function isSoft(reason: Reason): bool {
  return reason === Reason.VendorId || reason === Reason.ClassId || reason === Reason.ComponentSlot;
}

function steps(from: Cursor, section: i32): Reason {
  const items = from.array();
  if ((items & 1) !== 0) return Reason.CommandArgument;
  let failed: Reason = Reason.Ok;
  for (let left = items; from.more(left); left -= 2) {
    const command = from.label();
    if (from.fault !== Reason.Ok) break;
    const allowed = places(command);
    if (allowed === 0) return Reason.CommandUnsupported;
    if ((allowed & section) === 0) return Reason.CommandPlace;
    const fault = step(from, command, section);
    if (from.fault !== Reason.Ok) break;
    if (fault === Reason.Ok) continue;
    if (section !== Section.Branch || !isSoft(fault)) return fault;
    if (failed === Reason.Ok) failed = fault; // and what follows is read all the same
  }
  return from.close() !== Reason.Ok ? from.fault : failed;
}

function step(from: Cursor, command: i32, section: i32): Reason {
  if (command === 12) return choose(from);
  if (course.chosen === 0) return Reason.CommandPlace;
  if (command === 15) return tryEach(from);
  const argument = from.at;
  for (let i: u32 = 0; i < componentCount(); i++) {
    if (((course.chosen >> i) & 1) === 0) continue;
    from.at = argument;
    const fault = perform(from, command, section, componentAt(i));
    if (fault !== Reason.Ok || from.fault !== Reason.Ok) return fault;
  }
  return Reason.Ok;
}

// set-component-index: a number, true, or a list.
function choose(from: Cursor): Reason {
  const count = componentCount();
  const type = from.peek();
  if (type === Type.Simple) {
    if (!from.boolean()) return Reason.CommandArgument;
    course.chosen = ((<u32>1) << count) - 1;
    return Reason.Ok;
  }
  if (type !== Type.Array && type !== Type.Uint) return Reason.CommandArgument;
  const indexes = type === Type.Array ? from.array() : 1;
  let chosen: u32 = 0;
  for (let left = indexes; from.more(left); left--) {
    if (from.peek() !== Type.Uint) return Reason.CommandArgument;
    const index = from.uint();
    if (index >= <u64>count || chosen >> <u32>index !== 0) return Reason.CommandArgument; // each after the one before
    chosen |= (<u32>1) << (<u32>index);
  }
  course.chosen = chosen;
  return chosen === 0 ? Reason.CommandArgument : Reason.Ok;
}

function tryEach(from: Cursor): Reason {
  if (popcnt(course.chosen) !== 1) return Reason.CommandPlace;
  const component = changetype<usize>(componentAt(ctz(course.chosen)));
  const branches = from.array();
  if (from.fault !== Reason.Ok || branches === 0 || branches > BRANCHES_MAX) return Reason.CommandArgument;
  let outcome: Reason = Reason.CommandArgument;
  for (let left = branches; from.more(left); left--) {
    if (left === 1 && branches > 1 && from.peekNull()) {
      from.head();
      outcome = Reason.Ok;
      break;
    }
    from.enter(branch);
    if (from.fault !== Reason.Ok) break;
    memory.copy(before, component, COMPONENT_BYTES);
    const fault = steps(branch, Section.Branch);
    if (fault !== Reason.Ok && !isSoft(fault)) return fault;
    if (fault !== Reason.Ok || outcome === Reason.Ok) memory.copy(component, before, COMPONENT_BYTES);
    if (outcome !== Reason.Ok) outcome = fault;
  }
  return outcome;
}

function perform(from: Cursor, command: i32, section: i32, component: Component): Reason {
  if (command === 20) return overrideParameters(from, component);
  if (from.peek() !== Type.Uint || from.uint() > REPORTING_MAX) return Reason.CommandArgument;
  switch (command) {
    case 1:
      component.vendorChecked = 1;
      return identity(component.vendorId, course.vendorId, Reason.VendorId);
    case 2:
      component.classChecked = 1;
      return identity(component.classId, course.classId, Reason.ClassId);
    case 3:
      return imageMatch(component);
    case 5:
      if (component.slot === 0) return Reason.ParameterMissing;
      return component.slot - 1 === slotOf(component) ? Reason.Ok : Reason.ComponentSlot;
    case 21:
      return fetch(component);
    case 22:
      return copy(component, section);
    case 27:
      course.asked |= section;
      return component.prioritySet !== 0 ? Reason.Ok : Reason.ParameterMissing;
    default: // 23
      return component.checked !== 0 ? Reason.Ok : Reason.ComponentUnchecked;
  }
}

function identity(stated: usize, own: usize, reason: Reason): Reason {
  if (stated === 0) return Reason.ParameterMissing;
  return compare(stated, own, UUID_BYTES) === 0 ? Reason.Ok : reason;
}

// The payload's own digest is compared when it has passed (payloads.ts). Here is made sure that it is the one that is meant.
function imageMatch(component: Component): Reason {
  const bytes = statedBytes(component);
  if (bytes === 0) return Reason.ParameterMissing;
  if (component.origin === Origin.None) return Reason.CommandPlace;
  if (compare(component.digest, component.image, DIGEST_BYTES) !== 0) return Reason.PayloadDigest;
  if (bytes !== component.imageBytes) return Reason.PayloadSize;
  component.checked = 1;
  return Reason.Ok;
}

// What image-size says, or, where it is not set, what it says of a component with the same digest (the draft's example 4 states the
// size of what is in storage only where it goes to); 0: nothing, or there is no digest.
function statedBytes(component: Component): u32 {
  if (component.digest === 0) return 0;
  let bytes = component.bytes;
  for (let i: u32 = 0; i < componentCount() && bytes === 0; i++) {
    const other = componentAt(i);
    if (other.digest !== 0 && compare(other.digest, component.digest, DIGEST_BYTES) === 0) bytes = other.bytes;
  }
  return bytes;
}

function fetch(component: Component): Reason {
  if (component.origin !== Origin.None) return Reason.CommandPlace;
  const bytes = statedBytes(component);
  if (bytes === 0 || component.uri === 0) return Reason.ParameterMissing;
  for (let i: u32 = 0; i < componentCount(); i++) {
    const other = componentAt(i);
    if (other.origin !== Origin.Fetched) continue;
    if (same(component.uri, component.uriBytes, other.imageUri, other.imageUriBytes)) return Reason.ComponentTwice;
  }
  component.origin = Origin.Fetched;
  component.image = component.digest;
  component.imageBytes = bytes;
  component.imageUri = component.uri;
  component.imageUriBytes = component.uriBytes;
  component.order = ++course.fetched;
  return Reason.Ok;
}

// While a package is installed, a copy is what was copied. At start it is what the manifest says of it: whoever starts it may
// have unpacked it on the way, and hashes what it became.
function copy(component: Component, section: i32): Reason {
  if (component.origin !== Origin.None) return Reason.CommandPlace;
  if (component.digest === 0 || component.bytes === 0 || component.source === 0) return Reason.ParameterMissing;
  const source = componentAt(component.source - 1);
  if (source.checked === 0 || source.origin === Origin.Loaded) return Reason.ComponentUnchecked;
  const loads = section === Section.Load;
  component.origin = loads ? Origin.Loaded : Origin.Copied;
  component.image = loads ? component.digest : source.image;
  component.imageBytes = loads ? component.bytes : source.imageBytes;
  return Reason.Ok;
}

function overrideParameters(from: Cursor, component: Component): Reason {
  let previous: usize = 0;
  for (let left = from.map(); from.more(left); left--) {
    previous = from.ordered(previous);
    const fault = parameter(from, from.label(), component);
    if (from.fault !== Reason.Ok) break;
    if (fault !== Reason.Ok) return fault;
  }
  return Reason.Ok;
}

function parameter(from: Cursor, id: i32, component: Component): Reason {
  switch (id) {
    case 1:
      component.vendorId = from.bytesOf(UUID_BYTES);
      return Reason.Ok;
    case 2:
      component.classId = from.bytesOf(UUID_BYTES);
      return Reason.Ok;
    case 3:
      from.enter(inside);
      component.digest = digestRead(inside);
      from.leave(inside);
      return Reason.Ok;
    case 5:
      component.slot = from.upTo(u32.MAX_VALUE - 1) + 1;
      return Reason.Ok;
    case 14:
      component.bytes = from.upTo(u32.MAX_VALUE);
      return component.bytes === 0 ? Reason.OutOfRange : Reason.Ok;
    case 21:
      component.uri = from.text();
      component.uriBytes = from.length;
      return Reason.Ok;
    case 22:
      component.source = from.upTo(u32.MAX_VALUE - 1) + 1;
      return component.source > componentCount() ? Reason.OutOfRange : Reason.Ok;
    case 27:
      from.int();
      component.prioritySet = 1;
      return Reason.Ok;
    default:
      return Reason.ParameterUnsupported;
  }
}
