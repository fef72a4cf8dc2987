// Keys in files, by node:crypto.
//
// Read: PEM and DER (PKCS#8 of both versions, also encrypted; SEC1; SPKI; certificates), COSE_Key, JWK, OpenSSH; and 32 raw
// bytes of Ed25519 where the caller says which half they are, for they look alike. Other forms are refused by name, with
// what converts them (../formats/key-forms.ts). Written: PKCS#8 PEM.

import {
  createECDH,
  createPrivateKey,
  createPublicKey,
  generateKeyPairSync,
  type KeyObject,
  sign as nodeSign,
  X509Certificate,
} from 'node:crypto';
import { CountersignError } from '../errors.js';
import { join, same } from '../formats/bytes.js';
import { type Cbor, decode } from '../formats/cbor.js';
import { DER, derSequence, writeDerSequence } from '../formats/der.js';
import { isPbes1, type KeyForm, keyFormBy, RAW_KEY_BYTES, textOf } from '../formats/key-forms.js';
import {
  type KeyKind,
  type PublicKey,
  privateFromCose,
  publicKeyFromCose,
  type RawKey,
  rawPublicKey,
  type SigningKey,
} from '../formats/keys.js';
import { readSshPrivate, readSshPublic } from './openssh.js';
import { ed25519FromSeed } from './seed.js';

/** A key that this process holds itself, and can write. */
export interface FileKey extends SigningKey {
  /** PKCS#8 PEM, encrypted if a passphrase is given. */
  toPem(passphrase?: string): string;
}

/** Asked for only if a key turns out to be encrypted. */
export type PassphraseSource = () => Promise<string>;

const COORDINATE_BYTES = 32;

const isPair = (seed: Uint8Array, open: Uint8Array): boolean =>
  same(publicKey(createPublicKey(ed25519FromSeed(seed)), 'key').bytes, open);

/** What key a file holds (../formats/key-forms.ts); undefined: it is no key that anybody here knows. */
export const keyForm = (bytes: Uint8Array): KeyForm | undefined => keyFormBy(isPair, bytes);

/** Whether a file holds a private key in any form, or what may be one. */
export const holdsPrivateKey = (bytes: Uint8Array): boolean => keyForm(bytes)?.secret === true;

/** A new private key, from the random numbers of the system. */
export function generateKey(kind: KeyKind): FileKey {
  const pair = kind === 'ed25519' ? generateKeyPairSync('ed25519') : generateKeyPairSync('ec', { namedCurve: 'P-256' });
  return signingKey(pair.privateKey, 'key');
}

/** Reads a private key of any supported form. `what` (a path) names it in errors. */
export async function readSigningKey(
  bytes: Uint8Array,
  what: string,
  passphrase: PassphraseSource,
  raw?: RawKey,
): Promise<FileKey> {
  if (raw === 'public') throw isPublic(what);
  if (raw === 'seed') return signingKey(ed25519FromSeed(rawBytes(bytes, what)), what);
  const form = readable(bytes, what);
  if (form.kind === 'cose') return coseKey(decode(bytes, what), what);
  if (!form.encrypted) return signingKey(openPrivate(bytes, form, what), what);
  return signingKey(openEncrypted(bytes, await passphrase(), what), what);
}

/** Reads a public key; of a private one it takes the public half. Encrypted keys do not show theirs. */
export function readPublicKey(bytes: Uint8Array, what: string, raw?: RawKey): PublicKey {
  if (raw === 'public') return rawPublicKey('ed25519', rawBytes(bytes, what));
  if (raw === 'seed') return publicKey(createPublicKey(ed25519FromSeed(rawBytes(bytes, what))), what);
  const form = readable(bytes, what);
  if (form.kind === 'cose') {
    const key = decode(bytes, what);
    return form.secret ? coseKey(key, what).public : publicKeyFromCose(key, what);
  }
  if (form.encrypted) {
    throw new CountersignError('PassphraseNeeded', `key: ${what} is an encrypted private key`, {
      hint: 'give the public key file beside it',
    });
  }
  return publicKey(form.secret ? createPublicKey(openPrivate(bytes, form, what)) : openPublic(bytes, form, what), what);
}

