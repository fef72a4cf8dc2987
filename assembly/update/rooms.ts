// Memory that several parts take turns in. A microcontroller has 16 KB: each buffer has its owner and its time.
//
//   FRAME_INPUT  1282  what arrived (codec/frame.ts); while a verdict is taken, as DOCUMENT an approval document of the
//                      store: a request has been read by then, and what came behind it in the same piece is lost
//   HEAD         2048  the head of an offer (package/head.ts), and behind it what came in the same packet, while that head is
//                      judged; between offers, a value that is put piece by piece
//   SCRATCH      2560  whatever verifies (scratch.ts), or a block that comes coded (encoded.ts); afterwards the answer,
//                      smp/reply.ts, and behind it a value of the tree (tree/values.ts). Its end: a hash that one function
//                      begins and finishes, or a walk past CBOR
//   PIECE         128  flash that is copied or hashed (flash/flash.ts); the hash of a log record (update/audit.ts), a
//                      command to the card (flash/card.ts), the line that is sent or shown (smp/notice.ts)
//
// Records with turns: `reading`, `inside` and `writing` (codec/cbor.ts), for whoever reads or writes a whole document;
// `message` (codec/cose.ts), the COSE_Sign1 that is looked at. Between two calls of the board nothing of SCRATCH, PIECE
// and these is of use: the agent of the power-cut loop spoils them then.
//
// What lies where, made from the sources (tests/agent/rooms.test.ts prints it anew); crypto/areas.ts has its own map of
// SCRATCH:
//   FRAME_INPUT
//     DOCUMENT     update/rooms.ts    FRAME_INPUT
//     FRAME_PACKET codec/frame.ts     FRAME_INPUT + PACKET_BYTES_MAX
//   HEAD
//     TABLE        update/seats.ts    HEAD + HEAD_BYTES_MAX - TABLE_BYTES
//   SCRATCH
//     HASHED       scratch.ts         SCRATCH + SCRATCH_BYTES - 32
//     HASHING      scratch.ts         SCRATCH + SCRATCH_BYTES - 144
//     LZ_PIECE     codec/lz.ts        MODEL + 2 * CONTEXTS
//     MODEL        codec/lz.ts        SCRATCH + 64
//     NESTING      scratch.ts         HASHING
//     RECORD       update/audit.ts    SCRATCH
//     REPLY        smp/reply.ts       SCRATCH
//     SCHEDULE     scratch.ts         HASHING - 256
//     VALUE        tree/values.ts     SCRATCH + 1024
//     text         smp/os.ts          SCRATCH + 1024
//   PIECE
//     COMMAND      flash/card.ts      PIECE
//     LINE         agent.ts           NOTICE
//     NOTICE       smp/notice.ts      PIECE
//     state        update/audit.ts    PIECE
//

import { FRAME_INPUT } from '../codec/frame';

export const DOCUMENT: usize = FRAME_INPUT; // DOCUMENT_BYTES_MAX fit

let inputLost: bool = false;

export function inputBegin(): void {
  inputLost = false;
}

export function documentTake(): void {
  inputLost = true;
}

// Did a verdict write over what arrived last? A value of the request that is answered is none any more, then.
export function inputIsLost(): bool {
  return inputLost;
}

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
