// The format of the settings store by other code than the device's: the pictures at the top of assembly/flash/store.ts and
// record.ts.

import { crc32 } from 'node:zlib';

const FACTOR = 0xa7abe1c3;
const INVERSE = 0x3adb16eb;
const OFFSET = 0xd8f16adf;
const SPREAD = 0x9e3779b1;
const CODES = 0x800;
const PART_BITS = 11;
export const HEADER_BYTES = 16;
export const RECORD_OVERHEAD = 12;

/** At most two bits. */
export function few(bits: number): boolean {
  const less = bits & (bits - 1);
  return (less & (less - 1)) === 0;
}

/** The mark of a number. */
export const coded = (n: number): number => (Math.imul(n, FACTOR) ^ OFFSET) >>> 0;

/** The number that a mark stands for although two of its bits may be flipped. */
export function decoded(word: number): number | undefined {
  const exact = Math.imul(word ^ OFFSET, INVERSE) >>> 0;
  if (exact < CODES) return exact;
  for (let n = 0; n < CODES; n++) if (few(word ^ coded(n))) return n;
  return undefined;
}

/** Of a bank, whose word at an offset `word` gives. */
export function generationIn(word: (at: number) => number): number | undefined {
  const [low, high] = [0, 4].map((at) => decoded(word(at)) ?? decoded(word(at + 8)));
  return low === undefined || high === undefined ? undefined : low | (high << PART_BITS);
}

const bytesOf = (word: number) => Uint8Array.from([0, 8, 16, 24], (shift) => word >>> shift);

/** What stands behind the entries of a record. */
export function crcOf(generation: number, entries: Uint8Array): number {
  return crc32(entries, crc32(bytesOf(generation)));
}

export function proofOf(generation: number, entries: Uint8Array): number {
  const view = new DataView(entries.buffer, entries.byteOffset, entries.length);
  let sum = generation;
  for (let at = 0; at < entries.length; at += 4) {
    const mixed = sum ^ view.getUint32(at, true);
    sum = Math.imul((mixed << 7) | (mixed >>> 25), SPREAD);
  }
  return sum >>> 8;
}
