// Packages, approvals and bootstrap documents for tests, made from the specifications alone and by other code than the
// product's (cborg, node:crypto, @noble/curves): where a test and the core disagree, one of two readings is wrong.
//
// Everything is deterministic: a key is a function of its name, so a failing case can be made again. What comes out by
// default is right; each way of making it wrong is one named option. Nothing here checks its arguments.

import {
  cbor,
  concat,
  coseKey,
  type Fields,
  map,
  mapAsGiven,
  type Sign1Options,
  sha256,
  sign1,
  type TestKey,
  tagHead,
  unhex,
  utf8,
} from './make-cose.js';

export * from './make-cose.js';

// --- SUIT manifest and envelope (draft-ietf-suit-manifest) ---

export const VENDOR_ID = unhex('fa6b4a53d5ad5fdfbe9de663e4d41ffe');
export const CLASS_ID = unhex('1492af1425695e48bf429b2d51f2ab45');
export const DEVICE_ID = utf8('device-1');
export const IMAGE = Uint8Array.from({ length: 64 }, (_, i) => i);

const SHA_256 = -16;
const DIGEST_OF = (bytes: Uint8Array): [number, Uint8Array] => [SHA_256, sha256(bytes)];
const REPORT_ALL = 15;
const REPORT_FETCH = 2;

export interface ManifestOptions {
  sequence?: number | bigint;
  vendorId?: Uint8Array;
  classId?: Uint8Array;
  image?: Uint8Array;
  /** Stated instead of the image's own. */
  imageDigest?: Uint8Array;
  imageBytes?: number;
  uri?: string;
  setVersion?: number[];
  /** Component text: vendor name, model name, description, version. */
  text?: { vendor?: string; name?: string; description?: string; version?: string };
  /** Text stands in the manifest itself. */
  inlineText?: boolean;
  /** update-authorized with this priority, in payload-fetch. */
  ask?: number;
  /** Members whose place is taken by a digest; text is always among them unless inline. */
  sever?: (16 | 20)[];
  /** Replaces the commands of a section: common's shared sequence is 'shared'. */
  commands?: { shared?: unknown[]; 7?: unknown[]; 16?: unknown[]; 20?: unknown[] };
  /** Replaces what follows version and sequence number, key by key; undefined removes. */
  members?: Fields;
  commonMembers?: Fields;
}

export interface Manifest {
  bytes: Uint8Array;
  /** The envelope members that the manifest names by digest. */
  severed: [key: number, value: Uint8Array][];
  /** SHA-256 over the manifest with its bstr header: what is signed and approved. */
  digest: Uint8Array;
}

export function makeManifest(options: ManifestOptions = {}): Manifest {
  const { sequence = 1, image = IMAGE, uri = '#firmware', text, ask, commands = {} } = options;
  const identity = map([
    [1, options.vendorId ?? VENDOR_ID],
    [2, options.classId ?? CLASS_ID],
    [3, cbor([SHA_256, options.imageDigest ?? sha256(image)])],
    [14, options.imageBytes ?? image.length],
  ]);
  const shared = commands.shared ?? [20, identity, 1, REPORT_ALL, 2, REPORT_ALL];
  const fetch = commands[16] ?? (ask === undefined ? undefined : [20, map([[27, ask]]), 27, REPORT_ALL]);
  const install = commands[20] ?? [20, map([[21, uri]]), 21, REPORT_FETCH, 3, REPORT_ALL];
  const component = text && [
    [1, text.vendor],
    [2, text.name],
    [5, text.description],
    [6, text.version],
  ];
  const named = component && new Map([[[new Uint8Array(1)], map(component as unknown as Fields)]]);

  const severed: Manifest['severed'] = [];
  const member = (key: number, content: unknown, sever: boolean): unknown => {
    if (content === undefined) return undefined;
    const inline = cbor(content);
    if (!sever) return inline;
    severed.push([key, inline]);
    return DIGEST_OF(cbor(inline));
  };
  const severable = (key: 16 | 20) => options.sever?.includes(key) ?? false;
  const common: Fields = [
    [2, [[new Uint8Array(1)]]],
    [4, cbor(shared)],
  ];
  const manifest: Fields = [
    [1, 1],
    [2, sequence],
    [3, cbor(map(common, options.commonMembers))],
    [6, options.setVersion && cbor(options.setVersion)],
    [7, cbor(commands[7] ?? [3, REPORT_ALL])],
    [16, member(16, fetch, severable(16))],
    [20, member(20, install, severable(20))],
    [23, member(23, named && { en: named }, !options.inlineText)],
  ];
  const bytes = cbor(map(manifest, options.members));
  return { bytes, severed, digest: sha256(cbor(bytes)) };
}

