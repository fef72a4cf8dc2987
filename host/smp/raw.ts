// SMP's raw framing of a serial line: header and body as they are, the end known from the length in the header (Zephyr's
// raw UART transport, MCUboot's raw protocol).
//
// There is no checksum: a damaged byte is noticed only where the CBOR breaks. What cannot be the header of a response is
// handed on as text, so that log lines before a packet do no harm. What looked like a header and is not followed by its
// packet was none: when the line has been silent for long enough, `resync` looks for the next one behind its first byte.
// Servers do the same (both named above: after 3 s by default).

import { join } from '../formats/bytes.js';
import { HEADER_BYTES } from './packet.js';

export type RawItem = { kind: 'packet'; bytes: Uint8Array } | { kind: 'text'; bytes: Uint8Array };

const BODY_BYTES_MAX = 8192; // beyond any server's buffer: a length like that is no header

/** Takes what was left over and the new bytes; returns whole packets, text between them, and what is left over. */
export function decodeRaw(rest: Uint8Array, chunk: Uint8Array): [RawItem[], Uint8Array] {
  const bytes = join([rest, chunk]);
  const items: RawItem[] = [];
  let at = 0;
  let textFrom = 0;
  const text = (end: number) => {
    if (end > textFrom) items.push({ kind: 'text', bytes: Uint8Array.from(bytes.subarray(textFrom, end)) });
  };
  while (at < bytes.length) {
    if (!mayBegin(bytes, at)) {
      at += 1;
      continue;
    }
    const end = at + HEADER_BYTES <= bytes.length ? at + HEADER_BYTES + lengthAt(bytes, at) : undefined;
    if (end === undefined || end > bytes.length) break;
    text(at);
    items.push({ kind: 'packet', bytes: Uint8Array.from(bytes.subarray(at, end)) });
    at = end;
    textFrom = end;
  }
  text(at);
  return [items, Uint8Array.from(bytes.subarray(at))];
}

/** The line fell silent in the midst of what was taken for a packet: the same rest, read on from its second byte. */
export function resync(rest: Uint8Array): [RawItem[], Uint8Array] {
  const items: RawItem[] = [];
  let left = rest;
  while (left.length > 0) {
    items.push({ kind: 'text', bytes: left.slice(0, 1) });
    const [more, still] = decodeRaw(new Uint8Array(), left.slice(1));
    items.push(...more);
    left = still;
  }
  return [items, left];
}

// Version 1 or 2, a response, no flags, a body of a sane length. (A request would begin like a newline.)
function mayBegin(bytes: Uint8Array, at: number): boolean {
  const first = bytes[at]!;
  if ((first & ~0x0a) !== 0x01) return false;
  if (at + 1 < bytes.length && bytes[at + 1] !== 0) return false;
  return at + 4 > bytes.length || lengthAt(bytes, at) <= BODY_BYTES_MAX;
}

/** The length of the body in the header that begins here. */
const lengthAt = (bytes: Uint8Array, at: number): number => bytes[at + 2]! * 256 + bytes[at + 3]!;
