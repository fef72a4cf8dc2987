// Blocks in fewer bytes, for a device that decodes them: each is coded as lz (formats/lz.ts) where that is smaller, and where the line
// is slow enough for it to pay.
//
// What a device has in flash it says with its request; of that, what may be its head is left out, since it is no image. A block that
// is asked for once more goes as it is: whatever was wrong with its code, it is not sent twice.
//
// Whoever has the whole file codes by createEncoder; a gateway, which has blocks, by the parts of it (../fleet/gateway-codes.ts).

import { type Bytes, readFrom, sizeOf } from '../formats/byte-source.js';
import { codePiece, indexed, type Source } from '../formats/lz-parse.js';

const HEAD_BYTES_MAX = 2048; // of a package, in a device
const SOURCE_BYTES_MAX = 256 * 1024; // that are looked through for one block
const CODED_MAX = 1 << 16; // blocks that are remembered: of 32 MiB

const TIMED_BYTES = 4096; // fewer say little of a line
const FAST_BYTES_PER_MS = 16.384; // to code a block takes some 10 ms here, and to decode it as many on a small chip

/** What is known of one device that takes a package: how slow its line is, and what it had as a code. */
export interface Coding {
  /** Is the block of the file that begins there to go as a code? */
  pays(from: number): boolean;
  /** It goes as one. */
  coded(from: number): void;
  /** The device asks for blocks from this offset of the file on: it has those before. */
  asked(off: number): void;
  /** A packet was sent, with the bytes of the file from `from` to `to`. */
  sent(from: number, to: number, packetBytes: number): void;
}

export function createCoding(now = () => performance.now()): Coding {
  const coded = new Set<number>();
  const sent = { file: 0, line: 0 };
  let last: { off: number; at: number } | undefined;
  let slow = false; // a line that nothing is known of may be fast
  return {
    pays: (from) => slow && !coded.has(from),
    coded(from) {
      if (coded.size >= CODED_MAX) coded.clear();
      coded.add(from);
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

/** Of a file of which a device has the first `known` bytes: where that begins which its blocks may refer to. */
export const sourceBegins = (known: number): number =>
  Math.min(known, Math.max(HEAD_BYTES_MAX, known - SOURCE_BYTES_MAX));

/** The block of the file that begins at `from`, as lz; undefined: that is not smaller. `source` is counted as the file is. */
export function codeOf(data: Uint8Array, from: number, source: Source): Uint8Array | undefined {
  const code = codePiece({ data, from, source, delta: false });
  return code.length < data.length ? code : undefined;
}

export interface Encoder extends Pick<Coding, 'asked' | 'sent'> {
  /** What to send for the bytes of the file from `from` to `to`; `known` bytes of it are in the device's flash; undefined: it decodes nothing. */
  block(from: number, to: number, known: number | undefined): Promise<Uint8Array>;
}

export function createEncoder(file: Bytes, now?: () => number): Encoder {
  const { pays, coded, asked, sent } = createCoding(now);
  let source: { known: number; index: Source } | undefined;

  async function sourceOf(known: number): Promise<Source> {
    if (source?.known !== known) {
      const from = sourceBegins(known);
      source = { known, index: indexed(await readFrom(file, from, known - from), from) };
    }
    return source.index;
  }

  return {
    asked,
    sent,
    async block(from, to, known) {
      const data = await readFrom(file, from, to - from);
      if (known === undefined || known > sizeOf(file) || !pays(from)) return data;
      coded(from);
      return codeOf(data, from, await sourceOf(known)) ?? data;
    },
  };
}
