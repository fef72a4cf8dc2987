// The payload of a download on its way to the secondary slot: page after page, each erased just before its first word is
// written, and counted in flash once it is whole. The count names the lines that delivered so far (hand.ts), and carries the
// erase count: whoever erases the slot raises that first, so no page outlives an erase.
//
// A session that is only interrupted goes on behind the last word that was written, and nothing is erased again. A reset
// may have torn that word: then the download goes on behind the last page that is whole, and the next one is erased again.
//
// Where blocks are asked for over a line (pull.ts), all pages are erased before the first of them: many a chip hears nothing
// meanwhile, and later on blocks are always on their way. Blocks that come before one that was lost are written where they belong, and hashed from there when it has come.

import { PIECE, Unit } from '../flash/flash';
import { Key } from '../flash/keys';
import { Place, pageBytes, placeErase, placeRead, placeWrite } from '../flash/slots';
import { storeCommit, storeRead, storeStage } from '../flash/store';
import { offerPush } from '../package/reader';
import { Reason } from '../reason';

// What Key.DownloadPages holds.
@unmanaged
export class Progress {
  pages: u32; // payload pages that are whole
  eraseCount: u32;
  lines: u32; // mask of those that delivered the head and the payload so far
}

export const progress = changetype<Progress>(memory.data(offsetof<Progress>(), 4));

// Less than a piece: words only, and never over the end of a page.
const BUFFER_BYTES: u32 = 64;
const BUFFER: usize = memory.data(BUFFER_BYTES, 4);
let buffered: u32 = 0;
let written: u32 = 0; // payload bytes in flash, in order
let erased: u32 = 0; // up to here pages are erased, or written since
let early: u32 = 0; // bit n: of the block that `written` is in, the nth behind it is in flash already
let unbroken: u32 = 0; // the erase count of all that was written since the last reset; 0: of nothing

// Of a package, as the device asks for them. A block has whole buffers.
export const BLOCK_BYTES: u32 = 512;

function stage(): void {
  storeStage(Key.DownloadPages, changetype<usize>(progress), offsetof<Progress>());
}

// Stages that there is no page yet.
export function pagesBegin(eraseCount: u32, lines: u32): void {
  progress.pages = 0;
  progress.eraseCount = eraseCount;
  progress.lines = lines;
  stage();
  buffered = 0;
  restart(0);
  pagesHold(0);
}

// Nothing behind what is written is of use.
function restart(at: u32): void {
  written = at;
  erased = at;
  early = 0;
}

// From now on they and the head before them stand as they were written; 0: no longer.
export function pagesHold(eraseCount: u32): void {
  unbroken = eraseCount;
}

// Was there neither a reset nor a fault since?
export function pagesUnbroken(eraseCount: u32): bool {
  return unbroken === eraseCount;
}

// What there is to go on with, in `progress`; false: nothing that belongs to this erase count.
export function pagesMount(eraseCount: u32): bool {
  buffered = 0;
  if (pagesUnbroken(eraseCount)) return true;
  if (!storeRead(Key.DownloadPages, changetype<usize>(progress), offsetof<Progress>())) return false;
  restart(progress.pages * pageBytes());
  // Without a page behind it, the head's own last word may be torn and read well only now.
  return progress.eraseCount === eraseCount && written !== 0;
}

// Hands what was written of an image of so many bytes to the reader again, which hashes it.
export function pagesFeed(imageBytes: u32): bool {
  written = min(written, imageBytes);
  return feed(0, written);
}

function feed(from: u32, end: u32): bool {
  for (let at = from; at < end; at += BUFFER_BYTES) {
    const piece = min(BUFFER_BYTES, end - at);
    if (placeRead(Place.Staged, at, BUFFER, BUFFER_BYTES) !== Reason.Ok || offerPush(BUFFER, piece) !== piece)
      return false;
  }
  return true;
}

// Payload bytes that are in flash, but for those of a page that is not whole yet.
export function pagesWritten(): u32 {
  return written;
}

