// An approval document: COSE_Sign1_Tagged by an operator anchor, its payload a CWT claims set (RFC 8392).
//
//   {1: iss tstr, ? 4: exp, ? 5: nbf, 6: iat, 7: cti bstr, -70001: sequence, -70002: [+ entry]}
//
// It is judged where it lies, in three steps that do not mix: whole and well-formed COSE, then signed by an operator
// anchor, and only then are its claims read. What is signed but not a claims set of exactly this shape is
// ApprovalMalformed: it approves nothing, and if its sequence number could be read, it still replaces older documents.
//
// The claims are read twice, and must say the same: so that one instruction which a glitch leaves out makes no approval of
// what is for another package, for another device or for another time.

import { compare } from '../codec/bytes';
import { reading } from '../codec/cbor';
import { message, sign1Open } from '../codec/cose';
import { Reason } from '../reason';
import { anchorFirst, anchorSigner, Role } from './anchors';
import { entriesRead, Opinion, opinion } from './entries';

// A smart card's data object, an SMP upload, and a flash record can all hold it.
export const DOCUMENT_BYTES_MAX: u32 = 1024;

// As an expiry: there is none.
export const NEVER: u64 = u64.MAX_VALUE;

@unmanaged
export class Document {
  sequence: u64; // these three as in Finding (evidence.ts), which takes them together
  notBefore: u64; // Unix seconds, as the two below; 0: valid from the start
  expires: u64; // or NEVER
  issuedAt: u64;
  signer: i32; // index of the operator anchor, -1: not authentic
}

export const CLAIMS: usize = memory.data(offsetof<Document>(), 8);
const CLAIMS_BYTES: u32 = offsetof<Document>('signer');
const FIRST: usize = memory.data(offsetof<Document>('signer') + offsetof<Opinion>(), 8); // what the first reading said

export const document = changetype<Document>(CLAIMS);

// Authentic and well-formed? Fills `document`, and `opinion` about the current subject (see entries.ts; without a
// subject it answers for the document alone, which is what a store asks before it keeps one).
export function documentOpen(from: usize, length: u32): Reason {
  claimsForget();
  document.signer = -1;
  if (length > DOCUMENT_BYTES_MAX) return Reason.TooLarge;
  const fault = sign1Open(message, from, length);
  if (fault !== Reason.Ok) return fault;
  if (message.payload === 0) return Reason.PayloadPlace;
  const signer = anchorSigner(message, Role.Operator, message.payload, message.payloadBytes);
  document.signer = anchorFirst(signer);
  if (signer === 0) return message.fault;
  if (!readClaims()) return Reason.ApprovalMalformed;
  memory.copy(FIRST, CLAIMS, CLAIMS_BYTES);
  memory.copy(FIRST + CLAIMS_BYTES, changetype<usize>(opinion), offsetof<Opinion>());
  if (!readClaims()) return Reason.ApprovalMalformed;
  if (compare(FIRST, CLAIMS, CLAIMS_BYTES) !== 0) return Reason.ApprovalMalformed;
  const same = compare(FIRST + CLAIMS_BYTES, changetype<usize>(opinion), offsetof<Opinion>()) === 0;
  return same ? Reason.Ok : Reason.ApprovalMalformed;
}

function claimsForget(): void {
  document.sequence = 0;
  document.issuedAt = 0;
  document.notBefore = 0;
  document.expires = NEVER;
}

function readClaims(): bool {
  claimsForget();
  reading.open(message.payload, message.payloadBytes);
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
