// Keys for signing and for trusting: Ed25519 and ECDSA on P-256, nothing else.
//
// Read: PEM and DER (PKCS#8, also encrypted; SEC1; SPKI), COSE_Key, and 32 raw bytes, which are an Ed25519 seed where a
// private key is wanted and an Ed25519 public key where a public one is. Written: PKCS#8 PEM, SPKI PEM, COSE_Key.
// A key's id (kid) is the first 8 bytes of its COSE key thumbprint (RFC 9679, SHA-256): anyone can recompute it.
// Whether a public key is safe to trust (canonical, not of small order) is the core's to say when it is provisioned.

import { createPrivateKey, createPublicKey, generateKeyPairSync, type KeyObject, sign as nodeSign } from 'node:crypto';
import { CountersignError } from '../errors.js';
import { sha256 } from './bytes.js';
import { type Cbor, cborMap, decode, encode } from './cbor.js';

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

/** A key that this process holds itself, and can write. */
export interface FileKey extends SigningKey {
  /** PKCS#8 PEM, encrypted if a passphrase is given. */
  toPem(passphrase?: string): string;
}

/** Asked for only if a key turns out to be encrypted. */
export type PassphraseSource = () => Promise<string>;

const COORDINATE_BYTES = 32;
const OKP = { kty: 1, crv: 6 };
const EC2 = { kty: 2, crv: 1 };
/** PKCS#8 of an Ed25519 key up to its seed (RFC 8410 section 7). */
const ED25519_PKCS8_HEAD = Buffer.from('302e020100300506032b657004220420', 'hex');

export function generateKey(kind: KeyKind): FileKey {
  const pair = kind === 'ed25519' ? generateKeyPairSync('ed25519') : generateKeyPairSync('ec', { namedCurve: 'P-256' });
  return signingKey(pair.privateKey, 'key');
}

/** Reads a private key of any supported form. `what` (a path) names it in errors. */
export async function readSigningKey(bytes: Uint8Array, what: string, passphrase: PassphraseSource): Promise<FileKey> {
  if (isEncrypted(bytes)) {
    const secret = await passphrase();
    return signingKey(openEncrypted(bytes, secret, what), what);
  }
  return signingKey(openPrivate(bytes, what), what);
}

/** Reads a public key; of a private one it takes the public half. Encrypted keys do not show theirs. */
export function readPublicKey(bytes: Uint8Array, what: string): PublicKey {
  if (bytes.length === COORDINATE_BYTES) return withKid('ed25519', Uint8Array.from(bytes));
  if (isCoseKey(bytes)) return publicKeyFromCose(decode(bytes, what), what);
  if (isEncrypted(bytes)) {
    throw new CountersignError('PassphraseNeeded', `key: ${what} is an encrypted private key`, {
      hint: 'give the public key file beside it',
    });
  }
  const object = attempt(() => createPublicKey(keyInput(bytes))) ?? attempt(() => derPublic(bytes));
  const found = object ?? attempt(() => createPublicKey(openPrivate(bytes, what)));
  if (found === undefined) throw new CountersignError('KeyUnreadable', `key: ${what} is not a key`);
  return publicKey(found, what);
}

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
    return withKid('p256', Buffer.concat([x, y]), given);
  }
  throw wrong('is neither an Ed25519 nor an uncompressed P-256 key');
}

/** SPKI PEM of a public key. */
export function publicKeyToPem(key: PublicKey): string {
  const x = Buffer.from(key.bytes.subarray(0, COORDINATE_BYTES)).toString('base64url');
  const y = Buffer.from(key.bytes.subarray(COORDINATE_BYTES)).toString('base64url');
  const jwk = key.kind === 'ed25519' ? { kty: 'OKP', crv: 'Ed25519', x } : { kty: 'EC', crv: 'P-256', x, y };
  return createPublicKey({ key: jwk, format: 'jwk' }).export({ type: 'spki', format: 'pem' }).toString();
}

/** COSE key thumbprint (RFC 9679): SHA-256 of the required members alone, deterministically encoded. */
export function thumbprint(kind: KeyKind, bytes: Uint8Array): Uint8Array {
  return sha256(encode(cborMap(thumbprintMembers(kind, bytes))));
}

