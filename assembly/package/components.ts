// The components of a manifest that names several, and those that the device has. One record for each, handed from call to
// call; there is no "the component" here.
//
// A device with several components says so before a package is offered: the identifier of each, the slot that an image for it would
// go to, and its size. A device that has said nothing takes packages of one component, whatever its identifier
// (manifest.ts, commands.ts). What each command does to a component: sequences.ts. How the images arrive: payloads.ts.

import { compare } from '../codec/bytes';
import { Cursor } from '../codec/cbor';
import { COMPONENTS } from '../profile';
import { Reason } from '../reason';

// Application, radio core, secure image and one more.
export const COMPONENTS_MAX: u32 = 4;
// An encoded identifier: the draft's have 4 bytes, names in words some more.
export const ID_BYTES_MAX: u32 = 32;

// Where the image of a component comes from.
export const enum Origin {
  None = 0,
  Fetched = 1, // it is a payload
  Copied = 2, // from a component that was fetched
  Loaded = 3, // at each start, from one of these: to be hashed by whoever starts it
}

// As the device has it.
@unmanaged
class Own {
  bytes: u32; // room for an image
  slot: u32; // the one that an image would go to
  idBytes: u32; // the identifier itself follows
}

const OWN_BYTES: u32 = offsetof<Own>() + ID_BYTES_MAX;
const OWN: usize = COMPONENTS ? memory.data(<i32>(COMPONENTS_MAX * OWN_BYTES), 4) : 0;

let owned: u32 = 0;

// As the manifest has it. 0 addresses: not set.
@unmanaged
export class Component {
  own: u32; // index among the device's
  id: usize; // encoded identifier
  idBytes: u32;
  // Parameters, as they stand.
  vendorId: usize;
  classId: usize;
  digest: usize;
  bytes: u32;
  uri: usize;
  uriBytes: u32;
  source: u32; // index + 1
  slot: u32; // + 1
  prioritySet: u32;
  // What the sequences have done.
  vendorChecked: u32;
  classChecked: u32;
  origin: Origin;
  image: usize; // digest of what stands in it then
  imageBytes: u32;
  imageUri: usize; // of what is fetched
  imageUriBytes: u32;
  order: u32; // among what is fetched, from 1
  checked: u32; // image-match held for it
}

export const COMPONENT_BYTES: u32 = offsetof<Component>();
const LIST: usize = COMPONENTS ? memory.data(<i32>(COMPONENTS_MAX * COMPONENT_BYTES), 4) : 0;

let listed: u32 = 0;

function ownAt(index: u32): Own {
  return changetype<Own>(OWN + index * OWN_BYTES);
}

// Index of the device's component with this identifier; `owned`: it has none.
function ownOf(id: usize, idBytes: u32): u32 {
  let i: u32 = 0;
  while (i < owned && !same(id, idBytes, changetype<usize>(ownAt(i)) + offsetof<Own>(), ownAt(i).idBytes)) i++;
  return i;
}

// The device takes packages of one component.
export function componentsForget(): void {
  owned = 0;
  listed = 0; // of a manifest that was read for another device
}

// One more component of the device: its identifier is an encoded array of byte strings.
export function componentAdd(id: usize, idBytes: u32, slot: u32, bytes: u32): Reason {
  if (owned === COMPONENTS_MAX || idBytes > ID_BYTES_MAX) return Reason.TooLarge;
  if (ownOf(id, idBytes) !== owned) return Reason.ComponentTwice;
  const own = ownAt(owned);
  memory.copy(changetype<usize>(own) + offsetof<Own>(), id, idBytes);
  own.idBytes = idBytes;
  own.slot = slot;
  own.bytes = bytes;
  owned++;
  return Reason.Ok;
}

// Whether the device has several components, or takes a package of one as such.
export function componentsOwned(): bool {
  return COMPONENTS && owned !== 0;
}

export function componentCount(): u32 {
  return listed;
}

export function componentAt(index: u32): Component {
  return changetype<Component>(LIST + index * COMPONENT_BYTES);
}

export function slotOf(component: Component): u32 {
  return ownAt(component.own).slot;
}

// The device has room for each image.
export function componentsFit(): bool {
  for (let i: u32 = 0; i < listed; i++) {
    const component = componentAt(i);
    if (component.imageBytes > ownAt(component.own).bytes) return false;
  }
  return true;
}

// [1*4 component identifier]
export function componentsRead(from: Cursor): Reason {
  listed = 0;
  const count = from.array();
  if (from.fault !== Reason.Ok) return from.fault;
  if (count === 0 || count > COMPONENTS_MAX) return Reason.Components;
  memory.fill(LIST, 0, COMPONENTS_MAX * COMPONENT_BYTES);
  for (let i: u32 = 0; i < count; i++) {
    const id = from.at;
    for (let parts = from.array(); from.more(parts); parts--) from.bytes();
    if (from.fault !== Reason.Ok) return from.fault;
    const fault = list(componentAt(i), id, <u32>(from.at - id), i);
    if (fault !== Reason.Ok) return fault;
  }
  listed = count;
  return Reason.Ok;
}

function list(component: Component, id: usize, idBytes: u32, before: u32): Reason {
  component.id = id;
  component.idBytes = idBytes;
  component.own = ownOf(id, idBytes);
  if (component.own === owned) return Reason.ComponentUnknown;
  for (let i: u32 = 0; i < before; i++) {
    if (componentAt(i).own === component.own) return Reason.ComponentTwice;
  }
  return Reason.Ok;
}

export function same(a: usize, aBytes: u32, b: usize, bBytes: u32): bool {
  return aBytes === bBytes && compare(a, b, aBytes) === 0;
}
