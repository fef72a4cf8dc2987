// stub
import { Reason } from '../reason';
import { Verdict } from './verdict';

/** After the head is whole (Phase.Judging): authenticity, countersignatures, embedded approvals, fitness. */
export function judgeHead(): i32 {
  return Reason.Internal;
}
/** One more approval document; lies at `from` only during the call. Reason of this document, for information. */
export function judgeConsider(_source: i32, _from: usize, _length: u32): i32 {
  return Reason.Internal;
}
export function judgeUnreachable(_source: i32): void {}
/** The verdict over all that was seen since judgeHead; may be asked again. Writes the record to VERDICT. */
export function judgeDecide(): i32 {
  return Verdict.Reject;
}
export function judgeReason(): i32 {
  return Reason.Internal;
}
/** The digest of the authentic manifest (32 bytes), or 0. */
export function judgedDigest(): usize {
  return 0;
}
