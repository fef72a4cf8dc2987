// How long an upload may stand still while others need its memory. Only STEP_BYTES more count as getting on: single bytes in between
// would hold all up for as long as somebody likes.

const STEP_BYTES: u32 = 512;
const IDLE_MS_MAX: u32 = 60_000;

let idleMs: u32 = 0; // since it last got on
let gotTo: u32 = 0; // the offset then

export function idleBegin(): void {
  idleMs = 0;
  gotTo = 0;
}

export function idleGot(offset: u32): void {
  if (offset < gotTo + STEP_BYTES) return;
  gotTo = offset;
  idleMs = 0;
}

// A block was taken that lies ahead: once, and what lies before it counts as ever.
export function idleTaken(): void {
  idleMs = 0;
}

// Is its time over?
export function idleTick(milliseconds: u32): bool {
  idleMs += milliseconds;
  return idleMs >= IDLE_MS_MAX;
}
