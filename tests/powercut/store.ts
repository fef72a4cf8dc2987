// The state region read by other eyes than the device's: the pictures at the top of assembly/flash/store.ts and record.ts,
// and of the records in it the counters that must never go down. Says nothing when a word that it reads is another one
// each time. Mends nothing: what is damaged it takes for unfinished, so it is asked of flash that only lost its power.

import type { BenchFlash } from '../support/flash.js';
import { crcOf, decoded, few, generationIn, HEADER_BYTES, RECORD_OVERHEAD } from '../support/store-format.js';

const KEY_FLOORS = 3;

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
  const generation = generationIn(word);
  if (generation === undefined) return undefined;
  const bank: Bank = { generation, proven: true, floors: undefined };
  for (let at = HEADER_BYTES; at + RECORD_OVERHEAD <= bytes; ) {
    const first = at === HEADER_BYTES;
    const words = decoded(word(at));
    const end = at + 4 + 4 * (words ?? 0);
    const known = words !== undefined && end + 8 <= bytes;
    const whole = known && crcOf(generation, see(at + 4, end - at - 4)) === word(end);
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
