// Images that a device may run, of packages that were delivered before: what it is sent is coded against the one that it names, by the
// digest of its bytes (encoding `delta`, formats/lz.ts). The others are not looked at again.
//
// Nothing hangs on them but how many bytes are sent: the device hashes what it decodes.

import { CountersignError } from '../errors.js';
import { type Bytes, sizeOf, wholeOf } from '../formats/byte-source.js';
import { same } from '../formats/bytes.js';
import { headBytesOf, openEnvelope, payloadsIn } from '../formats/envelope.js';
import { type CodedPiece, codedPiece, copiedPiece, indexed, type Piece, type Source } from '../formats/lz-parse.js';
import { payloadDigests, viewManifest } from '../formats/manifest.js';

/** Of a package that is coded against: the index of its image takes four times as much memory. */
export const OLD_BYTES_MAX = 16 * 1024 * 1024;

/** An image that a device may have in its primary slot. */
export interface OldImage {
  /** SHA-256 of the image, as the device names it. */
  digest: Uint8Array;
  /** Read when a device names it; one that is opened stays so until then. */
  image: Bytes;
}

/**
 * The image of a package with its firmware in it, at most OLD_BYTES_MAX bytes. `name` names it in errors. Throws FileTooLarge,
 * PayloadMissing, PayloadDigest, and what the parts of an envelope throw.
 */
export async function oldImageOf(file: Bytes, name: string): Promise<OldImage> {
  if (sizeOf(file) > OLD_BYTES_MAX) {
    const what = `delta: ${name} has ${sizeOf(file)} bytes, and images of at most ${OLD_BYTES_MAX} are coded against`;
    throw new CountersignError('FileTooLarge', what);
  }
  const envelope = await openEnvelope(file, name);
  const [payload, ...others] = payloadsIn(envelope);
  if (!payload) throw new CountersignError('PayloadMissing', `delta: ${name} has no firmware in it`);
  if (others.length > 0) throw new CountersignError('Components', `delta: ${name} holds several images`);
  const digests = await payloadDigests(envelope);
  const digest = digests?.[0]?.digest;
  if (viewManifest(envelope, name, digests).intact.payload !== true || !digest) {
    throw new CountersignError('PayloadDigest', `delta: ${name} does not hold the firmware that its manifest names`);
  }
  return { digest, image: payload.value };
}

/** Codes blocks of a file against the image that a device runs. */
export interface Against {
  /** The block of the file that begins at `from`; `quickly`: only if that takes no time. Undefined: it is not coded. */
  code(data: Uint8Array, from: number, quickly: boolean): Promise<Uint8Array | undefined>;
}

/** Codes blocks of a package; undefined: the device runs none of these images, or the file is no package. */
export async function against(file: Bytes, old: readonly OldImage[], digest: Uint8Array): Promise<Against | undefined> {
  const image = old.find((one) => same(one.digest, digest))?.image;
  const envelope = image && (await openEnvelope(file, 'package').catch(() => undefined));
  if (!envelope) return undefined;
  const headBytes = headBytesOf(envelope, sizeOf(file));
  // One that is another by now, or gone, is of no use; whoever asks gets the blocks all the same.
  const read = async () => indexed(await wholeOf(image));
  let reading: Promise<Source | undefined> | undefined;
  let likely = 0;
  return {
    async code(data, from, quickly) {
      if (from < headBytes) return undefined;
      reading ??= read().catch(() => undefined);
      const source = await reading;
      if (!source) return undefined;
      const piece: Piece = { data, from: from - headBytes, source, delta: true, likely };
      const coded: CodedPiece | undefined = quickly ? copiedPiece(piece) : codedPiece(piece);
      if (!coded || coded.code.length >= data.length) return undefined;
      likely = coded.away;
      return coded.code;
    },
  };
}
