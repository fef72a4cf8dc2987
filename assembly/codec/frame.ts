// What stands on a serial line: packets in SMP's console framing (SMP transport specification, "UART/serial and console"),
// packets in cobs framing (cobs.ts), and log text and whatever a person types. None is ever taken for another.
//
//   line    = marker base64 LF, at most 127 bytes      marker = 06 09 first line of a packet | 04 14 its next lines
//   decoded, joined over all lines of a packet:         u16 L | packet | u16 CRC-16 over the packet;  L = packet + 2
//
// Receiving: a marker counts wherever it stands, but in a cobs frame; a line that breaks off, a foreign character, a wrong
// length or checksum drop the packet silently (the client asks again) and never more than it. Lines longer than 127 are taken
// as well.
//
//   state  06      04     01, 02   09      14            base64     CR   LF                          00      anything else
//   Text   First   More   Cobs     text    text          text       text text                        -       text
//   First  First   More   Cobs     →Body*  text          text       text text                        Text    text     * opens a packet
//   More   First   More   Cobs     text    →Body if open text       text text                        Text    text
//   Body   First   More   Cobs     drop    drop          decode     -    packet if whole, else Text  drop    drop
//   Skip   First   More   Cobs     -       -             -          -    Text                        -       -
//   Cobs   what cobs.ts takes; then Text
// "drop" forgets the packet and goes to Skip; a marker inside a Body drops too, because its line broke off.
//
// What begins like a cobs frame and is damaged, or is none, makes what would be text nothing for a while: it may be the rest of
// a frame, and hold what a person could have typed. Its own beginning need not have been understood for that: 01 or 02 stands in
// each header more than once. The while ends with a 00, with a packet, when as much has come as can be missing, and with time,
// which ends a frame that broke off, too. So a damaged frame costs itself; a following one begins with its marker, and is taken.

import { DELTA, LARGE } from '../profile';
import { BASE64_PAD, base64Character, base64Value } from './base64';
import { Cobs, cobsBegin, cobsFrame, cobsMissing, cobsPacketBytes, cobsTake } from './cobs';
import { crc16 } from './crc16';

// Largest SMP packet, header and body; what the parameters command reports as buf_size.
export const PACKET_BYTES_MAX: u32 = LARGE ? 2176 : 640;
// What it reports as buf_count: how many packets the board holds, those on its line included. A client has one fewer under way,
// and while one of them is worked on, the others wait where the board keeps what arrives (boards/port/hal.h, hal_link_read).
export const PACKETS_MAX: u32 = LARGE ? 3 : DELTA ? 5 : 1;
// Smallest: a header (8) and nothing.
const PACKET_BYTES_MIN: u32 = 8;
const CRC_BYTES: u32 = 2;

// What arrives: first the bytes as the board hands them over (a piece of the stream, or a packet of another link), then
// the console's packet as it is decoded; the caller is done with that before it passes on the next byte.
export const FRAME_INPUT: usize = memory.data(2 * PACKET_BYTES_MAX + CRC_BYTES, 16);
export const FRAME_PACKET: usize = FRAME_INPUT + PACKET_BYTES_MAX;

export const enum Frame {
  Nothing, // the byte was part of a frame
  Text, // the byte belongs to the people's side of the console
  Packet, // a packet is complete in FRAME_PACKET
}

const enum State {
  Text,
  First,
  More,
  Body,
  Skip,
  Cobs,
}

// How much of what comes may be the rest of a frame, in bytes and in milliseconds: each takes one away. A whole cobs frame
// fits at 9600 baud, and no sender pauses as long within one.
const REST_MAX: u32 = LARGE ? 2200 : 2000;
const TICK_MS_MAX: u32 = 100; // of a tick that took longer: what came meanwhile has not been read yet

let state: State = State.Text;
let open: bool = false; // a first line came and nothing went wrong since
let stated: u32 = 0; // L
let received: u32 = 0; // decoded bytes so far, the two of L included
let quad: u32 = 0; // the bits of the base64 group under way
let quadCharacters: u32 = 0; // 0..3
let pads: u32 = 0; // '=' seen in this line
let rest: u32 = 0; // see REST_MAX
let heardCobs: bool = false; // the last packet came in that framing: what goes out on this line does, too

export function framePacketBytes(): u32 {
  return stated - CRC_BYTES;
}

// Takes one byte of the console.
export function frameReceive(byte: u32): Frame {
  if (state === State.Cobs) return cobs(byte);
  if (byte === 0x01 || byte === 0x02) {
    open = false; // its packet stands where this one will
    cobsBegin(byte);
    return cobsMore();
  }
  if (byte === 0x06) return marker(State.First);
  if (byte === 0x04) return marker(State.More);
  switch (state) {
    case State.First:
      if (byte === 0x09) return openPacket();
      break;
    case State.More:
      if (byte === 0x14) return openLine();
      break;
    case State.Body:
      return body(byte);
    case State.Skip:
      if (byte === 0x0a) state = State.Text;
      return Frame.Nothing;
    default:
  }
  state = State.Text;
  if (byte === 0) rest = 0;
  else if (rest === 0) return Frame.Text;
  else rest--;
  return Frame.Nothing;
}

