// An approval document: COSE_Sign1_Tagged by an operator anchor, its payload a CWT claims set (RFC 8392).
//
//   {1: iss tstr, ? 4: exp, ? 5: nbf, 6: iat, 7: cti bstr, -70001: sequence, -70002: [+ entry]}
//
// It is judged where it lies, in three steps that do not mix: whole and well-formed COSE, then signed by an operator
// anchor, and only then are its claims read. What is signed but not a claims set of exactly this shape is
// ApprovalMalformed: it approves nothing, and if its sequence number could be read, it still replaces older documents.

import { Cursor } from '../codec/cbor';
import { Sign1, sign1Open } from '../codec/cose';
import { Reason } from '../reason';
import { anchorSigner, Role } from './anchors';
import { entriesRead } from './entries';

/** A smart card's data object, an SMP upload, and a flash record can all hold it. */
export const DOCUMENT_BYTES_MAX: u32 = 1024;

/** As an expiry: there is none. */
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
const message = changetype<Sign1>(memory.data(offsetof<Sign1>(), 4));
const claims = changetype<Cursor>(memory.data(offsetof<Cursor>(), 8));

/**
 * Authentic and well-formed? Fills `document`, and `opinion` about the current subject (see entries.ts; without a
 * subject it answers for the document alone, which is what a store asks before it keeps one).
 */
export function documentOpen(from: usize, length: u32): i32 {
  document.sequence = 0;
  document.issuedAt = 0;
  document.notBefore = 0;
  document.expires = NEVER;
  document.signer = -1;
  if (length > DOCUMENT_BYTES_MAX) return Reason.TooLarge;
  const fault = sign1Open(message, from, length);
  if (fault != Reason.Ok) return fault;
  if (message.payload == 0) return Reason.PayloadPlace;
  const signer = anchorSigner(message, Role.Operator, message.payload, message.payloadBytes);
  if (signer < 0) return -signer;
  document.signer = signer;
  claims.open(message.payload, message.payloadBytes);
  return readClaims() ? Reason.Ok : Reason.ApprovalMalformed;
}

function readClaims(): bool {
  let required = 0;
  let previous: usize = 0;
  for (let left = claims.map(); claims.more(left); left--) {
    previous = claims.ordered(previous);
    switch (claims.label()) {
      case 1:
        claims.text();
        required++;
        break;
      case 4:
        document.expires = claims.uint();
        break;
      case 5:
        document.notBefore = claims.uint();
        break;
      case 6:
        document.issuedAt = claims.uint();
        required++;
        break;
      case 7:
        claims.bytes();
        required++;
        break;
      case -70001:
        document.sequence = claims.uint();
        required++;
        break;
      case -70002:
        entriesRead(claims);
        required++;
        break;
      default:
        claims.fail(Reason.UnknownMember);
    }
  }
  return claims.close() == Reason.Ok && required == 5;
}
