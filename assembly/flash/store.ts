// The settings store: a log of records in two banks, so that power may fail at any word, and a bit or a read at any place.
//
// Promises: a commit of up to COMMIT_ENTRIES_MAX settings happens whole or not at all; once storeCommit returned Ok the
// settings survive every later cut, also one whose torn word reads differently each time; the newest value wins. What was
// acknowledged is never believed undone: one flipped bit or one word that cannot be read, anywhere, is mended; where more
// is wrong than record.ts can mend, the store is damaged (below), not older and not blank.
// Assumes of flash what hal.ts says, and nothing of its contents: a page that was never erased is noise.
//
//   bank (half of the state region)
//   ┌────────┬──────────┬────────┬────────┬─ ─ ─┬─ erased ─┐
//   │ header │ snapshot │ record │ record │     │          │
//   └────────┴──────────┴────────┴────────┴─ ─ ─┴──────────┘
//   header     the generation: its low and its high part, coded as marks are (record.ts), and both once more
//   snapshot   a record of all that lives
//   record     mark, entries, CRC, proof: record.ts
//   entry      u32 key | length << 16, value, padded with 0 to a multiple of 4; length 0 deletes
//
// The first commit after a reset, and any that finds the bank full, compacts: the other bank is erased and gets the next header and,
// as its snapshot, all that lives. Why the first one: the word behind the last record may be half written and read as erased.
//
// Which bank counts (storeMount), by the snapshot of the one whose generation is higher, and that of the other:
//   newer        older      counts
//   good         any        the newer
//   no proof     good       the older: nobody was told of the newer
//   no proof     other      the newer, if it is whole; else damaged if the older is lost; else blank
//   lost         any        damaged
//   no header    no header  blank: nothing was ever acknowledged
// A header that cannot be read counts as the higher generation, and lost; where a cut may leave one like that, see generationBehind.
//
// What was mended is written anew at once, by compacting: two flips in one record need two flips between two resets.
// Damaged: an acknowledged record cannot be read. Nothing is committed any more (StoreDamaged). Settings are read where they can
// be, else from the other bank's snapshot, which has the same bootstrap document (a commit of it compacts twice). A change signed by
// the operators in force ends the damage (storeRenew): the other bank begins with what it stages and what outlives damage.

import { compare } from '../codec/bytes';
import { SECTORS } from '../profile';
import { Reason } from '../reason';
import { flashErase, flashMap, Map, PIECE, PIECE_BYTES } from './flash';
import { FIXED_BYTES_MAX, isFixed, Key, outlivesDamage } from './keys';
import {
  CODES,
  coded,
  erased,
  generationBehind,
  Header,
  Layout,
  NONE,
  padded,
  partAt,
  Record,
  readAt,
  readFailed,
  recordCheck,
  recordsBegin,
  recordsFlawed,
  recordWords,
  wordAt,
} from './record';
import {
  isPending,
  outBegin,
  outEnd,
  outPending,
  outRecord,
  outWord,
  pendingBytes,
  pendingForget,
  pendingTake,
  pendingTooMany,
} from './staged';
import { Walk, walkBegin, walkNext, walkTo } from './walk';

export { COMMIT_ENTRIES_MAX, storeStage, storeStageDelete, storeStageMirror } from './staged';

const PART_BITS: u32 = 11; // of the generation, in one word

export const ABSENT: i32 = -1;

const walk = changetype<Walk>(memory.data(offsetof<Walk>(), 4));
const probe = changetype<Walk>(memory.data(offsetof<Walk>(), 4));

let bank: u32 = 0; // 0 or 1
let generation: u32 = 0; // 0: nothing in flash
let tail: u32 = 0; // end of the last record that counts
let fresh: bool = false; // this bank was begun after the last reset: the words behind tail are truly erased
let certain: bool = false; // the last mount found an empty record and nothing behind it: no word in front of it was torn
let damaged: bool = false;
let lost: u32 = 0; // the record that cannot be read, its length known
let spareTail: u32 = 0; // of a damaged store: end of the other bank's snapshot, if that is good
let renewing: bool = false;
let detached: bool = false;

function bankBytes(): u32 {
  return flashMap(Map.StateBytes) / 2;
}

function bankOffset(which: u32): u32 {
  return flashMap(Map.StateOffset) + which * bankBytes();
}

// --- Mounting ---

// 0: no header stands there; NONE: it cannot be read.
function generationOf(which: u32): u32 {
  readFailed();
  const low = partAt(bankOffset(which));
  const high = partAt(bankOffset(which) + 4);
  if (low !== NONE && high !== NONE) return low | (high << PART_BITS);
  return readFailed() ? NONE : 0;
}

// Makes `which` the bank that counts and looks at its snapshot.
function open(which: u32, stated: u32): Record {
  bank = which;
  generation = stated;
  recordsBegin(stated);
  lost = 0;
  tail = bankOffset(which) + Header.bytes();
  if (stated === 0) return Record.Erased;
  const state = stated === NONE ? Record.Lost : recordCheck(tail, bankEnd());
  take(state);
  return state;
}

