// The SUIT manifest (draft-ietf-suit-manifest-37 section 8.4): one component, one image, checked to the last member.
//
// To be called only when the manifest's digest and a vendor's signature over it are authentic. Reads the whole profile
// and follows the update procedure (shared, payload-fetch, shared, install, shared, validate) as far as it can go
// before the payload: identity conditions, what is fetched, of which size and digest. On Ok, `manifest` holds it and
// the envelope carries the right payload, or none. Members, commands or parameters that we do not know are errors.

import { Cursor, Type } from '../codec/cbor';
import { Reason } from '../reason';
import { run, runBegin, runSequence, Section } from './commands';
import { digestMatches, digestRead } from './digest';
import { envelope, installMember, payloadFetchMember, Severable, textMember } from './envelope';
import { Text, textRead } from './text';

const MANIFEST_VERSION: u32 = 1;
/** Three release numbers, a pre-release marker and two more. */
const VERSION_PARTS_MAX: u32 = 6;

/** What the manifest and its text say, as views into HEAD. Filled by manifestRead; 0 addresses mean: not stated. */
@unmanaged
export class Manifest extends Text {
  sequence: u64;
  imageBytes: u32;
  imageDigest: usize; // 32 bytes
  version: usize; // content of set-version: an array of integers
  versionBytes: u32;
  uri: usize;
  uriBytes: u32;
  asks: u32; // update-authorized stands in: mask of Section
  read: bool; // every rule of the profile is met
}

export const manifest = changetype<Manifest>(memory.data(offsetof<Manifest>(), 8));

// A command sequence or the text, wherever it stands.
@unmanaged
class Part {
  from: usize; // content, 0: there is none
  bytes: u32;
  severed: bool; // named by the manifest, but not in the envelope
}

const shared = changetype<Part>(memory.data(offsetof<Part>(), 4));
const payloadFetch = changetype<Part>(memory.data(offsetof<Part>(), 4));
const install = changetype<Part>(memory.data(offsetof<Part>(), 4));
const validate = changetype<Part>(memory.data(offsetof<Part>(), 4));
const invoke = changetype<Part>(memory.data(offsetof<Part>(), 4));
const textPart = changetype<Part>(memory.data(offsetof<Part>(), 4));

const members = changetype<Cursor>(memory.data(offsetof<Cursor>(), 8));
const inner = changetype<Cursor>(memory.data(offsetof<Cursor>(), 8));

let component: usize = 0; // encoded component identifier
let componentBytes: u32 = 0;

/** The device's own ids, 16 bytes each, are what the identity conditions compare with. */
export function manifestRead(vendorId: usize, classId: usize): i32 {
  memory.fill(changetype<usize>(manifest), 0, offsetof<Manifest>());
  const fault = readMembers();
  if (fault != Reason.Ok) return fault;
  runBegin(vendorId, classId);
  const failed = update();
  if (failed != Reason.Ok) return failed;
  const unfit = payload();
  manifest.read = unfit == Reason.Ok;
  return unfit;
}

function clear(part: Part): void {
  part.from = 0;
  part.bytes = 0;
  part.severed = false;
}

function readMembers(): i32 {
  clear(shared);
  clear(payloadFetch);
  clear(install);
  clear(validate);
  clear(invoke);
  clear(textPart);
  inner.open(envelope.manifest, envelope.manifestBytes);
  inner.enter(members);
  let required = 0;
  let previous: usize = 0;
  for (let left = members.map(); members.more(left); left--) {
    previous = members.ordered(previous);
    const key = members.label();
    if (members.fault != Reason.Ok) break;
    if (key <= 3) required++;
    const fault = readMember(key);
    if (members.fault != Reason.Ok) break;
    if (fault != Reason.Ok) return fault;
  }
  if (members.close() != Reason.Ok) return members.fault;
  if (required != 3) return Reason.MissingMember;
  // A member of the envelope that the manifest does not name is nobody's.
  const stray =
    strays(payloadFetchMember, payloadFetch) || strays(installMember, install) || strays(textMember, textPart);
  return stray ? Reason.SeveredDigest : Reason.Ok;
}

function strays(severable: Severable, part: Part): bool {
  return severable.from != 0 && part.from != severable.from + severable.bytes - part.bytes;
}

