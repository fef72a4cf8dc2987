// COSE (RFC 9052, 9053): COSE_Key and COSE_Sign1, as views on the bytes that carry them.
//
// A key is Ed25519 (OKP) or P-256 (EC2, uncompressed), public part only. A message is COSE_Sign1 with tag 18, its
// algorithm in the protected header, and a raw 64-byte signature. The curve comes from the trusted key and never from
// the message: -8 and -19 go with an Ed25519 key, -7 and -9 with a P-256 key, anything else is a mismatch.
// `kid` is a hint and nothing more. Sig_structure (RFC 9052 section 4.4) is streamed into the verifier, so neither
// headers nor payload are copied.

import { ed25519Begin, ed25519Finish, ed25519Update, ed25519ValidKey } from '../crypto/ed25519';
import { p256ValidKey, p256Verify } from '../crypto/p256';
import { sha256Begin, sha256Finish, sha256Update } from '../crypto/sha256';
import { P256_ONLY } from '../profile';
import { Reason } from '../reason';
import { HASHING, HEADER, MESSAGE, OTHER, OUTER } from '../scratch';
import { compare } from './bytes';
import { Cursor, Type, Writer } from './cbor';

export const enum KeyKind {
  Ed25519 = 1,
  P256 = 2,
}

const enum Algorithm {
  ES256 = -7,
  EdDSA = -8,
  ESP256 = -9,
  Ed25519 = -19,
}

export const SIGNATURE_BYTES: u32 = 64;
const COORDINATE_BYTES: u32 = 32;
const SIGN1_TAG: u64 = 18;

const KTY_OKP: i64 = 1;
const KTY_EC2: i64 = 2;
const CRV_P256: i64 = 1;
const CRV_ED25519: i64 = 6;
const KEY_OP_VERIFY: i64 = 2;

const HEADER_ALG: i64 = 1;
const HEADER_CRIT: i64 = 2;
const HEADER_KID: i64 = 4;

// Each label is compared with those before it, so there is a bound; two are usual.
const UNPROTECTED_MAX: u32 = 16;

// A public key where it lies.
@unmanaged
export class Key {
  x: usize; // Ed25519: the 32 bytes of the key
  y: usize; // P-256 only
  kid: usize; // 0: the key has none
  kidBytes: u32;
  kind: i32; // KeyKind
}

// A COSE_Sign1 where it lies.
@unmanaged
export class Sign1 {
  protectedHeader: usize;
  protectedBytes: u32;
  algorithm: i32;
  kid: usize; // 0: none
  kidBytes: u32;
  payload: usize; // 0: detached
  payloadBytes: u32;
  signature: usize; // SIGNATURE_BYTES
  proof: u32; // PROVEN once signedBy found the signature good
  fault: Reason; // why it is nobody's that we looked for (approval/anchors.ts); never Ok
}

// No number that a register holds by chance: one instruction left out does not make it.
export const PROVEN: u32 = 0x6b3a95c4;

// The message that is looked at. Nobody opens another before it is done with.
export const message = changetype<Sign1>(MESSAGE);

const outer = changetype<Cursor>(OUTER);
const header = changetype<Cursor>(HEADER);
const other = changetype<Cursor>(OTHER);
const head = changetype<Writer>(memory.data(offsetof<Writer>(), 4));

const publicKey: usize = memory.data(64, 16); // x and y side by side, as the verifiers want them
const piece: usize = memory.data(32, 8); // what Sig_structure adds around the parts; at the end, its SHA-256
const PIECE_BYTES: u32 = 32;

// COSE_Key (RFC 9052 section 7): {1: kty, ? 2: kid, ? 3: alg, ? 4: key_ops, -1: crv, -2: x, ? -3: y}. Any other label,
// -4 (a private key that does not belong here) above all, is refused.
export function keyRead(from: Cursor, key: Key): Reason {
  let kty: i64 = 0;
  let algorithm: i32 = 0;
  let curve: i64 = 0;
  let verifies = true;
  key.x = 0;
  key.y = 0;
  key.kid = 0;
  key.kidBytes = 0;
  key.kind = 0;
  let previous: usize = 0;
  for (let left = from.map(); from.more(left); left--) {
    previous = from.ordered(previous);
    switch (from.label()) {
      case 1:
        kty = from.int();
        break;
      case 2:
        key.kid = from.bytes();
        key.kidBytes = from.length;
        break;
      case 3:
        algorithm = algorithmOf(from.int());
        break;
      case 4:
        verifies = false;
        for (let ops = from.array(); from.more(ops); ops--) if (from.int() === KEY_OP_VERIFY) verifies = true;
        break;
      case -1:
        curve = from.int();
        break;
      case -2:
        key.x = from.bytesOf(COORDINATE_BYTES);
        break;
      case -3:
        if (from.peek() !== Type.Bytes) return Reason.KeyUnsupported; // compressed
        key.y = from.bytesOf(COORDINATE_BYTES);
        break;
      default:
        return from.fault !== Reason.Ok ? from.fault : Reason.KeyUnsupported;
    }
  }
  if (from.fault !== Reason.Ok) return from.fault;
  if (!P256_ONLY && kty === KTY_OKP && curve === CRV_ED25519) key.kind = KeyKind.Ed25519;
  else if (kty === KTY_EC2 && curve === CRV_P256) key.kind = KeyKind.P256;
  else return Reason.KeyUnsupported;
  if (!verifies || (algorithm !== 0 && !fits(algorithm, key.kind))) return Reason.KeyUnsupported;
  if (key.x === 0 || (key.kind === KeyKind.P256) !== (key.y !== 0)) return Reason.MissingMember;
  return keyValid(key) ? Reason.Ok : Reason.KeyInvalid;
}

