// The vendor's side: a firmware image goes in, a signed SUIT envelope comes out (draft-ietf-suit-manifest; formats/suit.ts).
//
//   packageImage                                      in one step
//   draftRelease, requestRelease  ->  signature  ->   assembleRequest (../ceremony.ts), acceptRelease
//
// Three steps give the same bytes as one, if the signature is of the kind that always comes out the same (Ed25519). The
// image may be a file that is open: it is hashed where it is, and handed on as a part of the package, never read whole.

import type { Assembled } from '../ceremony.js';
import { CountersignError } from '../errors.js';
import { type Bytes, sha256Of, sizeOf } from '../formats/byte-source.js';
import { classIdOf, join, same, vendorIdOf } from '../formats/bytes.js';
import { sign1 } from '../formats/cose.js';
import { type Envelope, memberParts, partsSize, splitEnvelope } from '../formats/envelope.js';
import type { Image } from '../formats/images/image.js';
import { imageHash, requireImageHash, sameVersion } from '../formats/images/mcuboot.js';
import { hexAddress } from '../formats/images/segments.js';
import type { PublicKey, SigningKey } from '../formats/keys.js';
import { type ManifestView, viewManifest } from '../formats/manifest.js';
import { requireNear } from '../formats/sequence.js';
import type { SigningRequest } from '../formats/signing-request.js';
import { draftPackage, finishPackage, INTEGRATED_URI, integratedUri } from '../formats/suit.js';

/** What is asked for with `askAuthorization`; the draft leaves the scale to the application. */
const UPDATE_PRIORITY = 1;

/** An image as readImage gives it, and what it is called in messages: its path. */
export type NamedImage<B extends Bytes = Bytes> = Image<B> & { path: string };

export interface Release {
  /** Domain of the vendor, or its UUID. */
  vendor: string;
  /** Name of the class of device, or its UUID. */
  class: string;
  /** Anti-rollback: a device refuses a lower one than it has. */
  sequence: bigint;
  /** Take a `sequence` that is more than a year ahead of the time all the same. */
  force?: boolean | undefined;
  /** Shown to people; default: the version in the image's own header. One that contradicts it is VersionMismatch. */
  version?: string | undefined;
  name?: string | undefined;
  description?: string | undefined;
  /** Leave the image out; a device fetches it by digest. `uri` says where from. */
  detached?: boolean | undefined;
  uri?: string | undefined;
  /** Name the image by MCUboot's own hash, for the gate of `export-c --mcuboot`; it stays out of the package. */
  mcuboot?: boolean | undefined;
  /** Have the device ask for authorization before it fetches (SUIT 27, update-authorized). */
  askAuthorization?: boolean | undefined;
  /** Refuse an image that does not start here. */
  address?: number | undefined;
  /** Unix seconds. */
  now: number;
}

/** A package that nobody has signed yet. */
export interface ReleaseDraft<B extends Bytes = Bytes> {
  /** Digest, manifest and text; no block, no payload. */
  envelope: Envelope;
  encoded: Uint8Array;
  image: NamedImage<B>;
  /** Of further components. */
  others: readonly NamedImage<B>[];
  detached: boolean;
}

export interface MadePackage<B extends Bytes = Bytes> {
  /** To be written one part after the other: the firmware is one of them, where it is. */
  parts: (Uint8Array | B)[];
  /** Of all parts together, and of what a device takes to decide: all but the firmware. */
  bytes: number;
  headBytes: number;
  /** SHA-256 of the manifest with its head: the package's name. */
  digest: Uint8Array;
  /** What the package says, read from its own bytes. */
  view: ManifestView;
  signer: PublicKey;
  detached: boolean;
  /** Where the firmware came from; undefined: it was not given again for a detached package. */
  image: NamedImage<B> | undefined;
  /** Of further components. */
  others: readonly NamedImage<B>[];
  /** Why the image may be no firmware, as sentences that begin with "it". */
  warnings: readonly string[];
}

/**
 * What is signed, whoever signs it. Throws FarAhead, VersionMismatch, TooLarge (texts of more than 512 bytes), or
 * BadArgument: the image starts elsewhere, or a uri is given for firmware that goes inside; NotMcuboot. `others`: images of further
 * components, each BadArgument if options are given that are about one image; Components if there are more than three.
 */
export async function draftRelease<B extends Bytes>(
  image: NamedImage<B>,
  release: Release,
  others: readonly NamedImage<B>[] = [],
): Promise<ReleaseDraft<B>> {
  if (others.length > 0) requireForSeveral(release);
  requireAddress(image, release.address);
  const { sequence, now, force, mcuboot = false, name, description, uri } = release;
  const detached = release.detached || mcuboot;
  requireNear('package', sequence, { now, force });
  if (uri !== undefined && !detached) {
    throw new CountersignError('BadArgument', 'package: a uri is for firmware that is left out of it');
  }
  const vendorId = vendorIdOf(release.vendor);
  const encoded = draftPackage({
    imageDigest: mcuboot ? requireImageHash(image.mcuboot, image.path) : await sha256Of(image.bytes),
    imageBytes: mcuboot ? image.mcuboot!.hashedBytes : sizeOf(image.bytes),
    vendorId,
    classId: classIdOf(vendorId, release.class),
    sequence,
    version: agreedVersion(image, release.version),
    name,
    description,
    detached,
    uri,
    others: await Promise.all(
      others.map(async ({ bytes }) => ({ imageDigest: await sha256Of(bytes), imageBytes: sizeOf(bytes) })),
    ),
    askAuthorization: release.askAuthorization ? UPDATE_PRIORITY : undefined,
  });
  return { envelope: splitEnvelope(encoded, image.path), encoded, image, others, detached };
}

