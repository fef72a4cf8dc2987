// A change of anchors, policy or groups: what operators alter on devices that are in the field.
//
//   [payload: bstr, + bstr .cbor COSE_Sign1_Tagged (detached, over the payload)]
//   payload = ["change", {1: sequence, 2: iat, ? 3: [+ device id], ? 5: anchors, ? 6: policy, ? 8: groups}]
//
// A device takes it if as many of its operators signed as its policy asks for to approve a package, and if no change with
// this number or a higher one came before. What a change names, it replaces whole: a list of anchors is the whole list
// from then on, so it repeats those who stay. The file that a person writes is YAML; paths in it are relative to it:
//
//   sequence: 1795428000                 # optional: the time of signing
//   issued: 2026-11-23T10:00:00Z         # optional: now
//   devices: ["00e1d2c3b4a59687"]        # optional: all that hear of it
//   anchors: [{role: vendor, key: vendor.pub.pem}, {role: operator, key: new.pub.pem, name: New}]
//   policy: {unapproved: prompt}
//   groups: [pilot, building-7]

import * as z from 'zod';
import { CountersignError } from '../errors.js';
import {
  type Anchor,
  type AnchorView,
  anchorsFileSchema,
  anchorsToCbor,
  groupsSchema,
  type NamedFiles,
  readAnchors,
  viewAnchors,
  viewGroups,
} from './bootstrap.js';
import { fromHex, hex, join, same } from './bytes.js';
import { type Cbor, cborMap, decode, encode, MAJOR, wholeNumber, writeHead } from './cbor.js';
import { sign1, viewSign1 } from './cose.js';
import type { SigningKey } from './keys.js';
import { NO_MOMENT, parseMoment } from './moment.js';
import { type Policy, policyFromCbor, policySchema, policyToCbor } from './policy.js';
import { readYaml, yamlHex } from './yaml-text.js';

/** A device takes no larger one. */
export const CHANGE_BYTES_MAX = 1792;

const NAME = 'change';
const MEMBER = { sequence: 1, issuedAt: 2, devices: 3, anchors: 5, policy: 6, groups: 8 } as const;

export interface Change {
  sequence: bigint;
  /** Unix seconds */
  issuedAt: number;
  devices?: Uint8Array[] | undefined;
  anchors?: Anchor[] | undefined;
  policy?: Policy | undefined;
  groups?: readonly string[] | undefined;
}

export interface ChangeView {
  sequence: bigint;
  issuedAt: number;
  devices: Uint8Array[] | undefined;
  anchors: AnchorView[] | undefined;
  policy: Record<string, unknown> | undefined;
  groups: string[] | undefined;
  /** What the signatures claim; whether they are true is the core's to say. */
  signers: { algorithm: number | undefined; kid: Uint8Array | undefined }[];
  /** The values as they stand in the document, to be compared with what a device has in force. */
  encoded: { anchors?: Uint8Array; policy?: Uint8Array; groups?: Uint8Array };
}

/** What is signed. */
function encodePayload(change: Change): Uint8Array {
  return encode([
    NAME,
    cborMap([
      [MEMBER.sequence, change.sequence],
      [MEMBER.issuedAt, change.issuedAt],
      [MEMBER.devices, change.devices],
      [MEMBER.anchors, change.anchors && anchorsToCbor(change.anchors)],
      [MEMBER.policy, change.policy && policyToCbor(change.policy)],
      [MEMBER.groups, change.groups],
    ]),
  ]);
}

/** A change with the first signature on it. */
export function signChange(key: SigningKey, change: Change): Uint8Array {
  return assemble(encodePayload(change), [], key);
}

/** One more operator signs what others signed before. */
export function cosignChange(key: SigningKey, bytes: Uint8Array, what: string): Uint8Array {
  const { payload, blocks } = split(bytes, what);
  const twice = blocks.some((block) => {
    const { kid } = viewSign1(block, what);
    return kid !== undefined && hex(kid) === hex(key.public.kid);
  });
  if (twice) throw new CountersignError('NothingToDo', `change: ${what} has a signature of this key already`);
  return assemble(payload, blocks, key);
}

