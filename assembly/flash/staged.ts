// What waits for a commit of the settings store, and words on their way to flash.
//
// A record that is kept in memory too is staged as a mirror: when it is not committed, the memory is read back from flash.
// So nobody goes on from what was never written; a log would name a record that is not there.

import { SECTORS } from '../profile';
import { Reason } from '../reason';
import { flashWrite, turnOver, Unit } from './flash';
import { isFixed } from './keys';
import {
  coded,
  Layout,
  padded,
  readFailed,
  recordReads,
  sumBegin,
  sumCrc,
  sumProof,
  sumWord,
  WORDS,
  WORDS_BYTES,
  wordAt,
} from './record';

export const COMMIT_ENTRIES_MAX: u32 = 14; // the largest commit we make (end of a swap without a trial) has 13

// A setting waiting for storeCommit; the bytes stay the caller's.
@unmanaged
export class Pending {
  key: u32;
  from: usize;
  length: u32;
  mirror: u32; // 1: `from` holds what flash holds, but for this commit (a word: records lie one behind the other)
}

const PENDING: usize = memory.data(COMMIT_ENTRIES_MAX * offsetof<Pending>(), 4);

let pendingCount: u32 = 0;

// `from` must stay valid until storeCommit. The last value staged for a key wins.
export function storeStage(key: u32, from: usize, length: u32): void {
  stage(key, from, length, false);
}

// The same for memory that mirrors the setting, always of this length (0 where it is absent).
export function storeStageMirror(key: u32, from: usize, length: u32): void {
  stage(key, from, length, true);
}

function stage(key: u32, from: usize, length: u32, mirror: bool): void {
  for (let i: u32 = 0; i < min(pendingCount, COMMIT_ENTRIES_MAX); i++) {
    if (pending(i).key !== key) continue;
    pending(i).from = from;
    pending(i).length = length;
    pending(i).mirror = u32(mirror);
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
  entry.mirror = u32(mirror);
}

export function storeStageDelete(key: u32): void {
  storeStage(key, 0, 0);
}

function pending(index: u32): Pending {
  return changetype<Pending>(PENDING + index * offsetof<Pending>());
}

export function isPending(key: u32): bool {
  for (let i: u32 = 0; i < pendingCount; i++) if (pending(i).key === key) return true;
  return false;
}

// Too many were staged: none is committed.
export function pendingTooMany(): bool {
  return pendingCount > COMMIT_ENTRIES_MAX;
}

export function pendingForget(): void {
  pendingCount = 0;
}

// One after the other is taken, and not staged any more.
export function pendingTake(): Pending | null {
  if (pendingCount === 0) return null;
  pendingCount = min(pendingCount, COMMIT_ENTRIES_MAX) - 1;
  return pending(pendingCount);
}

// What they take in a record; with `growing`, those of no bounded size alone.
export function pendingBytes(growing: bool): u32 {
  let bytes: u32 = 0;
  for (let i: u32 = 0; i < pendingCount; i++) {
    const entry = pending(i);
    if (!growing || (entry.length !== 0 && !isFixed(entry.key))) bytes += 4 + padded(entry.length);
  }
  return bytes;
}

// --- Words on their way to flash ---

let outAt: u32 = 0; // where WORDS will go
let outUsed: u32 = 0;
let fault: Reason = Reason.Ok; // since outBegin

export function outBegin(at: u32): void {
  outAt = at;
  outUsed = 0;
  fault = Reason.Ok;
}

export function outWord(value: u32): void {
  sumWord(value);
  store<u32>(WORDS + outUsed, value);
  outUsed += 4;
  if (outUsed === (SECTORS ? Unit.bytes() : WORDS_BYTES)) outFlush(); // what is written in one call may be torn as one
}

// The mark of a record of `bytes` bytes; its entries come next.
export function outRecord(bytes: u32, generation: u32): void {
  outWord(coded(bytes >>> 2));
  sumBegin(generation);
}

// The CRC of the record at `at`, and the proof behind it, if what was written can be read; a proof that a worn word did not
// take is none.
export function outEnd(at: u32, bytes: u32): Reason {
  const proof = sumProof();
  outWord(sumCrc());
  outFlush();
  if (fault !== Reason.Ok || !recordReads(at, bytes, proof)) return Reason.FlashWrite;
  outWord(proof);
  // All of its unit: where the first one of a record cannot be read, what stands behind it must not look like one worn word.
  if (SECTORS) for (let n: u32 = 4; n < Unit.bytes(); n += 4) outWord(proof);
  outFlush();
  readFailed();
  return wordAt(SECTORS ? Layout.proof(at + 4 + bytes) : at + 8 + bytes) === proof || readFailed()
    ? fault
    : Reason.FlashWrite;
}

export function outPending(): void {
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

// Writes them, up to whole units. Behind a word that flash did not take nothing is written: it must look as if power had failed
// there (record.ts).
function outFlush(): void {
  if (SECTORS) outFill();
  if (outUsed !== 0 && fault === Reason.Ok) fault = flashWrite(outAt, WORDS, outUsed);
  outAt += outUsed;
  outUsed = 0;
}

function outFill(): void {
  const whole = Unit.up(outUsed);
  memory.fill(WORDS + outUsed, 0xff, whole - outUsed);
  outUsed = whole;
  turnOver(WORDS, whole);
}