function bankEnd(): u32 {
  return bankOffset(bank) + bankBytes();
}

// Goes on behind the record that was just looked at; false when nobody knows where that is, or it does not count.
function take(state: Record): bool {
  if (state === Record.Lost) {
    damaged = true;
    if (lost || generation === NONE || recordWords() === NONE) return false;
    lost = tail;
  } else if (state < Record.Unproven) {
    return false;
  }
  tail += Layout.bytes(recordWords() << 2);
  return true;
}

function mount(): void {
  fresh = false;
  certain = false;
  damaged = false;
  spareTail = 0;
  recordsBegin(0);
  let first = generationOf(0);
  let second = generationOf(1);
  if (SECTORS && first === NONE) first = generationBehind(bankOffset(0), bankBytes(), second);
  if (SECTORS && second === NONE) second = generationBehind(bankOffset(1), bankBytes(), first);
  const newest = max(first, second);
  const older = min(first, second);
  choose(first > second ? 0 : 1, newest, older);
  if (tail > bankOffset(bank) + Header.bytes()) findTail();
  // Beside it, a compaction that was cut may read whole next time, so an older bank must stand there.
  if (older === 0 || generation !== newest) certain = false;
}

function choose(newer: u32, newest: u32, older: u32): void {
  const state = open(newer, newest);
  if (state === Record.Good) return;
  if (state === Record.Lost) {
    const behind = open(newer ^ 1, older);
    damaged = true;
    if (newest === NONE) return;
    if (behind === Record.Good) spareTail = tail;
    open(newer, newest);
    return;
  }
  const behind = open(newer ^ 1, older);
  if (behind === Record.Good || (behind === Record.Unproven && state !== Record.Unproven)) return;
  damaged = false;
  if (state === Record.Unproven) open(newer, newest);
  else if (behind === Record.Lost) damaged = true;
  else open(1, 0); // blank: the first bank is written first
}

function findTail(): void {
  for (;;) {
    if (bankEnd() - tail < Layout.bytes(0)) return;
    const state = recordCheck(tail, bankEnd());
    if (state === Record.Good) certain = recordWords() === 0;
    else if (state !== Record.Erased) certain = false;
    if (state === Record.Unproven || !take(state)) return;
  }
}

// Once after a reset, before anything else here. StoreDamaged: see above; everything else goes on.
export function storeMount(): Reason {
  pendingForget();
  renewing = false;
  mount();
  // Looked at twice, and a third time if that differs: no skipped instruction hides the newest record (npm run skips).
  const found = generation;
  const end = tail;
  mount();
  if (generation !== found || tail !== end) mount();
  if (damaged) return Reason.StoreDamaged;
  return recordsFlawed() && !detached ? compact(0) : Reason.Ok;
}

// Before storeMount: what is committed in this life is forgotten with it (update/resident.ts).
export function storeDetach(): void {
  detached = true;
}

export function storeDetached(): bool {
  return detached;
}

// Was something acknowledged that cannot be read? Nothing is committed any more.
export function storeDamaged(): bool {
  return damaged;
}

// How often the store was begun anew: whatever comes after a damage is above all that came before it.
export function storeGeneration(): u32 {
  return generation;
}

// --- Reading ---

function find(key: u32): bool {
  let found = walkTo(walk, key, bankOffset(bank) + Header.bytes(), tail, lost);
  if (!found && spareTail !== 0) found = walkTo(walk, key, bankOffset(bank ^ 1) + Header.bytes(), spareTail, 0);
  return found && walk.length !== 0;
}

// Copies a part of a value, or its length only (`capacity` 0); ABSENT when there is none or it was deleted.
function read(key: u32, at: u32, to: usize, capacity: u32): i32 {
  readFailed();
  if (!find(key)) return ABSENT;
  if (capacity === 0) return walk.length;
  if (at >= walk.length) return 0;
  const bytes = min(walk.length - at, capacity);
  readAt(walk.value + at, to, bytes);
  return bytes;
}

// What cannot be read is not absent: it is looked for once more from the start, and if that fails the store is damaged.
function readSurely(key: u32, at: u32, to: usize, capacity: u32): i32 {
  let bytes = read(key, at, to, capacity);
  if (!readFailed() || damaged) return bytes;
  mount();
  bytes = read(key, at, to, capacity);
  if (readFailed()) damaged = true;
  return bytes;
}

export function storeLength(key: u32): i32 {
  return readSurely(key, 0, 0, 0);
}

