// The images of a package for several components, as they arrive one after the other.
//
// What is in the envelope comes first, each image as a member of its own under its uri, in the order in which the manifest
// fetches; then those that are not in it, in that order. A call takes bytes of one image, or of the head of the next member, and
// never of both. Each image must have the size and the digest that the manifest states for it, and every one must come.

import { compare } from '../codec/bytes';
import { Cursor, Type } from '../codec/cbor';
import { SHA256_STATE_BYTES, sha256Begin, sha256Finish, sha256Update } from '../crypto/sha256';
import { COMPONENTS } from '../profile';
import { Reason } from '../reason';
import { HASHED } from '../scratch';
import { componentAt, componentCount, Origin, same } from './components';
import { DIGEST_BYTES } from './digest';
import { envelope, envelopePayloadsLeft, KEY_BYTES_MAX } from './envelope';

const NONE: i32 = -1;
// A text of at most KEY_BYTES_MAX with its head, and the head of a byte string.
const MEMBER_BYTES_MAX: u32 = 266;

@unmanaged
class Arrival {
  left: u32; // members of the envelope that are still to come
  current: i32; // index of the component whose image comes, NONE: the head of a member does
  taken: i32; // what the last call took was of this component, NONE: of none
  order: u32; // of the last one in the envelope
  passed: u32; // bytes of the current image
  total: u32; // of all images so far
  have: u32; // bytes of the head of a member
  came: u32; // components whose image has come and is the right one, a bit each
  done: u32; // every image has come
  fault: Reason; // Ok while nothing is wrong
}

const arrival = changetype<Arrival>(COMPONENTS ? memory.data(offsetof<Arrival>(), 4) : 0);
const hashing: usize = COMPONENTS ? memory.data(SHA256_STATE_BYTES, 8) : 0;
const MEMBER: usize = COMPONENTS ? memory.data(272, 8) : 0;
const member = changetype<Cursor>(COMPONENTS ? memory.data(offsetof<Cursor>(), 8) : 0);

// Whether the first image in the envelope, if it holds one, is one that the manifest fetches.
export function payloadsNamed(): Reason {
  if (envelope.payloadKey === 0) return Reason.Ok;
  const index = fetchedAs(envelope.payloadKey, envelope.payloadKeyBytes, 0);
  if (index === NONE) return Reason.PayloadUnexpected;
  return componentAt(index).imageBytes === envelope.payloadBytes ? Reason.Ok : Reason.PayloadSize;
}

// To be called when the head is whole, and the manifest read.
export function payloadsBegin(): void {
  memory.fill(changetype<usize>(arrival), 0, offsetof<Arrival>());
  arrival.taken = NONE;
  arrival.left = envelopePayloadsLeft();
  if (envelope.payloadKey === 0) next();
  else open(envelope.payloadKey, envelope.payloadKeyBytes, envelope.payloadBytes);
}

export function payloadsDone(): bool {
  return arrival.done !== 0;
}

// Bytes of images that have passed.
export function payloadsBytes(): u32 {
  return arrival.total;
}

// The component whose image the last bytes were, by its index in the manifest; -1: they were of none.
export function payloadsTaken(): i32 {
  return arrival.taken;
}

export function payloadsFault(): Reason {
  return arrival.fault;
}

// Takes up to `length` bytes, and returns how many.
export function payloadsPush(from: usize, length: u32): u32 {
  arrival.taken = arrival.current;
  return arrival.current === NONE ? pushMember(from, length) : pushImage(from, length);
}

function pushImage(from: usize, length: u32): u32 {
  const component = componentAt(arrival.current);
  const bytes = min(length, component.imageBytes - arrival.passed);
  sha256Update(hashing, from, bytes);
  arrival.passed += bytes;
  arrival.total += bytes;
  if (arrival.passed !== component.imageBytes) return bytes;
  sha256Finish(hashing, HASHED);
  if (compare(HASHED, component.image, DIGEST_BYTES) !== 0) {
    arrival.fault = Reason.PayloadDigest;
    return bytes;
  }
  arrival.came |= (<u32>1) << arrival.current;
  arrival.current = NONE;
  if (arrival.left === 0) next();
  return bytes;
}

function pushMember(from: usize, length: u32): u32 {
  let taken: u32 = 0;
  while (taken < length && arrival.current === NONE && arrival.fault === Reason.Ok) {
    store<u8>(MEMBER + arrival.have++, load<u8>(from + taken++));
    const fault = head();
    const more = fault === Reason.Truncated && arrival.have < MEMBER_BYTES_MAX; // it is not all there yet
    if (!more) arrival.fault = fault === Reason.Truncated ? Reason.EnvelopeMember : fault;
  }
  return taken;
}

// Reads the head of a member once it is whole.
function head(): Reason {
  member.open(MEMBER, arrival.have);
  if (member.peek() !== Type.Text) return Reason.EnvelopeMember;
  const key = member.text();
  const keyBytes = member.length;
  const type = member.head();
  if (member.fault !== Reason.Ok) return member.fault;
  if (keyBytes > <u32>KEY_BYTES_MAX) return Reason.EnvelopeMember;
  if (type !== Type.Bytes) return Reason.WrongType;
  if (member.value > <u64>u32.MAX_VALUE) return Reason.TooLarge;
  arrival.have = 0;
  arrival.left--;
  return open(key, keyBytes, <u32>member.value);
}

// Index of the component that is fetched from this uri, behind what was the `order`-th to be fetched.
function fetchedAs(uri: usize, uriBytes: u32, order: u32): i32 {
  for (let i: u32 = 0; i < componentCount(); i++) {
    const component = componentAt(i);
    if (component.origin !== Origin.Fetched || component.order <= order) continue;
    if (same(uri, uriBytes, component.imageUri, component.imageUriBytes)) return i;
  }
  return NONE;
}

function open(key: usize, keyBytes: u32, bytes: u32): Reason {
  const index = fetchedAs(key, keyBytes, arrival.order);
  if (index === NONE) return Reason.PayloadUnexpected;
  const component = componentAt(index);
  if (component.imageBytes !== bytes) return Reason.PayloadSize;
  arrival.order = component.order;
  start(index);
  return Reason.Ok;
}

// The first image that has not come, when the envelope is at its end.
function next(): void {
  let first: i32 = NONE;
  for (let i: i32 = 0; i < <i32>componentCount(); i++) {
    const component = componentAt(i);
    if (component.origin !== Origin.Fetched || ((arrival.came >> i) & 1) !== 0) continue;
    if (first === NONE || component.order < componentAt(first).order) first = i;
  }
  if (first === NONE) arrival.done = 1;
  else start(first);
}

function start(index: i32): void {
  arrival.current = index;
  arrival.passed = 0;
  sha256Begin(hashing);
}
