// Keys that live in a token (smart card, HSM, SoftHSM): found by their URI, used through PKCS#11, never seen.
//
// Ed25519 by CKM_EDDSA over the message, P-256 by CKM_ECDSA over its SHA-256. The public key comes from the public key
// object, else the certificate with the same id, else from the private key itself. What a token signs is verified before
// it is handed on: a token whose public key belongs to another private one would otherwise be noticed by a device.

import { createPublicKey, verify, X509Certificate } from 'node:crypto';
import { CountersignError } from '../errors.js';
import { fromHex, same, sha256, utf8 } from '../formats/bytes.js';
import { type KeyKind, type PublicKey, publicKeyToPem, rawPublicKey, type SigningKey } from '../formats/keys.js';
import { readPublicKey } from '../keys/read.js';
import {
  ATTRIBUTE,
  loadModule,
  MECHANISM,
  type Module,
  no,
  OBJECT_CLASS,
  type Session,
  type Template,
  type Token,
  ulong,
  yes,
} from './module.js';
import { type KeyUri, TOKEN_ATTRIBUTES } from './uri.js';

/** Whatever modules p11-kit knows of, as one. */
export const MODULE_DEFAULT = 'p11-kit-proxy.so';

const KEY_TYPE = { ed25519: 0x40, p256: 3 } as const satisfies Record<KeyKind, number>;
const SIGNING = { ed25519: MECHANISM.eddsa, p256: MECHANISM.ecdsa } as const;
const GENERATING = { ed25519: MECHANISM.generateEdwards, p256: MECHANISM.generateEc } as const;
/** CKA_EC_PARAMS: prime256v1 by identifier; Ed25519 by its curve name (PrintableString), as PKCS#11 v3.0 has it. */
const PARAMETERS = { ed25519: fromHex('130c656477617264733235353139'), p256: fromHex('06082a8648ce3d030107') } as const;
const POINT_BYTES = { ed25519: 32, p256: 65 } as const;
const ID_BYTES = 8;

/** Asked for when the token wants a PIN. */
export interface PinSource {
  ask(token: Token): Promise<string>;
  /** Present it even if one more wrong one would block the token. */
  lastTry: boolean;
}

/** The key to sign with. */
export async function openTokenKey(uri: KeyUri, modulePath: string | undefined, pin: PinSource): Promise<SigningKey> {
  const { session } = await openToken(uri, modulePath, pin);
  const key = only(session.find(keyTemplate(OBJECT_CLASS.privateKey, uri)), `private key ${uri.text}`);
  const found = publicOf(session, key);
  return {
    public: found,
    sign(message) {
      const signed = found.kind === 'p256' ? sha256(message) : message;
      const signature = session.sign(SIGNING[found.kind], key, signed);
      const how = found.kind === 'p256' ? 'sha256' : null;
      const key_ = { key: createPublicKey(publicKeyToPem(found)), dsaEncoding: 'ieee-p1363' } as const;
      if (verify(how, message, key_, signature)) return signature;
      throw new CountersignError('TokenFailed', `token: what ${uri.text} signs does not fit its public key`);
    },
  };
}

/** The public half alone; asks for a PIN only if the token shows nothing without it. */
export async function readTokenKey(uri: KeyUri, modulePath: string | undefined, pin: PinSource): Promise<PublicKey> {
  const { session, token } = await openToken(uri, modulePath, undefined);
  const [open, ...more] = session.find(keyTemplate(OBJECT_CLASS.publicKey, uri));
  if (open !== undefined && more.length === 0) {
    const key = pointOf(session, open);
    if (key !== undefined) return key;
  }
  if (token.wantsPin) await logIn(session, token, pin);
  return publicOf(session, only(session.find(keyTemplate(OBJECT_CLASS.privateKey, uri)), `key ${uri.text}`));
}

/** Makes a key pair in the token, under the label and id of the URI. */
export async function makeTokenKey(
  uri: KeyUri,
  kind: KeyKind,
  modulePath: string | undefined,
  pin: PinSource,
  { dryRun = false } = {},
): Promise<PublicKey | undefined> {
  if (uri.object === undefined && uri.id === undefined) {
    throw new CountersignError('BadArgument', 'key: the pkcs11: URI of a new key needs object= or id=');
  }
  const { session } = await openToken(uri, modulePath, pin, true);
  if (session.find(keyTemplate(OBJECT_CLASS.privateKey, uri)).length > 0) {
    throw new CountersignError('FileExists', `token: there is a key ${uri.text} already`, {
      hint: 'choose another name',
    });
  }
  if (dryRun) return undefined;
  const label = utf8(uri.object ?? 'countersign');
  const named: Template = [
    [ATTRIBUTE.token, yes],
    [ATTRIBUTE.label, label],
    [ATTRIBUTE.id, uri.id ?? sha256(label).slice(0, ID_BYTES)],
  ];
  session.generate(
    GENERATING[kind],
    [...named, [ATTRIBUTE.private, no], [ATTRIBUTE.verify, yes], [ATTRIBUTE.ecParams, PARAMETERS[kind]]],
    [
      ...named,
      [ATTRIBUTE.private, yes],
      [ATTRIBUTE.sensitive, yes],
      [ATTRIBUTE.extractable, no],
      [ATTRIBUTE.sign, yes],
    ],
  );
  return publicOf(session, only(session.find(keyTemplate(OBJECT_CLASS.privateKey, uri)), `key ${uri.text}`));
}

