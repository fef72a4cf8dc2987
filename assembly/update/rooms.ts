// Memory that several parts take turns in. A microcontroller has 16 KB: each buffer has its owner and its time.
//
//   IN        640   what the board hands over: a packet of a packet link, or a piece of the console's stream
//   (frame)   642   the console's packet, see codec/frame.ts
//   DOCUMENT  1024  an approval document out of the store, while a verdict is taken
//   HEAD      2048  the head of an offer (package/head.ts); between offers, a value that is put piece by piece

import { DOCUMENT_BYTES_MAX } from '../approval/document';

export const DOCUMENT: usize = memory.data(DOCUMENT_BYTES_MAX, 16);

// Who wrote HEAD last; who finds another there has lost what he had.
export const enum HeadUser {
  None,
  Offer, // an upload, or a head read back from a slot
  Put, // a value that is put piece by piece
}

let user: HeadUser = HeadUser.None;

export function headTake(by: HeadUser): void {
  user = by;
}

export function headUser(): HeadUser {
  return user;
}
