// Keys of OpenSSH: public lines, and private keys that no passphrase protects (PROTOCOL.key of OpenSSH).
//
// node:crypto reads neither, and ssh-keygen before 9.6 does not export Ed25519 in any other form. Ed25519 and P-256;
// others are refused by their name. What follows from the private number (the public key) is made anew, and compared.

import { createPrivateKey, createPublicKey, type KeyObject } from 'node:crypto';
import { CountersignError } from '../errors.js';
import { same } from '../formats/bytes.js';
import { ed25519FromSeed } from './seed.js';

const MAGIC = 'openssh-key-v1\0';
const COORDINATE_BYTES = 32;

type Cursor = { bytes: Buffer; at: number };

/** A string of RFC 4251 section 5: its length in 4 bytes, then the bytes. */
function take(from: Cursor, what: string): Buffer {
  const length = from.at + 4 <= from.bytes.length ? from.bytes.readUInt32BE(from.at) : Number.MAX_SAFE_INTEGER;
  const start = from.at + 4;
  if (start + length > from.bytes.length) throw new CountersignError('KeyUnreadable', `key: ${what} is cut off`);
  from.at = start + length;
  return from.bytes.subarray(start, from.at);
}

export function readSshPublic(line: string, what: string): KeyObject {
  const base64 = /\s(AAAA[A-Za-z0-9+/=]+)/.exec(line)?.[1] ?? '';
  return publicIn({ bytes: Buffer.from(base64, 'base64'), at: 0 }, what);
}

export function readSshPrivate(text: string, what: string): KeyObject {
  const base64 = /-----BEGIN OPENSSH PRIVATE KEY-----([^-]*)-----END/.exec(text)?.[1] ?? '';
  const bytes = Buffer.from(base64, 'base64');
  if (bytes.subarray(0, MAGIC.length).toString('latin1') !== MAGIC) {
    throw new CountersignError('KeyUnreadable', `key: ${what} is an OpenSSH private key, but damaged`);
  }
  const outer = { bytes, at: MAGIC.length };
  const cipher = take(outer, what).toString('latin1');
  if (cipher !== 'none') {
    throw new CountersignError('KeyUnreadable', `key: ${what} is an OpenSSH private key, encrypted with ${cipher}`, {
      hint: `take the passphrase off a copy: cp KEY NEW && ssh-keygen -p -N '' -f NEW`,
    });
  }
  take(outer, what); // kdf
  take(outer, what); // its options
  outer.at += 4; // one key
  const open = publicIn({ bytes: take(outer, what), at: 0 }, what);
  const inner = { bytes: take(outer, what), at: 8 }; // two check numbers
  const type = take(inner, what).toString('latin1');
  const key = type === 'ssh-ed25519' ? edwards(inner, what) : nist(inner, open, what);
  const spki = (object: KeyObject) => object.export({ type: 'spki', format: 'der' });
  if (same(spki(createPublicKey(key)), spki(open))) return key;
  throw new CountersignError('KeyInvalid', `key: the two halves of ${what} do not belong together`);
}

function publicIn(from: Cursor, what: string): KeyObject {
  const type = take(from, what).toString('latin1');
  const text = (bytes: Uint8Array) => Buffer.from(bytes).toString('base64url');
  if (type === 'ssh-ed25519') {
    const x = text(take(from, what));
    return made(what, () => createPublicKey({ key: { kty: 'OKP', crv: 'Ed25519', x }, format: 'jwk' }));
  }
  if (type === 'ecdsa-sha2-nistp256') {
    take(from, what); // the curve once more
    const point = take(from, what);
    const [x, y] = [point.subarray(1, 1 + COORDINATE_BYTES), point.subarray(1 + COORDINATE_BYTES)];
    const key = { kty: 'EC', crv: 'P-256', x: text(x), y: text(y) };
    return made(what, () => createPublicKey({ key, format: 'jwk' }));
  }
  throw new CountersignError('KeyUnsupported', `key: ${what} is neither Ed25519 nor P-256, but ${type}`);
}

/** string public, string seed and public */
function edwards(from: Cursor, what: string): KeyObject {
  take(from, what);
  const seed = take(from, what).subarray(0, COORDINATE_BYTES);
  return made(what, () => ed25519FromSeed(seed));
}

/** string curve, string point, mpint d */
function nist(from: Cursor, open: KeyObject, what: string): KeyObject {
  take(from, what);
  take(from, what);
  const number = take(from, what);
  const d = Buffer.concat([Buffer.alloc(COORDINATE_BYTES), number]).subarray(-COORDINATE_BYTES);
  const jwk = { ...open.export({ format: 'jwk' }), d: d.toString('base64url') };
  return made(what, () => createPrivateKey({ key: jwk, format: 'jwk' }));
}

function made(what: string, make: () => KeyObject): KeyObject {
  try {
    return make();
  } catch (cause) {
    throw new CountersignError('KeyInvalid', `key: ${what} is not a valid key`, { cause });
  }
}