// in: at most a packet of payload, already hashed by the reader; the lines that delivered so far
export function pagesKeep(from: usize, length: u32, lines: u32): Reason {
  progress.lines = lines;
  while (length) {
    const taken = min(length, BUFFER_BYTES - buffered);
    memory.copy(BUFFER + buffered, from, taken);
    from += taken;
    length -= taken;
    buffered += taken;
    if (buffered === BUFFER_BYTES) {
      const reason = pagesFlush();
      if (reason !== Reason.Ok) return reason;
    }
  }
  return Reason.Ok;
}

// Writes what is buffered. A page is a multiple of the buffer, so no write crosses one.
export function pagesFlush(): Reason {
  if (buffered === 0) return Reason.Ok;
  let reason = written === erased ? erase() : Reason.Ok;
  if (reason === Reason.Ok) reason = write(written, BUFFER, buffered);
  if (reason !== Reason.Ok) return reason;
  const bytes = buffered;
  buffered = 0;
  return advance(bytes);
}

function erase(): Reason {
  const reason = placeErase(Place.Staged, erased, 1);
  if (reason === Reason.Ok) erased += pageBytes();
  return reason;
}

// Of a buffer that has room for whole words.
function write(at: u32, buffer: usize, bytes: u32): Reason {
  const words = Unit.up(bytes);
  memory.fill(buffer + bytes, 0xff, words - bytes);
  return placeWrite(Place.Staged, at, buffer, words);
}

function advance(bytes: u32): Reason {
  written += bytes;
  if (written % BLOCK_BYTES === 0) early >>>= 1;
  if (written % pageBytes() !== 0) return Reason.Ok;
  progress.pages = written / pageBytes();
  stage();
  return storeCommit();
}

// --- Ahead ---

const SLICE_BYTES: u32 = 16_384;

// Erases what is needed for so many bytes of the image, or SLICE_BYTES of it: a large slot takes seconds.
export function pagesErase(bytes: u32): Reason {
  const end = min(bytes, erased + SLICE_BYTES);
  let reason = Reason.Ok;
  while (erased < end && reason === Reason.Ok) reason = erase();
  return reason;
}

export function pagesErased(bytes: u32): bool {
  return erased >= bytes;
}

// Bit n: the nth block behind the one that comes next is in flash.
export function pagesEarly(): u32 {
  return early;
}

// How much more there is room for, before a block that is in flash already.
export function pagesRoom(): u32 {
  if (early === 0) return u32.MAX_VALUE;
  return (written / BLOCK_BYTES + ctz(early)) * BLOCK_BYTES - written - buffered;
}

// Keeps the block at `at`, behind the one that is under way. One that does not fit, or is there, is left out. in: `lines` as pagesKeep
export function pagesTake(at: u32, from: usize, length: u32, lines: u32): Reason {
  const ahead = at / BLOCK_BYTES - written / BLOCK_BYTES;
  const bit: u32 = 1 << ahead;
  if (ahead === 0 || ahead > 31 || early & bit || at + length > erased) return Reason.Ok;
  progress.lines = lines; // also of a session that is over before the block is wanted
  for (let done: u32 = 0; done < length; done += BUFFER_BYTES) {
    const piece = min(BUFFER_BYTES, length - done);
    memory.copy(PIECE, from + done, piece);
    const reason = write(at + done, PIECE, piece);
    if (reason !== Reason.Ok) return reason;
  }
  early |= bit;
  return Reason.Ok;
}

// Hands the blocks that are next now to the reader: what was taken of an image of so many bytes before it was wanted.
export function pagesNext(imageBytes: u32): Reason {
  while (early & 1) {
    const bytes = min(BLOCK_BYTES, imageBytes - written);
    if (!feed(written, written + bytes)) return Reason.FlashRead;
    early &= ~1;
    const reason = advance(bytes);
    if (reason !== Reason.Ok) return reason;
  }
  return Reason.Ok;
}
