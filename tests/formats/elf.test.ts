// ELF of both classes and both byte orders: what is loaded, and every way in which a file may lie about it.

import { describe, expect, it } from 'vitest';
import { readElf } from '../../host/formats/images/elf.js';

const CONTENT = Uint8Array.of(1, 2, 3, 4, 5);
const ADDRESS = 0x0800_1000;

/** An executable with one segment that is loaded and one that has no bytes (.bss); TIS ELF 1.2, ELF-64 draft 2. */
function elf(bits: 32 | 64, littleEndian: boolean) {
  const [head, entry] = bits === 32 ? [52, 32] : [64, 56];
  const file = new Uint8Array(head + 2 * entry + CONTENT.length);
  const view = new DataView(file.buffer);
  const half = (at: number, value: number) => view.setUint16(at, value, littleEndian);
  const word = (at: number, value: number) => view.setUint32(at, value, littleEndian);
  const wide = (at: number, value: number) =>
    bits === 32 ? word(at, value) : view.setBigUint64(at, BigInt(value), littleEndian);
  file.set([0x7f, 0x45, 0x4c, 0x46, bits / 32, littleEndian ? 1 : 2, 1]);
  const at =
    bits === 32
      ? { table: 28, entryBytes: 42, count: 44, offset: 4, address: 12, bytes: 16 }
      : { table: 32, entryBytes: 54, count: 56, offset: 8, address: 24, bytes: 32 };
  wide(at.table, head);
  half(at.entryBytes, entry);
  half(at.count, 2);
  const segment = (start: number, bytes: number) => {
    word(start, 1);
    wide(start + at.offset, head + 2 * entry);
    wide(start + at.address, ADDRESS);
    wide(start + at.bytes, bytes);
  };
  segment(head, CONTENT.length);
  segment(head + entry, 0);
  file.set(CONTENT, head + 2 * entry);
  return { file, half, wide, at, head, entry };
}

describe.each([
  [32, true],
  [32, false],
  [64, true],
  [64, false],
] as const)('%i bits, little-endian: %s', (bits, little) => {
  const malformed = expect.objectContaining({ reason: expect.objectContaining({ name: 'FileMalformed' }) });
  const spoilt = (spoil: (made: ReturnType<typeof elf>) => void) => {
    const made = elf(bits, little);
    spoil(made);
    return () => readElf(made.file, 'it');
  };

  it('gives what is loaded', () => {
    expect(readElf(elf(bits, little).file, 'it')).toEqual([{ address: ADDRESS, bytes: CONTENT }]);
    expect(spoilt(({ half, at }) => half(at.count, 0))()).toEqual([]);
  });

  it('cut anywhere, it is no whole one', () => {
    const { file } = elf(bits, little);
    for (let bytes = 0; bytes < file.length; bytes++) {
      expect(() => readElf(file.slice(0, bytes), 'it'), `${bytes} bytes`).toThrow(malformed);
    }
  });

  it('headers that lie are none', () => {
    expect(spoilt(({ file }) => file.set([3], 4))).toThrow(malformed);
    expect(spoilt(({ file }) => file.set([0], 5))).toThrow(malformed);
    expect(spoilt(({ half, at }) => half(at.count, 0xffff))).toThrow(malformed);
    expect(spoilt(({ half, at, entry }) => half(at.entryBytes, entry - 1))).toThrow(malformed);
    expect(spoilt(({ half, at }) => half(at.entryBytes, 0))).toThrow(malformed);
    expect(spoilt(({ wide, at }) => wide(at.table, 0xffff_ffff))).toThrow(malformed);
    expect(spoilt(({ wide, at, head }) => wide(head + at.offset, 0xffff_ffff))).toThrow(malformed);
    expect(spoilt(({ wide, at, head }) => wide(head + at.bytes, CONTENT.length + 1))).toThrow(malformed);
  });
});
