// The counters that only ever rise: installed sequence number, time floor, and the highest document sequence of each
// operator anchor. They are read into the verdict's facts after a reset and written back when a verdict raised them.

import { ANCHORS_MAX } from '../approval/anchors';
import { Key } from '../flash/keys';
import { storeRead, storeStage } from '../flash/store';
import { facts, operatorFloor, setOperatorFloor } from '../policy/facts';

@unmanaged
class Floors {
  installed: u64;
  time: u64;
  operators: u64; // ANCHORS_MAX of them
}

const FLOORS_BYTES: u32 = 16 + 8 * ANCHORS_MAX;
const FLOORS: usize = memory.data(FLOORS_BYTES, 8); // as they stand in flash
const floors = changetype<Floors>(FLOORS);
const OPERATORS: usize = FLOORS + offsetof<Floors>('operators');

export function floorsMount(): void {
  storeRead(Key.Floors, FLOORS, FLOORS_BYTES);
  facts.installedSequence = floors.installed;
  facts.timeFloor = floors.time;
  for (let i: u32 = 0; i < ANCHORS_MAX; i++) setOperatorFloor(i, load<u64>(OPERATORS + 8 * i));
}

// Stages the counters if any was raised; true when there is something to commit.
export function floorsStage(): bool {
  let raised = facts.installedSequence > floors.installed || facts.timeFloor > floors.time;
  for (let i: u32 = 0; i < ANCHORS_MAX; i++) {
    const known = load<u64>(OPERATORS + 8 * i);
    const now = max(operatorFloor(i), known);
    if (now > known) raised = true;
    store<u64>(OPERATORS + 8 * i, now);
  }
  floors.installed = max(facts.installedSequence, floors.installed);
  floors.time = max(facts.timeFloor, floors.time);
  if (raised) storeStage(Key.Floors, FLOORS, FLOORS_BYTES);
  return raised;
}