function readMember(key: i32): i32 {
  switch (key) {
    case 1:
      return members.uint() == MANIFEST_VERSION ? Reason.Ok : Reason.ManifestVersion;
    case 2:
      manifest.sequence = members.uint();
      return Reason.Ok;
    case 3:
      return readCommon();
    case 4:
      members.text(); // reference-uri: for people who look at the package, not for the device
      return Reason.Ok;
    case 6:
      return readVersion();
    case 7:
      return readPart(validate);
    case 9:
      return readPart(invoke);
    case 16:
      return readSeverable(payloadFetch, payloadFetchMember);
    case 20:
      return readSeverable(install, installMember);
    case 23:
      return readSeverable(textPart, textMember);
    default:
      return Reason.ManifestMember;
  }
}

function readPart(part: Part): i32 {
  part.from = members.bytes();
  part.bytes = members.length;
  return Reason.Ok;
}

// Draft section 8.5: a byte string is the member itself, a digest means that it was severed. The digest is over the
// envelope's byte string with its head.
function readSeverable(part: Part, severable: Severable): i32 {
  if (members.peek() != Type.Array) return readPart(part);
  const digest = digestRead(members);
  if (members.fault != Reason.Ok) return members.fault;
  part.severed = severable.from == 0;
  if (part.severed) return Reason.Ok;
  if (!digestMatches(digest, severable.from, severable.bytes)) return Reason.SeveredDigest;
  inner.open(severable.from, severable.bytes);
  part.from = inner.bytes();
  part.bytes = inner.length;
  return inner.close();
}

// {2: [[+ bstr]], 4: shared sequence}. Dependencies (1) are of another profile.
function readCommon(): i32 {
  members.enter(inner);
  let previous: usize = 0;
  component = 0;
  for (let left = inner.map(); inner.more(left); left--) {
    previous = inner.ordered(previous);
    switch (inner.label()) {
      case 2:
        if (inner.array() != 1) return inner.fault != Reason.Ok ? inner.fault : Reason.Components;
        component = inner.at;
        for (let parts = inner.array(); inner.more(parts); parts--) inner.bytes();
        componentBytes = <u32>(inner.at - component);
        break;
      case 4:
        shared.from = inner.bytes();
        shared.bytes = inner.length;
        break;
      default:
        return inner.fault != Reason.Ok ? inner.fault : Reason.ManifestMember;
    }
  }
  members.leave(inner);
  return component == 0 || shared.from == 0 ? Reason.MissingMember : Reason.Ok;
}

// set-version (update-management): [1*6 int] in a byte string
function readVersion(): i32 {
  members.enter(inner);
  manifest.version = inner.at;
  manifest.versionBytes = <u32>(inner.end - inner.at);
  const parts = inner.array();
  for (let left = parts; inner.more(left); left--) inner.int();
  members.leave(inner);
  return parts == 0 || parts > VERSION_PARTS_MAX ? Reason.OutOfRange : Reason.Ok;
}

// The update procedure. The shared sequence runs before each of the others (draft section 8.4.5), and once by itself.
function update(): i32 {
  const fault = runSequence(Section.Shared, shared.from, shared.bytes);
  if (fault != Reason.Ok) return fault;
  if (!run.vendorChecked || !run.classChecked) return Reason.NoIdentityCheck;
  if (payloadFetch.severed || install.severed) return Reason.SeveredMissing;
  const first = follow(Section.PayloadFetch, payloadFetch);
  if (first != Reason.Ok) return first;
  const second = follow(Section.Install, install);
  if (second != Reason.Ok) return second;
  if (run.fetched == 0) return Reason.NothingToInstall;
  keep();
  const third = follow(Section.Validate, validate);
  return third != Reason.Ok ? third : follow(Section.Invoke, invoke);
}

function follow(section: i32, part: Part): i32 {
  if (part.from == 0) return Reason.Ok;
  const fault = runSequence(Section.Shared, shared.from, shared.bytes);
  return fault != Reason.Ok ? fault : runSequence(section, part.from, part.bytes);
}

function keep(): void {
  manifest.imageDigest = run.fetched;
  manifest.imageBytes = run.fetchedBytes;
  manifest.uri = run.fetchedUri;
  manifest.uriBytes = run.fetchedUriBytes;
  manifest.asks = run.asked;
}

// An integrated payload must be what the manifest fetches; without one, it comes by another way.
function payload(): i32 {
  if (textPart.from != 0) {
    const fault = textRead(manifest, textPart.from, textPart.bytes, component, componentBytes);
    if (fault != Reason.Ok) return fault;
  }
  if (envelope.payloadKey == 0) return Reason.Ok;
  const named =
    envelope.payloadKeyBytes == manifest.uriBytes &&
    memory.compare(envelope.payloadKey, manifest.uri, manifest.uriBytes) == 0;
  if (!named) return Reason.PayloadUnexpected;
  return envelope.payloadBytes == manifest.imageBytes ? Reason.Ok : Reason.PayloadSize;
}
