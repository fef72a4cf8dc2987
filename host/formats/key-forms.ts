// What kind of key a file holds, told by its content alone: the one place that knows which files hold a private key.
//
// Known: PEM of any label, PKCS#8 (also version 2 and encrypted), SEC1, PKCS#1, SPKI, certificates, PKCS#12, Java key
// stores, COSE_Key, JWK, OpenSSH, PuTTY, PGP and age, as text in UTF-8 or UTF-16; and what has the size of a raw key.
// Whether it can be used is for ../keys/read.ts. A false "private" costs a person another file name; a false "none" costs the key.

import { type Bytes, readFrom, sizeOf, wholeOf } from './byte-source.js';
import { fromHex, latin1, same } from './bytes.js';
import { type Cbor, decode } from './cbor.js';
import { DER, type DerElement, derElements, derSequence } from './der.js';

export interface KeyForm {
  kind: 'pem' | 'der' | 'cose' | 'jwk' | 'openssh' | 'ssh-public' | 'raw' | 'foreign';
  /** As people call it: "an OpenSSH private key". */
  name: string;
  /** It holds a private key, in the clear or encrypted. */
  secret: boolean;
  encrypted: boolean;
  /** How to make one of it that can be read here, where it cannot. */
  convert?: string;
}

/** Ed25519: a seed or a public key; P-256: a private key. */
export const RAW_KEY_BYTES = 32;
const SEED_AND_PUBLIC_BYTES = 64;
/** Largest text that is looked at as JSON. */
const JSON_BYTES_MAX = 1024 * 1024;
const COSE_BYTES_MAX = 4096;
/** A text in an old character set is ASCII for the most part; bytes without control characters may be chance. */
const LATIN1_ASCII_LEAST = 0.75;
const JAVA_KEY_STORE = Uint8Array.of(0xfe, 0xed, 0xfe, 0xed);

/** Object identifiers with their heads. */
const PBES1 = ['06092a864886f70d0105', '060a2a864886f70d010c01'].map(fromHex);
const PBES2 = fromHex('06092a864886f70d01050d');

const BEGIN = /-{4,5} ?BEGIN ([A-Z0-9][A-Z0-9 ]*?) ?-{4,5}/g;
const SSH_PUBLIC = /^(ssh-(?:ed25519|rsa|dss)|ecdsa-sha2-nistp\d+|sk-[a-z0-9-]+@openssh\.com) +AAAA[A-Za-z0-9+/=]+/m;
const OTHER_SECRETS: [RegExp, string, string][] = [
  [/^PuTTY-User-Key-File-\d/m, 'a PuTTY private key', 'puttygen KEY -O private-openssh -o NEW'],
  [/^AGE-SECRET-KEY-1/m, 'an age private key', 'age keys do not sign: `countersign keygen` makes one that does'],
  [
    /encrypted secret key|minisign secret key|signify secret key/,
    'a minisign or signify private key',
    'make one with `countersign keygen`',
  ],
];

/** Up to here a file is looked at whole, whatever it is. */
const LOOKED_AT_WHOLE_BYTES = JSON_BYTES_MAX;
const LOOK_BYTES = 65_536;
/** UTF-8 has so many bytes of one character that a cut may leave. */
const CUT_BYTES_MAX = 3;

/**
 * What has to be seen of a file to tell what it is: all of it if it is small, a text or DER, which keys are; else its first
 * 64 KiB. Of bytes in memory, all.
 */
export async function lookAt(file: Bytes): Promise<Uint8Array> {
  if (sizeOf(file) <= LOOKED_AT_WHOLE_BYTES || file instanceof Uint8Array) return wholeOf(file);
  const head = await readFrom(file, 0, LOOK_BYTES);
  const isText = [0, 1, 2, CUT_BYTES_MAX].some((cut) => textOf(head.subarray(0, LOOK_BYTES - cut)) !== undefined);
  return isText || isDer(head, file.size) ? wholeOf(file) : head;
}

/** One sequence, with a length in three or four bytes that is the file's. */
function isDer(head: Uint8Array, bytes: number): boolean {
  const lengthBytes = head[1]! & 0x7f;
  if (head[0] !== DER.sequence || head[1]! < 0x83 || lengthBytes > 4) return false;
  return 2 + lengthBytes + head.slice(2, 2 + lengthBytes).reduce((sum, byte) => sum * 256 + byte, 0) === bytes;
}

/** Whether 32 bytes are an Ed25519 seed, and the next 32 its public key. */
export type PairTest = (seed: Uint8Array, open: Uint8Array) => boolean;