async function openToken(
  uri: KeyUri,
  modulePath: string | undefined,
  pin: PinSource | undefined,
  writable = false,
): Promise<{ session: Session; token: Token }> {
  const module = await loadModule(uri.modulePath ?? modulePath ?? MODULE_DEFAULT);
  const token = tokenOf(module, uri);
  const session = module.open(token.slot, writable);
  if (pin !== undefined && token.wantsPin) await logIn(session, token, pin);
  return { session, token };
}

/** Throws PinBlocked or PinLastTry before a try is spent. */
export async function logIn(session: Pick<Session, 'login'>, token: Token, { ask, lastTry }: PinSource): Promise<void> {
  const name = `token: the PIN of ${token.token || 'the token'}`;
  if (token.blocked) throw new CountersignError('PinBlocked', `${name} is blocked`);
  if (token.lastTry && !lastTry) throw new CountersignError('PinLastTry', `${name} has one try left`);
  session.login(token.hasPinPad ? undefined : await ask(token));
}

function tokenOf(module: Module, uri: KeyUri): Token {
  const tokens = module.tokens();
  const fitting = tokens.filter(
    (token) =>
      (uri.slotId === undefined || token.slot === uri.slotId) &&
      TOKEN_ATTRIBUTES.every((name) => uri.token[name] === undefined || uri.token[name] === token[name]),
  );
  const [first, second] = fitting;
  const names = tokens.map(({ token }) => token || 'one without a name').join(', ');
  if (first === undefined) {
    throw new CountersignError('NotFound', `token: none fits ${uri.text}`, { hint: `there are: ${names || 'none'}` });
  }
  if (second === undefined) return first;
  throw new CountersignError('BadArgument', `token: more than one fits ${uri.text}`, {
    hint: `name it with token= or serial=: ${names}`,
  });
}

function only(found: readonly number[], what: string): number {
  const [first, second] = found;
  if (first === undefined) throw new CountersignError('NotFound', `token: there is no ${what}`);
  if (second === undefined) return first;
  throw new CountersignError('BadArgument', `token: there is more than one ${what}`, {
    hint: 'name it with object= or id=',
  });
}

function keyTemplate(kind: number, { object, id }: KeyUri): Template {
  return [
    [ATTRIBUTE.class, ulong(kind)],
    ...(object === undefined ? [] : [[ATTRIBUTE.label, utf8(object)] as const]),
    ...(id === undefined ? [] : [[ATTRIBUTE.id, id] as const]),
  ];
}

function publicOf(session: Session, key: number): PublicKey {
  const id = session.get(key, ATTRIBUTE.id);
  const beside = (kind: number) =>
    id?.length ? session.find([[ATTRIBUTE.class, ulong(kind)], [ATTRIBUTE.id, id]])[0] : undefined; // biome-ignore format: one template
  const open = beside(OBJECT_CLASS.publicKey);
  const certificate = beside(OBJECT_CLASS.certificate);
  const found =
    (open === undefined ? undefined : pointOf(session, open)) ??
    (certificate === undefined ? undefined : certified(session, certificate)) ??
    pointOf(session, key);
  if (found !== undefined) return found;
  throw new CountersignError(
    'KeyUnsupported',
    'token: the key is neither Ed25519 nor P-256, or its public half is missing',
  );
}

function certified(session: Session, certificate: number): PublicKey | undefined {
  const value = session.get(certificate, ATTRIBUTE.value);
  if (!value?.length) return undefined;
  const pem = new X509Certificate(value).publicKey.export({ type: 'spki', format: 'pem' });
  return readPublicKey(utf8(pem.toString()), 'the certificate of the token');
}

/** CKA_EC_POINT, which tokens write bare or as an OCTET STRING. */
function pointOf(session: Session, key: number): PublicKey | undefined {
  const type = session.get(key, ATTRIBUTE.keyType);
  const kind = (Object.keys(KEY_TYPE) as KeyKind[]).find((one) => type && same(type, ulong(KEY_TYPE[one])));
  const point = session.get(key, ATTRIBUTE.ecPoint);
  const parameters = session.get(key, ATTRIBUTE.ecParams);
  if (kind === undefined || !point || !parameters) return undefined;
  if (kind === 'p256' && !same(parameters, PARAMETERS.p256)) return undefined;
  const length = POINT_BYTES[kind];
  const bare = point.length === length + 2 && point[0] === 0x04 && point[1] === length ? point.slice(2) : point;
  if (bare.length !== length || (kind === 'p256' && bare[0] !== 0x04)) return undefined;
  return rawPublicKey(kind, kind === 'p256' ? bare.slice(1) : bare);
}
