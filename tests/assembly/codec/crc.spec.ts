// CRC-16/XMODEM and CRC-32 by their published check values over "123456789", and in pieces.

import { crc16 } from '../../../assembly/codec/crc16';
import { CRC32_BEGIN, crc32 } from '../../../assembly/codec/crc32';
import { lay } from '../support/bytes';

const DIGITS = '313233343536373839';

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
