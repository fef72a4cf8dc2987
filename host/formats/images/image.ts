// A firmware image, whatever kind of file it came in: bytes that stand in flash one after the other.
//
// Kinds are told by content, not by the ending of the name; a file that claims to be of a kind by its ending and is not
// is refused. Formats with addresses (Intel HEX, ELF, UF2) may have gaps; they are filled with 0xff, the erased value,
// up to GAP_BYTES_MAX. The start address is read from the file and reported, never taken to be 0.

import { extname } from 'node:path';
import { CountersignError } from '../../errors.js';
import { isArmElf, isElf, readElf } from './elf.js';
import { isHex, readHex } from './hex.js';
import { isMcuboot, type McubootImage, readMcuboot } from './mcuboot.js';
import type { Region, Segment } from './segments.js';
import { flatten } from './segments.js';
import { isSrec, readSrec } from './srec.js';
import { doubts, refuseKnown } from './suspects.js';
import { isUf2, readUf2 } from './uf2.js';

export type ImageKind = 'bin' | 'hex' | 'srec' | 'elf' | 'uf2' | 'mcuboot';

export interface Image {
  kind: ImageKind;
  bytes: Uint8Array;
  /** Where the file says that the first byte stands; undefined if it does not say. */
  address: number | undefined;
  /** Bytes that the file left out between its parts. */
  gapBytes: number;
  /** The version in the image itself, where its format has one. */
  version: string | undefined;
  /** Header and TLVs of an MCUboot image. */
  mcuboot?: McubootImage;
  /** Why it may be no firmware, as sentences that begin with "it". */
  doubts: string[];
}

type Read = Omit<Image, 'doubts'>;

export interface ImageOptions {
  /** Take only what stands between these addresses. */
  region?: Region | undefined;
  /** The blocks of a UF2 file that are for this family. */
  family?: number | undefined;
  /** Take the bytes of the file as they are, and doubt nothing. */
  raw?: boolean | undefined;
}

/** Reads an image file. `name` is its path: for messages and for the check of its ending. */
export async function readImage(bytes: Uint8Array, name: string, options: ImageOptions = {}): Promise<Image> {
  const kind = options.raw ? 'bin' : kindOf(bytes);
  const ending = extname(name).slice(1).toLowerCase();
  const promised = ENDINGS[ending];
  if (promised !== undefined && promised !== kind && !options.raw) {
    throw new CountersignError('FileUnsupported', `image: ${name} is named .${ending}, but it is not`, {
      hint: `its content is taken for ${kind}; rename it if that is right`,
    });
  }
  if (kind === 'bin') refuseKnown(bytes, name);
  if (options.family !== undefined && kind !== 'uf2') {
    throw new CountersignError('BadArgument', `image: ${name} is no UF2 file, so it has no families`);
  }
  const image = await READERS[kind](bytes, name, options);
  const otherProcessor = kind === 'elf' && !isArmElf(bytes);
  if (options.raw || otherProcessor) return { ...image, doubts: [] };
  return { ...image, doubts: doubts(image.bytes, image.mcuboot?.headerBytes ?? 0, image.address) };
}

const ENDINGS: Record<string, ImageKind> = {
  ...{ hex: 'hex', ihex: 'hex', ihx: 'hex', elf: 'elf', axf: 'elf', uf2: 'uf2' },
  ...{ srec: 'srec', s19: 'srec', s28: 'srec', s37: 'srec', mot: 'srec' },
};

function kindOf(bytes: Uint8Array): ImageKind {
  if (isElf(bytes)) return 'elf';
  if (isUf2(bytes)) return 'uf2';
  if (isMcuboot(bytes)) return 'mcuboot';
  if (isSrec(bytes)) return 'srec';
  return isHex(bytes) ? 'hex' : 'bin';
}

type Reader = (bytes: Uint8Array, name: string, options: ImageOptions) => Promise<Read>;

const READERS: Record<ImageKind, Reader> = {
  bin: async (bytes, name, { region }) => {
    if (region !== undefined) throw needsAddresses(name);
    return { kind: 'bin', bytes, address: undefined, gapBytes: 0, version: undefined };
  },
  mcuboot: async (bytes, name, { region }) => {
    if (region !== undefined) throw needsAddresses(name);
    const mcuboot = readMcuboot(bytes, name);
    return { kind: 'mcuboot', bytes, address: undefined, gapBytes: 0, version: mcuboot.version, mcuboot };
  },
  hex: async (bytes, name, { region }) => fromSegments('hex', await readHex(bytes, name), name, region),
  srec: async (bytes, name, { region }) => fromSegments('srec', readSrec(bytes, name), name, region),
  elf: async (bytes, name, { region }) => fromSegments('elf', await readElf(bytes, name), name, region),
  uf2: async (bytes, name, { region, family }) =>
    fromSegments('uf2', readUf2(bytes, name, family).segments, name, region),
};

function needsAddresses(name: string): CountersignError {
  return new CountersignError('BadArgument', `image: ${name} has no addresses, so no region can be taken from it`);
}

/** An image inside an addressed format may be an MCUboot image too; its version counts as well. */
function fromSegments(kind: ImageKind, segments: Segment[], name: string, region: Region | undefined): Read {
  const flat = flatten(segments, name, region);
  if (!isMcuboot(flat.bytes)) return { kind, ...flat, version: undefined };
  const mcuboot = readMcuboot(flat.bytes, name);
  return { kind, ...flat, version: mcuboot.version, mcuboot };
}
