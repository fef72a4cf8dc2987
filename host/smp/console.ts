// SMP's console framing: packets, log text and a person share one serial line.
//
// A packet becomes lines of at most 127 bytes: a marker (06 09 opens a packet, 04 14 goes on with it), base64,
// newline. Inside the base64 stand: length (u16, counts packet and CRC), packet, CRC-16/XMODEM of the packet. Decoding
// is a pure transform: what was left over from the last call goes in again in front of the new bytes. Bytes that
// belong to no frame are handed on as text in their order, never dropped. A damaged packet is reported, so that a
// time-out can be explained; as the protocol says, nobody answers it. Senders may split anywhere that keeps each frame
// whole base64 of its own; the next 06 09 ends a packet left open.

import { base64, fromBase64, join, latin1, utf8 } from '../formats/bytes.js';

const LINE_BYTES_MAX = 127; // marker, base64 and newline, as every SMP server's line buffer expects
const RAW_BYTES_MAX = ((LINE_BYTES_MAX - 3) / 4) * 3; // 93 bytes behind 124 base64 characters
const NEWLINE = 0x0a;
const RETURN = 0x0d;
const OPENS = [0x06, 0x09] as const;
const GOES_ON = [0x04, 0x14] as const;

export type ConsoleItem =
  | { kind: 'packet'; bytes: Uint8Array }
  | { kind: 'text'; bytes: Uint8Array }
  | { kind: 'damaged'; why: string; bytes: Uint8Array };

// What waits for more bytes: an unfinished line (or a lone first marker byte), and the frames of an open packet.
export interface ConsoleRest {
  line: Uint8Array;
  open: Uint8Array | undefined;
}

export const CONSOLE_START: ConsoleRest = { line: new Uint8Array(), open: undefined };

export function encodeConsole(packet: Uint8Array): Uint8Array[] {
  const stream = new Uint8Array(2 + packet.length + 2);
  const view = new DataView(stream.buffer);
  view.setUint16(0, packet.length + 2);
  stream.set(packet, 2);
  view.setUint16(2 + packet.length, crc16(packet));
  const frames: Uint8Array[] = [];
  for (let at = 0; at < stream.length; at += RAW_BYTES_MAX) {
    const marker = at === 0 ? OPENS : GOES_ON;
    const content = utf8(base64(stream.subarray(at, at + RAW_BYTES_MAX)));
    frames.push(Uint8Array.from([...marker, ...content, NEWLINE]));
  }
  return frames;
}

export function decodeConsole(rest: ConsoleRest, chunk: Uint8Array): [ConsoleItem[], ConsoleRest] {
  const bytes = join([rest.line, chunk]);
  const items: ConsoleItem[] = [];
  let open = rest.open;
  let at = 0;
  while (at < bytes.length) {
    const marker = findMarker(bytes, at);
    if (marker > at) items.push({ kind: 'text', bytes: bytes.subarray(at, marker) });
    at = marker;
    const end = endOfFrame(bytes, at);
    if (end === 'wait') break;
    if (end.newline) {
      const frame = bytes.subarray(at, end.at);
      if (open !== undefined && frame[0] === OPENS[0]) {
        items.push({ kind: 'damaged', why: 'a new packet began before this one ended', bytes: open });
        open = undefined;
      }
      const [item, stillOpen] = takeFrame(frame, open);
      if (item) items.push(item);
      open = stillOpen;
      at = end.at + 1;
    } else {
      // A marker, but no frame behind it: the characters are somebody's text.
      items.push({ kind: 'text', bytes: bytes.subarray(at, end.at) });
      at = end.at;
    }
  }
  return [items, { line: Uint8Array.from(bytes.subarray(at)), open }];
}

// The next 06 09 or 04 14, or a lone 06 or 04 at the end that may become one, or the end.
function findMarker(bytes: Uint8Array, from: number): number {
  for (let at = from; at < bytes.length; at++) {
    const second = bytes[at] === OPENS[0] ? OPENS[1] : bytes[at] === GOES_ON[0] ? GOES_ON[1] : undefined;
    if (second !== undefined && (at + 1 === bytes.length || bytes[at + 1] === second)) return at;
  }
  return bytes.length;
}

// Where the frame that starts at `from` ends: at its newline, or at the first byte that cannot be part of a frame.
function endOfFrame(bytes: Uint8Array, from: number): 'wait' | { newline: boolean; at: number } {
  for (let at = from + 2; at < bytes.length; at++) {
    const byte = bytes[at]!;
    if (byte === NEWLINE) return { newline: true, at };
    if (at - from >= LINE_BYTES_MAX || !(isBase64(byte) || byte === RETURN)) return { newline: false, at };
  }
  return 'wait';
}

const isBase64 = (byte: number): boolean =>
  (byte >= 0x41 && byte <= 0x5a) || // A-Z
  (byte >= 0x61 && byte <= 0x7a) || // a-z
  (byte >= 0x2f && byte <= 0x39) || // / 0-9
  byte === 0x2b || // +
  byte === 0x3d; // =

// `open`: the frames so far of the packet that this one goes on with.
function takeFrame(frame: Uint8Array, open: Uint8Array | undefined): [ConsoleItem | undefined, Uint8Array | undefined] {
  const damaged = (why: string): [ConsoleItem, undefined] => [{ kind: 'damaged', why, bytes: frame }, undefined];
  if (frame[0] !== OPENS[0] && open === undefined) return damaged('a frame goes on with a packet that was not opened');

  const text = latin1(frame.subarray(2)).replace(/\r$/, '');
  const raw = fromBase64(text);
  if (raw === undefined || base64(raw) !== text) return damaged('not base64');

  const stream = join(open ? [open, raw] : [raw]);
  if (stream.length < 2) return [undefined, stream];
  const length = u16(stream, 0);
  const have = stream.length - 2;
  if (have < length) return [undefined, stream];
  if (have > length || length < 2) return damaged(`${have} bytes where the length field says ${length}`);
  const packet = stream.subarray(2, stream.length - 2);
  if (crc16(packet) !== u16(stream, stream.length - 2)) return damaged('checksum does not match');
  return [{ kind: 'packet', bytes: Uint8Array.from(packet) }, undefined];
}

const u16 = (bytes: Uint8Array, at: number): number => bytes[at]! * 256 + bytes[at + 1]!;

// CRC-16/XMODEM: polynomial 0x1021, start 0, most significant bit first. Check value of "123456789": 0x31c3.
export function crc16(bytes: Iterable<number>): number {
  let crc = 0;
  for (const byte of bytes) {
    let sum = (crc >> 8) ^ byte; // assembly/codec/crc16.ts says why
    sum ^= sum >> 4;
    crc = ((crc << 8) ^ (sum << 12) ^ (sum << 5) ^ sum) & 0xffff;
  }
  return crc;
}
