// The bootstrap document: who a device is, whom it trusts and what its policy is; written once to a blank device.
//
// {1: 1, 2: device id, 3: vendor-id, 4: class-id, 5: [+ {1: role, 2: COSE_Key, ? 3: name}], 6: policy,
//  ? 7: [* approval document], ? 8: [* group]}
//
// The file that a person writes is YAML; paths in it are relative to it:
//
//   device: 00e1d2c3b4a59687        # hex
//   vendor: example.com             # domain or UUID
//   class: sensor                   # name or UUID
//   anchors:
//     - {role: vendor, key: vendor.pub.pem, name: Example Devices}
//     - {role: operator, key: operator.pub.pem}
//   policy: {unapproved: prompt, threshold: 1}
//   approvals: [release-5.cose]     # optional
//   groups: [pilot, building-7]     # optional; whose orders are for this device, too
//
// Whether the result is sound (sizes, roles, doubled keys, threshold) is said by the core when it is provisioned.

import * as z from 'zod';
import { CountersignError } from '../errors.js';
import { classIdOf, fromHex, hex, vendorIdOf } from './bytes.js';
import { type Cbor, cborMap, decode, encode } from './cbor.js';
import { type PublicKey, publicKeyFromCose, publicKeyToCose } from './keys.js';
import { type Policy, policyFromCbor, policySchema, policyToCbor } from './policy.js';
import { topicNameSchema } from './topic-name.js';
import { readYaml, type YamlFile, yamlHex, yamlText, yamlValue } from './yaml-text.js';

/** A device keeps no larger document. */
export const BOOTSTRAP_BYTES_MAX = 1024;

const BOOTSTRAP_VERSION = 1;
const MEMBER = {
  version: 1,
  device: 2,
  vendorId: 3,
  classId: 4,
  anchors: 5,
  policy: 6,
  approvals: 7,
  groups: 8,
} as const;
const ANCHOR = { role: 1, key: 2, name: 3 } as const;

/** In the order of their numbers, from 1. */
export const ROLES = ['vendor', 'operator', 'consenter'] as const;
export type Role = (typeof ROLES)[number];

export interface Anchor {
  role: Role;
  key: PublicKey;
  name?: string | undefined;
}

export interface Bootstrap {
  device: Uint8Array;
  vendorId: Uint8Array;
  classId: Uint8Array;
  anchors: Anchor[];
  policy: Policy;
  /** Signed approval documents that the device starts with. */
  approvals: Uint8Array[];
  /** Names of groups of devices, each one level of a topic. */
  groups?: readonly string[] | undefined;
}

const GROUPS_MAX = 16;
export const groupsSchema = z.lazy(() =>
  z
    .array(z.preprocess((name) => (typeof name === 'number' ? String(name) : name), topicNameSchema))
    .max(GROUPS_MAX)
    .refine((names) => new Set(names).size === names.length, 'a group is named twice'),
);

export const anchorsFileSchema = z.lazy(() =>
  z.array(z.strictObject({ role: z.enum(ROLES), key: yamlText, name: yamlText.optional() })),
);

const fileSchema = z.lazy(() =>
  z.strictObject({
    device: yamlHex,
    vendor: yamlText,
    class: yamlText,
    anchors: anchorsFileSchema,
    policy: policySchema.default({}),
    approvals: z.array(yamlText).default([]),
    groups: groupsSchema.default([]),
  }),
);

/** The CBOR of a bootstrap document (docs/formats.md). */
export function encodeBootstrap(bootstrap: Bootstrap): Uint8Array {
  const { approvals, policy, groups = [] } = bootstrap;
  const bytes = encode(
    cborMap([
      [MEMBER.version, BOOTSTRAP_VERSION],
      [MEMBER.device, bootstrap.device],
      [MEMBER.vendorId, bootstrap.vendorId],
      [MEMBER.classId, bootstrap.classId],
      [MEMBER.anchors, anchorsToCbor(bootstrap.anchors)],
      [MEMBER.policy, policyToCbor(policy)],
      [MEMBER.approvals, approvals.length > 0 ? approvals : undefined],
      [MEMBER.groups, groups.length > 0 ? groups : undefined],
    ]),
  );
  if (bytes.length <= BOOTSTRAP_BYTES_MAX) return bytes;
  throw new CountersignError('TooLarge', `bootstrap: the document has ${bytes.length} bytes`, {
    hint: `a device keeps ${BOOTSTRAP_BYTES_MAX}: shorten names, or bring approvals by another way`,
  });
}

