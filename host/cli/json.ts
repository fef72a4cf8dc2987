// How results look as JSON: one document on one line.
//
// Bytes are lower-case hex, dates ISO 8601, and a 64-bit number that a double cannot hold is decimal text, so that no
// reader rounds a sequence number.

import { printableJson } from '../printable.js';
import { SecretUrl } from '../secret-url.js';

function plain(value: unknown): unknown {
  if (typeof value === 'bigint') {
    const number = Number(value);
    return Number.isSafeInteger(number) ? number : value.toString();
  }
  if (value instanceof Uint8Array) return Buffer.from(value).toString('hex');
  if (value instanceof Date) return value.toISOString();
  if (value instanceof Map) return plain(Object.fromEntries(value));
  if (Array.isArray(value)) return value.map(plain);
  if (value instanceof SecretUrl) return value.shown;
  if (value !== null && typeof value === 'object') {
    return Object.fromEntries(Object.entries(value).map(([key, member]) => [key, plain(member)]));
  }
  return value;
}

export function toJson(value: unknown): string {
  return printableJson(JSON.stringify(plain(value)));
}
