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

/** Of one class: where the header names the program headers, and where those say what is loaded (TIS ELF 1.2, ELF-64). */
interface Layout {
  wide: boolean;
  headerBytes: number;
  table: { offset: number; entryBytes: number; count: number };
  entryBytesMin: number;
  entry: { offset: number; address: number; bytes: number };
}

const CLASSES: Record<number, Layout> = {
  1: {
    wide: false,
    headerBytes: 52,
    table: { offset: 28, entryBytes: 42, count: 44 },
    entryBytesMin: 32,
    entry: { offset: 4, address: 12, bytes: 16 },
  },
  2: {
    wide: true,
    headerBytes: 64,
    table: { offset: 32, entryBytes: 54, count: 56 },
    entryBytesMin: 56,
    entry: { offset: 8, address: 24, bytes: 32 },
  },
};
const [CLASS_AT, ORDER_AT] = [4, 5];
const ORDERS: Record<number, { littleEndian: boolean }> = { 1: { littleEndian: true }, 2: { littleEndian: false } };

export function readElf(bytes: Uint8Array, name: string): Segment[] {
  const malformed = (why: string) =>
    new CountersignError('FileMalformed', `image: ${name} is not a whole ELF file: ${why}`);
  const layout = CLASSES[bytes[CLASS_AT] ?? 0];
  const order = ORDERS[bytes[ORDER_AT] ?? 0];
  if (layout === undefined || order === undefined) throw malformed('it is neither of 32 nor of 64 bits');
  const { wide, headerBytes, table, entryBytesMin, entry } = layout;
  if (bytes.length < headerBytes) throw malformed('it ends in its header');
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
  const half = (at: number) => view.getUint16(at, order.littleEndian);
  const word = (at: number) => view.getUint32(at, order.littleEndian);
  const address = (at: number) => (wide ? Number(view.getBigUint64(at, order.littleEndian)) : word(at));

  const [start, entryBytes, count] = [address(table.offset), half(table.entryBytes), half(table.count)];
  if (count > 0 && entryBytes < entryBytesMin) throw malformed('its program headers are too short');
  if (start + count * entryBytes > bytes.length) throw malformed('its program headers reach beyond the end');
  const segments: Segment[] = [];
  for (let at = start; at < start + count * entryBytes; at += entryBytes) {
    const [offset, length] = [address(at + entry.offset), address(at + entry.bytes)];
    if (word(at) !== PT_LOAD || length === 0) continue;
    if (offset + length > bytes.length) throw malformed('a segment reaches beyond the end');
    segments.push({ address: address(at + entry.address), bytes: bytes.subarray(offset, offset + length) });
  }
  return segments;
}
