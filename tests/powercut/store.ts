// The state region read by other eyes than the device's: the pictures at the top of assembly/flash/store.ts and record.ts,
// and of the records in it the counters that must never go down. Says nothing when a word that it reads is another one
// each time. Mends nothing: what is damaged it takes for unfinished, so it is asked of flash that only lost its power.

import type { BenchFlash } from '../support/flash.js';

const FACTOR = 0xa7abe1c3;
const INVERSE = 0x3adb16eb;
const OFFSET = 0xd8f16adf;
const CODES = 0x800;
const HEADER_BYTES = 16;
const OVERHEAD = 12;
const KEY_FLOORS = 3;

const TABLE = Uint32Array.from({ length: 256 }, (_, n) => {
  let crc = n;
  for (let bit = 0; bit < 8; bit++) crc = crc & 1 ? (crc >>> 1) ^ 0xedb88320 : crc >>> 1;
  return crc >>> 0;
});

function crc32(...parts: Uint8Array[]): number {
  let crc = 0xffffffff;
  for (const part of parts) for (const byte of part) crc = (crc >>> 8) ^ TABLE[(crc ^ byte) & 0xff]!;
  return ~crc >>> 0;
}

interface Bank {
  generation: number;
  proven: boolean;
  floors: Uint8Array | undefined;
}

const UNSTEADY = Symbol('reads differently each time'); // no Error: nobody looks at the stack, and it happens often

const few = (bits: number): boolean => {
  const less = bits & (bits - 1);
  return (less & (less - 1)) === 0;
};
const coded = (n: number) => (Math.imul(n, FACTOR) ^ OFFSET) >>> 0;
function decoded(word: number): number | undefined {
  const exact = Math.imul(word ^ OFFSET, INVERSE) >>> 0;
  if (exact < CODES) return exact;
  for (let n = 0; n < CODES; n++) if (few(word ^ coded(n))) return n;
  return undefined;
}

/** In a bank of `bytes` bytes; throws UNSTEADY where it reads differently each time. */
function readBank(flash: BenchFlash, start: number, bytes: number): Bank | undefined {
  const see = (at: number, length: number): Uint8Array => {
    const found = flash.see(start + at, length);
    if (!found) throw UNSTEADY;
    return found;
  };
  const word = (at: number) => {
    see(at, 4);
    return flash.words[(start + at) >>> 2]!;
  };
  const [low, high] = [0, 4].map((at) => decoded(word(at)) ?? decoded(word(at + 8)));
  if (low === undefined || high === undefined) return undefined;
  const bank: Bank = { generation: low | (high << 11), proven: true, floors: undefined };
  const seed = Uint8Array.from([0, 8, 16, 24], (shift) => bank.generation >>> shift);
  for (let at = HEADER_BYTES; at + OVERHEAD <= bytes; ) {
    const first = at === HEADER_BYTES;
    const words = decoded(word(at));
    const end = at + 4 + 4 * (words ?? 0);
    const whole = words !== undefined && end + 8 <= bytes && crc32(seed, see(at + 4, end - at - 4)) === word(end);
    if (first && !whole) return undefined;
    const proven = whole && !few(~word(end + 4));
    if (first) bank.proven = proven;
    else if (!proven) break;
    for (let entry = at + 4; entry < end; ) {
      const size = word(entry) >>> 16;
      if ((word(entry) & 0xffff) === KEY_FLOORS) bank.floors = see(entry + 4, size).slice();
      entry += 4 + ((size + 3) & ~3);
    }
    at = end + 8;
  }
  return bank;
}

/** The counters as they stand in flash (installed sequence, time, operators), or undefined when nobody can say. */
export function readFloors(flash: BenchFlash): bigint[] | undefined {
  const { state, stateBytes } = flash.map;
  const half = stateBytes / 2;
  try {
    return floorsIn([0, 1].map((n) => readBank(flash, state + n * half, half)).filter((bank) => bank !== undefined));
  } catch (error) {
    if (error === UNSTEADY) return undefined;
    throw error;
  }
}

function floorsIn(banks: Bank[]): bigint[] {
  const valid = banks.sort((a, b) => b.generation - a.generation);
  const chosen = valid.length === 2 && !valid[0]!.proven ? valid[1] : valid[0];
  const record = chosen?.floors;
  if (!record) return [];
  const view = new DataView(record.buffer, record.byteOffset, record.length);
  return Array.from({ length: record.length / 8 }, (_, i) => view.getBigUint64(8 * i, true));
}
