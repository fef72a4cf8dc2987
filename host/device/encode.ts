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

const TIMED_BYTES = 4096; // fewer say little of a line
const FAST_BYTES_PER_MS = 16.384; // to code a block takes some 10 ms here, and to decode it as many on a small chip

export interface Encoder {
  /** What to send for the bytes of the file from `from` to `to`; `known` bytes of it are in the device's flash; undefined: it decodes nothing. */
  block(from: number, to: number, known: number | undefined): Promise<Uint8Array>;
  /** The device asks for blocks from this offset of the file on: it has those before. */
  asked(off: number): void;
  /** A packet was sent, with the bytes of the file from `from` to `to`. */
  sent(from: number, to: number, packetBytes: number): void;
}

export function createEncoder(file: Bytes, now = () => performance.now()): Encoder {
  const coded = new Set<number>();
  const sent = { file: 0, line: 0 };
  let last: { off: number; at: number } | undefined;
  let slow = false; // a line that nothing is known of may be fast
  let source: { known: number; index: Source } | undefined;

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
      if (known === undefined || known > sizeOf(file) || !slow || coded.has(from)) return data;
      if (coded.size >= CODED_MAX) coded.clear();
      coded.add(from);
      const code = codePiece({ data, from, source: await sourceOf(known), delta: false });
      return code.length < data.length ? code : data;
    },
    asked(off) {
      const at = now();
      const file = last ? off - last.off : 0;
      const line = sent.file > 0 ? (file * sent.line) / sent.file : 0; // what it took of the line
      if (last && line >= TIMED_BYTES) slow = line < FAST_BYTES_PER_MS * (at - last.at);
      if (!last || file !== 0) last = { off, at };
    },
    sent(from, to, packetBytes) {
      sent.file += to - from;
      sent.line += packetBytes;
    },
  };
}
