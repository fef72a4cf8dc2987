// The settings store: a log of records in two banks, so that power may fail at any word.
//
// Promises: a commit of up to COMMIT_ENTRIES_MAX settings happens whole or not at all; once storeCommit returned Ok the
// settings survive every later cut, also one whose torn word reads differently each time; the newest value wins.
// Assumes of flash what hal.ts says, and nothing of its contents: a page that was never erased is noise.
//
//   bank (half of the state region)
//   ┌────────┬──────────────────┬───────┬────────┬────────┬─ ─ ─┬─ erased ─┐
//   │ header │ snapshot entries │ proof │ record │ record │     │          │
//   └────────┴──────────────────┴───────┴────────┴────────┴─ ─ ─┴──────────┘
//   header   u32 magic, u32 generation, u32 snapshot bytes, u32 CRC of those three and the snapshot
//   proof    u32 0, written when the header was finished
//   record   u32 0xc5 << 24 | bytes of its entries, entries, u32 CRC of both and the generation
//   entry    u32 key | length << 16, value, padded with 0 to a multiple of 4; length 0 deletes
//
// The first commit after a reset, and any that finds the bank full, compacts: the other bank is erased, gets the live
// entries and those of the commit as its snapshot, then its header, then the proof. Why the first one: after a cut, the
// word behind the last record may have been half written and still read as erased; nobody may write it again.
//
// Which bank counts (storeMount):
//   both headers valid, the newer has its proof     the newer: a proof is begun only behind a finished header
//   both headers valid, the newer has none          the older: the newer header may be a torn one, and nobody was told
//   one header valid                                that one
//   none                                            blank: nothing was ever acknowledged

import { compare } from '../codec/bytes';
import { CRC32_BEGIN, crc32 } from '../codec/crc32';
import { Reason } from '../reason';
import { flashErase, flashMap, flashRead, flashWrite, Map, PIECE, PIECE_BYTES } from './flash';

const MAGIC: u32 = 0x31675343; // "CSg1"
const HEADER_BYTES: u32 = 16;
const PROOF_BYTES: u32 = 4;
const RECORD_MARK: u32 = 0xc5;
const RECORD_OVERHEAD: u32 = 8; // its first word and its CRC
const ERASED: u32 = 0xffffffff;

export const COMMIT_ENTRIES_MAX: u32 = 12; // the largest commit we make (end of a swap) has nine
export const ABSENT: i32 = -1;

// One walk over the entries of the active bank, oldest first. Offsets count from the start of the bank.
@unmanaged
class Walk {
  at: u32; // next entry, or the end of a group
  groupEnd: u32;
  key: u32;
  length: u32;
  value: u32; // where the value stands
}

// A setting waiting for storeCommit; the bytes stay the caller's.
@unmanaged
class Pending {
  key: u32;
  from: usize;
  length: u32;
}

const walk = changetype<Walk>(memory.data(offsetof<Walk>(), 4));
const probe = changetype<Walk>(memory.data(offsetof<Walk>(), 4));
const HEADER: usize = memory.data(HEADER_BYTES, 4);
const OUT_BYTES: u32 = 64;
const OUT: usize = memory.data(OUT_BYTES, 4); // words on their way to flash
const PENDING: usize = memory.data(COMMIT_ENTRIES_MAX * offsetof<Pending>(), 4);

let bankBytes: u32 = 0;
let bank: u32 = 0; // 0 or 1
let generation: u32 = 0; // 0: nothing in flash
let snapshotBytes: u32 = 0;
let tail: u32 = 0; // end of the last valid record
let fresh: bool = false; // this bank was begun after the last reset: the words behind tail are truly erased
let certain: bool = false; // the last mount found an empty record and nothing behind it: no word in front of it was torn
let pendingCount: u32 = 0;
let fault: Reason = Reason.Ok; // sticks for the time of one call

function bankOffset(which: u32): u32 {
  return flashMap(Map.StateOffset) + which * bankBytes;
}

function word(at: u32): u32 {
  if (flashRead(bankOffset(bank) + at, HEADER, 4) !== Reason.Ok) {
    fault = Reason.FlashRead;
    return ERASED;
  }
  return load<u32>(HEADER);
}

