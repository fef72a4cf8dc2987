// CRC-16/XMODEM, as SMP's console and cobs framing use it: polynomial 0x1021 (x^16 + x^12 + x^5 + 1), init 0, no reflection,
// no final xor. The check value of "123456789" is 0x31c3; a packet followed by its own CRC (big-endian) gives 0.
// A byte at a time without a table, which would cost 512 bytes of flash: see the step below.

// in: crc < 2^16   out: crc continued by those bytes, < 2^16
export function crc16(crc: u32, from: usize, length: u32): u32 {
  for (const end = from + length; from < end; from++) {
    // What leaves the register at the top is a polynomial q of eight terms, and comes back as q * (x^12 + x^5 + 1). Of
    // q * x^12 the upper four terms leave at once, in the same way: they are added to q first.
    let q = (crc >>> 8) ^ load<u8>(from);
    q ^= q >>> 4;
    crc = ((crc << 8) ^ (q << 12) ^ (q << 5) ^ q) & 0xffff;
  }
  return crc;
}
