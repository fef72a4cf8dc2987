// The DER that PKCS#15 directories and file control parameters are made of: tag, length, value, with tags of one byte.
//
// Bounded and strict where it matters (no value may reach beyond its container), patient with what cards do: padding of
// 00 or FF after the last element ends a list.

import { CountersignError } from '../errors.js';
import { join, utf8 } from '../formats/bytes.js';

export interface Tlv {
  tag: number;
  value: Uint8Array;
  /** Tag, length and value as they stand. */
  whole: Uint8Array;
}

export const TAG = { integer: 0x02, bits: 0x03, octets: 0x04, oid: 0x06, utf8: 0x0c, sequence: 0x30 } as const;

/** All elements up to the end or the padding. `what` names them in errors. */
export function readAll(bytes: Uint8Array, what: string): Tlv[] {
  const found: Tlv[] = [];
  for (let at = 0; at < bytes.length && bytes[at] !== 0x00 && bytes[at] !== 0xff; ) {
    const next = readOne(bytes.subarray(at), what);
    found.push(next);
    at += next.whole.length;
  }
  return found;
}

function readOne(bytes: Uint8Array, what: string): Tlv {
  const first = bytes[1] ?? 0x80;
  const lengthBytes = first < 0x80 ? 0 : first & 0x7f;
  if (lengthBytes > 2 || first === 0x80) throw malformed(what);
  const length = lengthBytes === 0 ? first : bytes.subarray(2, 2 + lengthBytes).reduce((n, byte) => n * 256 + byte, 0);
  const from = 2 + lengthBytes;
  if (from + length > bytes.length) throw malformed(what);
  return { tag: bytes[0]!, value: bytes.slice(from, from + length), whole: bytes.slice(0, from + length) };
}

const malformed = (what: string) =>
  new CountersignError('CardMalformed', `card: ${what} is not what PKCS#15 has there`);

/** The first element with this tag, or undefined. */
export const find = (list: readonly Tlv[], tag: number): Tlv | undefined => list.find((one) => one.tag === tag);

/** One element around parts, which are elements already or the value itself. */
export function tlv(tag: number, ...parts: Uint8Array[]): Uint8Array {
  const value = join(parts);
  const length =
    value.length < 0x80 ? [value.length] : value.length < 0x100 ? [0x81, value.length] : wide(value.length);
  return join([Uint8Array.of(tag, ...length), value]);
}

const wide = (length: number) => [0x82, length >>> 8, length & 0xff];

export const text = (value: string): Uint8Array => tlv(TAG.utf8, utf8(value));

/** A number of two bytes, big-endian. */
export const u16 = (value: number): Uint8Array => Uint8Array.of(value >>> 8, value & 0xff);

export const numberOf = (bytes: Uint8Array): number => bytes.reduce((sum, byte) => sum * 256 + byte, 0);
