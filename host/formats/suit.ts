// Builds the package that a vendor signs: a SUIT manifest for one component, or for up to four, and its envelope.
//
// draft-ietf-suit-manifest, templates "compatibility", "download" and "integrated payload": vendor and class conditions,
// image digest and size in the shared sequence; fetch and image-match in install; image-match in validate. With
// `askAuthorization`, payload-fetch asks update-authorized (27) before anything is fetched (update-management).
// Text (name, version, description) is severable: the manifest holds its digest. One input gives one manifest, byte for
// byte; only an ECDSA signature differs from run to run. Several components have the identifiers [h'00'], [h'01'] and so on, and each
// command is preceded by the index of its component (the draft's example 5); conditions and text are the first one's.

import { CountersignError } from '../errors.js';
import type { Bytes } from './byte-source.js';
import { join, sha256 } from './bytes.js';
import { cborMap, encode } from './cbor.js';
import { COMPONENTS_MAX, componentId } from './components.js';
import { sign1 } from './cose.js';
import {
  ALG_SHA256,
  type Envelope,
  envelopeParts,
  headBytesOf,
  joinEnvelope,
  MEMBER,
  type Member,
  makeMember,
  makeWrapper,
  memberDigest,
  memberParts,
  splitEnvelope,
} from './envelope.js';
import type { SigningKey } from './keys.js';

/** Where an integrated payload stands, and the uri that names it. */
export const INTEGRATED_URI = '#firmware';

/** A device collects the envelope up to the payload in 2048 bytes; text is the part that grows. */
export const TEXT_BYTES_MAX = 512;

/** Uri of an integrated payload. */
export const integratedUri = (index: number): string => (index === 0 ? INTEGRATED_URI : `${INTEGRATED_URI}-${index}`);

/** SUIT commands that we write (reference numbers of the draft). */
const COMMAND = {
  vendorId: 1,
  classId: 2,
  imageMatch: 3,
  componentIndex: 12,
  override: 20,
  fetch: 21,
  updateAuthorized: 27,
} as const;
const PARAMETER = { vendorId: 1, classId: 2, imageDigest: 3, imageSize: 14, uri: 21, updatePriority: 27 } as const;
/** Reporting policies of the draft's examples: record everything; record failure. */
const REPORT = { all: 15, failure: 2 } as const;
const TEXT = { vendorName: 1, modelName: 2, description: 5, version: 6 } as const;
const LANGUAGE = 'en';

export interface PackageOptions {
  image: Uint8Array;
  /** Images of further components, at most three. */
  others?: readonly Uint8Array[];
  vendorId: Uint8Array;
  classId: Uint8Array;
  /** Anti-rollback: a device refuses a lower one than it has. */
  sequence: bigint;
  /** Shown to people; numbers that it begins with (1.2.3) go into the manifest's set-version as well. */
  version?: string | undefined;
  name?: string | undefined;
  vendorName?: string | undefined;
  description?: string | undefined;
  /** Leave the image out; a device fetches it by digest. `uri` says where from. */
  detached?: boolean;
  uri?: string | undefined;
  /** Priority of the update (smaller is more urgent), asked for with update-authorized before the fetch. */
  askAuthorization?: number | undefined;
  key: SigningKey;
}

/** What is signed, whoever signs it: of the image no more than this. */
export interface Content extends Omit<PackageOptions, 'key' | 'image' | 'others'>, ImageContent {
  /** Of the components behind the first, at most three. */
  others?: readonly ImageContent[];
}

export interface ImageContent {
  imageDigest: Uint8Array;
  imageBytes: number;
}

export interface Package {
  envelope: Uint8Array;
  /** SHA-256 of the manifest with its head: the package's name. */
  digest: Uint8Array;
  imageDigest: Uint8Array;
  /** Bytes of the envelope before the first payload: what a device takes to decide. */
  headBytes: number;
}

/**
 * A SUIT envelope of an image, signed (draft-ietf-suit-manifest; profile in docs/formats.md). Throws CountersignError
 * for a sequence number or text that no device takes.
 */
export function buildPackage(options: PackageOptions): Package {
  const { image, others = [], key, ...content } = options;
  const [first, ...rest] = [image, ...others].map((one) => ({ imageDigest: sha256(one), imageBytes: one.length }));
  const draft = splitEnvelope(draftPackage({ ...content, ...first!, others: rest }), 'draft');
  const block = sign1(key, draft.suitDigest, { detached: true });
  const envelope = join(finishPackage(draft, block, options.detached ? [] : [image, ...others]));
  const headBytes = headBytesOf(splitEnvelope(envelope, 'package'), envelope.length);
  return { envelope, digest: draft.digest, imageDigest: first!.imageDigest, headBytes };
}

/** The envelope before it is signed: its digest, manifest and text, no block and no payload. */
export function draftPackage(content: Content): Uint8Array {
  const text = buildText(content);
  const manifest = buildManifest(content, text);
  const members: Member[] = [
    makeWrapper(encode([ALG_SHA256, memberDigest(manifest)]), []),
    makeMember(MEMBER.manifest, manifest),
  ];
  if (text !== undefined) members.push(makeMember(MEMBER.text, text));
  return joinEnvelope(members);
}

