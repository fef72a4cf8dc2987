// stub
import { Reason } from '../reason';

/** Empty -> Head -> Judging -> Payload -> Complete; a fault in any of them -> Failed. */
export const enum Phase {
  Empty = 0,
  Head = 1, // collecting the head
  Judging = 2, // the head is whole; nothing more is taken until offerAccept
  Payload = 3,
  Complete = 4, // the payload is the one that the manifest names
  Failed = 5,
}

export function offerBegin(): void {}
export function offerPush(_from: usize, _length: u32): u32 {
  return 0;
}
export function offerAccept(): i32 {
  return Reason.Internal;
}
export function offerResume(_headBytes: u32): i32 {
  return Reason.Internal;
}
export function offerPhase(): i32 {
  return Phase.Failed;
}
export function offerFault(): i32 {
  return Reason.Internal;
}
export function offerHeadBytes(): u32 {
  return 0;
}
export function payloadBytes(): u32 {
  return 0;
}
