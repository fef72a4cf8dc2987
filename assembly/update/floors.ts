// The counters that only ever rise: installed sequence number, time floor, the number of the last change, and for each
// seat (seats.ts) the highest document sequence of the operator whose key has it. They are read into the verdict's facts
// after a reset and written back when a verdict raised them.

import { anchorCount } from '../approval/anchors';
import { operatorFloor, setOperatorFloor } from '../approval/evidence';
import { Key } from '../flash/keys';
import { storeDamaged, storeGeneration, storeRead, storeStage } from '../flash/store';
import { facts } from '../policy/facts';
import { SEATS_MAX, seatOf, seatsAssign, seatsMount } from './seats';

@unmanaged
class Floors {
  installed: u64;
  time: u64;
  change: u64;
  least: u64; // of an operator that was never seen before
  seats: u64; // SEATS_MAX of them
}

// Numbers of changes that end a damage: above all others, and above those of any damage before.
const RENEWAL: u64 = 1 << 40;
const RENEWAL_BITS: u64 = 8;

const FLOORS_BYTES: u32 = 32 + 8 * SEATS_MAX;
const FLOORS: usize = memory.data(FLOORS_BYTES, 8); // as they stand in flash
const floors = changetype<Floors>(FLOORS);
const SEATS: usize = FLOORS + offsetof<Floors>('seats');

export function floorsMount(): void {
  seatsMount();
  floorsTakeBack();
}

// The counters are again what flash says, also those that were raised and could not be written: who comes with the same
// document again is not told that a newer one was stored.
export function floorsTakeBack(): void {
  storeRead(Key.Floors, FLOORS, FLOORS_BYTES);
  // What a damaged store lost may have been higher: only a change with a number that no other one had is believed.
  if (storeDamaged()) floors.change = max(floors.change, RENEWAL + ((<u64>storeGeneration()) << RENEWAL_BITS));
  facts.installedSequence = floors.installed;
  facts.timeFloor = floors.time;
  spread();
}

function floorAt(anchor: u32): usize {
  return SEATS + (seatOf(anchor) << 3);
}

function spread(): void {
  for (let i: u32 = 0; i < anchorCount(); i++) setOperatorFloor(i, load<u64>(floorAt(i)));
}

// Stages the counters if any was raised; true when there is something to commit.
export function floorsStage(): bool {
  const raised = collect();
  if (raised) storeStage(Key.Floors, FLOORS, FLOORS_BYTES);
  return raised;
}

function collect(): bool {
  let raised = facts.installedSequence > floors.installed || facts.timeFloor > floors.time;
  for (let i: u32 = 0; i < anchorCount(); i++) {
    const known = load<u64>(floorAt(i));
    const now = max(operatorFloor(i), known);
    if (now > known) raised = true;
    store<u64>(floorAt(i), now);
  }
  floors.installed = max(facts.installedSequence, floors.installed);
  floors.time = max(facts.timeFloor, floors.time);
  return raised;
}

// --- A change of anchors, see changing.ts ---

// The highest number of a change that was in force.
export function changeFloor(): u64 {
  return floors.change;
}

// Before the anchors are others: what was learnt of the present ones.
export function floorsCollect(): void {
  collect();
}

// The change ends a damage: documents of operators that are older than it are old for ever, whatever was lost of them.
export function floorsRenew(issuedAt: u64): void {
  floors.least = max(floors.least, issuedAt);
  for (let at: usize = SEATS; at < SEATS + 8 * SEATS_MAX; at += 8) store<u64>(at, max(load<u64>(at), issuedAt));
}

// Behind them: the new ones have their seats, and the counters that go with these. All of it is staged.
export function floorsReseat(sequence: u64): void {
  floors.change = sequence;
  floors.least = seatsAssign(SEATS, floors.least);
  spread();
  collect();
  storeStage(Key.Floors, FLOORS, FLOORS_BYTES);
}
