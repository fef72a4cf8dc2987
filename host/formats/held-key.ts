// A private key whose bytes this program holds, where there is no node:crypto: in a browser, above all.
//
// It is kept as a private COSE_Key (RFC 9052 section 7, RFC 9053 section 7), which the command reads as well. A page shares its
// memory with all that runs in it; a key that is to be safe from that stays in a token, on another machine or in WebCrypto,
// and signs in three steps (../ceremony.ts). Signatures are deterministic (RFC 8032, RFC 6979).

import { ed25519 } from '@noble/curves/ed25519.js';
import { p256 } from '@noble/curves/nist.js';
import { CountersignError } from '../errors.js';
import { decode, encode } from './cbor.js';
import {
  COSE_SECRET,
  type KeyKind,
  type PublicKey,
  privateFromCose,
  publicKeyToCose,
  rawPublicKey,
  type SigningKey,
} from './keys.js';

const SECRET_BYTES = 32;

export interface HeldKey extends SigningKey {
  /** The private COSE_Key, encoded: whoever has it can sign. */
  toCose(): Uint8Array;
}

/** @param secret 32 bytes: the seed of Ed25519 (RFC 8032 section 5.1.5), or the private number of P-256. Throws KeyInvalid. */
export function holdKey(kind: KeyKind, secret: Uint8Array): HeldKey {
  return held(rawPublicKey(kind, publicBytes(kind, secret)), Uint8Array.from(secret));
}

export function generateHeldKey(kind: KeyKind): HeldKey {
  return holdKey(kind, kind === 'ed25519' ? ed25519.utils.randomSecretKey() : p256.utils.randomSecretKey());
}

/** Throws KeyUnreadable, KeyUnsupported, KeyWrong (it is a public key) or KeyInvalid. `what` names it in errors. */
export function heldKeyFromCose(bytes: Uint8Array, what: string): HeldKey {
  const { public: open, secret } = privateFromCose(decode(bytes, what), what, publicBytes);
  return held(open, secret);
}

function held(open: PublicKey, secret: Uint8Array): HeldKey {
  return {
    public: open,
    sign: (message) =>
      open.kind === 'ed25519' ? ed25519.sign(message, secret) : p256.sign(message, secret, { lowS: false }),
    toCose: () => encode(publicKeyToCose(open).set(COSE_SECRET, secret)),
  };
}

function publicBytes(kind: KeyKind, secret: Uint8Array): Uint8Array {
  const curve = kind === 'ed25519' ? ed25519 : p256;
  if (secret.length !== SECRET_BYTES || !curve.utils.isValidSecretKey(secret)) {
    throw new CountersignError('KeyInvalid', `key: it is not a private key of ${SECRET_BYTES} bytes`);
  }
  return kind === 'ed25519' ? ed25519.getPublicKey(secret) : p256.getPublicKey(secret, false).slice(1);
}