function keyValid(key: Key): bool {
  layOut(key);
  return P256_ONLY || key.kind === KeyKind.P256 ? p256ValidKey(publicKey) : ed25519ValidKey(publicKey);
}

function layOut(key: Key): void {
  memory.copy(publicKey, key.x, COORDINATE_BYTES);
  if (key.kind === KeyKind.P256) memory.copy(publicKey + COORDINATE_BYTES, key.y, COORDINATE_BYTES);
}

export function keysEqual(a: Key, b: Key): bool {
  return (
    a.kind === b.kind &&
    compare(a.x, b.x, COORDINATE_BYTES) === 0 &&
    (a.kind !== KeyKind.P256 || compare(a.y, b.y, COORDINATE_BYTES) === 0)
  );
}

// RFC 9053 section 2, RFC 9864: which algorithm goes with which key.
function fits(algorithm: i32, kind: i32): bool {
  return kind === KeyKind.P256
    ? algorithm === Algorithm.ES256 || algorithm === Algorithm.ESP256
    : algorithm === Algorithm.EdDSA || algorithm === Algorithm.Ed25519;
}

// RFC 9052 section 4.2, section 3.1 for the headers: all of `length` bytes is one COSE_Sign1_Tagged.
export function sign1Open(view: Sign1, from: usize, length: u32): Reason {
  outer.open(from, length);
  if (outer.tag() !== SIGN1_TAG) return outer.fault === Reason.Truncated ? Reason.Truncated : Reason.CoseTag;
  const members = outer.array();
  if (outer.fault === Reason.Ok && members !== 4) return Reason.WrongType;
  view.protectedHeader = outer.bytes();
  view.protectedBytes = outer.length;
  view.algorithm = 0;
  view.kid = 0;
  view.kidBytes = 0;
  view.proof = 0;
  view.fault = Reason.SignerUnknown;
  let fault = readProtected(view);
  if (fault === Reason.Ok) fault = readUnprotected(view);
  if (outer.fault !== Reason.Ok) return outer.fault;
  if (fault !== Reason.Ok) return fault;
  if (outer.peekNull()) {
    outer.head();
    view.payload = 0;
    view.payloadBytes = 0;
  } else {
    view.payload = outer.bytes();
    view.payloadBytes = outer.length;
  }
  view.signature = outer.bytes();
  if (outer.fault === Reason.Ok && outer.length !== SIGNATURE_BYTES) return Reason.SignatureLength;
  if (outer.close() !== Reason.Ok) return outer.fault;
  if (view.algorithm === 0) return Reason.AlgorithmMissing;
  return fits(view.algorithm, KeyKind.P256) || fits(view.algorithm, KeyKind.Ed25519)
    ? Reason.Ok
    : Reason.AlgorithmUnsupported;
}

// The protected header is a map, or no bytes at all for an empty one. What it holds beyond alg, crit and kid is
// covered by the signature and does not concern us, unless crit says that it must.
function readProtected(view: Sign1): Reason {
  if (view.protectedBytes === 0) return Reason.Ok;
  header.open(view.protectedHeader, view.protectedBytes);
  let previous: usize = 0;
  let fault: Reason = Reason.Ok;
  for (let left = header.map(); header.more(left); left--) {
    previous = header.ordered(previous);
    const label = readLabel(header);
    if (label === HEADER_ALG) {
      if (header.peek() <= Type.Negative) view.algorithm = algorithmOf(header.int());
      else fault = Reason.AlgorithmUnsupported; // a name: none is registered that we know
      if (fault !== Reason.Ok) header.skip();
    } else if (label === HEADER_CRIT) fault = readCritical();
    else if (label === HEADER_KID) readKid(header, view);
    else header.skip();
  }
  return header.close() !== Reason.Ok ? Reason.CoseHeader : fault;
}

// Algorithms that do not fit 32 bits are as unknown to us as any other; 0 is reserved and means "none seen".
function algorithmOf(value: i64): i32 {
  return value === <i64>(<i32>value) && value !== 0 ? <i32>value : i32.MIN_VALUE;
}

