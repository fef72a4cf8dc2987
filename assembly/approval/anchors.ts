// stub
import { Key, Sign1 } from '../codec/cose';
import { Reason } from '../reason';

export const enum Role {
  Vendor = 1,
  Operator = 2,
  Consenter = 3,
}

export const ANCHORS_MAX: u32 = 8;

@unmanaged
export class Anchor extends Key {
  role: i32;
  name: usize;
  nameBytes: u32;
}

export function anchorCount(): u32 {
  return 0;
}
export function anchorAt(_index: u32): Anchor {
  return changetype<Anchor>(0);
}
/** Index of the anchor of one of `roles` (mask of 1 << role) that made the signature, or a negative Reason. */
export function anchorSigner(_message: Sign1, _roles: u32, _payload: usize, _payloadBytes: u32): i32 {
  return -Reason.Internal;
}
