// The smart card, read through the HAL's APDU exchange (ISO 7816-4): one transparent file with one approval document,
// behind an application identifier of ours. The card is transport, not trust: the document proves itself.
//
//   SELECT by AID, then READ BINARY from 0 on until the file ends, the document is whole, or it is too long
//   status   9000 ok, 6Cxx the same again for xx bytes, 6282 and 6B00 end of file; at SELECT 6A82: no such application
//
// A card without the application, like a board without a card, has nothing to say. A card that does not answer, or not
// as it should, is unreachable: that is a finding of its own.

import { Cursor } from '../codec/cbor';
import { card } from '../hal';
import { Reason } from '../reason';
import { PIECE } from './flash';

export const CARD_NONE: i32 = 0;
export const CARD_UNREACHABLE: i32 = -1;

// From the proprietary range (ISO 7816-5): F0 and "Countersign", in the order in which it is sent.
const AID_FIRST: u64 = 0x65746e756f43f0; // F0 "Counte", 7 bytes
const AID_REST: u64 = 0x6e67697372; // "rsign"
const AID_BYTES: u32 = 12;

const NO_INTERFACE: i32 = -1; // what the HAL says of a board without a card
const READ_BYTES: u32 = 128; // of one READ BINARY: what every card and every short buffer can do
const STATUS_BYTES: u32 = 2;
const OFFSET_MAX: u32 = 0x7fff;

const enum Status {
  Ok = 0x9000,
  EndOfFile = 0x6282,
  OffsetOutside = 0x6b00,
  NotFound = 0x6a82,
}

const COMMAND: usize = PIECE; // nobody moves flash while a card is asked
const cursor = changetype<Cursor>(memory.data(offsetof<Cursor>(), 8));

// Reads the approval document of the card to `to` (room for `capacity`). Returns its length, CARD_NONE, or
// CARD_UNREACHABLE.
export function cardRead(to: usize, capacity: u32): i32 {
  const selected = select(to, capacity);
  if (selected === NO_INTERFACE || selected === Status.NotFound) return CARD_NONE;
  if (selected !== Status.Ok) return CARD_UNREACHABLE;
  let have: u32 = 0;
  let wanted = READ_BYTES;
  while (have + wanted + STATUS_BYTES <= capacity && have <= OFFSET_MAX) {
    const length = read(have, wanted, to + have);
    if (length < <i32>STATUS_BYTES) return CARD_UNREACHABLE;
    const status = statusAt(to + have, length);
    if (status >>> 8 === 0x6c && wanted === READ_BYTES && <u32>(status & 0xff) < READ_BYTES) {
      wanted = status & 0xff;
      continue;
    }
    if (status !== Status.Ok && status !== Status.EndOfFile && status !== Status.OffsetOutside) return CARD_UNREACHABLE;
    have += length - STATUS_BYTES;
    const document = documentBytes(to, have);
    if (document) return document;
    if (status !== Status.Ok || wanted !== READ_BYTES || length === <i32>STATUS_BYTES) break;
  }
  return CARD_UNREACHABLE;
}

// The file may be longer than the document, filled with FF or 00: the first CBOR item is it. 0: not whole yet.
function documentBytes(from: usize, have: u32): u32 {
  cursor.open(from, have);
  cursor.skip();
  return cursor.fault === Reason.Ok ? <u32>(cursor.at - from) : 0;
}

function select(response: usize, capacity: u32): i32 {
  store<u32>(COMMAND, 0x0c04a400); // 00 A4 04 0C: by AID, return nothing
  store<u8>(COMMAND, AID_BYTES, 4);
  letters(COMMAND + 5, AID_FIRST);
  letters(COMMAND + 12, AID_REST);
  const length = card(COMMAND, 5 + AID_BYTES, response, capacity);
  return length < <i32>STATUS_BYTES ? length : statusAt(response, length);
}

function letters(to: usize, word: u64): void {
  for (; word; word >>= 8) store<u8>(to++, <u8>word);
}

function read(offset: u32, bytes: u32, to: usize): i32 {
  store<u8>(COMMAND, 0x00);
  store<u8>(COMMAND, 0xb0, 1);
  store<u8>(COMMAND, offset >>> 8, 2);
  store<u8>(COMMAND, offset, 3);
  store<u8>(COMMAND, bytes, 4);
  return card(COMMAND, 5, to, bytes + STATUS_BYTES);
}

// The last two bytes of a response.
function statusAt(response: usize, length: i32): i32 {
  return ((<i32>load<u8>(response + length - 2)) << 8) | load<u8>(response + length - 1);
}