// Reads at most `capacity` bytes (at least one) of the value, from `at` on. Returns how many, or ABSENT.
export function storeReadPart(key: u32, at: u32, to: usize, capacity: u32): i32 {
  return readSurely(key, at, to, capacity);
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

// Writes all that is staged, or nothing. Then nothing is staged, and what is mirrored in memory is as flash has it.
export function storeCommit(): Reason {
  const reason = pendingTooMany() ? Reason.Internal : detached && !damaged ? Reason.Ok : commit();
  // The bootstrap document stands in both banks before anyone is told: one damage does not take it.
  const twice = reason === Reason.Ok && isPending(Key.Bootstrap);
  if (reason !== Reason.Ok) takeBack();
  pendingForget();
  renewing = false;
  return twice ? compact(0) : reason;
}

// Nothing is staged any more; mirrors of it are read back.
function takeBack(): void {
  for (let entry = pendingTake(); entry; entry = pendingTake()) {
    if (entry.mirror) storeRead(entry.key, entry.from, entry.length);
  }
}

// The next commit ends a damage. Its caller has seen the signatures of the operators in force, and stages whatever of
// `outlivesDamage` (keys.ts) is not to be read back: what the rest said is lost.
export function storeRenew(): void {
  renewing = damaged;
}

function commit(): Reason {
  if (damaged && !renewing) return Reason.StoreDamaged;
  const bytes = pendingBytes(false);
  if (!hasRoom()) return Reason.StoreFull;
  if (!fresh || isPending(Key.Bootstrap) || Layout.after(tail, bytes) > bankEnd()) return compact(bytes);
  outBegin(tail);
  outRecord(bytes, generation);
  outPending();
  const reason = outEnd(tail, bytes);
  if (reason !== Reason.Ok)
    fresh = false; // words behind the tail are written
  else tail += Layout.bytes(bytes);
  return reason;
}

// Does the commit leave room for every setting of bounded size (keys.ts), whatever they will be? What has no such bound
// shares the rest, so nobody can take from swap, alert and log what they will need.
function hasRoom(): bool {
  const bytes = pendingBytes(true);
  return (
    bytes === 0 || Layout.after(Header.bytes() + FIXED_BYTES_MAX + liveBytes(true), bytes) <= Header.room(bankBytes())
  );
}

// What the live entries take, without those about to be replaced; with `growing`, those of no bounded size alone.
function liveBytes(growing: bool): u32 {
  let bytes: u32 = 0;
  walkBegin(walk, bankOffset(bank) + Header.bytes(), tail, lost);
  while (walkNext(walk)) if (!(growing && isFixed(walk.key)) && live()) bytes += 4 + padded(walk.length);
  return bytes;
}

// Makes what was found at the last mount certain, before anyone is told of it: a value whose last word was torn may read well now
// and badly later. The empty record says to later mounts that all is certain: resets wear nothing out.
export function storeSettle(): Reason {
  if (fresh || certain || damaged || detached || generation === 0) return Reason.Ok;
  takeBack();
  const reason = storeCommit();
  return reason === Reason.Ok ? storeCommit() : reason;
}

// Is the entry under `walk` the newest of its key, not deleted, and not about to be replaced?
function live(): bool {
  if (walk.length === 0 || isPending(walk.key) || (renewing && !outlivesDamage(walk.key))) return false;
  memory.copy(changetype<usize>(probe), changetype<usize>(walk), offsetof<Walk>());
  while (walkNext(probe)) if (probe.key === walk.key) return false;
  return true;
}

// Moves the live entries to the other bank, the staged ones (`bytes` of them) behind them. On a fault all is looked at anew:
// what could not be read may be mended next time; either bank may count should power fail, so nothing goes behind the tail.
function compact(bytes: u32): Reason {
  const reason = moved(bytes);
  if (reason !== Reason.Ok) mount();
  return reason;
}

function moved(bytes: u32): Reason {
  bytes += liveBytes(false);
  if (Layout.after(Header.bytes(), bytes) > bankBytes() || bytes >= CODES << 2) return Reason.StoreFull;
  const target = bankOffset(bank ^ 1);
  if (target === bankOffset(bank)) return Reason.Internal; // an instruction was left out: all that is known stands there
  if (flashErase(target, bankBytes()) !== Reason.Ok || !erased(target, target + bankBytes())) return Reason.FlashErase;
  readFailed(); // what of it cannot be read counts as erased, now and later

  const coming = generation + 1;
  outBegin(target);
  for (let copy = 0; copy < 2; copy++) {
    outWord(coded(coming & (CODES - 1)));
    outWord(coded(coming >>> PART_BITS));
    if (SECTORS) for (let i: u32 = 8; i < Header.bytes() / 2; i += 4) outWord(NONE);
  }
  outRecord(bytes, coming);
  walkBegin(walk, bankOffset(bank) + Header.bytes(), tail, lost);
  while (walkNext(walk)) {
    if (!live()) continue;
    // The entry as it stands: its first word, its value, its padding.
    const end = walk.value + padded(walk.length);
    for (let at = walk.value - 4; at < end; at += 4) outWord(wordAt(at));
  }
  outPending();
  if (readFailed()) return Reason.FlashRead;
  recordsBegin(coming);
  const reason = outEnd(target + Header.bytes(), bytes);
  if (reason !== Reason.Ok) return reason;
  if (generationOf(bank ^ 1) !== coming) return Reason.FlashWrite; // the older bank would count
  bank ^= 1;
  generation = coming;
  tail = Layout.after(target + Header.bytes(), bytes);
  fresh = true;
  damaged = false;
  lost = 0;
  spareTail = 0;
  return Reason.Ok;
}
