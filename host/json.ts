// Public JSON: what `--json` prints, what a server would answer, and what devices leave on a broker (docs/json.md).
//
// A document is one object on one line, with `version` first. One form for each kind of value, everywhere: bytes are
// lower-case hex, a 64-bit number is decimal text (a double would round it), a date is ISO 8601, a reason is an object of
// number, name and text. What a schema of describe/schemas/ does not name is in no document.

import type { CountersignError } from './errors.js';
import { hex } from './formats/bytes.js';
import type { ReasonData } from './formats/reason-schema.js';
import { printableJson } from './printable.js';
import { reasonOf } from './reasons.js';
import { SecretUrl } from './secret-url.js';

/** Raised when a member is removed, or gets another name, type or meaning; not when one is added. */
export const JSON_VERSION = 1;

/** A reason as every document has it. */
export function reasonData(code: number): ReasonData {
  const { name, text } = reasonOf(code);
  return { code, name, text };
}

function plain(value: unknown): unknown {
  if (typeof value === 'bigint') return value.toString();
  if (value instanceof Uint8Array) return hex(value);
  if (value instanceof Date) return value.toISOString();
  if (value instanceof Map) return plain(Object.fromEntries(value));
  if (Array.isArray(value)) return value.map(plain);
  if (value instanceof SecretUrl) return value.shown;
  if (value === null || typeof value !== 'object') return value;
  return Object.fromEntries(Object.entries(value).map(([key, member]) => [key, plain(member)]));
}

/** A value on one line of JSON that steers no terminal; no document yet. */
export const toJson = (value: unknown): string => printableJson(JSON.stringify(plain(value)));

/** A whole document. */
export const documentJson = (data: object): string => toJson({ version: JSON_VERSION, ...data });

/** What is printed, or answered, in place of a result. */
export const errorData = (error: CountersignError, exit: number = error.reason.exit) => ({
  error: { reason: reasonData(error.code), message: error.message, hint: error.hint, exit },
});
