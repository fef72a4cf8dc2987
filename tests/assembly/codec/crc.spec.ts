// CRC-16/XMODEM and CRC-32 by their published check values over "123456789", in pieces, and every step of a byte against the
// polynomial, bit by bit.

import { crc16 } from '../../../assembly/codec/crc16';
import { CRC32_BEGIN, crc32 } from '../../../assembly/codec/crc32';
import { lay } from '../support/bytes';

const DIGITS = '313233343536373839';

const BYTE: usize = memory.data(1, 4);

function bitwise16(crc: u32, byte: u32): u32 {
  crc ^= byte << 8;
  for (let bit = 0; bit < 8; bit++) crc = (crc << 1) ^ (crc & 0x8000 ? 0x1021 : 0);
  return crc & 0xffff;
}

function bitwise32(crc: u32, byte: u32): u32 {
  crc ^= byte;
  for (let bit = 0; bit < 8; bit++) crc = (crc >>> 1) ^ (0xedb88320 & -(crc & 1));
  return crc;
}

describe('the step of a byte', () => {
  // It is linear: what holds for each bit of the register and each byte alone holds for all.
  it('is eight steps of a bit, from every bit of the register with every byte', () => {
    let same = true;
    for (let byte: u32 = 0; byte < 256; byte++) {
      store<u8>(BYTE, <u8>byte);
      for (let crc: u32 = 1; crc; crc <<= 1) {
        same = same && crc32(crc, BYTE, 1) == bitwise32(crc, byte);
        same = same && (crc > 0xffff || crc16(crc, BYTE, 1) == bitwise16(crc, byte));
      }
      same = same && crc32(0, BYTE, 1) == bitwise32(0, byte) && crc16(0, BYTE, 1) == bitwise16(0, byte);
    }
    expect(same).toBe(true);
  });
});

describe('check values', () => {
  it('of CRC-16', () => {
    expect(crc16(0, lay(DIGITS), 9)).toBe(0x31c3);
  });

  it('of CRC-32', () => {
    expect(~crc32(CRC32_BEGIN, lay(DIGITS), 9)).toBe(0xcbf43926);
  });

  it('do not depend on how the bytes are cut', () => {
    const at = lay(DIGITS);
    for (let cut: u32 = 0; cut <= 9; cut++) {
      expect(crc16(crc16(0, at, cut), at + cut, 9 - cut)).toBe(0x31c3);
      expect(~crc32(crc32(CRC32_BEGIN, at, cut), at + cut, 9 - cut)).toBe(0xcbf43926);
    }
  });

  it('a packet followed by its CRC-16 gives 0', () => {
    expect(crc16(0, lay(`${DIGITS}31c3`), 11)).toBe(0);
  });
});