function padded(length: u32): u32 {
  return (length + 3) & ~3;
}

// CRC over [from, from + length) of the active bank.
function crcOfFlash(crc: u32, from: u32, length: u32): u32 {
  while (length) {
    const piece = min(length, OUT_BYTES);
    if (flashRead(bankOffset(bank) + from, OUT, piece) !== Reason.Ok) fault = Reason.FlashRead;
    crc = crc32(crc, OUT, piece);
    from += piece;
    length -= piece;
  }
  return crc;
}

function crcBegin(): u32 {
  store<u32>(HEADER, generation);
  return crc32(CRC32_BEGIN, HEADER, 4);
}

// --- Mounting ---

// Makes `which` the active bank if its header and snapshot are whole.
function adopt(which: u32): bool {
  bank = which;
  if (flashRead(bankOffset(bank), HEADER, HEADER_BYTES) !== Reason.Ok) return false;
  const bytes = load<u32>(HEADER, 8);
  const stated = load<u32>(HEADER, 12);
  if (load<u32>(HEADER) !== MAGIC || bytes > bankBytes - HEADER_BYTES - PROOF_BYTES || bytes & 3) return false;
  generation = load<u32>(HEADER, 4);
  snapshotBytes = bytes;
  const crc = crcOfFlash(crc32(CRC32_BEGIN, HEADER, 12), HEADER_BYTES, bytes);
  return ~crc === stated && entriesFit(HEADER_BYTES, HEADER_BYTES + bytes);
}

// Entries must tile their group exactly; a CRC cannot promise that the writer was us.
function entriesFit(at: u32, end: u32): bool {
  while (at < end) at += 4 + padded(word(at) >>> 16);
  return at === end;
}

// Where the proof stands; the records begin behind it.
function proofAt(): u32 {
  return HEADER_BYTES + snapshotBytes;
}

function proven(): bool {
  return word(proofAt()) !== ERASED;
}

function findTail(): void {
  tail = proofAt() + PROOF_BYTES;
  while (tail + RECORD_OVERHEAD <= bankBytes) {
    const first = word(tail);
    if (first !== ERASED) certain = false;
    const bytes = first & 0xffffff;
    if (first >>> 24 !== RECORD_MARK || bytes & 3 || bytes > bankBytes - tail - RECORD_OVERHEAD) return;
    const crc = crcOfFlash(crcBegin(), tail, 4 + bytes);
    if (~crc !== word(tail + 4 + bytes) || !entriesFit(tail + 4, tail + 4 + bytes)) return;
    tail += RECORD_OVERHEAD + bytes;
    certain = bytes === 0;
  }
}

// Once after a reset, before anything else here.
export function storeMount(): Reason {
  fault = Reason.Ok;
  fresh = false;
  certain = false;
  pendingCount = 0;
  bankBytes = flashMap(Map.StateBytes) / 2;
  const first = adopt(0) ? generation : 0;
  const second = adopt(1) ? generation : 0;
  let chosen: u32 = first > second ? 0 : 1;
  if (first && second && !(adopt(chosen) && proven())) chosen ^= 1;
  // A torn header may read well once and badly now: then it is the other bank, not a blank device.
  if ((first || second) && (adopt(chosen) || adopt(chosen ^ 1))) {
    findTail();
    // Beside it, a compaction that was cut may read whole next time, so an older bank must stand there.
    if (!first || !second || generation < max(first, second)) certain = false;
  } else {
    bank = 1; // so that the first bank is written first
    generation = 0;
    snapshotBytes = 0;
    tail = HEADER_BYTES + PROOF_BYTES;
  }
  return fault;
}

// --- Reading ---

function begin(walk: Walk): void {
  walk.at = HEADER_BYTES;
  walk.groupEnd = HEADER_BYTES + snapshotBytes;
}

function next(walk: Walk): bool {
  while (walk.at === walk.groupEnd) {
    // a record may be empty
    walk.at += 4; // the proof behind the snapshot, or the CRC behind a record
    if (walk.at >= tail) return false;
    walk.groupEnd = walk.at + 4 + (word(walk.at) & 0xffffff);
    walk.at += 4;
  }
  const first = word(walk.at);
  walk.key = first & 0xffff;
  walk.length = first >>> 16;
  walk.value = walk.at + 4;
  walk.at = walk.value + padded(walk.length);
  return fault === Reason.Ok;
}

