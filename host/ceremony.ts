// Signing in three steps, for a key on a machine that has no network: values in, values out.
//
//   prepareRequest    here: what shall be signed becomes a signing request (formats/signing-request.ts)
//   signRequest       there: the request, read and shown, becomes a signature of 64 bytes
//   assembleRequest   here: both become the COSE_Sign1, once the signature is found to be that key's
//
// The same for what an operator signs (operator/) and what a vendor does (vendor/); a request says which of the two. Each
// step can show what is signed, from the bytes that are signed (`requestRows`). Instead of the second step any tool will do
// that signs `toBeSigned` (openssl, pkcs11-tool); a P-256 signature may then be in DER.

import { readAll, TAG } from './card/tlv.js';
import type { Core } from './core.js';
import { CountersignError } from './errors.js';
import { decodeClaims, fitting } from './formats/approval.js';
import { hex, join, same } from './formats/bytes.js';
import { encode } from './formats/cbor.js';
import { joinSign1, toBeSigned } from './formats/cose.js';
import { type PublicKey, publicKeyToCose, type SigningKey } from './formats/keys.js';
import {
  type Form,
  requestFromYaml,
  requestToYaml,
  type SigningRequest,
  splitDraft,
} from './formats/signing-request.js';
import { claimsRows, packageRows, type Row, rows } from './formats/wording.js';

const SIGNATURE_BYTES = 64;

/** What an operator signs, and what a vendor does. */
export const OPERATOR_FORMS: readonly Form[] = ['document', 'countersignature'];
export const VENDOR_FORMS: readonly Form[] = ['package'];

/** Who signs a form, with which command. */
const SIGNERS: Record<Form, { who: string; command: string }> = {
  document: { who: 'an operator', command: 'approve' },
  countersignature: { who: 'an operator', command: 'approve' },
  package: { who: 'the vendor', command: 'package' },
};

/** What will be signed, for a person. `what` names the request in errors. */
export function requestRows(request: SigningRequest, what: string): Row[] {
  const { form, key, payload } = request;
  const signer: Row = ['to be signed', `by key ${hex(key.kid)} (${key.kind})`];
  if (form === 'document') return [...claimsRows(decodeClaims(payload, what)), signer];
  if (form === 'package') return [...packageRows(splitDraft(request.envelope, what), what), signer];
  return [['approves', `package ${hex(digestIn(payload))}, on any device, for good`], signer];
}

/** A SUIT digest is [-16, bstr]; what is shown is its end. */
const digestIn = (suitDigest: Uint8Array): Uint8Array => suitDigest.slice(-32);

export interface Prepared {
  /** The request as YAML, with comments for the person who signs it. */
  text: string;
  /** What the signature is over (Sig_structure, RFC 9052 section 4.4), for other tools. */
  toBeSigned: Uint8Array;
}

/** Step 1. `name` is that of the file in which the request will stand. */
export function prepareRequest(request: SigningRequest, name: string): Prepared {
  const { who, command } = SIGNERS[request.form];
  const text = requestToYaml(request, [
    `To be signed by ${who}. Look at what it says with the command that signs it:`,
    `  countersign ${command} --sign ${name.replace(/^.*[\\/]/, '')} -k PRIVATE-KEY`,
    ...rows(requestRows(request, name)),
  ]);
  return { text, toBeSigned: toBeSigned(request.key, request.payload) };
}

/**
 * A request from its YAML, found to agree with itself. Throws FileMalformed, or RequestMismatch: also if its form is none of
 * those that the reader deals in, so that nobody signs as a vendor what they mean to approve as an operator.
 */
export function readRequest(text: string, what: string, takes: readonly Form[]): SigningRequest {
  const request = requestFromYaml(text, what);
  if (takes.includes(request.form)) return request;
  const { command } = SIGNERS[request.form];
  throw new CountersignError('RequestMismatch', `request: ${what} is for a ${request.form}, not for this`, {
    hint: `\`countersign ${command}\` prepares, signs and attaches a ${request.form}`,
  });
}

/** Step 2: 64 bytes. Throws KeyWrong unless the request is for this key. */
export function signRequest(key: SigningKey, request: SigningRequest, what: string): Uint8Array {
  requireKey(request, key.public, what);
  return key.sign(toBeSigned(request.key, request.payload));
}

/** Throws KeyWrong or RequestMismatch unless the request is for this key, under the id by which devices know it. */
export function requireSigner(request: SigningRequest, key: PublicKey, what: string): void {
  requireKey(request, key, what);
  // The kid is not signed; devices look the key up by it, so it has to be the one that they know.
  if (same(request.key.kid, key.kid)) return;
  throw new CountersignError('RequestMismatch', `request: ${what} names its key by another id`);
}

/** What request and signature are called in errors: their paths. */
export interface RequestNames {
  request: string;
  signature: string;
}

/** A request and what its key made of it. Only assembleRequest makes one: the core has then found that they belong together. */
export interface Assembled {
  request: SigningRequest;
  /** COSE_Sign1: an approval document, or a detached block over a package's digest. */
  signed: Uint8Array;
}

/**
 * Step 3: the COSE_Sign1 (RFC 9052 section 4.2) of a request and its signature, once the core has found that `key` made it.
 * Throws KeyWrong, SignatureLength, RequestMismatch, or TooLarge if no device would keep the document.
 */
export function assembleRequest(
  core: Pick<Core, 'sign1Verify'>,
  request: SigningRequest,
  signature: Uint8Array,
  key: PublicKey,
  names: RequestNames,
): Assembled {
  requireSigner(request, key, names.request);
  const detached = request.form !== 'document';
  const raw = rawSignature(signature, names.signature);
  const joined = joinSign1(request.key, request.payload, raw, { detached });
  const signed = detached ? joined : fitting(joined);
  const signer = encode(publicKeyToCose(request.key));
  if (core.sign1Verify(signer, signed, detached ? { payload: request.payload } : {}) === 0) return { request, signed };
  throw new CountersignError(
    'RequestMismatch',
    `request: ${names.signature} is not a signature of ${names.request} by that key`,
  );
}

function requireKey(request: SigningRequest, key: PublicKey, what: string): void {
  if (request.key.kind === key.kind && same(request.key.bytes, key.bytes)) return;
  throw new CountersignError('KeyWrong', `request: ${what} is for key ${hex(request.key.kid)}, not ${hex(key.kid)}`);
}

/** 64 raw bytes, or the DER in which most tools write ECDSA signatures (RFC 3279 section 2.2.3). */
function rawSignature(bytes: Uint8Array, what: string): Uint8Array {
  if (bytes.length === SIGNATURE_BYTES) return bytes;
  const [outer] = bytes[0] === TAG.sequence ? readAll(bytes, 'a signature') : [];
  const numbers = outer ? readAll(outer.value, 'a signature').filter(({ tag }) => tag === TAG.integer) : [];
  if (numbers.length === 2) return join(numbers.map(({ value }) => coordinate(value)));
  throw new CountersignError('SignatureLength', `request: ${what} holds no signature`);
}

function coordinate(value: Uint8Array): Uint8Array {
  const digits = value.slice(Math.max(value.length - SIGNATURE_BYTES / 2, 0));
  return join([new Uint8Array(SIGNATURE_BYTES / 2 - digits.length), digits]);
}