/** Whether bytes look like a COSE_Key: a small CBOR map whose kty is one of ours. */
export function isCoseKey(bytes: Uint8Array): boolean {
  const head = bytes[0] ?? 0;
  if (head < 0xa3 || head > 0xb7) return false;
  const value = attempt(() => decode(bytes, 'key'));
  return value instanceof Map && (value.get(1) === OKP.kty || value.get(1) === EC2.kty) && value.has(-1);
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

function signingKey(object: KeyObject, what: string): FileKey {
  const open = publicKey(createPublicKey(object), what);
  return {
    public: open,
    sign(message) {
      const how = open.kind === 'ed25519' ? null : 'sha256';
      return Uint8Array.from(nodeSign(how, message, { key: object, dsaEncoding: 'ieee-p1363' }));
    },
    toPem(passphrase) {
      const plain = { type: 'pkcs8', format: 'pem' } as const;
      const options = passphrase === undefined ? plain : { ...plain, cipher: 'aes-256-cbc', passphrase };
      return object.export(options).toString();
    },
  };
}

function publicKey(object: KeyObject, what: string): PublicKey {
  const jwk = attempt(() => object.export({ format: 'jwk' }));
  const bytes = (text: string | undefined) => Buffer.from(text ?? '', 'base64url');
  if (jwk?.crv === 'Ed25519') return withKid('ed25519', bytes(jwk.x));
  if (jwk?.crv === 'P-256') return withKid('p256', Buffer.concat([bytes(jwk.x), bytes(jwk.y)]));
  throw new CountersignError('KeyUnsupported', `key: ${what} is neither Ed25519 nor P-256`);
}

function openPrivate(bytes: Uint8Array, what: string): KeyObject {
  if (bytes.length === COORDINATE_BYTES) return ed25519FromSeed(bytes);
  if (isCoseKey(bytes)) return privateFromCose(decode(bytes, what) as Map<Cbor, Cbor>, what);
  const der = Buffer.from(bytes);
  const object =
    attempt(() => createPrivateKey(keyInput(bytes))) ??
    attempt(() => createPrivateKey({ key: der, format: 'der', type: 'pkcs8' })) ??
    attempt(() => createPrivateKey({ key: der, format: 'der', type: 'sec1' }));
  if (object !== undefined) return object;
  const isPublic = attempt(() => createPublicKey(keyInput(bytes))) ?? attempt(() => derPublic(bytes));
  if (isPublic !== undefined) {
    throw new CountersignError('KeyWrong', `key: ${what} is a public key, a private one is needed to sign`);
  }
  throw new CountersignError('KeyUnreadable', `key: ${what} is not a private key`);
}

function ed25519FromSeed(seed: Uint8Array): KeyObject {
  return createPrivateKey({ key: Buffer.concat([ED25519_PKCS8_HEAD, seed]), format: 'der', type: 'pkcs8' });
}

function privateFromCose(key: Map<Cbor, Cbor>, what: string): KeyObject {
  const d = key.get(-4);
  if (!(d instanceof Uint8Array) || d.length !== COORDINATE_BYTES) {
    throw new CountersignError('KeyWrong', `key: ${what} is a public key, a private one is needed to sign`);
  }
  const open = publicKeyFromCose(key, what);
  if (open.kind === 'ed25519') return ed25519FromSeed(d);
  const text = (bytes: Uint8Array) => Buffer.from(bytes).toString('base64url');
  const [x, y] = [open.bytes.slice(0, COORDINATE_BYTES), open.bytes.slice(COORDINATE_BYTES)];
  const jwk = { kty: 'EC', crv: 'P-256', x: text(x), y: text(y), d: text(d) };
  const object = attempt(() => createPrivateKey({ key: jwk, format: 'jwk' }));
  if (object === undefined) throw new CountersignError('KeyInvalid', `key: ${what} is not a valid P-256 key`);
  return object;
}

function openEncrypted(bytes: Uint8Array, passphrase: string, what: string): KeyObject {
  const pem = isPem(bytes);
  const input = pem
    ? { key: keyInput(bytes), passphrase }
    : { key: Buffer.from(bytes), format: 'der' as const, type: 'pkcs8' as const, passphrase };
  try {
    return createPrivateKey(input);
  } catch (cause) {
    throw new CountersignError('PassphraseWrong', `key: the passphrase does not open ${what}`, { cause });
  }
}

function derPublic(bytes: Uint8Array): KeyObject {
  return createPublicKey({ key: Buffer.from(bytes), format: 'der', type: 'spki' });
}

function keyInput(bytes: Uint8Array): string {
  if (!isPem(bytes)) throw new Error('not PEM');
  return Buffer.from(bytes).toString('latin1');
}

function isPem(bytes: Uint8Array): boolean {
  return Buffer.from(bytes).includes('-----BEGIN ');
}

/** PEM says so in its first line; DER by what its second element is: a version number if plain, else a sequence. */
export function isEncrypted(bytes: Uint8Array): boolean {
  if (isPem(bytes)) return Buffer.from(bytes).includes('ENCRYPTED');
  const body = derBody(bytes);
  return body !== undefined && body[0] === 0x30 && Buffer.from(body).includes(PBES2);
}

/** Object identifier 1.2.840.113549.1.5.13, PBES2 (RFC 8018). */
const PBES2 = Buffer.from('06092a864886f70d01050d', 'hex');

/** The content of a DER sequence, or undefined. */
function derBody(bytes: Uint8Array): Uint8Array | undefined {
  const [tag, length = 0] = bytes;
  if (tag !== 0x30) return undefined;
  return bytes.subarray(length < 0x80 ? 2 : 2 + (length & 0x7f));
}

function attempt<T>(make: () => T): T | undefined {
  try {
    return make();
  } catch {
    return undefined;
  }
}
