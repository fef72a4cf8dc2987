// Approval documents: what an operator says about packages, as CWT claims in a COSE_Sign1 (RFC 8392).
//
//   { 1: iss, ? 4: exp, ? 5: nbf, 6: iat, 7: cti, -70001: sequence, -70002: [+ entry] }
//   entry = { 1: verdict, ? 2: manifest digest, ? 3: class-id, ? 4: [lowest, highest], ? 5: vendor kid,
//             ? 6: [+ device id], ? 7: confirm, ? 8: image hash }
//
// Of one operator, a device heeds the document with the highest sequence alone: a new document replaces all earlier ones,
// so it repeats what shall stay approved. Times are Unix seconds. An entry names what it is about by at least one of
// digest, class, vendor key or image hash; all that it names must match. An image hash is MCUboot's, for boot loaders with the gate
// that `export-c --mcuboot --no-suit` writes: they know no packages, and devices that know packages refuse a document with one.
// Encoding is deterministic; approval-yaml.ts is the readable twin of the same bytes.

import * as z from 'zod';
import { CountersignError } from '../errors.js';
import { hex, UUID_BYTES } from './bytes.js';
import { type Cbor, cborMap, decode, encode } from './cbor.js';
import { sign1, viewSign1 } from './cose.js';
import type { SigningKey } from './keys.js';
import { MOMENT_MAX } from './moment.js';

/** A device keeps no larger document. */
export const DOCUMENT_BYTES_MAX = 1024;

/** What a device reads of one document; more makes the whole of it malformed. */
export const ENTRIES_MAX = 16;
/** Devices in one entry; larger fleets are approved by class. */
const DEVICES_MAX = 32;
const DEVICE_ID_BYTES_MAX = 32;

const CLAIM = { issuer: 1, expires: 4, notBefore: 5, issuedAt: 6, id: 7, sequence: -70001, entries: -70002 } as const;
const ENTRY = {
  verdict: 1,
  digest: 2,
  classId: 3,
  range: 4,
  vendorKid: 5,
  devices: 6,
  confirm: 7,
  imageHash: 8,
} as const;
const VERDICT = { approve: 1, deny: 2 } as const;
const CONFIRM = { 'no-ask': 0, ask: 1 } as const;
const ID_BYTES = 8;
const DIGEST_BYTES = 32;

export type Confirm = keyof typeof CONFIRM;

const bytesSchema = z.custom<Uint8Array>((value) => value instanceof Uint8Array, 'is not bytes');
const u64Schema = z
  .bigint()
  .min(0n)
  .max(2n ** 64n - 1n);
/** Up to the end of the year 9999, so that every time can be written as a date. */
const timeSchema = z.number().int().min(0).max(MOMENT_MAX);

export const entrySchema = z.lazy(() =>
  z
    .strictObject({
      verdict: z.enum(['approve', 'deny']),
      digest: bytesSchema
        .refine((digest) => digest.length === DIGEST_BYTES, 'a manifest digest has 32 bytes')
        .optional(),
      classId: bytesSchema.refine((id) => id.length === UUID_BYTES, 'a class id has 16 bytes').optional(),
      range: z
        .tuple([u64Schema, u64Schema])
        .refine(([low, high]) => low <= high, 'a range goes from lowest to highest')
        .optional(),
      vendorKid: bytesSchema.optional(),
      devices: z
        .array(
          bytesSchema.refine(
            ({ length }) => length > 0 && length <= DEVICE_ID_BYTES_MAX,
            'a device id has 1 to 32 bytes',
          ),
        )
        .min(1)
        .max(DEVICES_MAX, `an entry lists up to ${DEVICES_MAX} devices`)
        .optional(),
      confirm: z.enum(['no-ask', 'ask']).optional(),
      imageHash: bytesSchema.refine((hash) => hash.length === DIGEST_BYTES, 'an image hash has 32 bytes').optional(),
    })
    .refine(
      (entry) => entry.digest || entry.classId || entry.vendorKid || entry.imageHash,
      'an entry names a digest, a class, a vendor key or an image hash',
    ),
);

export const claimsSchema = z.lazy(() =>
  z.strictObject({
    issuer: z.string().min(1),
    issuedAt: timeSchema,
    notBefore: timeSchema.optional(),
    expires: timeSchema.optional(),
    id: bytesSchema,
    sequence: u64Schema,
    entries: z
      .array(entrySchema)
      .min(1, 'a document has at least one entry')
      .max(ENTRIES_MAX, `a document has up to ${ENTRIES_MAX} entries`),
  }),
);

export type Entry = z.infer<typeof entrySchema>;
export type Claims = z.infer<typeof claimsSchema>;

export interface ApprovalView {
  claims: Claims;
  algorithm: number | undefined;
  kid: Uint8Array | undefined;
}

/** A fresh id (cti) for a new document. */
export function newDocumentId(): Uint8Array {
  return crypto.getRandomValues(new Uint8Array(ID_BYTES));
}

/** The claims set: what is signed. */
export function encodeClaims(claims: Claims): Uint8Array {
  return encode(
    cborMap([
      [CLAIM.issuer, claims.issuer],
      [CLAIM.expires, claims.expires],
      [CLAIM.notBefore, claims.notBefore],
      [CLAIM.issuedAt, claims.issuedAt],
      [CLAIM.id, claims.id],
      [CLAIM.sequence, claims.sequence],
      [CLAIM.entries, claims.entries.map(entryMap)],
    ]),
  );
}