/** A draft with the vendor's block and, unless it is detached, its payloads: in parts, to be written one after the other. */
export function finishPackage<B extends Bytes>(
  draft: Envelope,
  block: Uint8Array,
  images: readonly B[],
): (Uint8Array | B)[] {
  const wrapper = makeWrapper(draft.suitDigest, [block]);
  const rest = draft.members.filter(({ key }) => key !== MEMBER.wrapper);
  const payloads = images.map((image, index) => memberParts(integratedUri(index), image));
  return envelopeParts<Uint8Array | B>([...[wrapper, ...rest].map(({ raw }) => [raw]), ...payloads]);
}

function buildManifest(options: Content, text: Uint8Array | undefined): Uint8Array {
  const images = [options, ...(options.others ?? [])];
  if (images.length > COMPONENTS_MAX) {
    throw new CountersignError(
      'Components',
      `package: ${images.length} images, and at most ${COMPONENTS_MAX} go into one`,
    );
  }
  const several = images.length > 1;
  const choose = (index: number | true): Commands => (several ? [[COMMAND.componentIndex, index]] : []);
  const shared = images.flatMap(({ imageDigest, imageBytes }, index): Commands => {
    const first = index === 0;
    const parameters = cborMap([
      [PARAMETER.vendorId, first ? options.vendorId : undefined],
      [PARAMETER.classId, first ? options.classId : undefined],
      [PARAMETER.imageDigest, encode([ALG_SHA256, imageDigest])],
      [PARAMETER.imageSize, imageBytes],
    ]);
    const identity: Commands = [
      [COMMAND.vendorId, REPORT.all],
      [COMMAND.classId, REPORT.all],
    ];
    return [...choose(index), [COMMAND.override, parameters], ...(first ? identity : [])];
  });
  const install = images.flatMap((_, index): Commands => {
    const uri = index === 0 ? (options.uri ?? INTEGRATED_URI) : integratedUri(index);
    return [
      ...choose(index),
      [COMMAND.override, cborMap([[PARAMETER.uri, uri]])],
      [COMMAND.fetch, REPORT.failure],
      [COMMAND.imageMatch, REPORT.all],
    ];
  });
  const numbers = options.version === undefined ? undefined : versionNumbers(options.version);
  const common = cborMap([
    [2, images.map((_, index) => componentId(index))],
    [4, sequence(shared)],
  ]);
  return encode(
    cborMap([
      [1, 1],
      [2, options.sequence],
      [3, encode(common)],
      [6, numbers && encode(numbers)],
      [7, sequence([...choose(true), [COMMAND.imageMatch, REPORT.all]])],
      [MEMBER.payloadFetch, askSequence(options.askAuthorization, choose(0))],
      [MEMBER.install, sequence(install)],
      [MEMBER.text, text && [ALG_SHA256, memberDigest(text)]],
    ]),
  );
}

function askSequence(priority: number | undefined, choose: Commands): Uint8Array | undefined {
  if (priority === undefined) return undefined;
  return sequence([
    ...choose,
    [COMMAND.override, cborMap([[PARAMETER.updatePriority, priority]])],
    [COMMAND.updateAuthorized, REPORT.all],
  ]);
}

type Commands = [code: number, argument: unknown][];

function sequence(commands: Commands): Uint8Array {
  return encode(commands.flat());
}

function buildText(options: Content): Uint8Array | undefined {
  const texts: [number, string | undefined][] = [
    [TEXT.vendorName, options.vendorName],
    [TEXT.modelName, options.name],
    [TEXT.description, options.description],
    [TEXT.version, options.version],
  ];
  if (texts.every(([, text]) => text === undefined)) return undefined;
  const bytes = encode(new Map([[LANGUAGE, new Map([[componentId(0), cborMap(texts)]])]]));
  if (bytes.length <= TEXT_BYTES_MAX) return bytes;
  throw new CountersignError('TooLarge', `package: name, version and description together have ${bytes.length} bytes`, {
    hint: `shorten them to ${TEXT_BYTES_MAX} bytes`,
  });
}

const VERSION = /^(\d+)\.(\d+)(?:\.(\d+))?(?:-(alpha|beta|rc)(?:\.?(\d+))?)?(?:\+.*)?$/;
/** Pre-release markers of update-management: smaller is earlier. */
const PRE_RELEASE: Record<string, number> = { rc: -1, beta: -2, alpha: -3 };

/** "1.2.3-rc.1" -> [1, 2, 3, -1, 1]. Undefined for free text: that is shown, never compared. */
export function versionNumbers(version: string): number[] | undefined {
  const found = VERSION.exec(version);
  if (found === null) return undefined;
  const [, major, minor, patch, marker, number] = found;
  const release = [major, minor, patch].filter((part) => part !== undefined).map(Number);
  const pre = marker === undefined ? [] : [PRE_RELEASE[marker]!, ...(number === undefined ? [] : [Number(number)])];
  return [...release, ...pre].every(Number.isSafeInteger) ? [...release, ...pre] : undefined;
}
