// The directory of a card (PKCS#15 v1.1): which data objects it holds and where, and the PIN that opens them.
//
//   EF.ODF 5031:  A7 { Path } for each EF.DODF, A8 { Path } for each EF.AODF
//   EF.DODF:      SEQUENCE { { ? label, ? flags, ? authId }, { ? application name, ? application OID }, [1] { Path } }
//   Path:         SEQUENCE { OCTET STRING path, ? INTEGER index, ? [0] length }
//
// Cards that wrap the object identifier twice, write A1 in place of SEQUENCE, or fill their files with 00 or FF are
// understood. Entries that are not a data object with a path are kept as they stand and not looked into.

import { CountersignError } from '../errors.js';
import { fromHex, same } from '../formats/bytes.js';
import { find, numberOf, readAll, TAG, type Tlv, text, tlv } from './tlv.js';

const ODF = { data: 0xa7, authentication: 0xa8 } as const;
const DATA_BY_OID = 0xa1; // also in place of SEQUENCE on some cards
const TYPE_ATTRIBUTES = 0xa1;
const PATH_LENGTH = 0x80;
const PIN_REFERENCE = 0x80;
const FLAG_PRIVATE = 0x80; // bit 0 of a BIT STRING
const FLAGS_MODIFIABLE = fromHex('0640'); // 2 bits: not private, modifiable
const PIN_BYTES = 8;
const PIN_PADDING = 0xff;

export interface DataObject {
  label: string | undefined;
  application: string | undefined;
  /** Content of the object identifier. */
  oid: Uint8Array | undefined;
  private: boolean;
  path: Uint8Array;
  /** From the path; absent: the whole file. */
  length: number | undefined;
}

export interface DirectoryEntry {
  /** As it stands in the file. */
  bytes: Uint8Array;
  object: DataObject | undefined;
}

export interface Pin {
  reference: number;
  bytes: number;
  padding: number;
}

/** Paths of the directories that EF.ODF names. */
export function directories(odf: Uint8Array): { data: Uint8Array[]; authentication: Uint8Array[] } {
  const entries = readAll(odf, 'EF.ODF');
  const paths = (tag: number) =>
    entries.filter((one) => one.tag === tag).map(({ value }) => pathIn(readAll(value, 'EF.ODF'), 'EF.ODF').path);
  return { data: paths(ODF.data), authentication: paths(ODF.authentication) };
}

/** What EF.ODF gets when a card has no directory of data objects yet. */
export const directoryReference = (path: Uint8Array): Uint8Array =>
  tlv(ODF.data, tlv(TAG.sequence, tlv(TAG.octets, path)));

export function readDirectory(dodf: Uint8Array): DirectoryEntry[] {
  return readAll(dodf, 'EF.DODF').map((entry) => ({ bytes: entry.whole, object: objectIn(entry) }));
}

function objectIn({ tag, value }: Tlv): DataObject | undefined {
  if (tag !== TAG.sequence && tag !== DATA_BY_OID) return undefined;
  const [common, own, ...rest] = readAll(value, 'EF.DODF');
  const type = find(rest, TYPE_ATTRIBUTES);
  if (common?.tag !== TAG.sequence || own?.tag !== TAG.sequence || type === undefined) return undefined;
  const attributes = readAll(common.value, 'EF.DODF');
  const names = readAll(own.value, 'EF.DODF');
  const flags = find(attributes, TAG.bits)?.value[1] ?? 0;
  return {
    label: stringIn(attributes),
    application: stringIn(names),
    oid: oidIn(names) ?? oidIn(typeParts(type)),
    private: (flags & FLAG_PRIVATE) !== 0,
    ...pathIn(typeParts(type), 'EF.DODF'),
  };
}

