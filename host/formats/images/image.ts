// A firmware image, whatever kind of file it came in: bytes that stand in flash one after the other.
//
// Kinds are told by content, not by the ending of the name; a file that claims to be of a kind by its ending and is not
// is refused. Formats with addresses (Intel HEX, ELF, UF2) may have gaps; they are filled with 0xff, the erased value,
// up to GAP_BYTES_MAX. The start address is read from the file and reported, never taken to be 0.
//
// A raw or MCUboot image is the file itself, and stays where it is: in memory or on disk. The other formats are read
// into memory; the one limit of files (../byte-source.ts) bounds them.

import { CountersignError } from '../../errors.js';
import { type Bytes, wholeOf } from '../byte-source.js';
import { lookAt } from '../key-forms.js';
import { isArmElf, isElf, readElf } from './elf.js';
import { isHex, readHex } from './hex.js';
import { isMcuboot, type McubootImage, readMcuboot } from './mcuboot.js';
import type { Region, Segment } from './segments.js';
import { flatten } from './segments.js';
import { isSrec, readSrec } from './srec.js';
import { doubts, refuseKnown } from './suspects.js';
import { isUf2, readUf2 } from './uf2.js';

export type ImageKind = 'bin' | 'hex' | 'srec' | 'elf' | 'uf2' | 'mcuboot';

export interface Image<B extends Bytes = Uint8Array> {
  kind: ImageKind;
  /** Good as long as the file that was given: until its owner closes it. */
  bytes: B;
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

type Read = Omit<Image<Bytes>, 'doubts'>;

export interface ImageOptions {
  /** Take only what stands between these addresses. */
  region?: Region | undefined;
  /** The blocks of a UF2 file that are for this family. */
  family?: number | undefined;
  /** Take the bytes of the file as they are, and doubt nothing but that they are a hex, S-record, ELF or UF2 file. */
  raw?: boolean | undefined;
}

/** Reads an image file. `name` is its path: for messages and for the check of its ending. */
export function readImage(file: Uint8Array, name: string, options?: ImageOptions): Promise<Image>;
export function readImage(file: Bytes, name: string, options?: ImageOptions): Promise<Image<Bytes>>;
export async function readImage(file: Bytes, name: string, options: ImageOptions = {}): Promise<Image<Bytes>> {
  const head = await lookAt(file);
  const found = kindOf(head);
  const kind = options.raw ? 'bin' : found;
  const ending = endingOf(name);
  const promised = ENDINGS[ending];
  if (promised !== undefined && promised !== kind && !options.raw) {
    throw new CountersignError('FileUnsupported', `image: ${name} is named .${ending}, but it is not`, {
      hint: `its content is taken for ${kind}; rename it if that is right`,
    });
  }
  if (kind === 'bin') await refuseKnown(file, name);
  if (options.family !== undefined && kind !== 'uf2') {
    throw new CountersignError('BadArgument', `image: ${name} is not a UF2 file, so it has no families`);
  }
  const image = await READERS[kind](file, name, options);
  const otherProcessor = kind === 'elf' && !isArmElf(head);
  if (options.raw && CONTAINERS.includes(found)) {
    return {
      ...image,
      doubts: [`looks like ${found}: --raw packages the text or container itself, not what it holds`],
    };
  }
  if (options.raw || otherProcessor) return { ...image, doubts: [] };
  return { ...image, doubts: await doubts(image.bytes, image.mcuboot?.headerBytes ?? 0, image.address) };
}

/** What holds an image, and is none itself. */
const CONTAINERS: readonly ImageKind[] = ['hex', 'srec', 'elf', 'uf2'];

/** What stands behind the last dot of a file's name, in lower case; '' of a name without, or with nothing before it. */
const endingOf = (path: string): string => (/[^/\\]\.([^./\\]+)$/.exec(path)?.[1] ?? '').toLowerCase();

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

type Reader = (file: Bytes, name: string, options: ImageOptions) => Promise<Read>;

const READERS: Record<ImageKind, Reader> = {
  bin: async (bytes, name, { region }) => {
    if (region !== undefined) throw needsAddresses(name);
    return { kind: 'bin', bytes, address: undefined, gapBytes: 0, version: undefined };
  },
  mcuboot: async (bytes, name, { region }) => {
    if (region !== undefined) throw needsAddresses(name);
    const mcuboot = await readMcuboot(bytes, name);
    return { kind: 'mcuboot', bytes, address: undefined, gapBytes: 0, version: mcuboot.version, mcuboot };
  },
  hex: inMemory('hex', readHex),
  srec: inMemory('srec', readSrec),
  elf: inMemory('elf', readElf),
  uf2: inMemory('uf2', (bytes, name, family) => readUf2(bytes, name, family).segments),
};

function inMemory(
  kind: ImageKind,
  read: (bytes: Uint8Array, name: string, family?: number) => Segment[] | Promise<Segment[]>,
): Reader {
  return async (file, name, { region, family }) =>
    fromSegments(kind, await read(await wholeOf(file), name, family), name, region);
}

function needsAddresses(name: string): CountersignError {
  return new CountersignError('BadArgument', `image: ${name} has no addresses, so no region can be taken from it`);
}

/** An image inside an addressed format may be an MCUboot image too; its version counts as well. */
async function fromSegments(
  kind: ImageKind,
  segments: Segment[],
  name: string,
  region: Region | undefined,
): Promise<Read> {
  const flat = flatten(segments, name, region);
  if (!isMcuboot(flat.bytes)) return { kind, ...flat, version: undefined };
  const mcuboot = await readMcuboot(flat.bytes, name);
  return { kind, ...flat, version: mcuboot.version, mcuboot };
}
