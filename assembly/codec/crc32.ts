// CRC-32 (IEEE 802.3, reflected polynomial 0xedb88320), which guards every record of the settings store against torn
// writes. It says nothing about who wrote them. The check value of "123456789" is 0xcbf43926.
// Use: crc32(CRC32_BEGIN, …) over all pieces in order, then ~ for the value that is stored.
// A byte at a time without a table, which would cost 1 KB of flash, or 64 bytes and more loads: see the step below.

export const CRC32_BEGIN: u32 = 0xffffffff;

export function crc32(crc: u32, from: usize, length: u32): u32 {
  for (const end = from + length; from < end; from++) {
    // Reflected: bit 31 is x^0, and >>> n multiplies by x^n. What leaves the register is a polynomial q of eight terms,
    // and comes back as q * (x^26 + x^23 + x^22 + x^16 + x^12 + x^11 + x^10 + x^8 + x^7 + x^5 + x^4 + x^2 + x + 1).
    // Of q * x^26 the upper two terms leave at once, in the same way: they are added to q first.
    let q = crc ^ load<u8>(from);
    q = (q ^ (q << 6)) << 24;
    const two = q ^ (q >>> 1); // q * (x + 1)
    const three = two ^ (q >>> 2); // q * (x^2 + x + 1)
    crc = (crc >>> 8) ^ (q >>> 26) ^ (two >>> 22) ^ (q >>> 16) ^ (three >>> 10) ^ (two >>> 7) ^ (two >>> 4) ^ three;
  }
  return crc;
}
