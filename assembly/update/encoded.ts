// A block that comes coded (codec/lz.ts): what it refers to is read from flash, and what it is made of stands in SCRATCH until it is
// taken. How long it is says that it is coded: one that is not has all its bytes.
//
// Nobody signs what a code is. One that reaches too far is dropped, as if it had been lost; one that gives other bytes than it
// should makes an image that has another digest.

import { LZ_PIECE, Lz, lzAsked, lzBegin, lzNext, lzPlace, lzTo } from '../codec/lz';
import { Place, placeRead } from '../flash/slots';
import { Reason } from '../reason';
import { pagesWritten } from './pages';

// in: the code, and the part of the image that it is   out: its bytes; 0: it is none
export function encodedBlock(from: usize, length: u32, at: u32, bytes: u32): usize {
  lzBegin(from, length, at, bytes, pagesWritten(), false);
  let next = lzNext();
  while (next === Lz.Read) {
    if (placeRead(Place.Staged, lzPlace(), lzTo(), lzAsked()) !== Reason.Ok) return 0;
    next = lzNext();
  }
  return next === Lz.Whole ? LZ_PIECE : 0;
}
