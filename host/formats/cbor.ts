// The CBOR of this project (RFC 8949): written in the one deterministic form of section 4.2.1, read strictly.
//
// Writing: shortest heads, map keys in bytewise order of their encodings, no floats. Maps with number keys are `Map`s.
// Reading is for showing and for building upon; whether a device accepts the bytes is said by the core alone.

import { decodeFirst, encode as encodeCbor, rfc8949EncodeOptions, Tagged } from 'cborg';
import { CountersignError } from '../errors.js';

export { Tagged };

/** What a decoded item may be. Map keys are numbers or text, or an encoded array (as in SUIT text). */
export type Cbor = number | bigint | string | boolean | null | Uint8Array | Cbor[] | Map<Cbor, Cbor> | Tagged;

const DECODE_OPTIONS = {
  strict: true,
  allowIndefinite: false,
  allowUndefined: false,
  allowInfinity: false,
  allowNaN: false,
  useMaps: true,
  rejectDuplicateMapKeys: true,
};

/** Tags that appear in our formats: COSE structures, CWT, SUIT envelope and manifest. */
const TAGS = [16, 17, 18, 61, 96, 97, 98, 107, 112, 1070];

const tags = Tagged.preserve(...TAGS);

/** Encodes deterministically. A member whose value is undefined is left out of a map made by `cborMap`. */
export function encode(value: unknown): Uint8Array {
  return encodeCbor(value, rfc8949EncodeOptions);
}

/** A map with the members that are present: `cborMap([[1, 'a'], [2, undefined]])` has one. */
export function cborMap(members: (readonly [number | string, unknown])[]): Map<number | string, unknown> {
  return new Map(members.filter(([, value]) => value !== undefined));
}

/** A whole number that was decoded, of any size; undefined: anything else, a fraction, which CBOR has as well, among it. */
export function wholeNumber(value: unknown): bigint | undefined {
  return typeof value === 'bigint' || Number.isSafeInteger(value) ? BigInt(value as number | bigint) : undefined;
}

/** Decodes exactly one item; `what` names it in errors. */
export function decode(bytes: Uint8Array, what: string): Cbor {
  const [value, rest] = decodePrefix(bytes, what);
  if (rest.length > 0) throw new CountersignError('TrailingBytes', `cbor: ${what}: ${rest.length} bytes after its end`);
  return value;
}

/** Decodes the first item and returns what follows it. */
export function decodePrefix(bytes: Uint8Array, what: string): [value: Cbor, rest: Uint8Array] {
  try {
    const [value, rest] = decodeFirst(bytes, { ...DECODE_OPTIONS, tags });
    return [value as Cbor, rest];
  } catch (cause) {
    throw new CountersignError('FileMalformed', `cbor: ${what}: not well-formed CBOR`, { cause });
  }
}

/** The head of an item: its major type, its argument, and how many bytes it takes (RFC 8949 section 3). */
export function readHead(
  bytes: Uint8Array,
  at: number,
  what: string,
): { major: number; argument: number; end: number } {
  const first = bytes[at];
  if (first === undefined) throw new CountersignError('Truncated', `cbor: ${what}: ends at byte ${at}`);
  const info = first & 0x1f;
  const major = first >> 5;
  if (info < 24) return { major, argument: info, end: at + 1 };
  const length = { 24: 1, 25: 2, 26: 4 }[info];
  if (length === undefined) throw new CountersignError('UnsupportedItem', `cbor: ${what}: unusual CBOR at byte ${at}`);
  if (at + 1 + length > bytes.length)
    throw new CountersignError('Truncated', `cbor: ${what}: ends at byte ${bytes.length}`);
  const argument = bytes.subarray(at + 1, at + 1 + length).reduce((value, byte) => value * 256 + byte, 0);
  return { major, argument, end: at + 1 + length };
}

/** The head alone, for containers whose content is joined from bytes that must stay as they are. */
export function writeHead(major: number, argument: number): Uint8Array {
  const head = encode(argument);
  head[0]! |= major << 5;
  return head;
}

/** Major types (RFC 8949 section 3.1). */
export const MAJOR = { uint: 0, negative: 1, bytes: 2, text: 3, array: 4, map: 5, tag: 6 } as const;