export function anchorsToCbor(anchors: readonly Anchor[]): Map<number | string, unknown>[] {
  return anchors.map(anchorMap);
}

function anchorMap({ role, key, name }: Anchor): Map<number | string, unknown> {
  return cborMap([
    [ANCHOR.role, ROLES.indexOf(role) + 1],
    [ANCHOR.key, publicKeyToCose(key)],
    [ANCHOR.name, name],
  ]);
}

/** What a document that a person wrote names: reads it from wherever that person's files are. */
export interface NamedFiles {
  /** The bytes of a path. */
  bytes(path: string): Promise<Uint8Array>;
  /** The public key in a key file; a name is its path, or raw-public:PATH (keys.ts, splitKeyName). */
  key(name: string): Promise<PublicKey>;
}

/**
 * Reads a bootstrap file: CBOR as it is, YAML encoded, with the files that it names.
 * Of a CBOR file the very bytes are returned, faults included: the core judges them.
 */
export async function bootstrapFromFile(bytes: Uint8Array, what: string, files: NamedFiles): Promise<Uint8Array> {
  if (looksEncoded(bytes)) return bytes;
  const file = readYaml(bytes, fileSchema, yamlFile(what));
  const vendorId = vendorIdOf(file.vendor);
  const anchors = await readAnchors(file.anchors, files);
  const approvals: Uint8Array[] = [];
  for (const path of file.approvals) approvals.push(await files.bytes(path));
  const { policy, device, groups } = file;
  return encodeBootstrap({
    device: fromHex(device),
    vendorId,
    classId: classIdOf(vendorId, file.class),
    anchors,
    policy,
    approvals,
    groups,
  });
}

/** What a bootstrap file in YAML calls vendor and class. */
export function bootstrapNames(bytes: Uint8Array): { vendors: string[]; classes: string[] } | undefined {
  if (looksEncoded(bytes)) return undefined;
  const { vendor, class: name } = yamlValue(bytes, yamlFile('bootstrap')) as Record<string, unknown>;
  return { vendors: [vendor], classes: [name] } as { vendors: string[]; classes: string[] };
}

/** The anchors of a file, whose keys are files too. */
export async function readAnchors(listed: z.infer<typeof anchorsFileSchema>, files: NamedFiles): Promise<Anchor[]> {
  const anchors: Anchor[] = [];
  for (const { role, key, name } of listed) anchors.push({ role, key: await files.key(key), name });
  return anchors;
}

const yamlFile = (what: string): YamlFile => ({
  area: 'bootstrap',
  what,
  hint: 'docs/bootstrap-and-policy.md describes every field; `countersign init` writes a first one',
});

/**
 * The document of the device of this number, from 1, where `template` is that of the first: each has the next device id, read
 * as one big-endian number. `what` names the template in errors. Throws BadArgument if there are not so many ids, and
 * MissingMember if it is no bootstrap document.
 */
export function numberedBootstrap(template: Uint8Array, number: number, what: string): Uint8Array {
  const map = decode(template, what);
  const first = map instanceof Map ? map.get(MEMBER.device) : undefined;
  if (!(map instanceof Map) || !(first instanceof Uint8Array))
    throw new CountersignError('MissingMember', `bootstrap: ${what} names no device`);
  const digits = 2 * first.length;
  const id = (BigInt(`0x0${hex(first)}`) + BigInt(number - 1)).toString(16).padStart(digits, '0');
  if (id.length <= digits) return encode(new Map(map).set(MEMBER.device, fromHex(id)));
  throw new CountersignError('BadArgument', `bootstrap: behind ${hex(first)} there are not ${number - 1} device ids`, {
    hint: 'write a longer, or a lower, device id into the file: it is that of the first device',
  });
}

