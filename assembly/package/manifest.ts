// stub
import { Reason } from '../reason';

/** What the manifest says, as views into HEAD. Filled by manifestRead; 0 addresses mean: not stated. */
@unmanaged
export class Manifest {
  sequence: u64;
  imageBytes: u32;
  imageDigest: usize; // 32 bytes
  vendorId: usize; // 16 bytes
  classId: usize; // 16 bytes
  version: usize; // content of set-version: an array of integers
  versionBytes: u32;
  name: usize; // text, for people
  nameBytes: u32;
  versionText: usize;
  versionTextBytes: u32;
  description: usize;
  descriptionBytes: u32;
  uri: usize;
  uriBytes: u32;
  asks: u32; // update-authorized stands in: 1 payload-fetch, 2 install
  read: bool; // only when every rule of the profile is met
}

export const manifest = changetype<Manifest>(memory.data(offsetof<Manifest>(), 8));

export function manifestRead(): i32 {
  return Reason.Internal;
}
