// The SUIT manifest (draft-ietf-suit-manifest-37 section 8.4), checked to the last member: one component and one image, or up to four on
// a device that has several (components.ts).
//
// To be called only when the manifest's digest and a vendor's signature over it are authentic. Reads the whole profile
// and follows the update procedure (shared, payload-fetch, shared, install, shared, validate) as far as it can go
// before the payload: identity conditions, what is fetched, of which size and digest. On Ok, `manifest` holds it and
// the envelope carries the right payload, or none. Members, commands or parameters that we do not know are errors.

import { compare } from '../codec/bytes';
import { inside, reading, Type } from '../codec/cbor';
import { COMPONENTS } from '../profile';
import { Reason } from '../reason';
import { run, runBegin, runSequence, Section } from './commands';
import { Component, componentAt, componentCount, componentsOwned, componentsRead } from './components';
import { digestMatches, digestRead } from './digest';
import { envelope, installMember, payloadFetchMember, Severable, textMember } from './envelope';
import { payloadsNamed } from './payloads';
import { sequenceRun, sequencesAsked, sequencesBegin, sequencesFetched } from './sequences';
import { Text, textRead } from './text';

const MANIFEST_VERSION: u32 = 1;
// Three release numbers, a pre-release marker and two more.
const VERSION_PARTS_MAX: u32 = 6;

// What the manifest and its text say, as views into HEAD. Filled by manifestRead; 0 addresses mean: not stated.
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

// Side by side, so that one call clears them.
const PART_BYTES: usize = (offsetof<Part>() + 3) & ~3; // aligned
const PARTS_BYTES: usize = (COMPONENTS ? 7 : 6) * PART_BYTES;
const PARTS: usize = memory.data(<i32>PARTS_BYTES, 4);
const shared = changetype<Part>(PARTS);
const payloadFetch = changetype<Part>(PARTS + PART_BYTES);
const install = changetype<Part>(PARTS + 2 * PART_BYTES);
const validate = changetype<Part>(PARTS + 3 * PART_BYTES);
const invoke = changetype<Part>(PARTS + 4 * PART_BYTES);
const textPart = changetype<Part>(PARTS + 5 * PART_BYTES);
const loading = changetype<Part>(PARTS + 6 * PART_BYTES); // only where there are several components

let component: usize = 0; // encoded component identifier
let componentBytes: u32 = 0;

// The device's own ids, 16 bytes each, are what the identity conditions compare with.
export function manifestRead(vendorId: usize, classId: usize): Reason {
  memory.fill(changetype<usize>(manifest), 0, offsetof<Manifest>());
  const fault = readMembers();
  if (fault !== Reason.Ok) return fault;
  runBegin(vendorId, classId);
  if (COMPONENTS) sequencesBegin(vendorId, classId);
  const failed = COMPONENTS && componentsOwned() ? updateSeveral() : update();
  if (failed !== Reason.Ok) return failed;
  const unfit = payload();
  manifest.read = unfit === Reason.Ok;
  return unfit;
}

function readMembers(): Reason {
  memory.fill(PARTS, 0, PARTS_BYTES);
  inside.open(envelope.manifest, envelope.manifestBytes);
  inside.enter(reading);
  let required = 0;
  let previous: usize = 0;
  for (let left = reading.map(); reading.more(left); left--) {
    previous = reading.ordered(previous);
    const key = reading.label();
    if (reading.fault !== Reason.Ok) break;
    if (key <= 3) required++;
    const fault = readMember(key);
    if (reading.fault !== Reason.Ok) break;
    if (fault !== Reason.Ok) return fault;
  }
  if (reading.close() !== Reason.Ok) return reading.fault;
  if (required !== 3) return Reason.MissingMember;
  // A member of the envelope that the manifest does not name is nobody's.
  const stray =
    strays(payloadFetchMember, payloadFetch) || strays(installMember, install) || strays(textMember, textPart);
  return stray ? Reason.SeveredDigest : Reason.Ok;
}

function strays(severable: Severable, part: Part): bool {
  return severable.from !== 0 && part.from !== severable.from + severable.bytes - part.bytes;
}

