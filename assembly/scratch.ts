// The one working area of whatever verification runs now.
//
// Only a function that is running owns it: nothing may be kept here from one export to the next, and a caller that
// passes an address inside it loses what stands there. Hashes, signatures and documents take their turns in it, which
// is what keeps the memory of a microcontroller small. The layout of each turn stands in the file that takes it.

import { SMALL } from './profile';

// The records that are handed from function to function most often, of those who take turns (update/rooms.ts says who).
// First of all, so that an instruction of a Cortex-M0 holds their addresses.
export const READING: usize = memory.data(32, 8); // codec/cbor.ts: Cursor
export const INSIDE: usize = memory.data(32, 8);
export const WRITING: usize = memory.data(16, 8); // Writer
export const MESSAGE: usize = memory.data(40, 8); // codec/cose.ts: Sign1
export const OUTER: usize = memory.data(32, 8); // Cursor
export const HEADER: usize = memory.data(32, 8);
export const OTHER: usize = memory.data(32, 8);

export const SCRATCH_BYTES: i32 = SMALL ? 2560 : 4608; // the largest turn: an Ed25519 verification, tables and digits
export const SCRATCH: usize = memory.data(SCRATCH_BYTES, 16);

// The end of it serves what is begun and finished by one function with nothing of the above in between: a hash of bytes
// that lie still (before a signature is looked at, or without one), or a walk past nested CBOR.
export const HASHING: usize = SCRATCH + SCRATCH_BYTES - 144; // SHA256_STATE_BYTES
export const HASHED: usize = SCRATCH + SCRATCH_BYTES - 32; // and its digest
export const NESTING: usize = HASHING; // codec/cbor.ts: 64 bytes
// Before that, where neither an answer (smp/reply.ts) nor a document stands: crypto/sha256-small.ts, 64 words.
export const SCHEDULE: usize = HASHING - 256;
