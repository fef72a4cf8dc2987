// What the device knows besides the package and the approvals. Handed in before a verdict, raised by it.
//
// Whoever keeps facts over a reset (the agent's store) reads them back after judgeDecide: time floor and operator
// floors only ever rise.

import { ANCHORS_MAX } from '../approval/anchors';

@unmanaged
export class Facts {
  installedSequence: u64; // of the package that runs now
  trustedTime: u64; // Unix seconds, 0: no trusted clock
  timeFloor: u64; // newest iat ever seen in an authentic document
  slotBytes: u32; // room for an image
}

export const facts = changetype<Facts>(memory.data(offsetof<Facts>(), 8));

const floors: usize = memory.data(64, 8); // ANCHORS_MAX of u64, by anchor

/** Highest document sequence ever seen of the operator with this anchor index. */
export function operatorFloor(anchor: u32): u64 {
  return anchor < ANCHORS_MAX ? load<u64>(floors + (anchor << 3)) : 0;
}

export function setOperatorFloor(anchor: u32, sequence: u64): void {
  if (anchor < ANCHORS_MAX) store<u64>(floors + (anchor << 3), sequence);
}
