// COSE_Sign1 (RFC 9052 section 4.2) as this project writes it, and a look into any.
//
// Written: tag 18, protected {1: alg} with a fully specified algorithm (RFC 9864: -19 Ed25519, -9 ESP256), unprotected
// {4: kid}, payload inside or nil. Reading shows what a block claims; it verifies nothing: that is the core's work.

import { CountersignError } from '../errors.js';
import { type Cbor, cborMap, decode, encode, Tagged } from './cbor.js';
import type { KeyKind, PublicKey, SigningKey } from './keys.js';

const TAG_SIGN1 = 18;
const ALG = 1;
const KID = 4;

const ALGORITHMS = { ed25519: -19, p256: -9 } as const satisfies Record<KeyKind, number>;

const ALGORITHM_NAMES: Record<number, string> = {
  [-7]: 'ES256',
  [-8]: 'EdDSA',
  [-9]: 'ESP256',
  [-19]: 'Ed25519',
  [-46]: 'HSS-LMS',
  [-48]: 'ML-DSA-44',
  [-49]: 'ML-DSA-65',
  [-50]: 'ML-DSA-87',
};

/** What a COSE_Sign1 claims about itself. */
export interface Sign1View {
  /** The protected header's bytes, as they stand. */
  protected: Uint8Array;
  /** From the protected header; undefined if it names none. */
  algorithm: number | undefined;
  kid: Uint8Array | undefined;
  /** undefined: detached */
  payload: Uint8Array | undefined;
  signature: Uint8Array;
}

/** Signs `payload`; `detached` leaves it out of the structure (nil), as in a SUIT authentication block. */
export function sign1(key: SigningKey, payload: Uint8Array, { detached = false } = {}): Uint8Array {
  return joinSign1(key.public, payload, key.sign(toBeSigned(key.public, payload)), { detached });
}

/** What `key` has to sign for a COSE_Sign1 over `payload`: for keys that are elsewhere. */
export function toBeSigned(key: PublicKey, payload: Uint8Array): Uint8Array {
  return sigStructure(headerOf(key), payload);
}

/** The COSE_Sign1 of a signature that was made elsewhere. */
export function joinSign1(
  key: PublicKey,
  payload: Uint8Array,
  signature: Uint8Array,
  { detached = false } = {},
): Uint8Array {
  const unprotected = cborMap([[KID, key.kid]]);
  const parts = [headerOf(key), unprotected, detached ? null : payload, Uint8Array.from(signature)];
  return encode(new Tagged(TAG_SIGN1, parts));
}

const headerOf = (key: PublicKey): Uint8Array => encode(cborMap([[ALG, ALGORITHMS[key.kind]]]));

/** The bytes that a Sign1 signature is over (RFC 9052 section 4.4), without external data. */
export function sigStructure(header: Uint8Array, payload: Uint8Array): Uint8Array {
  return encode(['Signature1', header, new Uint8Array(0), payload]);
}

/** Looks into a tagged COSE_Sign1. */
export function viewSign1(encoded: Uint8Array, what: string): Sign1View {
  const value = decode(encoded, what);
  if (!(value instanceof Tagged) || value.tag !== TAG_SIGN1 || !Array.isArray(value.value)) {
    throw new CountersignError('CoseTag', `${what}: not a tagged COSE_Sign1`);
  }
  const [header, unprotected, payload, signature] = value.value as Cbor[];
  const shaped =
    value.value.length === 4 &&
    header instanceof Uint8Array &&
    unprotected instanceof Map &&
    (payload === null || payload instanceof Uint8Array) &&
    signature instanceof Uint8Array;
  if (!shaped) throw new CountersignError('CoseHeader', `${what}: not the four parts of a COSE_Sign1`);
  const labels = header.length === 0 ? new Map<Cbor, Cbor>() : decode(header, `${what}: protected header`);
  if (!(labels instanceof Map)) throw new CountersignError('CoseHeader', `${what}: the protected header is not a map`);
  const algorithm = labels.get(ALG);
  const kid = labels.get(KID) ?? unprotected.get(KID);
  return {
    protected: header,
    algorithm: typeof algorithm === 'number' ? algorithm : undefined,
    kid: kid instanceof Uint8Array ? kid : undefined,
    payload: payload ?? undefined,
    signature,
  };
}

/** "Ed25519", or the number of one that this tool has no name for. */
export function algorithmName(algorithm: number | undefined): string {
  if (algorithm === undefined) return 'none';
  return ALGORITHM_NAMES[algorithm] ?? `algorithm ${algorithm}`;
}
