// Blocks in fewer bytes, for a device that decodes them: each is coded as lz (formats/lz.ts) where that is smaller, and where the line
// is slow enough for it to pay.
//
// What a device has in flash it says with its request; of that, what may be its head is left out, since it is no image. A block that
// is asked for once more goes as it is: whatever was wrong with its code, it is not sent twice.

import { type Bytes, readFrom, sizeOf } from '../formats/byte-source.js';
import { codePiece, indexed, type Source } from '../formats/lz-parse.js';

const HEAD_BYTES_MAX = 2048; // of a package, in a device
const SOURCE_BYTES_MAX = 256 * 1024; // that are looked through for one block
const CODED_MAX = 1 << 16; // blocks that are remembered: of 32 MiB

const SENDS = 16; // that are timed; what the operating system holds back is less
const FAST_BYTES_PER_MS = 16.384; // to code a block takes some 10 ms here, and to decode it as many on a small chip

export interface Encoder {
  /** What to send for the bytes of the file from `from` to `to`; `known` bytes of it are in the device's flash; undefined: it decodes nothing. */
  block(from: number, to: number, known: number | undefined): Promise<Uint8Array>;
  /** So many bytes took so long to be sent. */
  sent(bytes: number, milliseconds: number): void;
}

export function createEncoder(file: Bytes): Encoder {
  const coded = new Set<number>();
  const sends: { bytes: number; milliseconds: number }[] = [];
  let source: { known: number; index: Source } | undefined;

  function isSlow(): boolean {
    if (sends.length < SENDS) return false;
    const bytes = sends.reduce((sum, one) => sum + one.bytes, 0);
    const milliseconds = sends.reduce((sum, one) => sum + one.milliseconds, 0);
    return bytes < FAST_BYTES_PER_MS * milliseconds;
  }

  async function sourceOf(known: number): Promise<Source> {
    if (source?.known !== known) {
      const from = Math.max(HEAD_BYTES_MAX, known - SOURCE_BYTES_MAX);
      const bytes = known > from ? await readFrom(file, from, known - from) : new Uint8Array(0);
      source = { known, index: indexed(bytes, from) };
    }
    return source.index;
  }

  return {
    async block(from, to, known) {
      const data = await readFrom(file, from, to - from);
      if (known === undefined || known > sizeOf(file) || !isSlow() || coded.has(from)) return data;
      if (coded.size >= CODED_MAX) coded.clear();
      coded.add(from);
      const code = codePiece({ data, from, source: await sourceOf(known), delta: false });
      return code.length < data.length ? code : data;
    },
    sent(bytes, milliseconds) {
      sends.push({ bytes, milliseconds });
      if (sends.length > SENDS) sends.shift();
    },
  };
}
