// What the device knows besides the package and the approvals. Handed in before a verdict, raised by it.
//
// Whoever keeps facts over a reset (the agent's store) reads them back after judgeDecide: the time floor only ever rises,
// and so do the floors of operators (approval/evidence.ts).

@unmanaged
export class Facts {
  installedSequence: u64; // of the package that runs now
  trustedTime: u64; // Unix seconds, 0: no trusted clock
  timeFloor: u64; // newest iat ever seen in an authentic document
  slotBytes: u32; // room for an image
}

export const facts = changetype<Facts>(memory.data(offsetof<Facts>(), 8));

// The time that everything is judged and recorded by: never below what is known, also when a clock fell back.
export function now(): u64 {
  return max(facts.trustedTime, facts.timeFloor);
}
