// A countersignature: the operator signs a package's SUIT digest, beside the vendor (draft-ietf-suit-manifest section 5.2).
//
// It approves exactly this package, for any device, for good, and travels in it. In one step, or asked for from a key on
// another machine (../ceremony.ts):
//
//   requestCountersignature  ->  signature  ->  assembleRequest  ->  acceptCountersignature

import type { Assembled } from '../ceremony.js';
import { CountersignError } from '../errors.js';
import type { Bytes } from '../formats/byte-source.js';
import { same } from '../formats/bytes.js';
import { sign1 } from '../formats/cose.js';
import { type Envelope, partsSize, withBlock } from '../formats/envelope.js';
import type { PublicKey, SigningKey } from '../formats/keys.js';
import { requireWhole } from '../formats/manifest.js';
import type { SigningRequest } from '../formats/signing-request.js';

export interface Countersigned<B extends Bytes = Uint8Array> {
  /** The package with one more authentication block, to be written one part after the other. */
  parts: (Uint8Array | B)[];
  /** Of all parts together. */
  bytes: number;
  /** SHA-256 of the manifest: the package's name, which stays. */
  digest: Uint8Array;
  signer: PublicKey;
  /** Authentication blocks in the package now. */
  signatures: number;
}

/** Signs a package that is whole. Throws ManifestDigest if it is not. `what` names it in errors. */
export function countersign<B extends Bytes>(key: SigningKey, envelope: Envelope<B>, what: string): Countersigned<B> {
  requireWhole(envelope, what);
  return withSignature(key.public, envelope, sign1(key, envelope.suitDigest, { detached: true }), what);
}

/** What a key on another machine shall sign. Throws ManifestDigest if the package is not whole. */
export function requestCountersignature(key: PublicKey, envelope: Envelope<Bytes>, what: string): SigningRequest {
  requireWhole(envelope, what);
  return { form: 'countersignature', key, payload: envelope.suitDigest };
}

/** Adds the block that was asked for. Throws RequestMismatch if it is about another package. */
export function acceptCountersignature<B extends Bytes>(
  { request, signed }: Assembled,
  envelope: Envelope<B>,
  what: string,
): Countersigned<B> {
  if (request.form !== 'countersignature' || !same(request.payload, envelope.suitDigest)) {
    throw new CountersignError('RequestMismatch', `request: the signature is for another package than ${what}`);
  }
  return withSignature(request.key, envelope, signed, what);
}

function withSignature<B extends Bytes>(
  signer: PublicKey,
  envelope: Envelope<B>,
  block: Uint8Array,
  what: string,
): Countersigned<B> {
  const parts = withBlock(envelope, block, what);
  const { digest, blocks } = envelope;
  return { parts, bytes: partsSize(parts), digest, signer, signatures: blocks.length + 1 };
}
