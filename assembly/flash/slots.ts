// The two slots, seen as three places. Nothing here decides; offsets (`at`) count from the start of a place.
//
//   primary slot     │ 0 … image … │ … │ head pages │            Primary: what runs
//   secondary slot   │ 0 … image … │ … │ head pages │ spare │    Previous: what a swap put aside
//                    │ spare │ 0 … image … │ … │ head pages │    Staged: what is downloaded, one page further up
//
// The spare page is what makes the swap resumable: swap.ts. Where pages are too large to spare one, there is neither it nor a
// Previous: what is staged begins with the slot, and is written over what runs. The head (the envelope up to the payload) stands in the
// last pages of each place, so that an image can be judged again from flash alone.

import { compare } from '../codec/bytes';
import { sha256Begin, sha256Finish, sha256Update } from '../crypto/sha256';
import { SECTORS } from '../profile';
import { Reason } from '../reason';
import { HASHED, HASHING } from '../scratch';
import { flashErase, flashMap, flashRead, flashWrite, imageRead, Map, PIECE, PIECE_BYTES } from './flash';

export const enum Place {
  Primary,
  Previous,
  Staged,
  Running, // with PROFILE_SECTORS, and to be read alone: the primary slot as it is when it starts
}

// Room for the head of an envelope, see package/head.ts; on flash with large pages it takes one whole page.
const HEAD_ROOM: u32 = 2048;

export function pageBytes(): u32 {
  return flashMap(Map.PageBytes);
}

// Is an image written over the one that runs, with no way back?
export function overwrites(): bool {
  return SECTORS && flashMap(Map.Overwrites) !== 0;
}

// Pages of a place; the secondary slot has one more.
export function placePages(): u32 {
  return flashMap(Map.PrimaryBytes) / pageBytes();
}

export function headPages(): u32 {
  return (HEAD_ROOM + pageBytes() - 1) / pageBytes();
}

// Largest image that a place holds; the head begins behind it.
export function imageBytesMax(): u32 {
  return (placePages() - headPages()) * pageBytes();
}

export function placeOffset(place: Place): u32 {
  if (place === Place.Primary) return flashMap(Map.PrimaryOffset);
  if (SECTORS && overwrites()) return flashMap(Map.SecondaryOffset);
  return flashMap(Map.SecondaryOffset) + (place === Place.Staged ? pageBytes() : 0);
}

export function placeRead(place: Place, at: u32, to: usize, length: u32): Reason {
  if (SECTORS && place === Place.Running) return imageRead(at, to, length);
  return flashRead(placeOffset(place) + at, to, length);
}

// `at` and `length` are whole units, `from` is a multiple of 4; the page was erased before.
export function placeWrite(place: Place, at: u32, from: usize, length: u32): Reason {
  return flashWrite(placeOffset(place) + at, from, length);
}

// `at` is the start of a page.
export function placeErase(place: Place, at: u32, pages: u32): Reason {
  return flashErase(placeOffset(place) + at, pages * pageBytes());
}

// Feeds [0, bytes) of a place to a SHA-256 state that the caller began.
export function placeFeed(place: Place, bytes: u32, state: usize): Reason {
  for (let at: u32 = 0; at < bytes; at += PIECE_BYTES) {
    const piece = min(bytes - at, PIECE_BYTES);
    if (placeRead(place, at, PIECE, piece) !== Reason.Ok) return Reason.FlashRead;
    sha256Update(state, PIECE, piece);
  }
  return Reason.Ok;
}

// Is the image of a place (its first `bytes` bytes) the one with this SHA-256?
export function placeHolds(place: Place, bytes: u32, digest: usize): Reason {
  if (bytes > imageBytesMax()) return Reason.ImageDamaged;
  sha256Begin(HASHING);
  const reason = placeFeed(place, bytes, HASHING);
  if (reason !== Reason.Ok) return reason;
  sha256Finish(HASHING, HASHED);
  return compare(HASHED, digest, 32) === 0 ? Reason.Ok : Reason.ImageDamaged;
}
