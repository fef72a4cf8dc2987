// The name of a key in a token: a pkcs11: URI (RFC 7512).
//
//   pkcs11:token=Operator;object=release;id=%01?module-path=/usr/lib/softhsm/libsofthsm2.so&pin-source=/run/pin
//
// Understood: token, manufacturer, model, serial, slot-id, object, id, type, module-path and pin-source. Any other
// attribute is an error, as the RFC asks for those that cannot be honoured; so is pin-value, which everybody on the
// machine could read.

import { CountersignError } from '../errors.js';
import { fromHex, utf8 } from '../formats/bytes.js';

const SCHEME = 'pkcs11:';

/** Attributes of the path by which a token is chosen, and where they stand in CK_TOKEN_INFO. */
export const TOKEN_ATTRIBUTES = ['token', 'manufacturer', 'model', 'serial'] as const;

const PATH = [...TOKEN_ATTRIBUTES, 'slot-id', 'object', 'id', 'type'] as const;
const QUERY = ['module-path', 'pin-source'] as const;

export interface KeyUri {
  text: string;
  token: Partial<Record<(typeof TOKEN_ATTRIBUTES)[number], string>>;
  slotId: number | undefined;
  /** CKA_LABEL */
  object: string | undefined;
  /** CKA_ID */
  id: Uint8Array | undefined;
  modulePath: string | undefined;
  /** Path of a file with the PIN. */
  pinSource: string | undefined;
}

export const isKeyUri = (text: string): boolean => text.toLowerCase().startsWith(SCHEME);

export function parseKeyUri(text: string): KeyUri {
  const [path = '', query = ''] = text.slice(SCHEME.length).split('?');
  const attributes = new Map([...pairs(path, ';', PATH), ...pairs(query, '&', QUERY)]);
  const type = attributes.get('type');
  if (type !== undefined && type !== 'private') throw wrong(`type=${type}: a private key is needed to sign`);
  const slot = attributes.get('slot-id');
  if (slot !== undefined && !/^\d{1,9}$/.test(slot)) throw wrong('slot-id is not a number');
  const id = attributes.get('id');
  return {
    text: `${SCHEME}${path}`,
    token: Object.fromEntries(
      TOKEN_ATTRIBUTES.flatMap((name) => (attributes.has(name) ? [[name, attributes.get(name)]] : [])),
    ),
    slotId: slot === undefined ? undefined : Number(slot),
    object: attributes.get('object'),
    id: id === undefined ? undefined : bytesOf(id),
    modulePath: attributes.get('module-path'),
    pinSource: attributes.get('pin-source')?.replace(/^file:(\/\/)?/, ''),
  };
}

/** name=value, the value decoded except where bytes are wanted. */
function pairs(text: string, separator: string, known: readonly string[]): [string, string][] {
  return text.split(separator).flatMap((part): [string, string][] => {
    if (part === '') return [];
    const at = part.indexOf('=');
    const name = part.slice(0, Math.max(at, 0));
    if (name === 'pin-value') throw wrong('pin-value would show the PIN to everybody; use pin-source or --pin-file');
    if (!known.includes(name)) throw wrong(`it does not know "${name || part}"; known: ${known.join(', ')}`);
    const value = part.slice(at + 1);
    return [[name, name === 'id' ? value : decoded(value)]];
  });
}

function decoded(value: string): string {
  try {
    return decodeURIComponent(value);
  } catch {
    throw wrong(`"${value}" is not percent-encoded`);
  }
}

function bytesOf(value: string): Uint8Array {
  const parts = value.match(/%[0-9a-f]{2}|[^%]/gi) ?? [];
  if (parts.join('') !== value) throw wrong(`"${value}" is not percent-encoded`);
  return Uint8Array.from(parts.flatMap((part) => [...(part.length === 3 ? fromHex(part.slice(1)) : utf8(part))]));
}

const wrong = (text: string) => new CountersignError('BadArgument', `key: in the pkcs11: URI ${text}`);