/** The same, also of an encrypted key, whose passphrase is asked for then. */
export const readPublicHalf = async (
  bytes: Uint8Array,
  what: string,
  passphrase: PassphraseSource,
  raw?: RawKey,
): Promise<PublicKey> =>
  raw === undefined && isEncrypted(bytes)
    ? (await readSigningKey(bytes, what, passphrase)).public
    : readPublicKey(bytes, what, raw);

const isPublic = (what: string) =>
  new CountersignError('KeyWrong', `key: ${what} is a public key, a private one is needed to sign`);

function rawBytes(bytes: Uint8Array, what: string): Uint8Array {
  if (bytes.length === RAW_KEY_BYTES) return Uint8Array.from(bytes);
  throw new CountersignError('KeyUnreadable', `key: ${what} has ${bytes.length} bytes, a raw key ${RAW_KEY_BYTES}`);
}

/** Throws unless it is a key in a form that is read here. */
function readable(bytes: Uint8Array, what: string): KeyForm {
  const form = keyForm(bytes);
  if (form === undefined) throw new CountersignError('KeyUnreadable', `key: ${what} is not a key`);
  if (form.kind === 'raw') {
    throw new CountersignError('KeyUnreadable', `key: ${what} is ${form.name}, and nothing says which half of a key`, {
      hint: `say raw-seed:${what} for a private key, raw-public:${what} for a public one (Ed25519)`,
    });
  }
  if (form.convert === undefined) return form;
  throw new CountersignError('KeyUnreadable', `key: ${what} is ${form.name}, which is not read here`, {
    hint: form.convert,
  });
}

/** `open`: its public half, where the file gives that an id of its own. */
function signingKey(object: KeyObject, what: string, open = publicKey(createPublicKey(object), what)): FileKey {
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
  if (jwk?.crv === 'Ed25519') return rawPublicKey('ed25519', bytes(jwk.x));
  if (jwk?.crv === 'P-256') return rawPublicKey('p256', join([bytes(jwk.x), bytes(jwk.y)]));
  throw new CountersignError('KeyUnsupported', `key: ${what} is neither Ed25519 nor P-256`);
}

function openPrivate(bytes: Uint8Array, form: KeyForm, what: string): KeyObject {
  if (!form.secret) throw isPublic(what);
  switch (form.kind) {
    case 'jwk':
      return required(fromJwk(bytes, createPrivateKey), form, what);
    case 'openssh':
      return readSshPrivate(textOf(bytes) ?? '', what);
    default: {
      const der = form.kind === 'der' ? bytes : pemContent(bytes, 'PRIVATE KEY');
      const object =
        attempt(() => createPrivateKey(pemText(bytes))) ??
        attempt(() => createPrivateKey({ key: Buffer.from(oneAsymmetricKey(der)), format: 'der', type: 'pkcs8' })) ??
        attempt(() => createPrivateKey({ key: Buffer.from(der), format: 'der', type: 'sec1' })) ??
        attempt(() => createPrivateKey({ key: Buffer.from(der), format: 'der', type: 'pkcs1' }));
      return required(object, form, what);
    }
  }
}

function openPublic(bytes: Uint8Array, form: KeyForm, what: string): KeyObject {
  if (form.kind === 'ssh-public') return readSshPublic(textOf(bytes) ?? '', what);
  const der = Buffer.from(bytes);
  const object =
    fromJwk(bytes, createPublicKey) ??
    attempt(() => createPublicKey(pemText(bytes))) ??
    attempt(() => createPublicKey({ key: der, format: 'der', type: 'spki' })) ??
    attempt(() => new X509Certificate(der).publicKey) ??
    attempt(() => createPublicKey({ key: der, format: 'der', type: 'pkcs1' }));
  return required(object, form, what);
}

