// Records of the settings store: whether one is whole, was never finished, or is damaged; and what can be mended is.
//
//   record   mark, entries, CRC, proof                                  whole words; nothing of it is written twice. Where flash is
//            written in larger units, the proof begins one, and the record ends with it
//   mark     the number of words of the entries, coded: any two codes, and erased flash, differ in 7 bits or more
//   CRC      CRC-32 of the bank's generation and the entries
//   proof    24 bits of another sum of the same, and 8 bits that are 0
//
// Words are written in ascending order, so a proof is begun only behind a record that is whole, and whoever was told that
// a record is in flash was told so behind its proof. Flips and failed reads are told from a write that was cut thus:
//
//   proof is there   sums right     whole
//                    sums wrong     one bit flipped (the CRC says which: it tells any two apart at this length), or one word
//                                   cannot be read (the CRC says what it was): mended if the proof agrees; otherwise lost
//   proof is erased  nothing behind never acknowledged: of no account
//                    something      lost: what stands behind was written by one who found this whole
//
// Nothing is there where at most one word is: one that is worn out. A bank with more of them is not written to (store.ts).
// A proof is there when more than two of its bits are 0; a mark counts although two of its bits are flipped, and one that
// cannot be read is found again by the sums. A read that fails is tried READS times. What was mended is mended in each
// later read (readAt) until it was written anew: the store does so at once.

import { CRC32_BEGIN, crc32 } from '../codec/crc32';
import { SECTORS } from '../profile';
import { Reason } from '../reason';
import { flashRead, READS, turnOver, Unit } from './flash';

export const NONE: u32 = 0xffffffff;
export const CODES: u32 = 0x800;

// n * FACTOR ^ OFFSET for n < CODES: found by trying; the inverse is modulo 2^32.
const FACTOR: u32 = 0xa7abe1c3;
const INVERSE: u32 = 0x3adb16eb;
const OFFSET: u32 = 0xd8f16adf;
const POLYNOMIAL: u32 = 0xedb88320;
const SPREAD: u32 = 0x9e3779b1; // odd: no difference of one word is lost

export const enum Record {
  Erased, // there is none, nor anything behind
  Torn, // one was begun, never acknowledged, and is not whole
  Unproven, // whole, but never acknowledged
  Good,
  Lost, // acknowledged, and cannot be read
}

// XORed to a word of flash whenever it is read; one that cannot be read counts as erased.
@unmanaged
class Fix {
  at: u32;
  bits: u32;
}

const FIXES_MAX: u32 = 2;
const FIXES: usize = memory.data(16, 4); // FIXES_MAX of Fix
const WORD: usize = memory.data(4, 4);
// Words on their way from flash, or to it (staged.ts).
export const WORDS_BYTES: u32 = 64;
export const WORDS: usize = memory.data(64, 4);
const SEVERAL: u32 = 1; // no place of a word

let fixes: u32 = 0;
let flawed: bool = false;
let unread: u32 = 0xffffffff; // NONE, the word that could not be read, or SEVERAL (a literal: a module has no start)
let words: u32 = 0;
let seed: u32 = 0;
let crc: u32 = 0;
let sum: u32 = 0;

// The codes of one bank begin: what was mended is forgotten.
export function recordsBegin(generation: u32): void {
  seed = generation;
  fixes = 0;
  flawed = false;
}

// Did one of the records that were found whole need mending, or would it if it were hit once more?
export function recordsFlawed(): bool {
  return flawed;
}

// Words of the entries of the record that was looked at last; NONE: nobody knows.
export function recordWords(): u32 {
  return words;
}

// Could anything not be read since the last call?
export function readFailed(): bool {
  const failed = unread !== NONE;
  unread = NONE;
  return failed;
}

// What was read does not fit together any more.
export function readDoubted(): void {
  unread = SEVERAL;
}

export function padded(length: u32): u32 {
  return (length + 3) & ~3;
}

export class Layout {
  // What a record takes with so many bytes of entries.
  @inline static bytes(entries: u32): u32 {
    return SECTORS ? Unit.up(8 + entries) + Unit.bytes() : 12 + entries;
  }

  // Where a record ends that begins at `at`.
  @inline static after(at: u32, entries: u32): u32 {
    return SECTORS ? at + Layout.bytes(entries) : at + 12 + entries;
  }

