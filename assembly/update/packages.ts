// What stands in the slots: one record per image, written when it was verified, so that a boot need not parse anything.
// The records are kept as Key.Primary, Key.Staged and Key.Previous.

import { reading, Type } from '../codec/cbor';
import { Key } from '../flash/keys';
import { storeRead, storeStage } from '../flash/store';
import { manifest } from '../package/manifest';

const NAME_BYTES_MAX: u32 = 32; // longer text is cut: it is for people only
const VERSION_BYTES_MAX: u32 = 24;

@unmanaged
export class Package {
  sequence: u64;
  imageBytes: u32;
  headBytes: u32;
  digest: u64; // of the manifest, 32 bytes
  digest1: u64;
  digest2: u64;
  digest3: u64;
  image: u64; // SHA-256 of the image, 32 bytes
  image1: u64;
  image2: u64;
  image3: u64;
  name: u64; // NAME_BYTES_MAX, filled with 0
  name1: u64;
  name2: u64;
  name3: u64;
  version: u64; // VERSION_BYTES_MAX, filled with 0
  version1: u64;
  version2: u64;
}

// Two, because the end of a swap moves two records in one commit.
export const pack = changetype<Package>(memory.data(offsetof<Package>(), 8));
export const other = changetype<Package>(memory.data(offsetof<Package>(), 8));

export function digestOf(pack: Package): usize {
  return changetype<usize>(pack) + offsetof<Package>('digest');
}

export function imageOf(pack: Package): usize {
  return changetype<usize>(pack) + offsetof<Package>('image');
}

export function nameOf(pack: Package): usize {
  return changetype<usize>(pack) + offsetof<Package>('name');
}

export function versionOf(pack: Package): usize {
  return changetype<usize>(pack) + offsetof<Package>('version');
}

// Length of a text that is filled with 0 up to `most`.
function textBytes(from: usize, most: u32): u32 {
  let length: u32 = 0;
  while (length < most && load<u8>(from + length)) length++;
  return length;
}

export function nameBytes(pack: Package): u32 {
  return textBytes(nameOf(pack), NAME_BYTES_MAX);
}

export function versionBytes(pack: Package): u32 {
  return textBytes(versionOf(pack), VERSION_BYTES_MAX);
}

// False, and a record of zeros, when there is none.
export function packageLoad(pack: Package, key: Key): bool {
  return storeRead(key, changetype<usize>(pack), offsetof<Package>());
}

export function packageStage(pack: Package, key: Key): void {
  storeStage(key, changetype<usize>(pack), offsetof<Package>());
}

// Fills `pack` from the manifest that was just judged.
export function packageDescribe(pack: Package, digest: usize, headBytes: u32): void {
  memory.fill(changetype<usize>(pack), 0, offsetof<Package>());
  pack.sequence = manifest.sequence;
  pack.imageBytes = manifest.imageBytes;
  pack.headBytes = headBytes;
  memory.copy(digestOf(pack), digest, 32);
  memory.copy(imageOf(pack), manifest.imageDigest, 32);
  memory.copy(nameOf(pack), manifest.name, min(manifest.nameBytes, NAME_BYTES_MAX));
  if (manifest.versionTextBytes) {
    memory.copy(versionOf(pack), manifest.versionText, min(manifest.versionTextBytes, VERSION_BYTES_MAX));
  } else {
    describeVersion(versionOf(pack));
  }
}

// set-version is an array of integers; the negative ones that mark pre-releases end what we show.
function describeVersion(to: usize): void {
  const end = to + VERSION_BYTES_MAX;
  reading.open(manifest.version, manifest.versionBytes);
  for (
    let left = manifest.versionBytes ? reading.array() : 0, first = true;
    reading.more(left);
    left--, first = false
  ) {
    if (reading.peek() !== Type.Uint) return;
    const number = reading.upTo(0xffff);
    if (to + 6 > end) return;
    if (!first) store<u8>(to++, 0x2e);
    to += decimal(to, number);
  }
}

// Writes a number in decimal; returns how many digits (at most 10).
export function decimal(to: usize, number: u32): u32 {
  let digits: u32 = 0;
  do {
    // One digit comes out of the low end: the others move up.
    memory.copy(to + 1, to, digits++);
    let digit: u32 = 0;
    for (let bit: u32 = 0; bit < 32; bit++) {
      // Long division by 10, bit by bit: the quotient takes the place of the number.
      digit = (digit << 1) | (number >>> 31);
      number <<= 1;
      if (digit < 10) continue;
      digit -= 10;
      number |= 1;
    }
    store<u8>(to, 0x30 + digit);
  } while (number);
  return digits;
}
