// SUIT_Digest: [algorithm, bytes]. SHA-256 (-16) is the one that we follow; it is mandatory in every SUIT profile.

import { Cursor } from '../codec/cbor';
import { SHA256_STATE_BYTES, sha256Begin, sha256Finish, sha256Update } from '../crypto/sha256';
import { Reason } from '../reason';

export const DIGEST_BYTES: u32 = 32;
const SHA_256: i64 = -16;

const state: usize = memory.data(SHA256_STATE_BYTES, 8);
const computed: usize = memory.data(32, 8);

/** Reads a SUIT_Digest: address of its 32 bytes. */
export function digestRead(from: Cursor): usize {
  if (from.array() != 2 && from.fault == Reason.Ok) from.fail(Reason.WrongType);
  if (from.int() != SHA_256 && from.fault == Reason.Ok) from.fail(Reason.DigestAlgorithm);
  return from.bytesOf(DIGEST_BYTES);
}

/** Whether the digest is that of these bytes. */
export function digestMatches(digest: usize, from: usize, length: u32): bool {
  sha256Begin(state);
  sha256Update(state, from, length);
  sha256Finish(state, computed);
  return memory.compare(computed, digest, DIGEST_BYTES) == 0;
}
