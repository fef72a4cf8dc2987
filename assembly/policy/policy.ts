// stub
import { Reason } from '../reason';

@unmanaged
export class Policy {
  prompt: bool; // 1: what is not approved is put to the user (else rejected)
  askBeforeDownload: bool; // 2
  timeoutSeconds: u32; // 3
  threshold: u32; // 4
  sources: u32; // 5, bit = 1 << (source - 1)
  channels: u32; // 6: 1 local, 2 remote, signed by a consenter, 4 the delivering line has a person at its end
  revertDenied: bool; // 7
  trialBoots: u32; // 8
}

export const policy = changetype<Policy>(memory.data(offsetof<Policy>(), 4));

export function policyRead(_from: usize, _length: u32): i32 {
  return Reason.Internal;
}
