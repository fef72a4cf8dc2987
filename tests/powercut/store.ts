// The state region read by other eyes than the device's: the picture at the top of assembly/flash/store.ts, and of the
// records in it the counters that must never go down. Says nothing when a word reads differently each time.

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
  values: Map<number, Uint8Array>;
}

function readBank(bytes: Uint8Array): Bank | undefined {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
  const word = (at: number) => view.getUint32(at, true);
  const length = word(8);
  if (word(0) !== MAGIC || length > bytes.length - 20 || length & 3) return undefined;
  if (crc32(bytes.subarray(0, 12), bytes.subarray(16, 16 + length)) !== word(12)) return undefined;
  const bank: Bank = { generation: word(4), proven: word(16 + length) !== ERASED, values: new Map() };
  const take = (from: number, end: number) => {
    for (let at = from; at < end; ) {
      const size = word(at) >>> 16;
      bank.values.set(word(at) & 0xffff, bytes.slice(at + 4, at + 4 + size));
      at += 4 + ((size + 3) & ~3);
    }
  };
  take(16, 16 + length);
  for (let at = 20 + length; at + 8 <= bytes.length; ) {
    const size = word(at) & 0xffffff;
    if (word(at) >>> 24 !== RECORD_MARK || size & 3 || size > bytes.length - at - 8) break;
    if (crc32(bytes.subarray(4, 8), bytes.subarray(at, at + 4 + size)) !== word(at + 4 + size)) break;
    take(at + 4, at + 4 + size);
    at += 8 + size;
  }
  return bank;
}

/** The counters as they stand in flash (installed sequence, time, operators), or undefined when nobody can say. */
export function readFloors(flash: BenchFlash): bigint[] | undefined {
  if (!flash.isStable()) return undefined;
  const { state, stateBytes } = flash.map;
  const half = stateBytes / 2;
  const banks = [0, 1].map((n) => readBank(flash.bytes.subarray(state + n * half, state + (n + 1) * half)));
  const valid = banks.filter((bank) => bank !== undefined).sort((a, b) => b.generation - a.generation);
  const chosen = valid.length === 2 && !valid[0]!.proven ? valid[1] : valid[0];
  const record = chosen?.values.get(KEY_FLOORS);
  if (!record) return [];
  const view = new DataView(record.buffer, record.byteOffset, record.length);
  return Array.from({ length: record.length / 8 }, (_, i) => view.getBigUint64(8 * i, true));
}
