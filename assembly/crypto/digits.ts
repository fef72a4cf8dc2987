// Scalars as signed digits, read from the top: sliding windows over the mutual opposite form of Okeya, Schmidt-Samoa,
// Spahn and Takagi ("Signed binary representations revisited", CRYPTO 2004).
//
// A digit is 0 or odd and below 2^(width-1) in size, and about one in width + 1 is not 0, as in the non-adjacent form; but
// that one is made from the lowest bit up and would have to be stored, a byte for each of up to 257 places per scalar.
//
// The form: place i holds bit[i-1] - bit[i]. The digits of `width` places from lowest on are worth
// (bits[lowest-1 .. lowest+width-2]) - (bits[lowest .. lowest+width-1]), and their trailing zeros move the digit up.

// A reader:  words address u32 | bits u32 | free i32 | place i32 | digit i32
//   free: windows may begin from this place down;  place: where digit stands, while digit is not 0
const BITS: usize = 4;
const FREE: usize = 8;
const PLACE: usize = 12;
const DIGIT: usize = 16;
export const READER_BYTES: usize = 20;

// A reader of the lowest `bits` bits of words, whose places are bits..0.
export function digitsBegin(reader: usize, words: usize, bits: u32): void {
  store<u32>(reader, <u32>words);
  store<u32>(reader, bits, BITS);
  store<i32>(reader, <i32>bits, FREE);
  store<i32>(reader, 0, DIGIT);
}

// The digit at place i, for i from `bits` or above down to 0, each asked once.   in: 2 <= width <= 8
export function digitAt(reader: usize, i: i32, width: i32): i32 {
  let digit = load<i32>(reader, DIGIT);
  if (digit === 0) {
    if (i > load<i32>(reader, FREE)) return 0;
    const pair = wordBits(reader, i - 1, 2);
    if (pair === 0 || pair === 3) return 0;
    const lowest = max(i - width + 1, 0);
    const count = i - lowest + 1;
    const bits = wordBits(reader, lowest - 1, count + 1);
    digit = (bits & ((1 << count) - 1)) - (bits >> 1);
    const zeros = ctz<i32>(digit);
    digit >>= zeros;
    store<i32>(reader, lowest - 1, FREE);
    store<i32>(reader, lowest + zeros, PLACE);
    store<i32>(reader, digit, DIGIT);
  }
  if (i !== load<i32>(reader, PLACE)) return 0;
  store<i32>(reader, 0, DIGIT);
  return digit;
}

// count bits from place i on; 0 outside the scalar
function wordBits(reader: usize, i: i32, count: i32): i32 {
  const words = <usize>load<u32>(reader);
  const total = load<i32>(reader, BITS);
  let bits = 0;
  for (let at = i + count - 1; at >= i; at--) {
    bits <<= 1;
    if (at >= 0 && at < total) bits |= (load<u8>(words + (at >> 3)) >> (at & 7)) & 1;
  }
  return bits;
}
