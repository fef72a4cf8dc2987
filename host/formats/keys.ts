// Keys as values: a public key, its COSE_Key, its id, and SPKI; and what signs. Ed25519 and ECDSA on P-256, nothing else.
//
// A key's id (kid) is the first 8 bytes of its COSE key thumbprint (RFC 9679, SHA-256): anyone can recompute it. Private keys
// are elsewhere: of bytes in held-key.ts, of files in ../keys/read.ts, in tokens, on other machines.
// Whether a public key is safe to trust (canonical, not of small order) is the core's to say when it is provisioned.

import { CountersignError } from '../errors.js';
import { base64, fromBase64, fromHex, join, same, sha256 } from './bytes.js';
import { type Cbor, cborMap, encode } from './cbor.js';

export type KeyKind = 'ed25519' | 'p256';

export const KEY_KINDS = ['ed25519', 'p256'] as const satisfies readonly KeyKind[];

/** Bytes of the kid that this tool writes. */
export const KID_BYTES = 8;

export interface PublicKey {
  kind: KeyKind;
  /** Ed25519: 32 bytes. P-256: x and y, 64 bytes big-endian. */
  bytes: Uint8Array;
  /** The id in a COSE_Key, if it had one; else the first 8 bytes of the thumbprint. */
  kid: Uint8Array;
}

export interface SigningKey {
  public: PublicKey;
  /** 64 bytes: Ed25519 over the message, or ECDSA r and s over its SHA-256. */
  sign(message: Uint8Array): Uint8Array;
}

const COORDINATE_BYTES = 32;
const OKP = { kty: 1, crv: 6 };
const EC2 = { kty: 2, crv: 1 };

export { type RawKey, splitKeyName } from './key-name.js';

/** The COSE_Key as CBOR value, with its kid (RFC 9052 section 7). */
export function publicKeyToCose(key: PublicKey): Map<number | string, unknown> {
  return cborMap([[2, key.kid], ...thumbprintMembers(key.kind, key.bytes)]);
}

/** A COSE_Key, public or private, as the public key in it. */
export function publicKeyFromCose(value: Cbor, what: string): PublicKey {
  const wrong = (text: string) => new CountersignError('KeyUnsupported', `key: ${what} ${text}`);
  if (!(value instanceof Map)) throw wrong('is not a COSE_Key');
  const [kty, crv, x, y, kid] = [1, -1, -2, -3, 2].map((label) => value.get(label));
  const coordinate = (one: Cbor | undefined): one is Uint8Array =>
    one instanceof Uint8Array && one.length === COORDINATE_BYTES;
  const given = kid instanceof Uint8Array ? kid : undefined;
  if (kty === OKP.kty && crv === OKP.crv && coordinate(x)) return withKid('ed25519', x, given);
  if (kty === EC2.kty && crv === EC2.crv && coordinate(x) && coordinate(y)) {
    return withKid('p256', join([x, y]), given);
  }
  throw wrong('is neither an Ed25519 nor an uncompressed P-256 key');
}

/** COSE label of d, for both kinds (RFC 9053 section 7). */
export const COSE_SECRET = -4;

/**
 * A private COSE_Key as both its halves. `publicOf` gives the public half of a private one, and throws if it is none. Throws
 * KeyUnsupported, KeyWrong (it is a public key), KeyInvalid (no private number, or the halves do not belong together).
 */
export function privateFromCose(
  value: Cbor,
  what: string,
  publicOf: (kind: KeyKind, secret: Uint8Array) => Uint8Array,
): { public: PublicKey; secret: Uint8Array } {
  const open = publicKeyFromCose(value, what);
  const secret = value instanceof Map ? value.get(COSE_SECRET) : undefined;
  const invalid = (text: string) => new CountersignError('KeyInvalid', `key: ${text}`);
  if (secret === undefined) {
    throw new CountersignError('KeyWrong', `key: ${what} is a public key, a private one is needed to sign`);
  }
  let derived: Uint8Array | undefined;
  try {
    if (secret instanceof Uint8Array && secret.length === COORDINATE_BYTES) derived = publicOf(open.kind, secret);
  } catch {
    derived = undefined;
  }
  if (derived === undefined)
    throw invalid(`the private part of ${what} is not a valid number of ${COORDINATE_BYTES} bytes`);
  if (!same(derived, open.bytes)) throw invalid(`the two halves of ${what} do not belong together`);
  return { public: open, secret: Uint8Array.from(secret as Uint8Array) };
}

/** SPKI up to the bytes of the key (RFC 8410 section 4; RFC 5480 section 2, uncompressed). */
const SPKI_HEADS = {
  ed25519: fromHex('302a300506032b6570032100'),
  p256: fromHex('3059301306072a8648ce3d020106082a8648ce3d03010703420004'),
} as const satisfies Record<KeyKind, Uint8Array>;
const KEY_BYTES = { ed25519: COORDINATE_BYTES, p256: 2 * COORDINATE_BYTES } as const satisfies Record<KeyKind, number>;

const PEM_LINE = /.{1,64}/g;

/** SPKI PEM of a public key. */
export function publicKeyToPem(key: PublicKey): string {
  const lines = base64(join([SPKI_HEADS[key.kind], key.bytes])).match(PEM_LINE)!;
  return ['-----BEGIN PUBLIC KEY-----', ...lines, '-----END PUBLIC KEY-----', ''].join('\n');
}

/** The key in SPKI, PEM or DER; undefined: it is none, or not as nearly everything writes it. */
export function publicKeyFromSpki(bytes: Uint8Array): PublicKey | undefined {
  const [, content] = /-----BEGIN PUBLIC KEY-----([^-]*)-----END/.exec(new TextDecoder().decode(bytes)) ?? [];
  const der = content === undefined ? bytes : fromBase64(content);
  const kind = KEY_KINDS.find((one) => der && same(der.subarray(0, SPKI_HEADS[one].length), SPKI_HEADS[one]));
  const key = kind && der!.subarray(SPKI_HEADS[kind].length);
  return kind && key!.length === KEY_BYTES[kind] ? rawPublicKey(kind, key!) : undefined;
}

/** COSE key thumbprint (RFC 9679): SHA-256 of the required members alone, deterministically encoded. */
export function thumbprint(kind: KeyKind, bytes: Uint8Array): Uint8Array {
  return sha256(encode(cborMap(thumbprintMembers(kind, bytes))));
}

function thumbprintMembers(kind: KeyKind, bytes: Uint8Array): [number, unknown][] {
  const x = bytes.slice(0, COORDINATE_BYTES);
  if (kind === 'ed25519') return [[1, OKP.kty], [-1, OKP.crv], [-2, x]]; // biome-ignore format: one member, one pair
  return [[1, EC2.kty], [-1, EC2.crv], [-2, x], [-3, bytes.slice(COORDINATE_BYTES)]]; // biome-ignore format: as above
}

/** A key from its bytes alone, with the kid that follows from them. */
export const rawPublicKey = (kind: KeyKind, bytes: Uint8Array): PublicKey => withKid(kind, bytes);

function withKid(kind: KeyKind, bytes: Uint8Array, kid?: Uint8Array): PublicKey {
  return {
    kind,
    bytes: Uint8Array.from(bytes),
    kid: Uint8Array.from(kid ?? thumbprint(kind, bytes).slice(0, KID_BYTES)),
  };
}
