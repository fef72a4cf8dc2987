// Blocks in fewer bytes, for a device that decodes them: each is coded as lz (formats/lz.ts) where that is smaller, and where the line
// is slow enough for it to pay; or as a delta, for a device that says which image it runs, where that image is at hand (old-image.ts).
// A delta is a hundredth of what it stands for, or less: over a line of which nothing is known it goes at once. Over a fast one only
// blocks that the old image has as they are go as deltas, since these take no time.
//
// What a device has in flash it says with its request; of that, what may be its head is left out, since it is no image. A block that
// is asked for once more goes as it is: whatever was wrong with its code, it is not sent twice. A delta is, since many blocks are
// lost with one packet of them; a third time it goes as it is.
//
// Whoever has the whole file codes by createEncoder; a gateway, which has blocks, by the parts of it (../fleet/gateway-codes.ts).

import { type Bytes, readFrom, sizeOf } from '../formats/byte-source.js';
import { same } from '../formats/bytes.js';
import { codePiece, indexed, type Source } from '../formats/lz-parse.js';
import { type Against, against, type OldImage } from './old-image.js';
import type { Wanted } from './serve.js';

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
  /** Is the line known to be fast? */
  isFast(): boolean;
  /** The device asks for blocks from this offset of the file on: it has those before. */
  asked(off: number): void;
  /** A packet was sent, with the bytes of the file from `from` to `to`. */
  sent(from: number, to: number, packetBytes: number): void;
}

export function createCoding(now = () => performance.now()): Coding {
  const coded = new Set<number>();
  const sent = { file: 0, line: 0 };
  let last: { off: number; at: number } | undefined;
  let slow: boolean | undefined; // a line that nothing is known of may be fast
  return {
    pays: (from) => slow === true && !coded.has(from),
    isFast: () => slow === false,
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

const DELTA_TRIES = 2;
const DELTA_SMALL = 64; // bytes: as lz it has more

/** What is sent for a block. */
export interface CodedBlock {
  data: Uint8Array;
  /** It is coded against the image that the device runs. */
  delta: boolean;
}

export interface Encoder extends Pick<Coding, 'sent'> {
  /** The device asks for blocks: it has those before `off`, and says with a digest of the package which image it runs. */
  asked(wanted: Pick<Wanted, 'off' | 'digest' | 'runs'>): void;
  /** What to send for the bytes of the file from `from` to `to`; `known` bytes of it are in the device's flash; undefined: it decodes nothing. */
  block(from: number, to: number, known: number | undefined): Promise<CodedBlock>;
}

/** `old`: images, of which the device may run one. */
export function createEncoder(file: Bytes, old: readonly OldImage[] = [], now?: () => number): Encoder {
  const { pays, coded, isFast, asked, sent } = createCoding(now);
  const tries = new Map<number, number>(); // as deltas
  let source: { known: number; index: Source } | undefined;
  let running: { digest: Uint8Array; coder: Promise<Against | undefined> } | undefined;

  async function sourceOf(known: number): Promise<Source> {
    if (source?.known !== known) {
      const from = sourceBegins(known);
      source = { known, index: indexed(await readFrom(file, from, known - from), from) };
    }
    return source.index;
  }

  async function deltaOf(data: Uint8Array, from: number): Promise<Uint8Array | undefined> {
    const tried = tries.get(from) ?? 0;
    const coder = tried < DELTA_TRIES ? await running?.coder : undefined;
    return coder?.code(data, from, isFast());
  }

  return {
    asked({ off, digest, runs }) {
      asked(off);
      if (!digest) return; // about the same package, from the same device
      if (!runs) running = undefined;
      else if (!running || !same(running.digest, runs)) running = { digest: runs, coder: against(file, old, runs) };
    },
    sent,
    async block(from, to, known) {
      const data = await readFrom(file, from, to - from);
      if (known === undefined || known > sizeOf(file)) return { data, delta: false };
      const delta = await deltaOf(data, from);
      const paid = pays(from) && !(delta && delta.length <= DELTA_SMALL);
      const lz = paid ? codeOf(data, from, await sourceOf(known)) : undefined;
      if (delta || paid) coded(from);
      if (!delta || (lz && lz.length <= delta.length)) return { data: lz ?? data, delta: false };
      if (tries.size >= CODED_MAX) tries.clear();
      tries.set(from, (tries.get(from) ?? 0) + 1);
      return { data: delta, delta: true };
    },
  };
}
