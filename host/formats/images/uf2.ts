// UF2 (Microsoft, github.com/microsoft/uf2): 512-byte blocks that each say where they belong.
//
// Checked: all three magic words, block numbers (each once, none missing), the block count, and that all blocks are for
// one family; a file for several families holds several images, and only one can be meant. Blocks that are not for the
// main flash are left out, as the format says.

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

export function readUf2(bytes: Uint8Array, name: string): Uf2 {
  const malformed = (why: string) =>
    new CountersignError('FileMalformed', `image: ${name} is not a whole UF2 file: ${why}`);
  if (bytes.length % BLOCK_BYTES !== 0) throw malformed(`${bytes.length} bytes are not a multiple of ${BLOCK_BYTES}`);
  const count = bytes.length / BLOCK_BYTES;
  const segments: Segment[] = [];
  const families = new Set<number | undefined>();
  const seen = new Set<number>();
  for (let index = 0; index < count; index++) {
    const block = bytes.subarray(index * BLOCK_BYTES, (index + 1) * BLOCK_BYTES);
    const view = viewOf(block);
    const word = (offset: number) => view.getUint32(offset, true);
    const magic = isUf2(block) && word(BLOCK_BYTES - 4) === MAGIC_END;
    if (!magic) throw malformed(`block ${index} lacks its magic words`);
    const [flags, address, length, number, total] = [word(8), word(12), word(16), word(20), word(24)];
    if (flags & FLAG.container)
      throw new CountersignError('FileUnsupported', `image: ${name} is a UF2 container of files`);
    if (length > DATA_BYTES_MAX) throw malformed(`block ${index} claims ${length} bytes`);
    if (total !== count) throw malformed(`it should have ${total} blocks and has ${count}`);
    if (number >= count || seen.has(number)) throw malformed(`block number ${number} is doubled or out of range`);
    seen.add(number);
    if (flags & FLAG.notMainFlash) continue;
    families.add(flags & FLAG.family ? word(28) : undefined);
    segments.push({ address, bytes: block.subarray(DATA_OFFSET, DATA_OFFSET + length) });
  }
  if (families.size > 1) {
    const list = [...families].map((family) => (family === undefined ? 'none' : `0x${family.toString(16)}`)).join(', ');
    throw new CountersignError('FileUnsupported', `image: ${name} mixes families: ${list}`, {
      hint: 'give the UF2 file of one family',
    });
  }
  return { segments, family: [...families][0], blocks: count };
}

function viewOf(bytes: Uint8Array): DataView {
  return new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
}