  // Where the proof stands behind the CRC at `crcAt`: in a unit of its own.
  @inline static proof(crcAt: u32): u32 {
    return SECTORS ? Unit.up(crcAt + 4) : crcAt + 4;
  }

  // Where the record ends whose CRC stands at `crcAt`.
  @inline static end(crcAt: u32): u32 {
    return SECTORS ? Layout.proof(crcAt) + Unit.bytes() : crcAt + 8;
  }
}

export class Header {
  // Of a bank: its generation stands there twice, in units apart.
  @inline static bytes(): u32 {
    return SECTORS ? max(16, 2 * Unit.bytes()) : 16;
  }

  // Where a bank's snapshot has to end, less what units round up. A snapshot has no more, however large the bank is.
  @inline static room(bank: u32): u32 {
    return SECTORS ? min(bank, CODES << 2) - 28 : bank;
  }
}

export function coded(number: u32): u32 {
  return (number * FACTOR) ^ OFFSET;
}

export function codedAt(at: u32): u32 {
  return decoded(wordAt(at));
}

// Of a generation: a part of a bank's header.
export function partAt(at: u32): u32 {
  const part = codedAt(at);
  return part !== NONE ? part : codedAt(at + Header.bytes() / 2);
}

// The number that a word stands for although two of its bits may be flipped, or NONE.
function decoded(word: u32): u32 {
  let number = (word ^ OFFSET) * INVERSE;
  if (number < CODES) return number;
  for (number = 0; number < CODES; number++) if (few(word ^ coded(number))) return number;
  return NONE;
}

// At most two bits.
function few(bits: u32): bool {
  bits &= bits - 1;
  return (bits & (bits - 1)) === 0;
}

// --- Reading ---

export function readAt(at: u32, to: usize, length: u32): void {
  if (!tried(at, to, length)) readWords(at, to, length);
  for (let i: u32 = 0; i < fixes; i++) {
    const fix = fixOf(i);
    for (let k: u32 = 0; k < 4; k++) {
      const place = fix.at + k - at;
      if (place < length) store<u8>(to + place, <u32>load<u8>(to + place) ^ (fix.bits >>> (8 * k)));
    }
  }
}

function tried(at: u32, to: usize, length: u32): bool {
  for (let i: u32 = 0; i < READS; i++) {
    if (flashRead(at, to, length) !== Reason.Ok) continue;
    if (SECTORS) turnOver(to, length);
    return true;
  }
  return false;
}

// Word by word: one that cannot be read takes no other along.
function readWords(at: u32, to: usize, length: u32): void {
  for (let done: u32 = 0; done < length; ) {
    const place = at + done;
    const piece = min(4 - (place & 3), length - done);
    if (!tried(place, to + done, piece)) {
      memory.fill(to + done, 0xff, piece);
      const word = place & ~3;
      if (!isFixed(word)) unread = unread === NONE || unread === word ? word : SEVERAL;
    }
    done += piece;
  }
}

export function wordAt(at: u32): u32 {
  readAt(at, WORD, 4);
  return load<u32>(WORD);
}

function fixOf(index: u32): Fix {
  return changetype<Fix>(FIXES + index * offsetof<Fix>());
}

function isFixed(word: u32): bool {
  for (let i: u32 = 0; i < fixes; i++) if (fixOf(i).at === word) return true;
  return false;
}

function fix(at: u32, bits: u32): bool {
  flawed = true;
  if (fixes === FIXES_MAX) return false;
  fixOf(fixes).at = at;
  fixOf(fixes++).bits = bits;
  return true;
}

// Is nothing written there, but for two flipped bits a word, and one word that no erase brings back? A record that says anything
// leaves three at least.
export function erased(at: u32, end: u32): bool {
  let written: u32 = 0;
  while (at < end) {
    const piece = min(end - at, WORDS_BYTES);
    readAt(at, WORDS, piece);
    for (let i: u32 = 0; i < piece; i += 4) if (!few(~load<u32>(WORDS + i))) written++;
    at += piece;
  }
  return written <= 1;
}

// --- Sums ---

export function sumBegin(generation: u32): void {
  store<u32>(WORD, generation);
  crc = crc32(CRC32_BEGIN, WORD, 4);
  sum = generation;
}

