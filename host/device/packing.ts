// Blocks on their way to a device that asked for them: a packet for each, or for several that follow each other.
//
//   codes against the image that the device runs   as many as have room where a block has; it says with each request that it takes them
//   blocks as they are                             as many as the device says that its packets hold
//   lz                                             each alone
//
// What a line damages is a whole packet. Four blocks in one save 72 bytes; one such packet that is lost costs 1,536 more than one
// with a single block. So once a device asks for a block that was sent, each goes alone, until it has asked for half a window so many
// times and lacked nothing. Codes are small: those stay together.

import { join } from '../formats/bytes.js';
import { BLOCK_BYTES } from '../links/papers.js';
import type { Link } from '../smp/link.js';
import type { CodedBlock, Encoder } from './encode.js';

/** A block that was asked for: the bytes of the file from `from` to `to`, and the packet that brings them. */
export interface Piece {
  from: number;
  to: number;
  /** As the request had it. */
  lz?: number | undefined;
  /** So many blocks may stand in one packet. */
  many: number;
  /** `bytes`: of the file that `data` gives, where that is codes against the image that the device runs. */
  packet(data: Uint8Array, bytes?: number): Uint8Array;
  /** What is sent for it, once it is coded. */
  block?: Promise<CodedBlock>;
}

export interface Packing {
  /** These are asked for, and are to be sent. */
  asked(pieces: readonly Piece[]): void;
  /** Sends the first packet of what waits there, and takes its pieces out. Returns the offset in the file that it began at. */
  send(queue: Piece[]): Promise<number>;
}

const CLEAN_MIN = 8; // requests: 64 KiB
const CODE_BYTES_MAX = 255; // in front of another one
const GATHERING_MS = 20; // a line is not idle for longer: the device would ask again for what does not come

export function createPacking(link: Link, encoder: Encoder): Packing {
  let clean = CLEAN_MIN; // requests since the last one for what was sent; a line that nothing is known of is clean
  let furthest = -1; // that a block began which was sent

  /** Coded once: what does not fit keeps its code for its own turn. */
  const blockOf = (piece: Piece): Promise<CodedBlock> => {
    piece.block ??= encoder.block(piece.from, piece.to, piece.lz);
    return piece.block;
  };

  return {
    asked(pieces) {
      clean = pieces.some(({ from }) => from <= furthest) ? 0 : clean + 1;
    },
    async send(queue) {
      const first = queue.shift()!;
      const { data, delta } = await blockOf(first);
      const most = clean < CLEAN_MIN ? 1 : first.many;
      const began = performance.now();
      const parts = [data];
      let { to, from: last } = first;
      let room = BLOCK_BYTES - 1 - data.length; // for codes
      const mayFollow = () =>
        delta
          ? parts.at(-1)!.length <= CODE_BYTES_MAX && performance.now() - began < GATHERING_MS
          : parts.length < most && data.length === first.to - first.from;
      while (mayFollow()) {
        const next = queue[0];
        if (next?.from !== to || (to - first.from) % BLOCK_BYTES !== 0) break;
        const more = await blockOf(next);
        room -= 1 + more.data.length;
        const fits = delta ? room >= 0 : more.data.length === next.to - next.from;
        // Something else may have been asked for meanwhile.
        if (more.delta !== delta || !fits || queue[0] !== next) break;
        queue.shift();
        parts.push(more.data);
        ({ to, from: last } = next);
      }
      furthest = Math.max(furthest, last);
      const packet = delta ? first.packet(joined(parts), to - first.from) : first.packet(join(parts));
      encoder.sent(first.from, to, packet.length);
      await link.send(packet);
      return first.from;
    },
  };
}

/** Each but the last one behind its length. */
const joined = (codes: readonly Uint8Array[]): Uint8Array =>
  join(codes.flatMap((code, n) => (n < codes.length - 1 ? [Uint8Array.of(code.length), code] : [code])));
