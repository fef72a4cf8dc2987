// Seats: where the store keeps what belongs to a public key of an anchor, so that it outlives a change of anchors.
//
// An anchor's index may be another after a change; its seat is found again by its key. A key that is an anchor no more
// keeps its seat, and with it the highest sequence number that it was seen to have used: an operator who comes back goes
// on where it was, its old documents stay old. When all seats are taken, that of the least such number goes, and the
// number becomes the least for whoever is new: what is forgotten exactly is remembered too strictly, never not at all.
//
// Until the first change, anchor i has seat i. A seat is marked by the first half of the key's x coordinate; two keys
// that share it would share the stricter floor.

import { ANCHORS_MAX, anchorAt, anchorCount } from '../approval/anchors';
import { compare } from '../codec/bytes';
import { Key } from '../flash/keys';
import { storeRead, storeStage } from '../flash/store';
import { HEAD, HEAD_BYTES_MAX } from '../package/head';

// As many that were anchors as can be at a time.
export const SEATS_MAX: u32 = 2 * ANCHORS_MAX;
const MARK_BYTES: u32 = 16;
const TABLE_BYTES: u32 = SEATS_MAX * MARK_BYTES;
const TABLE: usize = HEAD + HEAD_BYTES_MAX - TABLE_BYTES; // behind a change, while one is taken
const NONE: u32 = 0xff;

const seats: usize = memory.data(8, 8); // ANCHORS_MAX of u8: seat by anchor

export function seatOf(anchor: u32): u32 {
  return load<u8>(seats + anchor);
}

// Of the anchors in force, from flash.
export function seatsMount(): void {
  const kept = storeRead(Key.Seats, TABLE, TABLE_BYTES);
  for (let i: u32 = 0; i < ANCHORS_MAX; i++) store<u8>(seats + i, kept ? find(i) : i);
}

// Reads the table, or makes the first one, while the anchors before the change are in force. HEAD must be free.
export function seatsBegin(): void {
  if (storeRead(Key.Seats, TABLE, TABLE_BYTES)) return;
  for (let i: u32 = 0; i < anchorCount(); i++) mark(i, i);
}

function mark(seat: u32, anchor: u32): void {
  memory.copy(TABLE + seat * MARK_BYTES, anchorAt(anchor).x, MARK_BYTES);
}

function find(anchor: u32): u32 {
  if (anchor >= anchorCount()) return NONE;
  for (let seat: u32 = 0; seat < SEATS_MAX; seat++) {
    if (compare(TABLE + seat * MARK_BYTES, anchorAt(anchor).x, MARK_BYTES) === 0) return seat;
  }
  return NONE;
}

export function seatTaken(seat: u32): bool {
  for (let i: u32 = 0; i < anchorCount(); i++) if (seatOf(i) === seat) return true;
  return false;
}

// Seats the anchors of the change and stages the table. in: `floors` is SEATS_MAX of u64, one for each seat
// `least` is the floor of whoever was never seen before; the new value of it is returned.
export function seatsAssign(floors: usize, least: u64): u64 {
  for (let i: u32 = 0; i < ANCHORS_MAX; i++) store<u8>(seats + i, find(i));
  for (let i: u32 = 0; i < anchorCount(); i++) {
    if (seatOf(i) !== NONE) continue;
    const seat = cheapest(floors);
    least = max(least, load<u64>(floors + (seat << 3)));
    store<u64>(floors + (seat << 3), least);
    store<u8>(seats + i, seat);
    mark(seat, i);
  }
  storeStage(Key.Seats, TABLE, TABLE_BYTES);
  return least;
}

// There is always one: anchors take half of the seats at most.
function cheapest(floors: usize): u32 {
  let best: u32 = NONE;
  for (let seat: u32 = 0; seat < SEATS_MAX; seat++) {
    if (seatTaken(seat)) continue;
    if (best === NONE || load<u64>(floors + (seat << 3)) < load<u64>(floors + (best << 3))) best = seat;
  }
  return best;
}
