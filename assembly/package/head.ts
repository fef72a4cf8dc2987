// Where the envelope is kept while it is judged: everything up to the first byte of the payload.
//
// All later stages point into this memory, so what was authenticated is what is read afterwards. The firmware itself
// never passes through it.

// 107 tag, wrapper with 8 blocks (8 x 120), a manifest of 500 bytes, text of 400: what a package of ours may need.
export const HEAD_BYTES_MAX: u32 = 2048;
export const HEAD: usize = memory.data(2048, 16);
