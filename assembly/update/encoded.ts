// A block that comes coded (codec/lz.ts): what it refers to is read from flash, and what it is made of stands in SCRATCH until it is
// taken. How long it is says that it is coded: one that is not has all its bytes.
//
// Nobody signs what a code is. One that reaches too far is dropped, as if it had been lost; one that gives other bytes than it
// should makes an image that has another digest.
//
// With DELTA a code may refer to the image in the primary slot, too. It is named by the digest of its bytes, and only if these bytes
// stand there: looked at once, when blocks begin to be asked for. Nothing writes there meanwhile: the slot changes in 60 alone, blocks
// are taken in 30 alone, and from 30 to 60 every way leads through the end of the session (machine.ts).

import { LZ_PIECE, Lz, lzAsked, lzBegin, lzNext, lzPlace, lzTo } from '../codec/lz';
import { Key } from '../flash/keys';
import { Place, placeHolds, placeRead } from '../flash/slots';
import { DELTA } from '../profile';
import { Reason } from '../reason';
import { imageOf, other, packageLoad } from './packages';
import { pagesWritten } from './pages';

// in: the code, and the part of the image that it is; `delta`: it refers to the image that runs
// out: its bytes; 0: it is none
export function encodedBlock(from: usize, length: u32, at: u32, bytes: u32, delta: bool): usize {
  const place = DELTA && delta ? Place.Primary : Place.Staged;
  lzBegin(from, length, at, bytes, DELTA && delta ? runningBytes : pagesWritten(), DELTA && delta);
  let next = lzNext();
  while (next === Lz.Read) {
    if (placeRead(place, lzPlace(), lzTo(), lzAsked()) !== Reason.Ok) return 0;
    next = lzNext();
  }
  return next === Lz.Whole ? LZ_PIECE : 0;
}

// --- The image that runs, with DELTA ---

let runningKnown: bool = false; // somebody has looked
let runningBytes: u32 = 0; // 0: there is none that codes may refer to, or nobody has looked yet

// Blocks are about to be asked for, from now on.
export function runningForget(): void {
  runningKnown = false;
  runningBytes = 0;
}

// Its digest, 32 bytes, as long as nobody else loads a record; 0: there is none, or it does not read as it was installed.
export function runningImage(): usize {
  const there = packageLoad(other, Key.Primary);
  if (!runningKnown) {
    runningKnown = true;
    const whole = there && placeHolds(Place.Primary, other.imageBytes, imageOf(other)) === Reason.Ok;
    runningBytes = whole ? other.imageBytes : 0;
  }
  return there && runningBytes !== 0 ? imageOf(other) : 0;
}
