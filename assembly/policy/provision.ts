// stub
import { Reason } from '../reason';

/** All of a bootstrap document (identity, anchors, policy) or nothing of it. Locking is up to whoever stores it. */
export function provision(_from: usize, _length: u32): i32 {
  return Reason.Internal;
}
export function provisioned(): bool {
  return false;
}
