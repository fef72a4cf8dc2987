// The few things that are done to bytes everywhere: hex, joining, comparing, hashing, name-based UUIDs.

import { createHash } from 'node:crypto';

export const hex = (bytes: Uint8Array): string => Buffer.from(bytes).toString('hex');

export const fromHex = (text: string): Uint8Array => Uint8Array.from(Buffer.from(text, 'hex'));

export const utf8 = (text: string): Uint8Array => new TextEncoder().encode(text);

export const same = (a: Uint8Array, b: Uint8Array): boolean => Buffer.compare(a, b) === 0;

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

export function sha256(...parts: Uint8Array[]): Uint8Array {
  const hash = createHash('sha256');
  for (const part of parts) hash.update(part);
  return Uint8Array.from(hash.digest());
}

export const UUID_BYTES = 16;

const NAMESPACE_DNS = fromHex('6ba7b8109dad11d180b400c04fd430c8');

/** RFC 9562 section 5.5: version 5, from a namespace and a name. */
export function uuid5(namespace: Uint8Array, name: string): Uint8Array {
  const digest = createHash('sha1').update(namespace).update(name).digest().subarray(0, UUID_BYTES);
  digest[6] = (digest[6]! & 0x0f) | 0x50;
  digest[8] = (digest[8]! & 0x3f) | 0x80;
  return Uint8Array.from(digest);
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