function readLabel(from: Cursor): i64 {
  if (from.peek() <= Type.Negative) return from.int();
  from.text();
  return 0; // reserved: no header that we look for
}

function readKid(from: Cursor, view: Sign1): void {
  view.kid = from.bytes();
  view.kidBytes = from.length;
}

// RFC 9052 section 3.1: a non-empty array of labels that a recipient must understand. We understand alg, crit and kid.
function readCritical(): Reason {
  const count = header.array();
  let fault: Reason = count === 0 ? Reason.CoseHeader : Reason.Ok;
  for (let left = count; header.more(left); left--) {
    const label = readLabel(header);
    if (label !== HEADER_ALG && label !== HEADER_CRIT && label !== HEADER_KID) fault = Reason.CoseCritical;
  }
  return fault;
}

// Nobody vouches for the unprotected header: only the kid is looked at, as a hint. Its labels stand in any order (section 3
// asks for the deterministic encoding of what is signed alone), each once: one that stands twice, or in both maps, makes the
// message malformed, and so does crit here.
function readUnprotected(view: Sign1): Reason {
  let fault: Reason = Reason.Ok;
  const count = outer.map();
  const first = outer.at;
  if (count > UNPROTECTED_MAX) outer.fail(Reason.TooLarge);
  for (let left = count; outer.more(left); left--) {
    const from = outer.at;
    const label = readLabel(outer);
    const bytes = <u32>(outer.at - from);
    other.open(first, <u32>(from - first));
    if (among(count - left, from, bytes)) outer.fail(Reason.NotDeterministic);
    if (inProtected(view, from, bytes) || label === HEADER_CRIT) fault = Reason.CoseHeader;
    if (label === HEADER_KID && fault === Reason.Ok) readKid(outer, view);
    else outer.skip();
  }
  return fault;
}

function inProtected(view: Sign1, label: usize, length: u32): bool {
  if (view.protectedBytes === 0) return false;
  other.open(view.protectedHeader, view.protectedBytes);
  return among(other.map(), label, length);
}

// Whether the label is one of the next ones of a map that `other` reads.
function among(labels: u32, label: usize, length: u32): bool {
  for (let left = labels; other.more(left); left--) {
    const from = other.at;
    other.skip();
    if (other.at - from === <usize>length && compare(from, label, length) === 0) return true;
    other.skip();
  }
  return false;
}

// Whether the key made the signature, over an attached or detached payload. The caller decides which of the two the
// format wants; `aad` is the external_aad of RFC 9052 section 4.3, which no format of ours has: 0 bytes.
export function signedBy(view: Sign1, key: Key, payload: usize, payloadBytes: u32, aad: usize, aadBytes: u32): Reason {
  if (!fits(view.algorithm, key.kind)) return Reason.AlgorithmMismatch;
  const curve25519 = !P256_ONLY && key.kind === KeyKind.Ed25519;
  if (!curve25519) sha256Begin(HASHING);
  else {
    layOut(key);
    if (P256_ONLY || !ed25519Begin(publicKey, view.signature)) return Reason.SignatureInvalid;
  }
  // Sig_structure = ["Signature1", protected, external_aad, payload]
  store<u16>(piece, 0x6a84, 6); // array of 4, text of 10
  store<u64>(piece, 0x727574616e676953, 8); // "Signatur"
  store<u16>(piece, 0x3165, 16); // "e1"
  feed(curve25519, piece + 6, 12);
  feedString(curve25519, view.protectedHeader, emptyMap(view) ? 0 : view.protectedBytes);
  feedString(curve25519, aad, aadBytes);
  feedString(curve25519, payload, payloadBytes);
  const good = !P256_ONLY && curve25519 ? ed25519Finish() : finishP256(view, key);
  view.proof = PROVEN & -(<u32>good); // not by a branch: the one below would become the only one
  return good ? Reason.Ok : Reason.SignatureInvalid;
}

// An empty protected header may travel as h'a0', but is always signed as h''.
function emptyMap(view: Sign1): bool {
  return view.protectedBytes === 1 && load<u8>(view.protectedHeader) === 0xa0;
}

function finishP256(view: Sign1, key: Key): bool {
  sha256Finish(HASHING, piece);
  layOut(key);
  return p256Verify(publicKey, piece, view.signature);
}

function feed(curve25519: bool, from: usize, length: u32): void {
  if (!P256_ONLY && curve25519) ed25519Update(from, length);
  else sha256Update(HASHING, from, length);
}

function feedString(curve25519: bool, from: usize, length: u32): void {
  head.open(piece, PIECE_BYTES);
  head.head(Type.Bytes, length);
  feed(curve25519, piece, head.written());
  feed(curve25519, from, length);
}