// Time in which nothing may have come.
export function framePass(milliseconds: u32): void {
  rest -= min(rest, min(milliseconds, TICK_MS_MAX));
  if (rest === 0 && state === State.Cobs) state = State.Text;
}

function cobs(byte: u32): Frame {
  switch (cobsTake(byte, FRAME_PACKET, PACKET_BYTES_MAX)) {
    case Cobs.More:
      return cobsMore();
    case Cobs.Whole:
      stated = cobsPacketBytes() + CRC_BYTES;
      return whole(true);
    default:
  }
  state = State.Text;
  if (byte !== 0) return frameReceive(byte); // it may begin the next frame
  rest = min(cobsMissing(FRAME_PACKET), REST_MAX);
  return Frame.Nothing;
}

function cobsMore(): Frame {
  rest = REST_MAX;
  state = State.Cobs;
  return Frame.Nothing;
}

function whole(inCobs: bool): Frame {
  state = State.Text;
  heardCobs = inCobs;
  rest = 0;
  return Frame.Packet;
}

function marker(next: State): Frame {
  if (state === State.Body) open = false;
  state = next;
  return Frame.Nothing;
}

function openPacket(): Frame {
  open = true;
  stated = 0;
  received = 0;
  return openLine();
}

function openLine(): Frame {
  quad = 0;
  quadCharacters = 0;
  pads = 0;
  state = open ? State.Body : State.Skip;
  return Frame.Nothing;
}

function drop(): Frame {
  open = false;
  state = State.Skip;
  return Frame.Nothing;
}

function body(byte: u32): Frame {
  if (byte === 0x0d) return Frame.Nothing;
  if (byte === 0x0a) return endLine();
  let value: i32 = 0;
  if (byte === BASE64_PAD) {
    if (quadCharacters < 2) return drop();
    pads++;
  } else {
    value = base64Value(byte);
    if (value < 0 || pads) return drop();
  }
  quad = (quad << 6) | value;
  if (++quadCharacters < 4) return Frame.Nothing;
  // Bits that padding leaves over must be zero: one packet, one spelling.
  if (pads && quad & (pads === 1 ? 0xff : 0xffff)) return drop();
  for (let i: u32 = 0; i < 3 - pads; i++) {
    if (!take((quad >>> (16 - 8 * i)) & 0xff)) return drop();
  }
  quad = 0;
  quadCharacters = 0;
  return Frame.Nothing;
}

// One decoded byte; false when the packet cannot become valid any more.
function take(byte: u32): bool {
  const at = received++;
  if (at === 0) {
    stated = byte << 8;
    return true;
  }
  if (at === 1) {
    stated |= byte;
    return stated >= PACKET_BYTES_MIN + CRC_BYTES && stated <= PACKET_BYTES_MAX + CRC_BYTES;
  }
  if (at - 2 >= stated) return false;
  store<u8>(FRAME_PACKET + (at - 2), byte);
  return true;
}

function endLine(): Frame {
  state = State.Text;
  if (quadCharacters) {
    open = false;
    return Frame.Nothing;
  }
  if (received < 2 || received - 2 < stated) return Frame.Nothing; // more lines to come
  open = false;
  return crc16(0, FRAME_PACKET, stated) === 0 ? whole(false) : Frame.Nothing;
}

// --- Sending ---

export const LINE_BYTES_MAX: u32 = 127;
const LINE_RAW_BYTES: u32 = 93; // what 124 base64 characters carry; a multiple of 3: only the last line is padded

let packet: usize = 0;
let packetBytes: u32 = 0;
let packetCrc: u32 = 0;
let sent: u32 = 0; // raw bytes already in lines

// Makes the packet a frame where it stands, and returns its length, if the last packet came in cobs framing; else 0.
export function frameInPlace(packet: usize, length: u32): u32 {
  return heardCobs ? cobsFrame(packet, length) : 0;
}

export function frameSend(from: usize, length: u32): void {
  packet = from;
  packetBytes = length;
  packetCrc = crc16(0, from, length);
  sent = 0;
}

// Writes the next line (at most LINE_BYTES_MAX) to `line` and returns its length, 0 when all lines are out.
export function frameNextLine(line: usize): u32 {
  const total = packetBytes + 2 + CRC_BYTES;
  if (sent >= total) return 0;
  store<u8>(line, sent ? 0x04 : 0x06);
  store<u8>(line, sent ? 0x14 : 0x09, 1);
  let at = line + 2;
  const end = min(total, sent + LINE_RAW_BYTES);
  while (sent < end) {
    const have = min(end - sent, 3);
    let bits: u32 = 0;
    for (let i: u32 = 0; i < 3; i++) bits = (bits << 8) | (i < have ? raw(sent + i) : 0);
    for (let i: u32 = 0; i < 4; i++) {
      store<u8>(at++, i <= have ? base64Character((bits >>> (18 - 6 * i)) & 63) : BASE64_PAD);
    }
    sent += have;
  }
  store<u8>(at++, 0x0a);
  return <u32>(at - line);
}

// The byte at `index` of L | packet | CRC.
function raw(index: u32): u32 {
  if (index < 2) return ((packetBytes + CRC_BYTES) >>> (8 * (1 - index))) & 0xff;
  if (index < packetBytes + 2) return load<u8>(packet + (index - 2));
  return (packetCrc >>> (8 * (packetBytes + 3 - index))) & 0xff;
}
