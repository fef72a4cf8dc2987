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

const tags = Object.fromEntries(TAGS.map((tag) => [tag, Tagged.decoder(tag)]));

/** Encodes deterministically. A member whose value is undefined is left out of a map made by `cborMap`. */
export function encode(value: unknown): Uint8Array {
  return encodeCbor(value, rfc8949EncodeOptions);
}

/** A map with the members that are present: `cborMap([[1, 'a'], [2, undefined]])` has one. */
export function cborMap(members: (readonly [number | string, unknown])[]): Map<number | string, unknown> {
  return new Map(members.filter(([, value]) => value !== undefined));
}

/** Decodes exactly one item; `what` names it in errors. */
export function decode(bytes: Uint8Array, what: string): Cbor {
  const [value, rest] = decodePrefix(bytes, what);
  if (rest.length > 0) throw new CountersignError('TrailingBytes', `${what}: ${rest.length} bytes after its end`);
  return value;
}

/** Decodes the first item and returns what follows it. */
export function decodePrefix(bytes: Uint8Array, what: string): [value: Cbor, rest: Uint8Array] {
  try {
    const [value, rest] = decodeFirst(bytes, { ...DECODE_OPTIONS, tags });
    return [value as Cbor, rest];
  } catch (cause) {
    throw new CountersignError('FileMalformed', `${what}: not well-formed CBOR`, { cause });
  }
}
