// SMP's cobs framing of a serial line, as smpclient 7.3 and the draft for MCUboot's serial recovery have it
// (intercreate/smpclient#122, mcu-tools/mcuboot#2773): one packet, one frame, nothing in front of it.
//
//   frame = COBS(packet | u16 CRC-16/XMODEM over the packet) 00          COBS: Cheshire and Baker, IEEE/ACM ToN 7 (1999)
//   COBS  = blocks of a code n, 1..255, and n - 1 bytes that are not 0; behind a block stands a 0, but not where n is 255,
//           nor behind the last one
//
// A packet begins with version and operation, which are a few small numbers, and with flags, which are 0. So a frame begins
// with 01 01, or with 02 and one of those numbers. Nobody types that, and no line of the console framing begins so: that is
// how the framings are told apart. The length stands in the packet, so the end of a frame is known before its 00 is there.

import { crc16 } from './crc16';

const CRC_BYTES: u32 = 2;
const HEADER_BYTES: u32 = 8;
const LENGTH_AT: u32 = 2; // in the header
const RUN_BYTES_MAX: u32 = 254; // in a block
const FULL: u32 = 256;
const OPERATION: u32 = 0x0b; // the bits of the first byte that may be set: versions 1 and 2, read and write, and their answers

export const enum Cobs {
  More, // the byte is part of the frame
  Whole, // the frame is over, and its packet stands there
  Damaged, // the byte cannot be part of it
}

let got: u32 = 0; // bytes of packet and CRC that stand there
let left: u32 = 0; // bytes to come in this block; FULL: no 0 stands behind it

// A frame begins with this code.
export function cobsBegin(code: u32): void {
  got = 0;
  begin(code);
}

function begin(code: u32): void {
  left = code === RUN_BYTES_MAX + 1 ? FULL + RUN_BYTES_MAX : code - 1;
}

export function cobsPacketBytes(): u32 {
  return got - CRC_BYTES;
}

// Bytes of the packet that its header announced and that did not come.
export function cobsMissing(packet: usize): u32 {
  return wanted(packet) - got;
}

// Of packet and CRC, as far as the packet tells already.
function wanted(packet: usize): u32 {
  if (got < LENGTH_AT + 2) return HEADER_BYTES + CRC_BYTES;
  return HEADER_BYTES + CRC_BYTES + ((<u32>load<u8>(packet, LENGTH_AT)) << 8) + load<u8>(packet, LENGTH_AT + 1);
}

// Takes one more byte of the frame; the packet, at most bytesMax, is put together at `packet`, and its CRC behind it.
export function cobsTake(byte: u32, packet: usize, bytesMax: u32): Cobs {
  if (byte === 0) {
    const whole = (left & ~FULL) === 0 && got === wanted(packet) && crc16(0, packet, got) === 0;
    return whole ? Cobs.Whole : Cobs.Damaged;
  }
  if ((left & ~FULL) === 0) {
    const more = left !== 0 || put(0, packet, bytesMax);
    begin(byte);
    return more ? Cobs.More : Cobs.Damaged;
  }
  left--;
  return put(byte, packet, bytesMax) ? Cobs.More : Cobs.Damaged;
}

// False when the packet cannot become one any more. What was put there may be gone when somebody else has used the memory
// meanwhile: so the room is looked at, too, and not the length alone.
function put(byte: u32, packet: usize, bytesMax: u32): bool {
  if (got === 0 && byte & ~OPERATION) return false;
  if (got === 1 && byte !== 0) return false;
  if (got >= wanted(packet) || got >= bytesMax + CRC_BYTES) return false;
  store<u8>(packet + got++, <u8>byte);
  return wanted(packet) <= bytesMax + CRC_BYTES;
}

// Makes a packet the frame that carries it, where it stands, and returns its length: at most that of the packet and 4, and 1
// for every 254 of its bytes.
export function cobsFrame(packet: usize, length: u32): u32 {
  const crc = crc16(0, packet, length);
  store<u8>(packet + length, <u8>(crc >>> 8));
  store<u8>(packet + length, <u8>crc, 1);
  let end = room(packet, packet + length + CRC_BYTES);
  let code = packet; // where that of this block will stand
  for (let at = packet + 1; at < end; at++) {
    if (load<u8>(at)) {
      if (<u32>(at - code) < RUN_BYTES_MAX) continue;
      end = room(++at, end);
    }
    store<u8>(code, <u8>(at - code)); // where the 0 stood, the code of the next one goes
    code = at;
  }
  store<u8>(code, <u8>(end - code));
  store<u8>(end, 0);
  return <u32>(end + 1 - packet);
}

// A byte's room at `at`: what stands there, up to `end`, moves on by one. Returns the new end.
function room(at: usize, end: usize): usize {
  for (let to = end; to > at; to--) store<u8>(to, load<u8>(to - 1));
  return end + 1;
}