function entryMap(entry: Entry): Map<number | string, unknown> {
  return cborMap([
    [ENTRY.verdict, VERDICT[entry.verdict]],
    [ENTRY.digest, entry.digest],
    [ENTRY.classId, entry.classId],
    [ENTRY.range, entry.range],
    [ENTRY.vendorKid, entry.vendorKid],
    [ENTRY.devices, entry.devices],
    [ENTRY.confirm, entry.confirm && CONFIRM[entry.confirm]],
    [ENTRY.imageHash, entry.imageHash],
  ]);
}

/** Signs claims as an operator. Throws TooLarge if no device would keep the result. */
export function signApproval(key: SigningKey, claims: Claims): Uint8Array {
  return fitting(sign1(key, approvalPayload(claims)));
}

/** Throws TooLarge if no device would keep the document. */
export function fitting(signed: Uint8Array): Uint8Array {
  if (signed.length > DOCUMENT_BYTES_MAX)
    throw tooLarge(`${signed.length} bytes, a device keeps ${DOCUMENT_BYTES_MAX}`);
  return signed;
}

/** The claims that an approval document signs, checked. */
export function approvalPayload(claims: Claims): Uint8Array {
  if (claims.entries.length > ENTRIES_MAX)
    throw tooLarge(`${claims.entries.length} entries, a device reads ${ENTRIES_MAX}`);
  if (
    claims.entries.some(({ imageHash }) => imageHash) &&
    claims.entries.some((entry) => entry.digest || entry.vendorKid)
  ) {
    throw new CountersignError('ImagesAndPackages', 'approval: entries about images and entries about packages');
  }
  const checked = claimsSchema.safeParse(claims);
  if (checked.success) return encodeClaims(checked.data);
  const [issue] = checked.error.issues;
  throw new CountersignError('BadArgument', `approval: ${issue?.path.join('.')}: ${issue?.message}`);
}

const tooLarge = (what: string) =>
  new CountersignError('TooLarge', `approval: the document has ${what}`, {
    hint: 'approve by rule (--class, --range) instead of package by package, or repeat nothing (--only)',
  });

/** Looks into a signed approval document; who signed it, and whether it counts, is the core's to say. */
export function viewApproval(bytes: Uint8Array, what: string): ApprovalView {
  const { payload, algorithm, kid } = viewSign1(bytes, what);
  if (payload === undefined) throw new CountersignError('PayloadPlace', `approval: ${what} has no payload`);
  return { claims: decodeClaims(payload, what), algorithm, kid };
}

export function decodeClaims(bytes: Uint8Array, what: string): Claims {
  const map = decode(bytes, what);
  const read = attemptClaims(map);
  const checked = claimsSchema.safeParse(read);
  if (checked.success) return checked.data;
  const [issue] = checked.error.issues;
  const place = issue?.path.join('.') ?? '';
  throw new CountersignError(
    'ApprovalMalformed',
    `approval: ${what} is not an approval document (${place}: ${issue?.message})`,
  );
}

/** Members by name; a key that no claim has stays under its number, where the strict schema finds it. */
function attemptClaims(value: Cbor): unknown {
  const claims = named(value, CLAIM) as Record<string, unknown> | undefined;
  if (claims === undefined) return undefined;
  const { sequence, entries } = claims;
  const list = Array.isArray(entries) ? { entries: entries.map(readEntry) } : {};
  return { ...claims, ...(sequence === undefined ? {} : { sequence: wide(sequence) }), ...list };
}

function readEntry(value: Cbor): unknown {
  const entry = named(value, ENTRY) as Record<string, unknown> | undefined;
  if (entry === undefined) return undefined;
  const { verdict, range, confirm } = entry;
  return {
    ...entry,
    verdict: nameOf(VERDICT, verdict),
    ...(Array.isArray(range) ? { range: range.map(wide) } : {}),
    ...(confirm === undefined ? {} : { confirm: nameOf(CONFIRM, confirm) }),
  };
}

function named(value: Cbor | undefined, labels: Record<string, number>): Record<string, Cbor> | undefined {
  if (!(value instanceof Map)) return undefined;
  return Object.fromEntries(
    [...value].map(([key, member]) => [nameOf(labels, key) ?? `member ${String(key)}`, member]),
  );
}

function nameOf<T extends string>(labels: Record<T, number>, number: unknown): T | undefined {
  return (Object.keys(labels) as T[]).find((name) => labels[name] === number);
}

const wide = (value: unknown): unknown =>
  typeof value === 'number' && Number.isInteger(value) ? BigInt(value) : value;

/** What an entry is about, without its verdict: two entries with the same key speak about the same packages. */
export function entryKey(entry: Entry): string {
  const { digest, classId, range, vendorKid, devices, imageHash } = entry;
  const part = (bytes: Uint8Array | undefined) => (bytes ? hex(bytes) : '');
  return [
    part(digest),
    part(classId),
    range?.join('-') ?? '',
    part(vendorKid),
    devices?.map(hex).sort().join() ?? '',
    ...(imageHash ? [hex(imageHash)] : []),
  ].join('/');
}
