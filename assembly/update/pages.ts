// The payload of a download on its way to the secondary slot: page after page, each erased just before its first word is
// written, and counted in flash once it is whole. The count names the lines that delivered so far (hand.ts), and carries the
// erase count: whoever erases the slot raises that first, so no page outlives an erase.

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
  lines: u32; // mask of those that delivered the head and these pages
}

export const progress = changetype<Progress>(memory.data(offsetof<Progress>(), 4));

// Less than a piece: words only, and never over the end of a page.
const BUFFER_BYTES: u32 = 64;
const BUFFER: usize = memory.data(BUFFER_BYTES, 4);
let buffered: u32 = 0;
let written: u32 = 0; // payload bytes in flash

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
}

// What a reset left, in `progress`; false: nothing that belongs to this erase count.
export function pagesMount(eraseCount: u32): bool {
  return (
    storeRead(Key.DownloadPages, changetype<usize>(progress), offsetof<Progress>()) &&
    progress.eraseCount === eraseCount
  );
}

// Hands the pages that are whole, of an image of so many bytes, to the reader again, which hashes them.
export function pagesFeed(imageBytes: u32): bool {
  buffered = 0;
  written = min(progress.pages * pageBytes(), imageBytes);
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
  while (length) {
    const taken = min(length, BUFFER_BYTES - buffered);
    memory.copy(BUFFER + buffered, from, taken);
    from += taken;
    length -= taken;
    buffered += taken;
    if (buffered === BUFFER_BYTES) {
      const reason = pagesFlush(lines);
      if (reason !== Reason.Ok) return reason;
    }
  }
  return Reason.Ok;
}

// Writes what is buffered. A page is a multiple of the buffer, so no write crosses one.
export function pagesFlush(lines: u32): Reason {
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
  progress.lines = lines;
  stage();
  return storeCommit();
}