/** undefined: it is no key that anybody here knows. */
export function keyFormBy(isPair: PairTest, bytes: Uint8Array): KeyForm | undefined {
  return derForm(bytes) ?? coseForm(bytes) ?? rawForm(bytes, isPair) ?? textForm(bytes);
}

/** The same, of what `lookAt` saw of a file. */
export async function keyFormOf(seen: Uint8Array): Promise<KeyForm | undefined> {
  if (seen.length !== SEED_AND_PUBLIC_BYTES) return keyFormBy(() => false, seen);
  const { ed25519 } = await import('@noble/curves/ed25519.js'); // takes a while to load, and hardly any file has 64 bytes
  return keyFormBy((seed, open) => same(ed25519.getPublicKey(seed), open), seen);
}

/** Old encryption of PKCS#8 (RFC 8018 appendix A.3, RFC 7292), which OpenSSL 3 opens with its legacy provider only. */
export function isPbes1(der: Uint8Array): boolean {
  const [algorithm] = derSequence(der);
  return algorithm !== undefined && PBES1.some((oid) => startsWith(algorithm.content, oid)) && !isPbes2(algorithm);
}

const isPbes2 = ({ content }: DerElement): boolean => startsWith(content, PBES2);
const startsWith = (bytes: Uint8Array, head: Uint8Array): boolean =>
  bytes.length >= head.length && same(bytes.subarray(0, head.length), head);

/** Text without control characters, decoded: UTF-8, or UTF-16 with its mark, as shells of Windows write it. */
export function textOf(bytes: Uint8Array): string | undefined {
  const [first, second] = bytes;
  if (first === 0xff && second === 0xfe) return new TextDecoder('utf-16le').decode(bytes);
  if (first === 0xfe && second === 0xff) return new TextDecoder('utf-16be').decode(bytes);
  for (const byte of bytes) if (byte < 0x20 && !(byte >= 0x08 && byte <= 0x0d) && byte !== 0x1a) return undefined;
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(bytes);
  } catch {
    const ascii = bytes.reduce((count, byte) => count + (byte < 0x80 ? 1 : 0), 0);
    return ascii >= bytes.length * LATIN1_ASCII_LEAST ? latin1(bytes) : undefined;
  }
}

function textForm(bytes: Uint8Array): KeyForm | undefined {
  const text = textOf(bytes);
  if (text === undefined) return undefined;
  const labels = Array.from(text.matchAll(BEGIN), ([, label]) => label!);
  if (labels.length > 0) return pemForm(text, labels);
  for (const [pattern, name, convert] of OTHER_SECRETS) {
    if (pattern.test(text)) return { kind: 'foreign', name, secret: true, encrypted: false, convert };
  }
  const [, type] = SSH_PUBLIC.exec(text) ?? [];
  if (type !== undefined && text.trim().split('\n').length === 1) {
    return { kind: 'ssh-public', name: `an OpenSSH public key (${type})`, secret: false, encrypted: false };
  }
  return jwkForm(text);
}

function pemForm(text: string, labels: readonly string[]): KeyForm | undefined {
  const secretLabel = labels.find((label) => label.includes('PRIVATE KEY'));
  const label = secretLabel ?? labels.find((one) => /PUBLIC KEY|CERTIFICATE/.test(one));
  if (label === undefined) return undefined; // parameters, requests, signatures, whatever has no key
  const secret = secretLabel !== undefined;
  const encrypted = secret && /ENCRYPTED/.test(text);
  const named = { secret, encrypted, name: `a PEM file (${label})` };
  if (label === 'OPENSSH PRIVATE KEY') return { ...named, kind: 'openssh', name: 'an OpenSSH private key' };
  if (label.startsWith('PGP')) return { kind: 'foreign', ...named, convert: 'make one with `countersign keygen`' };
  if (label.startsWith('SSH2')) {
    const convert = secret ? 'puttygen KEY -O private-openssh -o NEW' : 'ssh-keygen -i -f KEY > NEW';
    return { kind: 'foreign', ...named, convert };
  }
  return { kind: 'pem', ...named };
}

