// The state region read by other eyes than the device's: the picture at the top of assembly/flash/store.ts, and of the
// records in it the counters that must never go down. Says nothing when a word that it reads is another one each time.

import type { BenchFlash } from '../support/flash.js';

const MAGIC = 0x31675343;
const RECORD_MARK = 0xc5;
const ERASED = 0xffffffff;
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
  const length = word(8);
  if (word(0) !== MAGIC || length > bytes - 20 || length & 3) return undefined;
  if (crc32(see(0, 12), see(16, length)) !== word(12)) return undefined;
  const bank: Bank = { generation: word(4), proven: word(16 + length) !== ERASED, floors: undefined };
  const take = (from: number, end: number) => {
    for (let at = from; at < end; ) {
      const size = word(at) >>> 16;
      if ((word(at) & 0xffff) === KEY_FLOORS) bank.floors = see(at + 4, size).slice();
      at += 4 + ((size + 3) & ~3);
    }
  };
  take(16, 16 + length);
  for (let at = 20 + length; at + 8 <= bytes; ) {
    const size = word(at) & 0xffffff;
    if (word(at) >>> 24 !== RECORD_MARK || size & 3 || size > bytes - at - 8) break;
    if (crc32(see(4, 4), see(at, 4 + size)) !== word(at + 4 + size)) break;
    take(at + 4, at + 4 + size);
    at += 8 + size;
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
