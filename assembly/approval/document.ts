// An approval document: COSE_Sign1_Tagged by an operator anchor, its payload a CWT claims set (RFC 8392).
//
//   {1: iss tstr, ? 4: exp, ? 5: nbf, 6: iat, 7: cti bstr, -70001: sequence, -70002: [+ entry]}
//
// It is judged where it lies, in three steps that do not mix: whole and well-formed COSE, then signed by an operator
// anchor, and only then are its claims read. What is signed but not a claims set of exactly this shape is
// ApprovalMalformed: it approves nothing, and if its sequence number could be read, it still replaces older documents.

import { reading } from '../codec/cbor';
import { message, sign1Open } from '../codec/cose';
import { Reason } from '../reason';
import { anchorSigner, Role } from './anchors';
import { entriesRead } from './entries';

// A smart card's data object, an SMP upload, and a flash record can all hold it.
export const DOCUMENT_BYTES_MAX: u32 = 1024;

// As an expiry: there is none.
export const NEVER: u64 = u64.MAX_VALUE;

@unmanaged
export class Document {
  sequence: u64;
  issuedAt: u64; // Unix seconds, as the two below
  notBefore: u64; // 0: valid from the start
  expires: u64; // or NEVER
  signer: i32; // index of the operator anchor, -1: not authentic
}

export const document = changetype<Document>(memory.data(offsetof<Document>(), 8));

// Authentic and well-formed? Fills `document`, and `opinion` about the current subject (see entries.ts; without a
// subject it answers for the document alone, which is what a store asks before it keeps one).
export function documentOpen(from: usize, length: u32): Reason {
  document.sequence = 0;
  document.issuedAt = 0;
  document.notBefore = 0;
  document.expires = NEVER;
  document.signer = -1;
  if (length > DOCUMENT_BYTES_MAX) return Reason.TooLarge;
  const fault = sign1Open(message, from, length);
  if (fault !== Reason.Ok) return fault;
  if (message.payload === 0) return Reason.PayloadPlace;
  const signer = anchorSigner(message, Role.Operator, message.payload, message.payloadBytes);
  if (signer < 0) return -signer;
  document.signer = signer;
  reading.open(message.payload, message.payloadBytes);
  return readClaims() ? Reason.Ok : Reason.ApprovalMalformed;
}

function readClaims(): bool {
  let required = 0;
  let previous: usize = 0;
  for (let left = reading.map(); reading.more(left); left--) {
    previous = reading.ordered(previous);
    switch (reading.label()) {
      case 1:
        reading.text();
        required++;
        break;
      case 4:
        document.expires = reading.uint();
        break;
      case 5:
        document.notBefore = reading.uint();
        break;
      case 6:
        document.issuedAt = reading.uint();
        required++;
        break;
      case 7:
        reading.bytes();
        required++;
        break;
      case -70001:
        document.sequence = reading.uint();
        required++;
        break;
      case -70002:
        entriesRead(reading);
        required++;
        break;
      default:
        reading.fail(Reason.UnknownMember);
    }
  }
  return reading.close() === Reason.Ok && required === 5;
}
