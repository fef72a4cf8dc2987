// CRC-16/XMODEM, as SMP's console framing uses it: polynomial 0x1021, init 0, no reflection, no final xor.
// The check value of "123456789" is 0x31c3; a packet followed by its own CRC (big-endian) gives 0.
// Bit by bit without a table: frames are short, and a table would cost 512 bytes of flash.

const POLYNOMIAL: u32 = 0x1021;

// in: crc < 2^16, byte < 2^8   out: crc continued by that byte, < 2^16
export function crc16Byte(crc: u32, byte: u32): u32 {
  crc ^= byte << 8;
  for (let bit = 0; bit < 8; bit++) crc = (crc << 1) ^ (crc & 0x8000 ? POLYNOMIAL : 0);
  return crc & 0xffff;
}

export function crc16(crc: u32, from: usize, length: u32): u32 {
  for (let i: u32 = 0; i < length; i++) crc = crc16Byte(crc, load<u8>(from + i));
  return crc;
}