export interface EnvelopeOptions extends ManifestOptions {
  manifest?: Manifest;
  /** One block over the SUIT_Digest for each, in this order. A Uint8Array is taken as a block already made. */
  signers: readonly (TestKey | Uint8Array)[];
  /** The payload is left out; the manifest's uri says where it is. */
  detached?: boolean;
  /** Carried instead of the image. */
  payload?: Uint8Array;
  payloadKey?: string;
  /** Approval documents to embed under "#approval". */
  approvals?: readonly Uint8Array[];
  /** Severed members that are not carried: missing text is fine, a missing command sequence is not. */
  without?: number[];
  /** The digest that stands in the wrapper and is signed. */
  wrapperDigest?: unknown;
  tag?: number | null;
  /** Last change to the members, in the order in which they are written. */
  arrange?: (members: [key: number | string, value: unknown][]) => [key: number | string, value: unknown][];
}

export interface Package {
  bytes: Uint8Array;
  /** Up to the first byte of the payload: what a device judges before it takes the rest. */
  head: Uint8Array;
  digest: Uint8Array;
  manifest: Manifest;
  image: Uint8Array;
}

/** The block that `key` adds to the wrapper of a package with this manifest digest. */
export function makeBlock(key: TestKey, digest: Uint8Array, more: Partial<Sign1Options> = {}): Uint8Array {
  return sign1({ key, payload: cbor([SHA_256, digest]), detached: true, ...more });
}

export function makeEnvelope(options: EnvelopeOptions): Package {
  const manifest = options.manifest ?? makeManifest(options);
  const image = options.payload ?? options.image ?? IMAGE;
  const suitDigest = cbor(options.wrapperDigest ?? [SHA_256, manifest.digest]);
  const blocks = options.signers.map((signer) =>
    signer instanceof Uint8Array ? signer : sign1({ key: signer, payload: suitDigest, detached: true }),
  );
  const carried = manifest.severed.filter(([key]) => !options.without?.includes(key)).sort(([a], [b]) => a - b);
  const members: [number | string, unknown][] = [[2, cbor([suitDigest, ...blocks])], [3, manifest.bytes], ...carried];
  if (options.approvals) members.push(['#approval', cbor(options.approvals)]);
  if (!options.detached) members.push([options.payloadKey ?? options.uri ?? '#firmware', image]);
  const body = mapAsGiven((options.arrange ?? ((same) => same))(members));
  const bytes = options.tag === null ? body : concat(tagHead(options.tag ?? 107), body);
  const head = options.detached ? bytes : bytes.slice(0, bytes.length - image.length);
  return { bytes, head, digest: manifest.digest, manifest, image };
}

// --- Approval document: a signed CWT claims set ---

export interface Entry {
  verdict: number;
  digest?: Uint8Array;
  classId?: Uint8Array;
  range?: readonly [lowest: number | bigint, highest: number | bigint];
  vendorKid?: Uint8Array;
  devices?: readonly Uint8Array[];
  confirm?: number;
  more?: Fields;
}

export interface ApprovalOptions extends Partial<Omit<Sign1Options, 'key' | 'payload'>> {
  key: TestKey;
  sequence?: number | bigint;
  entries: readonly Entry[];
  issuer?: string;
  issuedAt?: number | bigint;
  notBefore?: number | bigint;
  expires?: number | bigint;
  id?: Uint8Array;
  /** Replaces claims, key by key; undefined removes. */
  claims?: Fields;
}

/** Newest `iat` that is used by default, Unix seconds. Tests set the clock around it. */
export const NOW = 1_800_000_000;

