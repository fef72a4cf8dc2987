// The decoder of lz and delta by itself: pieces that it gives, those that it refuses, and that it asks for nothing outside of the
// source. What the host codes, and damage of every kind, are in tests/formats/lz.test.ts.

import { LZ_PIECE, Lz, lzAsked, lzBegin, lzNext, lzPlace, lzTo } from '../../../assembly/codec/lz';
import { clear, lay } from '../support/bytes';

// The piece that begins at `image`; the byte of the source at n is n. Returns its first `bytes` bytes as a number, or -1.
function decoded(hex: string, image: u32, bytes: u32, limit: u32, delta: bool): i64 {
  clear();
  lzBegin(lay(hex), hex.length / 2, image, bytes, limit, delta);
  let result = lzNext();
  while (result == Lz.Read) {
    assert(lzAsked() != 0 && lzPlace() + lzAsked() <= limit, 'it reads outside of the source');
    for (let i: u32 = 0; i < lzAsked(); i++) store<u8>(lzTo() + i, <u8>(lzPlace() + i));
    result = lzNext();
  }
  if (result == Lz.Refused) return -1;
  let value: i64 = 0;
  for (let i: u32 = 0; i < min(bytes, 7); i++) value = (value << 8) | load<u8>(LZ_PIECE + i);
  return value;
}

describe('a piece', () => {
  it('has literals, bytes of its own, and bytes of the source', () => {
    expect(decoded('2e', 0, 1, 0, false)).toBe(0x5a);
    expect(decoded('03d80328', 0, 512, 0, false)).toBe(0x07070707070707);
    expect(decoded('d2e722', 600, 3, 600, false)).toBe(0x000102);
  });

  it('of a delta has bytes of another image, and sums', () => {
    expect(decoded('c0c1b7b92dae', 88, 7, 600, true)).toBe(0x56575659585b98);
  });

  it('is refused where it would reach out of the source', () => {
    expect(decoded('d2e722', 600, 3, 2, false)).toBe(-1);
    expect(decoded('d2e722', 599, 3, 600, false)).toBe(-1); // before its beginning
    expect(decoded('c0c1b7b92dae', 88, 7, 152, true)).toBe(-1);
    expect(decoded('c0c1b7b92dae', 1, 7, 600, true)).toBe(-1);
  });

  it('is not longer than it is, and refused where it would reach before itself', () => {
    expect(decoded('d2e722', 600, 2, 600, false)).toBe(0x0001); // what is too much is left out
    expect(decoded('8000', 600, 3, 0, false)).toBe(-1); // nothing is before its first byte
  });

  it('is refused with bytes that nobody reads, or without those that are needed', () => {
    expect(decoded('2e00000000', 0, 1, 0, false)).toBe(0x5a);
    expect(decoded('2e0000000000', 0, 1, 0, false)).toBe(-1);
    expect(decoded('', 0, 2, 0, false)).toBe(-1);
  });
});
