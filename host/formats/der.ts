// DER (X.690), as far as keys need it: elements read side by side, and written again.
//
// Definite lengths only, tags of one byte. What is not such an element ends the reading: whoever looks at a file that may
// be anything gets what is there up to then.

import { join } from './bytes.js';

export interface DerElement {
  tag: number;
  content: Uint8Array;
  /** With its head. */
  whole: Uint8Array;
}

export const DER = { integer: 0x02, bits: 0x03, octets: 0x04, oid: 0x06, sequence: 0x30 } as const;

/** The elements that stand in `bytes` one after the other, at most `most`. */
export function derElements(bytes: Uint8Array, most = 16): DerElement[] {
  const found: DerElement[] = [];
  for (let at = 0; at + 2 <= bytes.length && found.length < most; ) {
    const short = bytes[at + 1]!;
    const lengthBytes = short < 0x80 ? 0 : short & 0x7f;
    if (short === 0x80 || lengthBytes > 4) break;
    const start = at + 2 + lengthBytes;
    const length = lengthBytes === 0 ? short : bytes.slice(at + 2, start).reduce((sum, byte) => sum * 256 + byte, 0);
    if (start + length > bytes.length) break;
    found.push({
      tag: bytes[at]!,
      content: bytes.subarray(start, start + length),
      whole: bytes.subarray(at, start + length),
    });
    at = start + length;
  }
  return found;
}

/** What is inside a sequence at the beginning of `bytes`; none if there is no whole one. */
export function derSequence(bytes: Uint8Array): DerElement[] {
  const [outer] = derElements(bytes, 1);
  return outer?.tag === DER.sequence ? derElements(outer.content) : [];
}

/** A sequence of elements that are encoded already, up to 64 KB. */
export function writeDerSequence(elements: readonly Uint8Array[]): Uint8Array {
  const content = join(elements);
  const { length } = content;
  const head = length < 0x80 ? [length] : length < 0x100 ? [0x81, length] : [0x82, length >> 8, length & 0xff];
  return join([Uint8Array.of(DER.sequence, ...head), content]);
}
