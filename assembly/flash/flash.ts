// The flash behind the HAL, with our numbers for its failures and the map of board.json.
// Offsets count from the start of flash; what holds after a power cut stands in hal.ts.

import { flash_erase, flash_map, flash_read, flash_write, image_read } from '../hal';
import { SECTORS } from '../profile';
import { Reason } from '../reason';

// flash_map's numbers.
export const enum Map {
  PageBytes = 0,
  PrimaryOffset = 1,
  PrimaryBytes = 2,
  SecondaryOffset = 3,
  SecondaryBytes = 4,
  StateOffset = 5,
  StateBytes = 6,
  UnitBytes = 7,
  ErasedToZero = 8,
  Overwrites = 9,
}

export function flashMap(what: Map): u32 {
  return flash_map(what);
}

// What is written at once, and once only. A class, as TypeScript's grammar has @inline nowhere else.
export class Unit {
  @inline static bytes(): u32 {
    return SECTORS ? flashMap(Map.UnitBytes) : 4;
  }

  // A length or an offset, up to whole units.
  @inline static up(bytes: u32): u32 {
    return SECTORS ? (bytes + Unit.bytes() - 1) & ~(Unit.bytes() - 1) : (bytes + 3) & ~3;
  }
}

// What a word reads as that was erased.
export function erasedWord(): u32 {
  return SECTORS && flashMap(Map.ErasedToZero) !== 0 ? 0 : 0xffffffff;
}

// The settings store sees flash as if it were erased to ones: what it reads and writes where that is 0, is turned over.
export function turnOver(at: usize, length: u32): void {
  if (erasedWord() !== 0) return;
  for (let end = at + length; at < end; at++) store<u8>(at, ~load<u8>(at));
}

// How often a read is tried, where that helps.
export const READS: u32 = 3;

export function flashRead(offset: u32, to: usize, length: u32): Reason {
  return flash_read(offset, to, length) < 0 ? Reason.FlashRead : Reason.Ok;
}

// The image as it is when it starts, `at` from its beginning.
export function imageRead(at: u32, to: usize, length: u32): Reason {
  return image_read(at, to, length) < 0 ? Reason.FlashRead : Reason.Ok;
}

export function flashWrite(offset: u32, from: usize, length: u32): Reason {
  return flash_write(offset, from, length) < 0 ? Reason.FlashWrite : Reason.Ok;
}

export function flashErase(offset: u32, length: u32): Reason {
  return flash_erase(offset, length) < 0 ? Reason.FlashErase : Reason.Ok;
}

// For copying and hashing: a piece of flash on its way. A multiple of 4, aligned for flash_write and for a hash state.
export const PIECE_BYTES: u32 = 128;
export const PIECE: usize = memory.data(PIECE_BYTES, 8);
