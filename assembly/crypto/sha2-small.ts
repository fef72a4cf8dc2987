// SHA-256 and SHA-512 (FIPS 180-4) for microcontrollers, streaming by one code: here they differ in the size of a block alone.
// What the callers may rely on stands in sha256.ts and sha512.ts, and how blocks are hashed in the files that `compress` names.
//
// A state, of a hash whose blocks have n bytes:  hash n / 2 bytes | bytes so far u64 | block n bytes, filled from its start

import { NARROW, P256_ONLY, SHA512_UNROLLED } from '../profile';
import { sha256CompressSmall } from './sha256-small';
import { sha256CompressUnrolled } from './sha256-unrolled';
import { sha512CompressSmall } from './sha512-small';
import { sha512CompressUnrolled } from './sha512-unrolled';

const SHA256_BLOCK_BYTES: u32 = 64;
const COUNTER_BYTES: usize = 8;

function blockOf(state: usize, blockBytes: u32): usize {
  return state + (blockBytes >> 1) + COUNTER_BYTES;
}

export function sha2Update(state: usize, from: usize, length: u32, blockBytes: u32): void {
  const block = blockOf(state, blockBytes);
  const before = load<u64>(block - COUNTER_BYTES);
  store<u64>(block - COUNTER_BYTES, before + length);
  let filled = <u32>before & (blockBytes - 1);
  while (length !== 0) {
    const taken = min(blockBytes - filled, length);
    // A whole block is read where it lies, if words can be read there.
    const inPlace = taken === blockBytes && (from & 3) === 0;
    if (!inPlace) memory.copy(block + filled, from, taken);
    filled += taken;
    if (filled === blockBytes) {
      compress(state, inPlace ? from : block, blockBytes);
      filled = 0;
    }
    from += taken;
    length -= taken;
  }
}

// Writes the digest, n / 2 bytes at any alignment.
export function sha2Finish(state: usize, digest: usize, blockBytes: u32): void {
  const block = blockOf(state, blockBytes);
  const length = load<u64>(block - COUNTER_BYTES);
  let filled = <u32>length & (blockBytes - 1);
  store<u8>(block + filled++, 0x80);
  if (filled > blockBytes - (blockBytes >> 3)) {
    memory.fill(block + filled, 0, blockBytes - filled);
    compress(state, block, blockBytes);
    filled = 0;
  }
  const end = block + blockBytes - 8;
  memory.fill(block + filled, 0, end - block - filled);
  store<u64>(end, bswap<u64>(length << 3)); // the length in bits; SHA-512's has 128, of which the upper half is 0
  compress(state, block, blockBytes);
  const order = (blockBytes >> 4) - 1; // words of n / 16 bytes, to big-endian
  for (let i: u32 = 0; i < blockBytes >> 1; i++) store<u8>(digest + i, load<u8>(state + (i ^ order)));
}

// One block, 4-aligned, into the state's hash.
function compress(state: usize, block: usize, blockBytes: u32): void {
  if (P256_ONLY || blockBytes === SHA256_BLOCK_BYTES) {
    if (NARROW) sha256CompressSmall(state, block);
    else sha256CompressUnrolled(state, block, 1);
  } else if (SHA512_UNROLLED) sha512CompressUnrolled(state, block, 1);
  else sha512CompressSmall(state, block);
}
