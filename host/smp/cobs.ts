// SMP's cobs framing of a serial line, as smpclient 7.3 and the draft for MCUboot's serial recovery have it
// (intercreate/smpclient#122, mcu-tools/mcuboot#2773), between console text.
//
//   frame = COBS(packet | u16 CRC-16/XMODEM of the packet) 00            COBS: Cheshire and Baker, IEEE/ACM ToN 7 (1999)
//
// A packet begins with version and operation, and with flags, which are 0: so a frame begins with 01 01, or with 02 and one
// of a few small numbers, and text does not. The header says how long the frame is. Decoding is a pure transform, as that of
// console framing: what belongs to no frame is handed on as text in its order, a damaged frame is reported, and the next one
// is found all the same.

import { join } from '../formats/bytes.js';
import { crc16 } from './console.js';
import { HEADER_BYTES } from './packet.js';

const CRC_BYTES = 2;
const RUN_BYTES_MAX = 254; // in a block
const OPERATION = 0x0b; // the bits that may be set: versions 1 and 2, read and write, and their answers
const BODY_BYTES_MAX = 8192; // beyond any server's buffer: a length like that is no header

export type CobsItem =
  | { kind: 'packet'; bytes: Uint8Array }
  | { kind: 'text'; bytes: Uint8Array }
  | { kind: 'damaged'; why: string; bytes: Uint8Array };

/** The frame that carries this packet, its 00 included. */
export function encodeCobs(packet: Uint8Array): Uint8Array {
  const crc = crc16(packet);
  const frame = [0];
  let code = 0; // where the one of this block stands
  for (const byte of [...packet, crc >> 8, crc & 0xff]) {
    if (byte !== 0) frame.push(byte);
    if (byte !== 0 && frame.length - code <= RUN_BYTES_MAX) continue;
    frame[code] = frame.length - code;
    code = frame.push(0) - 1;
  }
  frame[code] = frame.length - code;
  frame.push(0);
  return Uint8Array.from(frame);
}

/** Takes what was left over and the new bytes; returns packets, text between them, and what is left over. */
export function decodeCobs(rest: Uint8Array, chunk: Uint8Array): [CobsItem[], Uint8Array] {
  const bytes = join([rest, chunk]);
  const items: CobsItem[] = [];
  let at = 0;
  let textFrom = 0;
  const text = (end: number) => {
    if (end > textFrom) items.push({ kind: 'text', bytes: Uint8Array.from(bytes.subarray(textFrom, end)) });
  };
  while (at < bytes.length) {
    const found = frameAt(bytes, at);
    if (found === 'wait') break;
    if (found === 'text') {
      at += 1;
      continue;
    }
    text(at);
    const { packet, why, end } = found;
    textFrom = packet ? end : wholeWithin(bytes, at + 1, end);
    items.push(packet ? { kind: 'packet', bytes: packet } : { kind: 'damaged', why, bytes: bytes.slice(at, textFrom) });
    at = textFrom;
  }
  text(at);
  return [items, Uint8Array.from(bytes.subarray(at))];
}

/** The line fell silent in the midst of what was taken for a frame, which was none or broke off: read on from its second byte. */
export function resyncCobs(rest: Uint8Array): CobsItem[] {
  const items: CobsItem[] = [];
  for (let left = rest; left.length > 0; ) {
    items.push({ kind: 'text', bytes: left.slice(0, 1) });
    const [more, still] = decodeCobs(new Uint8Array(), left.slice(1));
    items.push(...more);
    left = still;
  }
  return items;
}

// Where a whole frame stands in a damaged one, which may have lost its own 00; or the end.
function wholeWithin(bytes: Uint8Array, from: number, end: number): number {
  for (let at = from; at < end; at++) {
    const found = frameAt(bytes.subarray(0, end), at);
    if (typeof found === 'object' && found.packet) return at;
  }
  return end;
}

type Found = 'wait' | 'text' | { packet?: Uint8Array; why: string; end: number };

// What begins here; `end` is behind the frame, or where it is known to be damaged.
function frameAt(bytes: Uint8Array, from: number): Found {
  if (bytes[from] !== 1 && bytes[from] !== 2) return 'text';
  const content: number[] = [];
  let whole = HEADER_BYTES + CRC_BYTES; // until the header is there
  let left = 0; // of this block
  let full = true; // nothing stands in front of the first block
  const damaged = (end: number, why: string): Found =>
    content.length < HEADER_BYTES ? 'text' : { why: `cobs: ${why}`, end };
  for (let at = from; at < bytes.length; at++) {
    const byte = bytes[at]!;
    if (byte === 0 || content.length === whole) {
      const behind = byte === 0 ? at + 1 : at;
      if (byte !== 0 && left === 0 && full && byte === 1) {
        full = false; // an empty block behind a full one
        continue;
      }
      if (left > 0 || content.length < whole) return damaged(behind, 'the frame broke off');
      if (crc16(content) !== 0) return damaged(behind, 'checksum does not match');
      return { packet: Uint8Array.from(content.slice(0, -CRC_BYTES)), why: '', end: behind };
    }
    if (left > 0) {
      content.push(byte);
      left -= 1;
    } else {
      if (!full) content.push(0);
      left = byte - 1;
      full = left === RUN_BYTES_MAX;
    }
    if (!mayBegin(content)) return 'text';
    if (content.length >= 4) whole = HEADER_BYTES + lengthOf(content) + CRC_BYTES;
  }
  return 'wait';
}

// Version 1 or 2, no flags, a body of a sane length.
function mayBegin(content: number[]): boolean {
  const [first = 0, flags = 0] = content;
  return (first & ~OPERATION) === 0 && flags === 0 && lengthOf(content) <= BODY_BYTES_MAX;
}

const lengthOf = (content: number[]): number => (content[2] ?? 0) * 256 + (content[3] ?? 0);