// Puts `walk` on the newest entry of `key`; false when there is none or it was deleted.
function find(key: u32): bool {
  fault = Reason.Ok;
  let value: u32 = 0;
  let length: u32 = 0;
  begin(walk);
  while (next(walk)) {
    if (walk.key !== key) continue;
    value = walk.value;
    length = walk.length;
  }
  walk.value = value;
  walk.length = length;
  return length !== 0 && fault === Reason.Ok;
}

export function storeLength(key: u32): i32 {
  return find(key) ? walk.length : ABSENT;
}

// Reads at most `capacity` bytes of the value, from `at` on. Returns how many, or ABSENT.
export function storeReadPart(key: u32, at: u32, to: usize, capacity: u32): i32 {
  if (!find(key)) return ABSENT;
  if (at >= walk.length) return 0;
  const bytes = min(walk.length - at, capacity);
  return flashRead(bankOffset(bank) + walk.value + at, to, bytes) === Reason.Ok ? bytes : ABSENT;
}

// Is the value of `key` exactly these bytes? Then nobody needs to write it again.
export function storeHolds(key: u32, from: usize, length: u32): bool {
  if (storeLength(key) !== <i32>length) return false;
  for (let at: u32 = 0; at < length; at += PIECE_BYTES) {
    const piece = min(length - at, PIECE_BYTES);
    if (storeReadPart(key, at, PIECE, piece) !== <i32>piece) return false;
    if (compare(PIECE, from + at, piece) !== 0) return false;
  }
  return true;
}

// Reads a value of exactly `length` bytes; false (and `to` filled with 0) when it is absent or of another length.
export function storeRead(key: u32, to: usize, length: u32): bool {
  if (storeLength(key) === length && storeReadPart(key, 0, to, length) === length) return true;
  memory.fill(to, 0, length);
  return false;
}

// --- Writing ---

// `from` must stay valid until storeCommit. The last value staged for a key wins.
export function storeStage(key: u32, from: usize, length: u32): void {
  for (let i: u32 = 0; i < min(pendingCount, COMMIT_ENTRIES_MAX); i++) {
    if (pending(i).key !== key) continue;
    pending(i).from = from;
    pending(i).length = length;
    return;
  }
  if (pendingCount === COMMIT_ENTRIES_MAX) {
    pendingCount++; // storeCommit refuses
    return;
  }
  if (pendingCount > COMMIT_ENTRIES_MAX) return;
  const entry = pending(pendingCount++);
  entry.key = key;
  entry.from = from;
  entry.length = length;
}

export function storeStageDelete(key: u32): void {
  storeStage(key, 0, 0);
}

function pending(index: u32): Pending {
  return changetype<Pending>(PENDING + index * offsetof<Pending>());
}

function isPending(key: u32): bool {
  for (let i: u32 = 0; i < pendingCount; i++) if (pending(i).key === key) return true;
  return false;
}

// Writes everything staged since the last commit, whole or not at all. Whatever the answer, nothing stays staged.
export function storeCommit(): Reason {
  const reason = pendingCount > COMMIT_ENTRIES_MAX ? Reason.Internal : commit();
  pendingCount = 0;
  return reason;
}

function commit(): Reason {
  fault = Reason.Ok;
  let bytes: u32 = 0;
  for (let i: u32 = 0; i < pendingCount; i++) bytes += 4 + padded(pending(i).length);
  if (!fresh || tail + RECORD_OVERHEAD + bytes > bankBytes) return compact(bytes);
  outBegin(bankOffset(bank) + tail, crcBegin());
  outWord((RECORD_MARK << 24) | bytes);
  outPending();
  outWord(~outCrc());
  outFlush();
  // A record that did not come out whole leaves words behind that must not be written again.
  if (fault !== Reason.Ok) fresh = false;
  else tail += RECORD_OVERHEAD + bytes;
  return fault;
}

