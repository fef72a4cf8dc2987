// stub
import { Reason } from '../reason';

export const BOOTSTRAP_BYTES_MAX: u32 = 1024;
export const BOOTSTRAP: usize = memory.data(1024, 16);

@unmanaged
export class Identity {
  deviceId: usize;
  deviceIdBytes: u32;
  vendorId: usize; // 16 bytes
  classId: usize; // 16 bytes
  policy: usize; // encoded policy map
  policyBytes: u32;
  approvals: usize; // encoded array of approval documents, 0: none
  approvalsBytes: u32;
}

export const identity = changetype<Identity>(memory.data(offsetof<Identity>(), 8));

/** Bytes of the bootstrap document in BOOTSTRAP; 0: none. */
export function bootstrapBytes(): u32 {
  return 0;
}
export function bootstrapRead(_from: usize, _length: u32): i32 {
  return Reason.Internal;
}
