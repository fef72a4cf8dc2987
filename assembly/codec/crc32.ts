// CRC-32 (IEEE 802.3, reflected polynomial 0xedb88320), which guards every record of the settings store against torn
// writes. It says nothing about who wrote them. The check value of "123456789" is 0xcbf43926.
// Use: crc32(CRC32_BEGIN, …) over all pieces in order, then ~ for the value that is stored.

export const CRC32_BEGIN: u32 = 0xffffffff;

const POLYNOMIAL: u32 = 0xedb88320;

export function crc32(crc: u32, from: usize, length: u32): u32 {
  for (let i: u32 = 0; i < length; i++) {
    crc ^= load<u8>(from + i);
    for (let bit = 0; bit < 8; bit++) crc = (crc >>> 1) ^ (POLYNOMIAL & -(crc & 1));
  }
  return crc;
}
