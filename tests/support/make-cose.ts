// Keys and COSE_Sign1 for tests, with every knob that is needed to spoil them. Independent of host/formats, so that the two check
// each other. Keys follow from their names: the same in every run, and published, so never trusted by a product.

import { createHash, createPrivateKey, createPublicKey, sign as nodeSign } from 'node:crypto';
import { p256 } from '@noble/curves/nist.js';
import { encode, rfc8949EncodeOptions } from 'cborg';

// --- Bytes and CBOR ---

export type Fields = readonly (readonly [key: number | string, value: unknown])[];

export const hex = (bytes: Uint8Array): string => Buffer.from(bytes).toString('hex');
export const unhex = (text: string): Uint8Array => new Uint8Array(Buffer.from(text.replace(/\s/g, ''), 'hex'));
export const utf8 = (text: string): Uint8Array => new TextEncoder().encode(text);
export const sha256 = (bytes: Uint8Array): Uint8Array => new Uint8Array(createHash('sha256').update(bytes).digest());
export const concat = (...parts: Uint8Array[]): Uint8Array => new Uint8Array(Buffer.concat(parts));

/**
 * Deterministic encoding (RFC 8949 section 4.2.1). Maps with number keys are JavaScript Maps.
 * Copied, because the library returns a Buffer, whose slice() is not a copy.
 */
export const cbor = (value: unknown): Uint8Array => new Uint8Array(encode(value, rfc8949EncodeOptions));

/** A map whose members stand in the given order, right or wrong. */
export const mapAsGiven = (fields: Fields): Uint8Array => {
  const head = cbor(fields.length);
  head[0]! |= 0xa0;
  return concat(head, ...fields.flatMap(([key, value]) => [cbor(key), cbor(value)]));
};

/** One of the arguments of a spoiled copy: the bit counted from the first byte's lowest. */
export function flipBit(bytes: Uint8Array, bit: number): Uint8Array {
  const copy = bytes.slice();
  copy[bit >> 3]! ^= 1 << (bit & 7);
  return copy;
}

// Later members replace earlier ones; those that are undefined are left out.
export function map(fields: Fields, more: Fields = []): Map<number | string, unknown> {
  const all = new Map([...fields, ...more]);
  for (const [key, value] of all) if (value === undefined) all.delete(key);
  return all;
}

// --- Keys ---

export interface TestKey {
  kind: 'ed25519' | 'p256';
  x: Uint8Array;
  y?: Uint8Array;
  kid?: Uint8Array;
  /** 64 bytes; P-256 signs the SHA-256 of the message, with a nonce of RFC 6979. */
  sign(message: Uint8Array): Uint8Array;
}

const SIGNATURES_MAX = 1000; // that a key remembers

const PKCS8_ED25519 = unhex('302e020100300506032b657004220420');

/** The key of 32 secret bytes: an RFC 8032 seed, or a P-256 scalar. */
export function keyOf(kind: TestKey['kind'], secret: Uint8Array, kid?: Uint8Array): TestKey {
  const named = kid ? { kid } : {};
  if (kind === 'p256') {
    const point = p256.getPublicKey(secret, false);
    const known = new Map<string, Uint8Array>(); // whoever enumerates worlds signs the same manifest thousands of times
    const sign = (message: Uint8Array) => {
      const name = hex(message);
      const signature = known.get(name) ?? p256.sign(message, secret, { lowS: false });
      if (known.size < SIGNATURES_MAX) known.set(name, signature);
      return signature.slice();
    };
    return { kind, x: point.slice(1, 33), y: point.slice(33), ...named, sign };
  }
  const key = createPrivateKey({
    key: Buffer.from(concat(PKCS8_ED25519, secret)),
    format: 'der',
    type: 'pkcs8',
  });
  const x = new Uint8Array(createPublicKey(key).export({ format: 'der', type: 'spki' }).subarray(-32));
  return { kind, x, ...named, sign: (message) => new Uint8Array(nodeSign(null, message, key)) };
}

/** The test key of this name, always the same. Its kid is the name; `null`: it has none. */
export function makeKey(kind: TestKey['kind'], name: string, kid: string | null = name): TestKey {
  return keyOf(kind, sha256(utf8(`countersign test key ${name}`)), kid === null ? undefined : utf8(kid));
}

/** COSE_Key, public part (RFC 9052 section 7). */
export function coseKey(key: TestKey, more: Fields = []): Map<number | string, unknown> {
  const curve: Fields =
    key.kind === 'ed25519'
      ? [
          [1, 1],
          [-1, 6],
        ]
      : [
          [1, 2],
          [-1, 1],
        ];
  return map([...curve, [2, key.kid], [-2, key.x], [-3, key.y]], more);
}

/** An ECDSA signature r||s as DER, which COSE does not take. */
export function der(signature: Uint8Array): Uint8Array {
  const integers = [signature.slice(0, 32), signature.slice(32)].map((half) => {
    const first = half.findIndex((byte) => byte !== 0);
    const magnitude = half.subarray(first);
    const value = magnitude[0]! > 127 ? concat(new Uint8Array(1), magnitude) : magnitude;
    return concat(Uint8Array.of(2, value.length), value);
  });
  const body = concat(...integers);
  return concat(Uint8Array.of(0x30, body.length), body);
}

// --- COSE_Sign1 (RFC 9052 section 4) ---

export interface Sign1Options {
  key: TestKey;
  payload: Uint8Array;
  /** Payload field is null. */
  detached?: boolean;
  /** Default: -19 or -9, by the key. */
  alg?: number | string;
  algIn?: 'protected' | 'unprotected' | 'both' | 'nowhere';
  /** Default: the key's own; null: none. */
  kid?: Uint8Array | null | undefined;
  kidIn?: 'protected' | 'unprotected';
  /** Further header labels, signed as they stand. */
  protectedMore?: Fields;
  unprotectedMore?: Fields;
  /** An empty protected header travels as h'a0' instead of h''. */
  emptyAsMap?: boolean;
  aad?: Uint8Array;
  /** null: untagged. */
  tag?: number | null;
  /** Last change to the signature. */
  spoil?: (signature: Uint8Array) => Uint8Array;
}

export function sign1(options: Sign1Options): Uint8Array {
  const { key, payload, algIn = 'protected', kidIn = 'unprotected', tag = 18 } = options;
  const alg = options.alg ?? (key.kind === 'ed25519' ? -19 : -9);
  const kid = options.kid === undefined ? key.kid : (options.kid ?? undefined);
  const algAt = (place: string): Fields => (algIn === place || algIn === 'both' ? [[1, alg]] : []);
  const kidAt = (place: string): Fields => (kidIn === place ? [[4, kid]] : []);
  const signed = map([...algAt('protected'), ...kidAt('protected')], options.protectedMore);
  const unsigned = map([...algAt('unprotected'), ...kidAt('unprotected')], options.unprotectedMore);
  const empty = signed.size === 0;
  const inSignature = empty ? new Uint8Array() : cbor(signed);
  const message = cbor(['Signature1', inSignature, options.aad ?? new Uint8Array(), payload]);
  const signature = (options.spoil ?? ((same) => same))(key.sign(message));
  const travelling = empty && options.emptyAsMap ? unhex('a0') : inSignature;
  const body = cbor([travelling, unsigned, options.detached ? null : payload, signature]);
  return tag === null ? body : concat(tagHead(tag), body);
}

export function tagHead(tag: number): Uint8Array {
  const head = cbor(tag);
  head[0]! |= 0xc0;
  return head;
}