// Makes what was found at the last mount certain: a value whose last word was torn may read well now and badly later.
// To be called before anyone outside is told of it. A device that never stored anything has nothing to make certain. The
// empty record says to later mounts that all is certain: whoever resets a device again and again wears nothing out.
export function storeSettle(): Reason {
  if (fresh || certain || generation === 0) return Reason.Ok;
  pendingCount = 0;
  const reason = storeCommit();
  return reason === Reason.Ok ? storeCommit() : reason;
}

// Is the entry under `walk` the newest of its key, not deleted, and not about to be replaced?
function live(): bool {
  if (walk.length === 0 || isPending(walk.key)) return false;
  memory.copy(changetype<usize>(probe), changetype<usize>(walk), offsetof<Walk>());
  while (next(probe)) if (probe.key === walk.key) return false;
  return true;
}

// Moves the live entries to the other bank, the staged ones (`bytes` of them) behind them.
function compact(bytes: u32): Reason {
  begin(walk);
  while (next(walk)) if (live()) bytes += 4 + padded(walk.length);
  if (fault !== Reason.Ok) return fault;
  if (HEADER_BYTES + bytes + PROOF_BYTES > bankBytes) return Reason.StoreFull;
  const target = bankOffset(bank ^ 1);
  const reason = flashErase(target, bankBytes);
  if (reason !== Reason.Ok) return reason;

  outBegin(target + HEADER_BYTES, crc32(CRC32_BEGIN, headerOf(bytes), 12));
  begin(walk);
  while (next(walk)) {
    if (!live()) continue;
    // The entry as it stands: its first word, its value, its padding.
    const end = walk.value + padded(walk.length);
    for (let at = walk.value - 4; at < end; at += 4) outWord(word(at));
  }
  outPending();
  const crc = outCrc();
  outFlush();
  if (fault !== Reason.Ok) return fault;
  store<u32>(headerOf(bytes), ~crc, 12);
  if (flashWrite(target, HEADER, HEADER_BYTES) !== Reason.Ok) return Reason.FlashWrite;
  store<u32>(HEADER, 0);
  if (flashWrite(target + HEADER_BYTES + bytes, HEADER, PROOF_BYTES) !== Reason.Ok) return Reason.FlashWrite;
  bank ^= 1;
  generation++;
  snapshotBytes = bytes;
  tail = proofAt() + PROOF_BYTES;
  fresh = true;
  return Reason.Ok;
}

// The header of the next generation, without its CRC, in HEADER.
function headerOf(bytes: u32): usize {
  store<u32>(HEADER, MAGIC);
  store<u32>(HEADER, generation + 1, 4);
  store<u32>(HEADER, bytes, 8);
  return HEADER;
}

// --- Words on their way to flash ---

let outAt: u32 = 0; // where OUT will go
let outUsed: u32 = 0;
let outSum: u32 = 0;

function outBegin(at: u32, crc: u32): void {
  outAt = at;
  outUsed = 0;
  outSum = crc;
}

function outWord(value: u32): void {
  store<u32>(OUT + outUsed, value);
  outUsed += 4;
  if (outUsed === OUT_BYTES) outFlush();
}

function outPending(): void {
  for (let i: u32 = 0; i < pendingCount; i++) {
    const entry = pending(i);
    outWord((entry.key & 0xffff) | (entry.length << 16));
    outBytes(entry.from, entry.length);
  }
}

// Copied byte by byte into whole words: `from` has any alignment.
function outBytes(from: usize, length: u32): void {
  for (let i: u32 = 0; i < length; i += 4) {
    let value: u32 = 0;
    for (let k: u32 = 0; k < 4 && i + k < length; k++) value |= (<u32>load<u8>(from + i + k)) << (8 * k);
    outWord(value);
  }
}

// The CRC over everything so far.
function outCrc(): u32 {
  return crc32(outSum, OUT, outUsed);
}

function outFlush(): void {
  outSum = crc32(outSum, OUT, outUsed);
  if (outUsed && flashWrite(outAt, OUT, outUsed) !== Reason.Ok) fault = Reason.FlashWrite;
  outAt += outUsed;
  outUsed = 0;
}