export function makeApproval(options: ApprovalOptions): Uint8Array {
  const { key, entries, sequence = 1, issuer, issuedAt, notBefore, expires, id, claims = [], ...header } = options;
  const set: Fields = [
    [1, issuer ?? 'test operator'],
    [4, expires],
    [5, notBefore],
    [6, issuedAt ?? NOW],
    [7, id ?? cbor(sequence)],
    [-70001, sequence],
    [-70002, entries.map(entryMap)],
  ];
  return sign1({ key, payload: cbor(map(set, claims)), ...header });
}

function entryMap(entry: Entry): Map<number | string, unknown> {
  return map(
    [
      [1, entry.verdict],
      [2, entry.digest],
      [3, entry.classId],
      [4, entry.range],
      [5, entry.vendorKid],
      [6, entry.devices],
      [7, entry.confirm],
    ],
    entry.more,
  );
}

// --- Bootstrap document and consent ---

export const ROLE = { vendor: 1, operator: 2, consenter: 3 } as const;

export interface PolicyOptions {
  unapproved?: number;
  askBeforeDownload?: number;
  timeout?: number;
  threshold?: number;
  sources?: number;
  channels?: number;
  denied?: number;
  trialBoots?: number;
  more?: Fields;
}

export interface BootstrapOptions {
  deviceId?: Uint8Array;
  vendorId?: Uint8Array;
  classId?: Uint8Array;
  anchors: readonly { role: number; key: TestKey; name?: string; keyMore?: Fields }[];
  policy?: PolicyOptions;
  approvals?: readonly Uint8Array[];
  /** Replaces members, key by key; undefined removes. */
  members?: Fields;
}

const anchorsOf = (anchors: BootstrapOptions['anchors']) =>
  anchors.map(({ role, key, name, keyMore }) =>
    map([
      [1, role],
      [2, coseKey(key, keyMore)],
      [3, name],
    ]),
  );

const policyOf = (policy: PolicyOptions) =>
  map(
    [
      [1, policy.unapproved],
      [2, policy.askBeforeDownload],
      [3, policy.timeout],
      [4, policy.threshold],
      [5, policy.sources],
      [6, policy.channels],
      [7, policy.denied],
      [8, policy.trialBoots],
    ],
    policy.more,
  );

export function makeBootstrap(options: BootstrapOptions): Uint8Array {
  const document: Fields = [
    [1, 1],
    [2, options.deviceId ?? DEVICE_ID],
    [3, options.vendorId ?? VENDOR_ID],
    [4, options.classId ?? CLASS_ID],
    [5, anchorsOf(options.anchors)],
    [6, policyOf(options.policy ?? {})],
    [7, options.approvals],
  ];
  return cbor(map(document, options.members));
}

export interface ChangeOptions {
  /** One signature each, in this order. A Uint8Array is taken as a block already made. */
  signers: readonly (TestKey | Uint8Array)[];
  sequence?: number | bigint;
  issuedAt?: number | bigint;
  devices?: readonly Uint8Array[];
  anchors?: BootstrapOptions['anchors'];
  policy?: PolicyOptions;
  name?: string;
  /** Replaces members, key by key; undefined removes. */
  members?: Fields;
}

/** What operators alter on a provisioned device. */
export function makeChange(options: ChangeOptions): Uint8Array {
  const { sequence = 1, issuedAt = NOW, devices, anchors, policy, name = 'change' } = options;
  const members: Fields = [
    [1, sequence],
    [2, issuedAt],
    [3, devices],
    [5, anchors && anchorsOf(anchors)],
    [6, policy && policyOf(policy)],
  ];
  const payload = cbor([name, map(members, options.members)]);
  const block = (signer: TestKey | Uint8Array) =>
    signer instanceof Uint8Array ? signer : sign1({ key: signer, payload, detached: true });
  return cbor([payload, ...options.signers.map(block)]);
}

export interface ConsentOptions extends Partial<Omit<Sign1Options, 'key' | 'payload'>> {
  key: TestKey;
  answer: 1 | 2;
  digest: Uint8Array;
  nonce: Uint8Array;
  deviceId?: Uint8Array;
}

/** The signed answer of a consenter to one question. */
export function makeConsent(options: ConsentOptions): Uint8Array {
  const { key, answer, digest, nonce, deviceId = DEVICE_ID, ...header } = options;
  const payload = cbor(
    map([
      [1, answer],
      [2, digest],
      [3, deviceId],
      [4, nonce],
    ]),
  );
  return sign1({ key, payload, ...header });
}