function readMember(key: i32): Reason {
  if (COMPONENTS && key === 8 && componentsOwned()) return readPart(loading);
  switch (key) {
    case 1:
      return reading.uint() === MANIFEST_VERSION ? Reason.Ok : Reason.ManifestVersion;
    case 2:
      manifest.sequence = reading.uint();
      return Reason.Ok;
    case 3:
      return readCommon();
    case 4:
      reading.text(); // reference-uri: for people who look at the package, not for the device
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

function readPart(part: Part): Reason {
  part.from = reading.bytes();
  part.bytes = reading.length;
  return Reason.Ok;
}

// Draft section 8.5: a byte string is the member itself, a digest means that it was severed. The digest is over the
// envelope's byte string with its head.
function readSeverable(part: Part, severable: Severable): Reason {
  if (reading.peek() !== Type.Array) return readPart(part);
  const digest = digestRead(reading);
  if (reading.fault !== Reason.Ok) return reading.fault;
  part.severed = severable.from === 0;
  if (part.severed) return Reason.Ok;
  if (!digestMatches(digest, severable.from, severable.bytes)) return Reason.SeveredDigest;
  inside.open(severable.from, severable.bytes);
  part.from = inside.bytes();
  part.bytes = inside.length;
  return inside.close();
}

// {2: [[+ bstr]], 4: shared sequence}. Dependencies (1) are of another profile.
function readCommon(): Reason {
  reading.enter(inside);
  let previous: usize = 0;
  component = 0;
  for (let left = inside.map(); inside.more(left); left--) {
    previous = inside.ordered(previous);
    switch (inside.label()) {
      case 2:
        if (COMPONENTS && componentsOwned()) {
          const fault = componentsRead(inside);
          if (fault !== Reason.Ok) return fault;
          component = componentAt(0).id; // whose text is shown
          componentBytes = componentAt(0).idBytes;
          break;
        }
        if (inside.array() !== 1) return inside.fault !== Reason.Ok ? inside.fault : Reason.Components;
        component = inside.at;
        for (let parts = inside.array(); inside.more(parts); parts--) inside.bytes();
        componentBytes = <u32>(inside.at - component);
        break;
      case 4:
        shared.from = inside.bytes();
        shared.bytes = inside.length;
        break;
      default:
        return inside.fault !== Reason.Ok ? inside.fault : Reason.ManifestMember;
    }
  }
  reading.leave(inside);
  if (component === 0) return Reason.MissingMember;
  return shared.from === 0 ? Reason.SharedSequenceMissing : Reason.Ok;
}

// set-version (update-management): [1*6 int] in a byte string
function readVersion(): Reason {
  reading.enter(inside);
  manifest.version = inside.at;
  manifest.versionBytes = <u32>(inside.end - inside.at);
  const parts = inside.array();
  for (let left = parts; inside.more(left); left--) inside.int();
  reading.leave(inside);
  return parts === 0 || parts > VERSION_PARTS_MAX ? Reason.OutOfRange : Reason.Ok;
}

// The update procedure. The shared sequence runs before each of the others (draft section 8.4.5), and once by itself.
function update(): Reason {
  const fault = runSequence(Section.Shared, shared.from, shared.bytes);
  if (fault !== Reason.Ok) return fault;
  if (!run.vendorChecked || !run.classChecked) return Reason.NoIdentityCheck;
  if (payloadFetch.severed || install.severed) return Reason.SeveredMissing;
  const first = follow(Section.PayloadFetch, payloadFetch);
  if (first !== Reason.Ok) return first;
  const second = follow(Section.Install, install);
  if (second !== Reason.Ok) return second;
  if (run.fetched === 0) return Reason.NothingToInstall;
  keep();
  const third = follow(Section.Validate, validate);
  return third !== Reason.Ok ? third : follow(Section.Invoke, invoke);
}

function follow(section: i32, part: Part): Reason {
  if (part.from === 0) return Reason.Ok;
  const fault = runSequence(Section.Shared, shared.from, shared.bytes);
  return fault !== Reason.Ok ? fault : runSequence(section, part.from, part.bytes);
}

function keep(): void {
  manifest.imageDigest = run.fetched;
  manifest.imageBytes = run.fetchedBytes;
  manifest.uri = run.fetchedUri;
  manifest.uriBytes = run.fetchedUriBytes;
  manifest.asks = run.asked;
}

// The same for a device with several components. The package is for it only if each of them ends with an image whose digest
// was compared; what is loaded is compared at start.
function updateSeveral(): Reason {
  const fault = sequenceRun(Section.Shared, shared.from, shared.bytes);
  if (fault !== Reason.Ok) return fault;
  if (!identityChecked()) return Reason.NoIdentityCheck;
  if (payloadFetch.severed || install.severed) return Reason.SeveredMissing;
  let failed = followSeveral(Section.PayloadFetch, payloadFetch);
  if (failed === Reason.Ok) failed = followSeveral(Section.Install, install);
  if (failed === Reason.Ok && sequencesFetched() === 0) failed = Reason.NothingToInstall;
  if (failed === Reason.Ok) failed = followSeveral(Section.Validate, validate);
  if (failed === Reason.Ok) failed = followSeveral(Section.Load, loading);
  if (failed === Reason.Ok) failed = followSeveral(Section.Invoke, invoke);
  if (failed !== Reason.Ok) return failed;
  for (let i: u32 = 0; i < componentCount(); i++) {
    if (componentAt(i).checked === 0) return Reason.ComponentUnchecked;
  }
  manifest.asks = sequencesAsked();
  if (componentCount() === 1) keepOne(componentAt(0));
  return Reason.Ok;
}

function followSeveral(section: i32, part: Part): Reason {
  if (part.from === 0) return Reason.Ok;
  const fault = sequenceRun(Section.Shared, shared.from, shared.bytes);
  return fault !== Reason.Ok ? fault : sequenceRun(section, part.from, part.bytes);
}

function identityChecked(): bool {
  for (let i: u32 = 0; i < componentCount(); i++) {
    if (componentAt(i).vendorChecked !== 0 && componentAt(i).classChecked !== 0) return true;
  }
  return false;
}

// A package of one image is told of as everywhere.
function keepOne(component: Component): void {
  manifest.imageDigest = component.image;
  manifest.imageBytes = component.imageBytes;
  manifest.uri = component.imageUri;
  manifest.uriBytes = component.imageUriBytes;
}

// An integrated payload must be what the manifest fetches; without one, it comes by another way.
function payload(): Reason {
  if (textPart.from !== 0) {
    const fault = textRead(manifest, textPart.from, textPart.bytes, component, componentBytes);
    if (fault !== Reason.Ok) return fault;
  }
  if (COMPONENTS && componentsOwned()) return payloadsNamed();
  if (envelope.payloadKey === 0) return Reason.Ok;
  const named =
    envelope.payloadKeyBytes === manifest.uriBytes &&
    compare(envelope.payloadKey, manifest.uri, manifest.uriBytes) === 0;
  if (!named) return Reason.PayloadUnexpected;
  return envelope.payloadBytes === manifest.imageBytes ? Reason.Ok : Reason.PayloadSize;
}