function required(object: KeyObject | undefined, form: KeyForm, what: string): KeyObject {
  if (object !== undefined) return object;
  throw new CountersignError('KeyUnreadable', `key: ${what} is ${form.name}, but it cannot be read`, {
    hint: 'is it whole? `countersign keygen` makes keys that are',
  });
}

function fromJwk(bytes: Uint8Array, create: typeof createPrivateKey | typeof createPublicKey): KeyObject | undefined {
  return attempt(() => create({ key: JSON.parse(textOf(bytes) ?? ''), format: 'jwk' }));
}

/**
 * PKCS#8 as OpenSSL reads it: version 1 of a OneAsymmetricKey (RFC 5958 section 2) without attributes and public key, which
 * follow from the rest. Anything else as it is.
 */
function oneAsymmetricKey(der: Uint8Array): Uint8Array {
  const [version, algorithm, key] = derSequence(der);
  if (version?.tag !== DER.integer || algorithm?.tag !== DER.sequence || key?.tag !== DER.octets) return der;
  return writeDerSequence([Uint8Array.of(DER.integer, 1, 0), algorithm.whole, key.whole]);
}

function coseKey(value: Cbor, what: string): FileKey {
  const { public: open, secret } = privateFromCose(value, what, publicOf);
  if (open.kind === 'ed25519') return signingKey(ed25519FromSeed(secret), what, open);
  const text = (bytes: Uint8Array) => Buffer.from(bytes).toString('base64url');
  const [x, y] = [open.bytes.slice(0, COORDINATE_BYTES), open.bytes.slice(COORDINATE_BYTES)];
  const jwk = { kty: 'EC', crv: 'P-256', x: text(x), y: text(y), d: text(secret) };
  return signingKey(createPrivateKey({ key: jwk, format: 'jwk' }), what, open);
}

function publicOf(kind: KeyKind, secret: Uint8Array): Uint8Array {
  if (kind === 'ed25519') return publicKey(createPublicKey(ed25519FromSeed(secret)), 'key').bytes;
  const pair = createECDH('prime256v1');
  pair.setPrivateKey(secret);
  return Uint8Array.from(pair.getPublicKey().subarray(1)); // behind the mark of the uncompressed form
}

function openEncrypted(bytes: Uint8Array, passphrase: string, what: string): KeyObject {
  const text = textOf(bytes);
  const input =
    text === undefined
      ? { key: Buffer.from(bytes), format: 'der' as const, type: 'pkcs8' as const, passphrase }
      : { key: pemText(bytes), passphrase };
  try {
    return createPrivateKey(input);
  } catch (cause) {
    const old = isPbes1(text === undefined ? bytes : pemContent(bytes, 'ENCRYPTED PRIVATE KEY'));
    const legacy = /unsupported|legacy/i.test(String((cause as { code?: unknown }).code ?? cause));
    if (old && legacy) {
      throw new CountersignError('KeyUnreadable', `key: ${what} is encrypted in the old way of PKCS#5 v1.5 (PBES1)`, {
        hint: 'openssl pkcs8 -provider legacy -provider default -in KEY -topk8 -v2 aes-256-cbc -out NEW',
        cause,
      });
    }
    throw new CountersignError('PassphraseWrong', `key: the passphrase does not open ${what}`, { cause });
  }
}

function pemText(bytes: Uint8Array): string {
  const text = textOf(bytes);
  if (text === undefined) throw new Error('not text');
  return text.replace(/^\ufeff/, '');
}

/** The bytes in the PEM block of this label; none if there is no such block. */
function pemContent(bytes: Uint8Array, label: string): Uint8Array {
  const [, base64 = ''] = new RegExp(`-----BEGIN ${label}-----([^-]*)-----END`).exec(textOf(bytes) ?? '') ?? [];
  return Buffer.from(base64, 'base64');
}

/** Whether a passphrase is needed to open the key. */
export const isEncrypted = (bytes: Uint8Array): boolean => keyForm(bytes)?.encrypted === true;

function attempt<T>(make: () => T): T | undefined {
  try {
    return make();
  } catch {
    return undefined;
  }
}