function assemble(payload: Uint8Array, blocks: Uint8Array[], key: SigningKey): Uint8Array {
  const items = [payload, ...blocks, sign1(key, payload, { detached: true })];
  const bytes = join([writeHead(MAJOR.array, items.length), ...items.map((item) => encode(item))]);
  if (bytes.length <= CHANGE_BYTES_MAX) return bytes;
  throw new CountersignError('TooLarge', `change: it has ${bytes.length} bytes, a device takes ${CHANGE_BYTES_MAX}`, {
    hint: 'shorten names, or list fewer devices',
  });
}

/** The first byte of one: an array, which no other document of ours is. */
export function looksLikeChange(bytes: Uint8Array): boolean {
  return ((bytes[0] ?? 0) & 0xe0) === 0x80;
}

function split(bytes: Uint8Array, what: string): { payload: Uint8Array; blocks: Uint8Array[] } {
  const items = decode(bytes, what);
  if (!Array.isArray(items) || items.length === 0 || !items.every((item) => item instanceof Uint8Array)) {
    throw malformed(what);
  }
  const [payload, ...blocks] = items as [Uint8Array, ...Uint8Array[]];
  return { payload, blocks };
}

const malformed = (what: string) => new CountersignError('ChangeMalformed', `change: ${what} is not a change document`);

/** Looks into a change. */
export function viewChange(bytes: Uint8Array, what: string): ChangeView {
  const { payload, blocks } = split(bytes, what);
  const content = decode(payload, what);
  const [name, map] = Array.isArray(content) ? content : [];
  if (name !== NAME || !(map instanceof Map)) throw malformed(what);
  const [sequence, issuedAt, devices, anchors, policy, groups] = Object.values(MEMBER).map((key) => map.get(key));
  const number = wholeNumber(sequence);
  if (number === undefined || typeof issuedAt !== 'number' || !(devices === undefined || areIds(devices)))
    throw malformed(what);
  return {
    sequence: number,
    issuedAt,
    devices,
    anchors: anchors === undefined ? undefined : viewAnchors(anchors, what),
    policy: policy === undefined ? undefined : policyFromCbor(policy),
    groups: groups === undefined ? undefined : viewGroups(groups),
    signers: blocks.map((block) => viewSign1(block, what)).map(({ algorithm, kid }) => ({ algorithm, kid })),
    encoded: {
      ...(anchors !== undefined && { anchors: encode(anchors) }),
      ...(policy !== undefined && { policy: encode(policy) }),
      ...(groups !== undefined && { groups: encode(groups) }),
    },
  };
}

/** Does a device with this bootstrap document stand as the change wants it? */
export function changeInForce(view: ChangeView, bootstrap: Uint8Array, what: string): boolean {
  const map = decode(bootstrap, what);
  const stands = (member: Cbor, wanted: Uint8Array | undefined) =>
    wanted === undefined || (map instanceof Map && same(encode(map.get(member)), wanted));
  const { anchors, policy, groups } = view.encoded;
  return stands(MEMBER.anchors, anchors) && stands(MEMBER.policy, policy) && stands(MEMBER.groups, groups);
}

const areIds = (value: Cbor): value is Uint8Array[] =>
  Array.isArray(value) && value.every((one) => one instanceof Uint8Array);

const fileSchema = z
  .strictObject({
    sequence: z.union([z.number().int().positive(), z.bigint().positive()]).optional(),
    issued: z.string().optional(),
    devices: z.array(yamlHex).min(1).optional(),
    anchors: anchorsFileSchema.optional(),
    policy: policySchema.optional(),
    groups: groupsSchema.optional(),
  })
  .refine(
    ({ anchors, policy, groups }) => anchors ?? policy ?? groups,
    'it changes neither anchors nor policy nor groups',
  );

/** Reads a change that a person wrote, with the files that it names. `now` in Unix seconds. */
export async function changeFromYaml(bytes: Uint8Array, what: string, files: NamedFiles, now: number): Promise<Change> {
  const hint = 'docs/bootstrap-and-policy.md describes every field of a change';
  const { sequence, issued, devices, anchors, policy, groups } = readYaml(bytes, fileSchema, {
    area: 'change',
    what,
    hint,
  });
  const issuedAt = issued === undefined ? now : parseMoment(issued);
  if (issuedAt === undefined) {
    throw new CountersignError('FileMalformed', `change: ${what}: issued: "${issued}" ${NO_MOMENT}`);
  }
  return {
    sequence: BigInt(sequence ?? now),
    issuedAt,
    devices: devices?.map(fromHex),
    anchors: anchors && (await readAnchors(anchors, files)),
    policy,
    groups,
  };
}
