// stub
import { Reason } from '../reason';

export const DOCUMENT_BYTES_MAX: u32 = 1024;

@unmanaged
export class Document {
  sequence: u64;
  issuedAt: u64;
  notBefore: u64; // 0: none
  expires: u64; // u64.MAX_VALUE: none
  signer: i32; // index of the operator anchor
  entries: usize;
  entriesBytes: u32;
}

export const document = changetype<Document>(memory.data(offsetof<Document>(), 8));

/** Authentic and well-formed? Needs no package; what the store asks before it keeps a document. Fills `document`. */
export function documentOpen(_from: usize, _length: u32): i32 {
  return Reason.Internal;
}
