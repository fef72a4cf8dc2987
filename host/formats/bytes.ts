// The few things that are done to bytes everywhere: hex, base64, joining, comparing, hashing, name-based UUIDs. The same in
// Node and in a browser.

import { sha1 } from '@noble/hashes/legacy.js';
import { sha256 as hashSha256 } from '@noble/hashes/sha2.js';

const HEX = Array.from({ length: 256 }, (_, byte) => byte.toString(16).padStart(2, '0'));

export function hex(bytes: Uint8Array): string {
  let text = '';
  for (const byte of bytes) text += HEX[byte];
  return text;
}

/** Up to the first pair that is no hex: whether a text is hex, its reader has asked before. */
export function fromHex(text: string): Uint8Array {
  const bytes = new Uint8Array(text.length >> 1);
  for (let at = 0; at < bytes.length; at++) {
    const pair = text.slice(2 * at, 2 * at + 2);
    if (!/^[0-9a-f]{2}$/i.test(pair)) return bytes.slice(0, at);
    bytes[at] = Number.parseInt(pair, 16);
  }
  return bytes;
}

export const utf8 = (text: string): Uint8Array => new TextEncoder().encode(text);

/** Arguments of one call; engines bound them. */
const CHARACTERS_AT_ONCE = 8192;

/** One character for each byte (ISO 8859-1). */
export function latin1(bytes: Uint8Array): string {
  let text = '';
  for (let at = 0; at < bytes.length; at += CHARACTERS_AT_ONCE) {
    text += String.fromCharCode(...bytes.subarray(at, at + CHARACTERS_AT_ONCE));
  }
  return text;
}

/** RFC 4648 section 4, with padding. */
export const base64 = (bytes: Uint8Array): string => btoa(latin1(bytes));

/** Spaces and line breaks are left out; undefined: it is no base64. */
export function fromBase64(text: string): Uint8Array | undefined {
  try {
    return Uint8Array.from(atob(text), (character) => character.charCodeAt(0));
  } catch {
    return undefined;
  }
}

export function same(a: Uint8Array, b: Uint8Array): boolean {
  return a.length === b.length && a.every((byte, at) => byte === b[at]);
}

/** One copy, however many parts. */
export function join(parts: readonly Uint8Array[]): Uint8Array {
  const whole = new Uint8Array(parts.reduce((length, part) => length + part.length, 0));
  let at = 0;
  for (const part of parts) {
    whole.set(part, at);
    at += part.length;
  }
  return whole;
}

/** Of what is small; sha256Of (byte-source.ts) is faster with an image. */
export function sha256(...parts: Uint8Array[]): Uint8Array {
  const hash = hashSha256.create();
  for (const part of parts) hash.update(part);
  return hash.digest();
}

export const UUID_BYTES = 16;

const NAMESPACE_DNS = fromHex('6ba7b8109dad11d180b400c04fd430c8');

/** RFC 9562 section 5.5: version 5, from a namespace and a name. */
export function uuid5(namespace: Uint8Array, name: string): Uint8Array {
  const digest = sha1(join([namespace, utf8(name)])).slice(0, UUID_BYTES);
  digest[6] = (digest[6]! & 0x0f) | 0x50;
  digest[8] = (digest[8]! & 0x3f) | 0x80;
  return digest;
}

/** 8-4-4-4-12 */
export function uuidText(bytes: Uint8Array): string {
  if (bytes.length !== UUID_BYTES) return hex(bytes);
  return hex(bytes).replace(/^(.{8})(.{4})(.{4})(.{4})/, '$1-$2-$3-$4-');
}

const UUID = /^[0-9a-f]{8}-?[0-9a-f]{4}-?[0-9a-f]{4}-?[0-9a-f]{4}-?[0-9a-f]{12}$/i;

/** SUIT vendor identifier: a UUID as it is, or UUIDv5 of a domain in the DNS namespace. */
export function vendorIdOf(domainOrUuid: string): Uint8Array {
  return UUID.test(domainOrUuid) ? fromHex(domainOrUuid.replaceAll('-', '')) : uuid5(NAMESPACE_DNS, domainOrUuid);
}

/** SUIT class identifier: a UUID as it is, or UUIDv5 of a name in the namespace of its vendor. */
export function classIdOf(vendorId: Uint8Array, nameOrUuid: string): Uint8Array {
  return UUID.test(nameOrUuid) ? fromHex(nameOrUuid.replaceAll('-', '')) : uuid5(vendorId, nameOrUuid);
}
