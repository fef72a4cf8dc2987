// Pieces of memory with addresses, laid out as one image.
//
// Promises: pieces are in ascending order and do not overlap (an overlap is an error: which one would win?), gaps are
// filled with the erased value, and a far-off piece (chip configuration words, say) is an error that lists what is
// there, since silently leaving out or filling megabytes would both be wrong.

import { CountersignError } from '../../errors.js';

export interface Segment {
  address: number;
  bytes: Uint8Array;
}

/** From `start` up to and without `end`. */
export interface Region {
  start: number;
  end: number;
}

/** Largest gap that is filled: a flash sector of the larger microcontrollers. */
const GAP_BYTES_MAX = 256 * 1024;
const ERASED = 0xff;

export function flatten(
  segments: readonly Segment[],
  name: string,
  region?: Region,
): { bytes: Uint8Array; address: number; gapBytes: number } {
  const pieces = segments
    .map((segment) => (region === undefined ? segment : clip(segment, region)))
    .filter((segment) => segment.bytes.length > 0)
    .sort((a, b) => a.address - b.address);
  const [first] = pieces;
  const last = pieces.at(-1);
  if (first === undefined || last === undefined) {
    throw new CountersignError('FileMalformed', `image: ${name} holds no bytes${region ? ' in this region' : ''}`);
  }
  let gapBytes = 0;
  let end = first.address;
  for (const piece of pieces) {
    const gap = piece.address - end;
    if (gap < 0)
      throw new CountersignError(
        'FileMalformed',
        `image: ${name} states the byte at ${hexAddress(piece.address)} twice`,
      );
    if (gap > GAP_BYTES_MAX) throw farApart(pieces, name);
    gapBytes += gap;
    end = piece.address + piece.bytes.length;
  }
  const bytes = new Uint8Array(end - first.address).fill(ERASED);
  for (const piece of pieces) bytes.set(piece.bytes, piece.address - first.address);
  return { bytes, address: first.address, gapBytes };
}

export function hexAddress(address: number): string {
  return `0x${address.toString(16).padStart(8, '0')}`;
}

function clip(segment: Segment, region: Region): Segment {
  const from = Math.max(0, region.start - segment.address);
  const to = Math.max(from, region.end - segment.address);
  return { address: segment.address + from, bytes: segment.bytes.subarray(from, to) };
}

function farApart(pieces: readonly Segment[], name: string): CountersignError {
  const list = pieces.map(({ address, bytes }) => `${hexAddress(address)}..${hexAddress(address + bytes.length)}`);
  return new CountersignError('FileUnsupported', `image: ${name} has parts far from each other: ${list.join(', ')}`, {
    hint: 'choose the firmware with --region START..END',
  });
}
