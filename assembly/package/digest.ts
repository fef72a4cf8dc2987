// SUIT_Digest: [algorithm, bytes]. SHA-256 (-16) is the one that we follow; it is mandatory in every SUIT profile.

import { compare } from '../codec/bytes';
import { Cursor } from '../codec/cbor';
import { sha256Begin, sha256Finish, sha256Update } from '../crypto/sha256';
import { Reason } from '../reason';
import { HASHED, HASHING } from '../scratch';

export const DIGEST_BYTES: u32 = 32;
const SHA_256: i64 = -16;

// Reads a SUIT_Digest: address of its 32 bytes.
export function digestRead(from: Cursor): usize {
  if (from.array() !== 2 && from.fault === Reason.Ok) from.fail(Reason.WrongType);
  if (from.int() !== SHA_256 && from.fault === Reason.Ok) from.fail(Reason.DigestAlgorithm);
  return from.bytesOf(DIGEST_BYTES);
}

// Whether the digest is that of these bytes.
export function digestMatches(digest: usize, from: usize, length: u32): bool {
  sha256Begin(HASHING);
  sha256Update(HASHING, from, length);
  sha256Finish(HASHING, HASHED);
  return compare(HASHED, digest, DIGEST_BYTES) === 0;
}
