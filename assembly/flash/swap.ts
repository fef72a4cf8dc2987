// The swap of primary and secondary slot by an offset of one page (MCUboot calls it swap-using-offset): what is staged
// goes to the primary slot, what ran goes to the secondary, and back again for a revert. Each page of either is erased
// exactly once, and from any cut the swap goes on where it stood.
//
//   forward, i = 0, 1, … (the staged page i stands in secondary page i + 1)
//     step 2i      secondary page i   := primary page i         free: spare at first, later emptied by step 2(i-1) + 1
//     step 2i + 1  primary page i     := secondary page i + 1
//   backward, i = last, … 0 (the previous page i stands in secondary page i)
//     step         secondary page i+1 := primary page i
//     step         primary page i     := secondary page i
//
//   over what runs (slots.ts), i = 0, 1, …
//     step i       primary page i     := secondary page i
//
// A step reads a page that no later cut has touched, and the count of steps done is committed before the next one
// begins: repeating the step that was cut is always right. Only the pages that either image uses take part, and the
// head pages; the order in which they do is `pageAt`.

import { SECTORS } from '../profile';
import { Reason } from '../reason';
import { erasedWord, flashErase, flashMap, flashRead, flashWrite, Map, PIECE, PIECE_BYTES, READS, Unit } from './flash';
import { Key } from './keys';
import { headPages, imageBytesMax, overwrites, pageBytes, placePages } from './slots';
import { storeCommit, storeDamaged, storeRead, storeSettle, storeStageDelete, storeStageMirror } from './store';

export const enum Direction {
  Forward = 0, // install
  Backward = 1, // revert
}

// What Key.Swap holds.
@unmanaged
class Plan {
  imagePages: u32; // of the larger image
  direction: u32;
}

const plan = changetype<Plan>(memory.data(offsetof<Plan>(), 4));
const STEP: usize = memory.data(4, 4); // what Key.SwapStep holds

let running: bool = false;

// Reads where a swap stands; to be called once after a reset. The count is made certain before anything is done on its
// word: a step that was counted but not surely so must not be followed by one that erases what it read.
export function swapMount(): Reason {
  // What a damaged store says of a swap may be old: nothing is moved on its word.
  running = storeRead(Key.Swap, changetype<usize>(plan), offsetof<Plan>()) && !storeDamaged();
  storeRead(Key.SwapStep, STEP, 4);
  return running ? storeSettle() : Reason.Ok;
}

// The swap that was begun and committed goes on in this life, without a reset in between.
export function swapGo(): void {
  running = true;
}

export function swapRunning(): bool {
  return running;
}

// Stages the beginning of a swap: it counts once the caller commits, together with whatever else must be true then.
export function swapStageBegin(direction: Direction, largestImageBytes: u32): void {
  plan.direction = direction;
  plan.imagePages = (min(largestImageBytes, imageBytesMax()) + pageBytes() - 1) / pageBytes();
  store<u32>(STEP, 0);
  storeStageMirror(Key.Swap, changetype<usize>(plan), offsetof<Plan>());
  storeStageMirror(Key.SwapStep, STEP, 4);
}

// Stages the end. Before the commit the swap is done but still recorded; doing its last step again changes nothing.
export function swapStageEnd(): void {
  storeStageDelete(Key.Swap);
  storeStageDelete(Key.SwapStep);
  running = false;
}

export function swapSteps(): u32 {
  const pages = plan.imagePages + headPages();
  return SECTORS && overwrites() ? pages : 2 * pages;
}

export function swapStepsDone(): u32 {
  return load<u32>(STEP);
}

export function swapDone(): bool {
  return swapStepsDone() >= swapSteps();
}

// Does one step and commits it.
export function swapStep(): Reason {
  const step = swapStepsDone();
  const reason = move(step);
  if (reason !== Reason.Ok) return reason;
  store<u32>(STEP, step + 1);
  storeStageMirror(Key.SwapStep, STEP, 4);
  return storeCommit();
}

function move(step: u32): Reason {
  if (SECTORS && overwrites()) {
    const at = pageAt(step) * pageBytes();
    return copyPage(flashMap(Map.SecondaryOffset) + at, flashMap(Map.PrimaryOffset) + at);
  }
  const backward = plan.direction === Direction.Backward;
  const page = pageAt(step >> 1) * pageBytes();
  const primary = flashMap(Map.PrimaryOffset) + page;
  const secondary = flashMap(Map.SecondaryOffset) + page;
  const incoming = backward ? secondary : secondary + pageBytes();
  const outgoing = backward ? secondary + pageBytes() : secondary;
  return step & 1 ? copyPage(incoming, primary) : copyPage(primary, outgoing);
}

// The page that takes part as number `index`: images from the first page up, then the head; backward the other way.
// in: index < imagePages + headPages()
function pageAt(index: u32): u32 {
  if (plan.direction === Direction.Backward) index = plan.imagePages + headPages() - 1 - index;
  return index < plan.imagePages ? index : placePages() - headPages() + index - plan.imagePages;
}

function copyPage(from: u32, to: u32): Reason {
  const bytes = pageBytes();
  if (flashErase(to, bytes) !== Reason.Ok) return Reason.FlashErase;
  for (let at: u32 = 0; at < bytes; at += PIECE_BYTES) {
    if (flashRead(from + at, PIECE, PIECE_BYTES) !== Reason.Ok) {
      if (!SECTORS) return Reason.FlashRead;
      readUnits(from + at);
    }
    if (erased()) continue; // nothing to program: most of a head page, and the end of an image
    if (flashWrite(to + at, PIECE, PIECE_BYTES) !== Reason.Ok) return Reason.FlashWrite;
  }
  return Reason.Ok;
}

// Unit by unit, each tried READS times. One that cannot be read stays erased: a cut may have left it behind an image, in a page
// that goes along. If it is of an image, that is hashed before it is started.
function readUnits(from: u32): void {
  for (let at: u32 = 0; at < PIECE_BYTES; at += Unit.bytes()) {
    let tries: u32 = 0;
    while (tries < READS && flashRead(from + at, PIECE + at, Unit.bytes()) !== Reason.Ok) tries++;
    if (tries === READS) memory.fill(PIECE + at, <u8>erasedWord(), Unit.bytes());
  }
}

function erased(): bool {
  for (let at: usize = 0; at < PIECE_BYTES; at += 4) if (load<u32>(PIECE + at) !== erasedWord()) return false;
  return true;
}