export function sumWord(word: u32): void {
  store<u32>(WORD, word);
  crc = crc32(crc, WORD, 4);
  sum = rotl<u32>(sum ^ word, 7) * SPREAD;
}

export function sumCrc(): u32 {
  return ~crc;
}

export function sumProof(): u32 {
  return sum >>> 8;
}

// Sums up the entries in [at, end); the difference to the CRC that stands at `end`.
function sumUp(at: u32, end: u32): u32 {
  sumBegin(seed);
  while (at < end) {
    const piece = min(end - at, WORDS_BYTES);
    readAt(at, WORDS, piece);
    for (let i: u32 = 0; i < piece; i += 4) sumWord(load<u32>(WORDS + i));
    at += piece;
  }
  return ~wordAt(end) ^ crc;
}

// --- What stands there ---

// The record at `at` of a bank that ends at `end`.
export function recordCheck(at: u32, end: u32): Record {
  const mark = wordAt(at);
  words = decoded(mark);
  if (words === NONE || Layout.bytes(words << 2) > end - at) {
    if (erased(at + Unit.bytes(), end)) return few(~mark) ? Record.Erased : Record.Torn;
    words = search(at + 4, end);
    if (words === NONE || !fix(at, mark ^ coded(words))) return Record.Lost;
  }
  const crcAt = at + 4 + (words << 2);
  unread = NONE;
  const proof = wordAt(Layout.proof(crcAt));
  const proven = unread !== NONE || !few(~proof);
  unread = NONE;
  const wrong = sumUp(at + 4, crcAt);
  if (wrong !== 0 || unread !== NONE) {
    if (!proven) return erased(Layout.proof(crcAt), end) ? Record.Torn : Record.Lost;
    if (!mend(at, crcAt, wrong, proof)) return Record.Lost;
  }
  if (!proven) return Record.Unproven;
  if (mark !== coded(words) || proof !== sumProof()) flawed = true;
  return Record.Good;
}

// The generation of a bank whose header cannot be read, by the snapshot behind it; `other` is that of the other bank. 0: there is
// none. Where each unit has an error-correcting code, a cut leaves a header like that, or a bank that was being erased.
export function generationBehind(bank: u32, bytes: u32, other: u32): u32 {
  if (other === NONE) return NONE;
  const at = bank + Header.bytes();
  recordsBegin(other + 1);
  const state = recordCheck(at, bank + bytes);
  recordsBegin(0);
  if (state === Record.Good || state === Record.Unproven) return other + 1;
  return other === 0 && codedAt(at) !== NONE ? NONE : 0;
}

// Can the record at `at` be read, but for its proof, which is not written yet? What can be mended may be wrong.
export function recordReads(at: u32, bytes: u32, proof: u32): bool {
  unread = NONE;
  const crcAt = at + 4 + bytes;
  const wrong = sumUp(at + 4, crcAt);
  return (wrong === 0 && unread === NONE) || mend(at, crcAt, wrong, proof);
}

// The number of words by the sums alone, for a mark that says nothing.
function search(from: u32, end: u32): u32 {
  sumBegin(seed);
  for (let at = from; (SECTORS ? Layout.end(at) : at + 8) <= end; at += 4) {
    const word = wordAt(at);
    if (word === ~crc && wordAt(Layout.proof(at)) === sumProof()) return (at - from) >>> 2;
    sumWord(word);
  }
  return NONE;
}

// Goes back from the CRC, word by word: what would have to be wrong in this one, if no other is?
function mend(at: u32, crcAt: u32, wrong: u32, proof: u32): bool {
  flawed = true;
  // The CRC itself?
  if (unread === NONE ? (wrong & (wrong - 1)) === 0 : unread === crcAt) return proof === sumProof();
  for (let place = crcAt - 4; place > at; place -= 4) {
    for (let bit = 0; bit < 32; bit++) wrong = wrong >>> 31 ? ((wrong ^ POLYNOMIAL) << 1) | 1 : wrong << 1;
    if (unread === NONE ? (wrong & (wrong - 1)) !== 0 : unread !== place) continue;
    if (!fix(place, wrong)) return false;
    unread = NONE;
    if (sumUp(at + 4, crcAt) === 0 && proof === sumProof()) return true;
    fixes--;
    return false;
  }
  return false;
}