/** What a key on another machine shall sign, see ../ceremony.ts. */
export function requestRelease(key: PublicKey, { envelope, encoded }: ReleaseDraft): SigningRequest {
  return { form: 'package', key, payload: envelope.suitDigest, envelope: encoded };
}

/** The signed package of a draft. */
export function signRelease<B extends Bytes>(
  key: SigningKey,
  { envelope, image, others, detached }: ReleaseDraft<B>,
): MadePackage<B> {
  const block = sign1(key, envelope.suitDigest, { detached: true });
  return finish(envelope, block, { image, others, detached, signer: key.public });
}

/** The signed package of an image. Throws as draftRelease does. */
export async function packageImage<B extends Bytes>(
  key: SigningKey,
  image: NamedImage<B>,
  release: Release,
  others: readonly NamedImage<B>[] = [],
): Promise<MadePackage<B>> {
  return signRelease(key, await draftRelease(image, release, others));
}

/**
 * The package that was asked for. The firmware stays out if the request names a uri for
 * it, or `detached`. Throws RequestMismatch if the image is another than the one that was signed, or the request is for
 * something else; BadArgument if the firmware goes inside and no image is given, or it does not start at `address`.
 */
export async function acceptRelease<B extends Bytes = Uint8Array>(
  { request, signed }: Assembled,
  image: NamedImage<B> | undefined,
  more: Pick<Release, 'detached' | 'address'> & { others?: readonly NamedImage<B>[] } = {},
): Promise<MadePackage<B>> {
  if (request.form !== 'package') {
    throw new CountersignError('RequestMismatch', `request: it is for a ${request.form}, not for a package`);
  }
  const draft = splitEnvelope(request.envelope, 'the request');
  const { uri, image: named, images } = viewManifest(draft, 'the request');
  const { others = [] } = more;
  const detached = more.detached || uri !== INTEGRATED_URI;
  if (image === undefined && !detached) {
    throw new CountersignError('BadArgument', 'argument: the image goes into the package: give it, too');
  }
  if (image !== undefined) {
    requireAddress(image, more.address);
    const hash = image.mcuboot && imageHash(image.mcuboot); // of what was packaged for MCUboot
    if (![await sha256Of(image.bytes), hash].some((each) => each && same(each, named.digest ?? new Uint8Array()))) {
      throw new CountersignError('RequestMismatch', `request: the signature is for another image than ${image.path}`);
    }
  }
  const given = image === undefined ? 0 : 1 + others.length;
  if (given !== 0 && given !== images.length) {
    throw new CountersignError('RequestMismatch', `request: it is for ${images.length} images, and ${given} are given`);
  }
  for (const [at, other] of others.entries()) {
    if (same(await sha256Of(other.bytes), images[at + 1]!.digest ?? new Uint8Array())) continue;
    throw new CountersignError('RequestMismatch', `request: the signature is for another image than ${other.path}`);
  }
  return finish(draft, signed, { image, others, detached, signer: request.key });
}

function finish<B extends Bytes>(
  draft: Envelope,
  block: Uint8Array,
  { image, others, detached, signer }: Pick<MadePackage<B>, 'image' | 'others' | 'detached' | 'signer'>,
): MadePackage<B> {
  const payloads = detached || image === undefined ? [] : [image, ...others].map((one) => one.bytes);
  const parts = finishPackage<B>(draft, block, payloads);
  const head = splitEnvelope(join(finishPackage<Uint8Array>(draft, block, [])), 'the package');
  const view = viewManifest(head, 'the package');
  const bytes = partsSize(parts);
  const behind = payloads.flatMap((payload, at) =>
    at === 0 ? [payload] : memberParts<Bytes>(integratedUri(at), payload),
  );
  return {
    ...{ parts, bytes, headBytes: bytes - partsSize(behind), digest: head.digest, view, signer, image, others },
    detached: payloads.length === 0,
    warnings: image?.doubts ?? [],
  };
}

/** What is said of one image may not be said of several. */
function requireForSeveral({ mcuboot, uri, address }: Release): void {
  const wrong = Object.entries({ mcuboot: mcuboot || undefined, uri, address }).find(
    ([, value]) => value !== undefined,
  );
  if (wrong === undefined) return;
  throw new CountersignError('BadArgument', `package: ${wrong[0]} is for a package of one image`);
}

function requireAddress({ address, path }: NamedImage, wanted: number | undefined): void {
  if (wanted === undefined || address === wanted) return;
  const actual = address === undefined ? 'does not say where it starts' : `starts at ${hexAddress(address)}`;
  throw new CountersignError('BadArgument', `image: ${path} ${actual}, not at ${hexAddress(wanted)}`);
}

/** One version in two places drifts apart; they are compared before anything is signed. */
function agreedVersion(image: NamedImage, typed: string | undefined): string | undefined {
  if (image.version === undefined || typed === undefined) return typed ?? image.version;
  if (sameVersion(typed, image.version)) return typed;
  throw new CountersignError(
    'VersionMismatch',
    `image: the header of ${image.path} says ${image.version}, --version ${typed}`,
    {
      hint: `leave --version out, or sign the image again as ${typed}`,
    },
  );
}
