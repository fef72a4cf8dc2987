// UF2 (Microsoft, github.com/microsoft/uf2): 512-byte blocks that each say where they belong.
//
// Checked: all three magic words, and by family the block numbers (each once, none missing) and the block count; a file
// for several families holds several images, and only one can be meant. Blocks that are not for the main flash are left
// out, as the format says, and so is the one of the "absolute" family with which files for the RP2350 begin: it works
// around an erratum of its boot ROM (RP2350-E10) and holds no firmware.

import { CountersignError } from '../../errors.js';
import type { Segment } from './segments.js';

const BLOCK_BYTES = 512;
const DATA_OFFSET = 32;
const DATA_BYTES_MAX = 476;
const MAGIC_START = 0x0a324655;
const MAGIC_SECOND = 0x9e5d5157;
const MAGIC_END = 0x0ab16f30;
const FLAG = { notMainFlash: 0x1, container: 0x1000, family: 0x2000 } as const;

export interface Uf2 {
  segments: Segment[];
  /** Family id, if the file names one. */
  family: number | undefined;
  blocks: number;
}

export function isUf2(bytes: Uint8Array): boolean {
  if (bytes.length < 8) return false;
  const view = viewOf(bytes);
  return view.getUint32(0, true) === MAGIC_START && view.getUint32(4, true) === MAGIC_SECOND;
}

interface Block extends Segment {
  number: number;
  total: number;
  mainFlash: boolean;
}

/** RP2350-E10: family, address and content of the block in front. */
const ABSOLUTE = { family: 0xe48bff57, address: 0x10ffff00, fill: 0xef };

/** Names that makers give to the families of their chips; any other is a number. */
export const UF2_FAMILIES: Readonly<Record<string, number>> = {
  rp2040: 0xe48bff56,
  'rp2350-arm-s': 0xe48bff59,
  'rp2350-riscv': 0xe48bff5a,
  'rp2350-arm-ns': 0xe48bff5b,
};

const familyText = (family: number | undefined): string =>
  family === undefined
    ? 'none'
    : (Object.entries(UF2_FAMILIES).find(([, number]) => number === family)?.[0] ?? `0x${family.toString(16)}`);

/** `wanted`: take the blocks of this family. */
export function readUf2(bytes: Uint8Array, name: string, wanted?: number): Uf2 {
  const malformed = (why: string) =>
    new CountersignError('FileMalformed', `image: ${name} is not a whole UF2 file: ${why}`);
  if (bytes.length % BLOCK_BYTES !== 0) throw malformed(`${bytes.length} bytes are not a multiple of ${BLOCK_BYTES}`);
  const families = new Map<number | undefined, Block[]>();
  for (let index = 0; index * BLOCK_BYTES < bytes.length; index++) {
    const block = bytes.subarray(index * BLOCK_BYTES, (index + 1) * BLOCK_BYTES);
    const view = viewOf(block);
    const word = (offset: number) => view.getUint32(offset, true);
    const magic = isUf2(block) && word(BLOCK_BYTES - 4) === MAGIC_END;
    if (!magic) throw malformed(`block ${index} lacks its magic words`);
    const [flags, address, length, number, total] = [word(8), word(12), word(16), word(20), word(24)];
    if (flags & FLAG.container)
      throw new CountersignError('FileUnsupported', `image: ${name} is a UF2 container of files`);
    if (length > DATA_BYTES_MAX) throw malformed(`block ${index} claims ${length} bytes`);
    const family = flags & FLAG.family ? word(28) : undefined;
    const content = block.subarray(DATA_OFFSET, DATA_OFFSET + length);
    const isErratum = family === ABSOLUTE.family && address === ABSOLUTE.address;
    if (isErratum && content.every((byte) => byte === ABSOLUTE.fill)) continue;
    const own = families.get(family) ?? [];
    families.set(family, own);
    own.push({ address, bytes: content, number, total, mainFlash: (flags & FLAG.notMainFlash) === 0 });
  }
  const all = [...families.values()].flat();
  const together = oddCount(all); // some tools number the blocks of all families in one go
  for (const [family, own] of families) {
    const odd = oddCount(own);
    const whose = families.size > 1 ? `family ${familyText(family)}: ` : '';
    if (odd !== undefined && together !== undefined) throw malformed(`${whose}${odd}`);
  }
  const inFlash = [...families].filter(([, own]) => own.some(({ mainFlash }) => mainFlash)).map(([family]) => family);
  const list = inFlash.map(familyText).join(', ') || 'none';
  if (wanted !== undefined && !inFlash.includes(wanted)) {
    throw new CountersignError('NotFound', `image: ${name} has no family ${familyText(wanted)}; it has ${list}`);
  }
  if (wanted === undefined && inFlash.length > 1) {
    throw new CountersignError('FileUnsupported', `image: ${name} mixes families: ${list}`, {
      hint: 'choose one with --family, or give the UF2 file of one family',
    });
  }
  const family = wanted ?? inFlash[0];
  const blocks = families.get(family) ?? [];
  const segments = blocks
    .filter(({ mainFlash }) => mainFlash)
    .map(({ address, bytes: content }) => ({ address, bytes: content }));
  return { segments, family, blocks: blocks.length };
}

/** What is wrong with the numbers of blocks that belong together; undefined: nothing. */
function oddCount(blocks: readonly Block[]): string | undefined {
  const seen = new Set<number>();
  for (const { number, total } of blocks) {
    if (total !== blocks.length) return `it should have ${total} blocks and has ${blocks.length}`;
    if (number >= total || seen.has(number)) return `block number ${number} is doubled or out of range`;
    seen.add(number);
  }
  return undefined;
}

function viewOf(bytes: Uint8Array): DataView {
  return new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
}