/** [1] { Path }, or as some cards have it [1] { { OID, Path } }: the parts in which both are found. */
function typeParts(type: Tlv): Tlv[] {
  const parts = readAll(type.value, 'EF.DODF');
  const inner = parts.flatMap((one) => (one.tag === TAG.sequence ? readAll(one.value, 'EF.DODF') : []));
  return inner.some((one) => one.tag === TAG.sequence || one.tag === TAG.oid) ? inner : parts;
}

function stringIn(list: readonly Tlv[]): string | undefined {
  const found = find(list, TAG.utf8);
  return found && new TextDecoder().decode(found.value);
}

function oidIn(list: readonly Tlv[]): Uint8Array | undefined {
  const found = find(list, TAG.oid)?.value;
  return found?.[0] === TAG.oid && found[1] === found.length - 2 ? found.slice(2) : found;
}

/** A path, as a SEQUENCE or bare. */
function pathIn(list: readonly Tlv[], what: string): { path: Uint8Array; length: number | undefined } {
  const sequence = find(list, TAG.sequence);
  const parts = sequence ? readAll(sequence.value, what) : list;
  const path = find(parts, TAG.octets)?.value;
  if (path === undefined || path.length < 2) throw new CountersignError('CardMalformed', `card: no path in ${what}`);
  const length = find(parts, PATH_LENGTH)?.value;
  return { path, length: length && numberOf(length) };
}

/** The entry of a data object that anybody may read and its owner may change. */
export function directoryEntry(object: {
  label: string;
  application: string;
  oid: Uint8Array;
  path: Uint8Array;
  length: number;
}): Uint8Array {
  const length = tlv(PATH_LENGTH, ...[integerBytes(object.length)]);
  return tlv(
    TAG.sequence,
    tlv(TAG.sequence, text(object.label), tlv(TAG.bits, FLAGS_MODIFIABLE)),
    tlv(TAG.sequence, text(object.application), tlv(TAG.oid, object.oid)),
    tlv(TYPE_ATTRIBUTES, tlv(TAG.sequence, tlv(TAG.octets, object.path), tlv(TAG.integer, Uint8Array.of(0)), length)),
  );
}

function integerBytes(value: number): Uint8Array {
  const bytes = fromHex(value.toString(16).padStart(value > 0xff ? 4 : 2, '0'));
  return bytes[0]! > 0x7f ? Uint8Array.of(0, ...bytes) : bytes; // positive, so no leading sign bit
}

/** The first PIN of EF.AODF (PKCS#15 section 6.8.2): its reference, and how it is padded. */
export function pinIn(aodf: Uint8Array): Pin | undefined {
  for (const { value } of readAll(aodf, 'EF.AODF')) {
    const type = find(readAll(value, 'EF.AODF'), TYPE_ATTRIBUTES);
    const [attributes] = type ? readAll(type.value, 'EF.AODF') : [];
    if (attributes === undefined) continue;
    const parts = readAll(attributes.value, 'EF.AODF');
    const reference = find(parts, PIN_REFERENCE)?.value;
    const [, stored] = parts.filter(({ tag }) => tag === TAG.integer);
    const padding = find(parts, TAG.octets)?.value[0];
    return {
      reference: reference ? numberOf(reference) & 0xff : 0,
      bytes: stored ? numberOf(stored.value) : PIN_BYTES,
      padding: padding ?? PIN_PADDING,
    };
  }
  return undefined;
}

/** A PIN as it goes to the card; ISO 9564 has longer ones, cards do not. */
export function paddedPin(pin: string, { bytes, padding }: Pin): Uint8Array {
  const digits = new TextEncoder().encode(pin);
  if (digits.length > bytes) throw new CountersignError('PinWrong', `card: its PIN has up to ${bytes} characters`);
  return Uint8Array.from({ length: bytes }, (_, at) => digits[at] ?? padding);
}

/** Whether an entry is the object that goes by this identifier, or by this label if it names none. */
export function isObject(object: DataObject, wanted: { oid: Uint8Array; label: string }): boolean {
  return object.oid ? same(object.oid, wanted.oid) : object.label === wanted.label;
}
