// Bytes for the suites of assembly/, written as hex, and the CBOR that their cases are put together from.

const AREA_BYTES: i32 = 8192;
const area: usize = memory.data(8192, 16);
let used: u32 = 0;

/** Forgets what was laid out; to be called at the start of a case. */
export function clear(): void {
  used = 0;
}

/** Lays hex out behind what is there; spaces are for the eye. Returns the address. */
export function lay(hex: string): usize {
  const at = area + used;
  let half = -1;
  for (let i = 0; i < hex.length; i++) {
    const code = hex.charCodeAt(i);
    if (code == 0x20) continue;
    const digit = code < 0x3a ? code - 0x30 : code - 0x57;
    if (half < 0) half = digit;
    else {
      assert(used < <u32>AREA_BYTES, 'the area for test bytes is full');
      store<u8>(area + used++, (half << 4) | digit);
      half = -1;
    }
  }
  return at;
}

/** Number of bytes that a hex text stands for. */
export function sizeOf(hex: string): u32 {
  return hex.replaceAll(' ', '').length / 2;
}

export function toHex(from: usize, length: u32): string {
  let text = '';
  for (let i: u32 = 0; i < length; i++) {
    const byte = load<u8>(from + i);
    text += digit(byte >> 4) + digit(byte & 15);
  }
  return text;
}

function digit(value: u8): string {
  return String.fromCharCode(value < 10 ? 0x30 + value : 0x57 + value);
}

/** The head of an item below 65536. */
function head(type: u32, value: u32): string {
  const first = type << 5;
  if (value < 24) return toHexOf(first | value, 1);
  if (value < 256) return toHexOf(first | 24, 1) + toHexOf(value, 1);
  return toHexOf(first | 25, 1) + toHexOf(value, 2);
}

function toHexOf(value: u32, bytes: u32): string {
  let text = '';
  for (let i = bytes; i > 0; i--) {
    const byte = <u8>(value >> ((i - 1) << 3));
    text += digit(byte >> 4) + digit(byte & 15);
  }
  return text;
}

export function uint(value: u32): string {
  return head(0, value);
}

export function bstr(hex: string): string {
  return head(2, sizeOf(hex)) + hex;
}

export function array(items: string[]): string {
  return head(4, items.length) + items.join('');
}

/** Keys and values in turn. */
export function map(items: string[]): string {
  return head(5, items.length / 2) + items.join('');
}

export function repeat(hex: string, times: i32): string {
  return hex.repeat(times);
}