function jwkForm(text: string): KeyForm | undefined {
  if (text.length > JSON_BYTES_MAX || !/^\s*[{[]/.test(text)) return undefined;
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    return undefined;
  }
  const set = (value as { keys?: unknown }).keys;
  const keys = (Array.isArray(set) ? set : [value]).filter(
    (key): key is Record<string, unknown> => typeof key === 'object' && key !== null && typeof key.kty === 'string',
  );
  if (keys.length === 0) return undefined;
  const secret = keys.some((key) => 'd' in key || 'k' in key);
  const name = `a JWK${Array.isArray(set) ? ' set' : ''} with a ${secret ? 'private' : 'public'} key`;
  const convert = Array.isArray(set) ? "take one key out: jq '.keys[0]' KEY > NEW" : undefined;
  return { kind: convert ? 'foreign' : 'jwk', name, secret, encrypted: false, ...(convert && { convert }) };
}

function derForm(bytes: Uint8Array): KeyForm | undefined {
  if (startsWith(bytes, JAVA_KEY_STORE)) return store('a Java key store', 'keytool -importkeystore, to PKCS#12');
  const elements = derSequence(bytes);
  const tags = elements.map(({ tag }) => tag);
  const is = (...wanted: number[]) => wanted.every((tag, index) => tags[index] === tag);
  const der = (name: string, secret: boolean, encrypted = false): KeyForm => ({ kind: 'der', name, secret, encrypted });
  const [first, second] = elements;
  if (first === undefined || second === undefined) return undefined;
  const number = first.tag === DER.integer && first.content.length === 1 ? first.content[0]! : -1;
  const oidIn = ({ content }: DerElement) => derElements(content, 1)[0]?.tag === DER.oid;
  if (is(DER.integer, DER.sequence) && number === 3 && oidIn(second)) {
    return store('a PKCS#12 store', 'openssl pkcs12 -in KEY -nodes -nocerts -out NEW');
  }
  if (is(DER.integer, DER.sequence, DER.octets) && number <= 1 && oidIn(second)) return der('a PKCS#8 key (DER)', true);
  if (is(DER.integer, DER.octets) && number === 1) return der('a SEC1 key (DER)', true);
  if (is(DER.integer, DER.integer, DER.integer, DER.integer) && number === 0) return der('an RSA key (DER)', true);
  if (is(DER.sequence, DER.octets) && oidIn(first)) return der('an encrypted PKCS#8 key (DER)', true, true);
  if (is(DER.sequence, DER.bits) && oidIn(first)) return der('a public key (DER)', false);
  if (is(DER.sequence, DER.sequence, DER.bits)) return der('a certificate (DER)', false);
  return is(DER.integer, DER.integer) && tags.length === 2 ? der('an RSA public key (DER)', false) : undefined;
}

const store = (name: string, convert: string): KeyForm => ({
  kind: 'foreign',
  name,
  secret: true,
  encrypted: true,
  convert,
});

const COSE_SECRETS: Record<number, readonly number[]> = { 1: [-4], 2: [-4], 3: [-3], 4: [-1] };

function coseForm(bytes: Uint8Array): KeyForm | undefined {
  const head = bytes[0] ?? 0;
  const mapOrList = (head >= 0xa2 && head <= 0xb7) || (head >= 0x81 && head <= 0x97);
  if (!mapOrList || bytes.length > COSE_BYTES_MAX) return undefined;
  let value: Cbor;
  try {
    value = decode(bytes, 'key');
  } catch {
    return undefined;
  }
  const list = Array.isArray(value);
  const keys = [value].flat().filter(isCoseMap);
  if (keys.length === 0) return undefined;
  const secret = keys.some((key) => COSE_SECRETS[Number(key.get(1))]!.some((label) => key.has(label)));
  const name = `a COSE_Key${list ? 'Set' : ''} with a ${secret ? 'private' : 'public'} key`;
  return {
    kind: list ? 'foreign' : 'cose',
    name,
    secret,
    encrypted: false,
    ...(list && { convert: 'take one key out' }),
  };
}

/** A CBOR map whose kty (1) is registered, with its curve, modulus or secret (-1): RFC 9053 section 7. */
const isCoseMap = (value: Cbor): value is Map<Cbor, Cbor> =>
  value instanceof Map && COSE_SECRETS[Number(value.get(1))] !== undefined && value.has(-1);

function rawForm(bytes: Uint8Array, isPair: PairTest): KeyForm | undefined {
  const raw = (name: string): KeyForm => ({ kind: 'raw', name, secret: true, encrypted: false });
  if (bytes.length === RAW_KEY_BYTES && !bytes.every((byte) => byte < 0x80))
    return raw('32 raw bytes, which may be a private key');
  if (bytes.length !== SEED_AND_PUBLIC_BYTES) return undefined;
  const [seed, open] = [bytes.subarray(0, RAW_KEY_BYTES), bytes.subarray(RAW_KEY_BYTES)];
  return isPair(seed, open) ? raw('a raw Ed25519 private key with its public key') : undefined;
}