/** CBOR maps begin with 0xa0..0xbf, which no text file does. */
function looksEncoded(bytes: Uint8Array): boolean {
  return ((bytes[0] ?? 0) & 0xe0) === 0xa0;
}

/** What a bootstrap document says, for showing; undefined if it is not one. */
export interface BootstrapView {
  device: Uint8Array;
  vendorId: Uint8Array;
  classId: Uint8Array;
  anchors: AnchorView[];
  policy: Record<string, unknown>;
  approvals: Uint8Array[];
  groups: string[];
}

export interface AnchorView {
  role: string;
  name: string | undefined;
  key: PublicKey;
}

/**
 * Reads the CBOR of a bootstrap document; undefined if it is none. `what` names it in errors. Throws CountersignError if
 * it is one and damaged.
 */
export function viewBootstrap(bytes: Uint8Array, what: string): BootstrapView | undefined {
  const map = decode(bytes, what);
  if (!(map instanceof Map) || map.get(MEMBER.version) !== BOOTSTRAP_VERSION) return undefined;
  const [device, vendorId, classId] = [MEMBER.device, MEMBER.vendorId, MEMBER.classId].map((key) => map.get(key));
  const anchors = map.get(MEMBER.anchors);
  const approvals = map.get(MEMBER.approvals) ?? [];
  const shaped = [device, vendorId, classId].every((id) => id instanceof Uint8Array);
  if (!shaped || !Array.isArray(anchors) || !Array.isArray(approvals)) return undefined;
  return {
    device: device as Uint8Array,
    vendorId: vendorId as Uint8Array,
    classId: classId as Uint8Array,
    anchors: viewAnchors(anchors, what),
    policy: policyFromCbor(map.get(MEMBER.policy) ?? new Map()),
    approvals: approvals.filter((one) => one instanceof Uint8Array),
    groups: viewGroups(map.get(MEMBER.groups)),
  };
}

/** Those that can be one; the core judges the others. */
export function viewGroups(groups: Cbor | undefined): string[] {
  if (!Array.isArray(groups)) return [];
  return groups.flatMap((name) => topicNameSchema.safeParse(name).data ?? []);
}

export function viewAnchors(anchors: Cbor, what: string): AnchorView[] {
  if (!Array.isArray(anchors)) throw new CountersignError('AnchorMalformed', `anchors: those of ${what} are no list`);
  return anchors.map((anchor) => viewAnchor(anchor, what));
}

function viewAnchor(value: Cbor, what: string): AnchorView {
  if (!(value instanceof Map))
    throw new CountersignError('AnchorMalformed', `bootstrap: an anchor of ${what} is not a map`);
  const role = value.get(ANCHOR.role);
  const name = value.get(ANCHOR.name);
  return {
    role: (typeof role === 'number' ? ROLES[role - 1] : undefined) ?? `role ${String(role)}`,
    name: typeof name === 'string' ? name : undefined,
    key: publicKeyFromCose(value.get(ANCHOR.key) ?? null, `anchor of ${what}`),
  };
}

const BYTES_PER_LINE = 20;

/** The document as C, under the names that the gate for MCUboot knows (boards/export-c/mcuboot/countersign_gate.h). */
export function bootstrapInC(bytes: Uint8Array): string {
  const lines = Array.from({ length: Math.ceil(bytes.length / BYTES_PER_LINE) }, (_, i) =>
    [...bytes.subarray(i * BYTES_PER_LINE, (i + 1) * BYTES_PER_LINE)].join(', '),
  );
  return [
    '/* Who the device is, whom it trusts, and its policy. Written by `countersign bootstrap`. */',
    '#include <stdint.h>',
    '',
    'extern const uint8_t countersign_bootstrap[];',
    'extern const uint32_t countersign_bootstrap_bytes;',
    '',
    'const uint8_t countersign_bootstrap[] = {',
    ...lines.map((line) => `    ${line},`),
    '};',
    `const uint32_t countersign_bootstrap_bytes = ${bytes.length};`,
    '',
  ].join('\n');
}
