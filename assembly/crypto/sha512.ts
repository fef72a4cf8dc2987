// SHA-512 (FIPS 180-4), streaming: bytes arrive in pieces of any length and at any alignment.
//
// Nothing is allocated: the caller owns the state (SHA512_STATE_BYTES, 8-aligned), any number of states may be open at
// once, and a finished state is spent until begin. Bytes that are hashed here are public.
//
// Microcontrollers take sha2-small.ts.

import { SMALL } from '../profile';
import { sha2Start } from './sha2-constants';
import { sha2Finish, sha2Update } from './sha2-small';
import { sha512CompressSimd } from './sha512-simd';

// A state:  hash 8 words | bytes so far u64 | block 128 bytes, filled from its start
const HASH_BYTES: usize = 64;
const LENGTH: usize = HASH_BYTES;
const BLOCK: usize = 72;
const BLOCK_BYTES: u32 = 128;
export const SHA512_STATE_BYTES: i32 = 200;

export function sha512Begin(state: usize): void {
  for (let i: usize = 0; i < HASH_BYTES; i += 4) store<u32>(state + i, sha2Start(i));
  store<u64>(state, 0, LENGTH);
}

export function sha512Update(state: usize, from: usize, length: u32): void {
  if (SMALL) {
    sha2Update(state, from, length, BLOCK_BYTES);
    return;
  }
  const before = load<u64>(state, LENGTH);
  store<u64>(state, before + length, LENGTH);
  let filled = <u32>before & (BLOCK_BYTES - 1);
  while (length !== 0) {
    // Whole blocks are read where they lie.
    if (filled === 0 && length >= BLOCK_BYTES) {
      const blocks = length / BLOCK_BYTES;
      sha512CompressSimd(state, state + BLOCK, from, blocks);
      from += blocks * BLOCK_BYTES;
      length -= blocks * BLOCK_BYTES;
      continue;
    }
    const taken = min(BLOCK_BYTES - filled, length);
    memory.copy(state + BLOCK + filled, from, taken);
    from += taken;
    length -= taken;
    filled += taken;
    if (filled === BLOCK_BYTES) {
      sha512CompressSimd(state, state + BLOCK, state + BLOCK, 1);
      filled = 0;
    }
  }
}

// Writes the 64 bytes of the digest, at any alignment.
export function sha512Finish(state: usize, digest: usize): void {
  if (SMALL) {
    sha2Finish(state, digest, BLOCK_BYTES);
    return;
  }
  const length = load<u64>(state, LENGTH);
  let filled = <u32>length & (BLOCK_BYTES - 1);
  store<u8>(state + BLOCK + filled++, 0x80);
  if (filled > BLOCK_BYTES - 16) {
    memory.fill(state + BLOCK + filled, 0, BLOCK_BYTES - filled);
    sha512CompressSimd(state, state + BLOCK, state + BLOCK, 1);
    filled = 0;
  }
  memory.fill(state + BLOCK + filled, 0, BLOCK_BYTES - 8 - filled);
  store<u64>(state, bswap<u64>(length << 3), BLOCK + BLOCK_BYTES - 8); // of the 128-bit length in bits, the lower half
  sha512CompressSimd(state, state + BLOCK, state + BLOCK, 1);
  for (let i: usize = 0; i < HASH_BYTES; i++) store<u8>(digest + i, load<u8>(state + (i ^ 7))); // words to big-endian
}
