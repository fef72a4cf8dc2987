// The payload of a download on its way to the secondary slot: page after page, each erased just before its first word is
// written, and counted in flash once it is whole. The count names the lines that delivered so far (hand.ts), and carries the
// erase count: whoever erases the slot raises that first, so no page outlives an erase.
//
// A session that is only interrupted goes on behind the last word that was written, and nothing is erased again. A reset
// may have torn that word: then the download goes on behind the last page that is whole, and the next one is erased again.

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
let written: u32 = 0; // payload bytes in flash
let unbroken: u32 = 0; // the erase count of all that was written since the last reset; 0: of nothing

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
  written = 0;
  pagesHold(0);
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
  written = progress.pages * pageBytes();
  // Without a page behind it, the head's own last word may be torn and read well only now.
  return progress.eraseCount === eraseCount && written !== 0;
}

// Hands what was written of an image of so many bytes to the reader again, which hashes it.
export function pagesFeed(imageBytes: u32): bool {
  written = min(written, imageBytes);
  for (let at: u32 = 0; at < written; at += BUFFER_BYTES) {
    const piece = min(BUFFER_BYTES, written - at);
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
  if (written % pageBytes() === 0) {
    const reason = placeErase(Place.Staged, written, 1);
    if (reason !== Reason.Ok) return reason;
  }
  const words = (buffered + 3) & ~3;
  memory.fill(BUFFER + buffered, 0xff, words - buffered);
  const reason = placeWrite(Place.Staged, written, BUFFER, words);
  if (reason !== Reason.Ok) return reason;
  written += buffered;
  buffered = 0;
  if (written % pageBytes() !== 0) return Reason.Ok;
  progress.pages = written / pageBytes();
  stage();
  return storeCommit();
}
