// Base64 with the standard alphabet (RFC 4648 section 4), one character at a time: a serial line delivers it that way,
// and nobody here has room for a decoded copy. Strict: other characters, and padding in the wrong place, have no value.

export const BASE64_INVALID: i32 = -1;
export const BASE64_PAD: u32 = 0x3d; // '='

// The six bits that a character stands for, or BASE64_INVALID.
export function base64Value(character: u32): i32 {
  if (character - 0x41 < 26) return character - 0x41; // A-Z
  if (character - 0x61 < 26) return character - 0x61 + 26; // a-z
  if (character - 0x30 < 10) return character - 0x30 + 52; // 0-9
  if (character === 0x2b) return 62; // +
  if (character === 0x2f) return 63; // /
  return BASE64_INVALID;
}

// in: value < 64   out: its character
export function base64Character(value: u32): u32 {
  if (value < 26) return 0x41 + value;
  if (value < 52) return 0x61 + value - 26;
  if (value < 62) return 0x30 + value - 52;
  return value === 62 ? 0x2b : 0x2f;
}
