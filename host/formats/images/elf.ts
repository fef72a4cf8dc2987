// ELF: the segments that are loaded, at their physical addresses: what a programmer would write to flash.
//
// The physical address (LMA) matters: initialised data stands in flash behind the code and is copied to RAM by the
// firmware's own start-up. Segments without bytes in the file (.bss) take no flash.

import { CountersignError } from '../../errors.js';
import type { Segment } from './segments.js';

const MAGIC = [0x7f, 0x45, 0x4c, 0x46];
/** p_type of a segment that is loaded. */
const PT_LOAD = 1;

export function isElf(bytes: Uint8Array): boolean {
  return MAGIC.every((byte, index) => bytes[index] === byte);
}

/** e_machine (little-endian files; the others are not for a Cortex-M) */
const [MACHINE_AT, EM_ARM] = [18, 40];
export const isArmElf = (bytes: Uint8Array): boolean => bytes[MACHINE_AT] === EM_ARM && bytes[MACHINE_AT + 1] === 0;

export async function readElf(bytes: Uint8Array, name: string): Promise<Segment[]> {
  const malformed = (why: string, cause?: unknown) =>
    new CountersignError('FileMalformed', `image: ${name} is not a whole ELF file: ${why}`, { cause });
  const { open } = await import('elfinfo');
  const result = await open(Buffer.from(bytes)).catch((cause: unknown) => {
    throw malformed('unreadable', cause);
  });
  if (!result.success || result.elf === undefined) throw malformed(result.errors.join('; ') || 'unreadable');
  const loaded = result.elf.segments.filter((segment) => Number(segment.type) === PT_LOAD && segment.filesz > 0);
  return loaded.map((segment) => {
    const [offset, length] = [Number(segment.offset), Number(segment.filesz)];
    if (offset + length > bytes.length) throw malformed('a segment reaches beyond the end');
    return { address: Number(segment.paddr), bytes: bytes.subarray(offset, offset + length) };
  });
}
