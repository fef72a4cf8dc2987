// The entries of a bank of the settings store, in the order in which they were written: the newest of a key is the last.
// in: the records were found whole (record.ts), but for one that may be left out; its length is known.

import { codedAt, Layout, padded, readDoubted, wordAt } from './record';

// One walk over the entries of a bank, oldest first. Offsets count from the start of flash.
@unmanaged
export class Walk {
  at: u32; // next entry, or the end of a record's entries
  groupEnd: u32;
  end: u32; // of the last record
  lost: u32; // the record that is left out; 0 none
  key: u32;
  length: u32;
  value: u32; // where the value stands
}

export function walkBegin(walk: Walk, from: u32, end: u32, lost: u32): void {
  walk.at = from;
  walk.groupEnd = 0;
  walk.end = end;
  walk.lost = lost;
  enter(walk);
}

// Into the record at walk.at, unless it is lost or behind the last.
function enter(walk: Walk): void {
  walk.groupEnd = walk.at;
  while (walk.at < walk.end) {
    const at = walk.at;
    const end = at + 4 + (codedAt(at) << 2);
    walk.at = at === walk.lost ? Layout.end(end) : at + 4;
    walk.groupEnd = at === walk.lost ? walk.at : end;
    if (at !== walk.lost) return;
  }
}

export function walkNext(walk: Walk): bool {
  while (walk.at === walk.groupEnd) {
    // a record may be empty
    if (walk.at >= walk.end) return false;
    walk.at = Layout.end(walk.at); // behind the CRC and the proof
    enter(walk);
  }
  const first = wordAt(walk.at);
  walk.key = first & 0xffff;
  walk.length = first >>> 16;
  walk.value = walk.at + 4;
  walk.at = walk.value + padded(walk.length);
  if (walk.at <= walk.groupEnd) return true;
  readDoubted(); // it was whole when it was mounted
  return false;
}

// Puts `walk` on the newest entry of `key`; false when there is none.
export function walkTo(walk: Walk, key: u32, from: u32, end: u32, lost: u32): bool {
  let found = false;
  let value: u32 = 0;
  let length: u32 = 0;
  walkBegin(walk, from, end, lost);
  while (walkNext(walk)) {
    if (walk.key !== key) continue;
    found = true;
    value = walk.value;
    length = walk.length;
  }
  walk.value = value;
  walk.length = length;
  return found;
}
