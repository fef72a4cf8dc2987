// Blocks of packages in fewer bytes, for the boards of a gateway whose lines are slow and that decode them (../device/encode.ts).
// A gateway has blocks and no packages: what a code refers to is what it has kept of what the board has in flash.
//
//   a board wants a block        its code, if one was made for whoever had no more in flash, and not much less; else it is made
//   the blocks before it         are its source, back from what the board has to the first one that is not kept
//   the block is not kept        it goes as it is: nobody else gets what the broker does not keep, not as a code either
//   more than half of the time   has gone into codes: blocks go as they are, until it is less. Requests, other boards and the broker
//                                have to be served meanwhile, and a line that waits for codes is slower than one without them
//
// To code a block takes longer than to send it over many a line, but it is done once for all boards that fetch the same.

import { codeOf, sourceBegins } from '../device/encode.js';
import { indexed, type Source } from '../formats/lz-parse.js';
import { BLOCK_BYTES } from '../links/papers.js';

const CODES_MAX = 4096; // of 2 MiB, in at most 3 MiB of memory
const SOURCES_MAX = 2; // packages that are coded at a time: each takes some 1.5 MiB
const SLACK_BYTES = 8192; // in flash; half a window: boards that fetch side by side are so far apart

const SHARE = 0.5; // of the time
const BURST_MS = 1000; // the window of a board is asked for at once

export interface Codes {
  /** The bytes of a package from `from` to `to`, for a board that has its first `known` bytes; undefined: they go as they are. */
  of(digest: string, piece: { from: number; to: number; known: number }): Uint8Array | undefined;
  /** What is kept of it is not kept any more. Undefined: of all packages. */
  forget(digest?: string): void;
}

interface Code {
  to: number; // a board may ask for less than a block
  known: number; // bytes that a board must have
  data: Uint8Array | undefined; // undefined: none that is smaller
}

/** `kept` gives a block that is kept; `made` is called with each code that is made. */
export function createCodes(
  kept: (digest: string, block: number) => Uint8Array | undefined,
  made: () => void,
  now = () => performance.now(),
): Codes {
  const codes = new Map<string, Map<number, Code>>(); // by digest and by where they begin; what was used least recently first
  const sources = new Map<string, { known: number; index: Source }>(); // in the same order
  let count = 0;
  let spent = { ms: 0, at: now() }; // beyond the share

  const fits = (known: number, { known: least }: { known: number }) => least <= known && known - least < SLACK_BYTES;

  function bytesOf(digest: string, from: number, to: number): Uint8Array | undefined {
    const first = Math.floor(from / BLOCK_BYTES);
    const parts: Uint8Array[] = [];
    for (let block = first; from < to && block * BLOCK_BYTES < to; block += 1) {
      const part = kept(digest, block);
      if (!part) return undefined;
      parts.push(part);
    }
    const start = from - first * BLOCK_BYTES;
    return Buffer.concat(parts).subarray(start, start + to - from);
  }

  function sourceOf(digest: string, known: number): { known: number; index: Source } {
    let source = sources.get(digest);
    sources.delete(digest);
    if (!source || !fits(known, source)) {
      const least = sourceBegins(known);
      let from = known;
      while (from > least) {
        const block = Math.ceil(from / BLOCK_BYTES) - 1;
        if (!kept(digest, block)) break;
        from = Math.max(least, block * BLOCK_BYTES);
      }
      source = { known, index: indexed(bytesOf(digest, from, known)!, from) };
    }
    sources.set(digest, source);
    if (sources.size > SOURCES_MAX) sources.delete(sources.keys().next().value!);
    return source;
  }

  function keep(digest: string, from: number, code: Code): void {
    const own = codes.get(digest) ?? new Map<number, Code>();
    codes.delete(digest);
    codes.set(digest, own);
    if (!own.delete(from)) count += 1;
    own.set(from, code);
    if (count <= CODES_MAX) return;
    const [oldest, its] = codes.entries().next().value!;
    its.delete(its.keys().next().value!);
    count -= 1;
    if (its.size === 0) codes.delete(oldest);
  }

  function isBusy(at: number): boolean {
    spent = { ms: Math.max(0, spent.ms - SHARE * (at - spent.at)), at };
    return spent.ms > BURST_MS * SHARE;
  }

  return {
    of(digest, { from, to, known }) {
      const found = codes.get(digest)?.get(from);
      if (found?.to === to && fits(known, found)) {
        keep(digest, from, found); // used just now
        return found.data;
      }
      const begun = now();
      const data = isBusy(begun) ? undefined : bytesOf(digest, from, to);
      if (!data) return undefined;
      const source = sourceOf(digest, known);
      const code = { to, known: source.known, data: codeOf(data, from, source.index) };
      keep(digest, from, code);
      made();
      spent.ms += now() - begun;
      return code.data;
    },
    forget(digest) {
      for (const one of digest === undefined ? [...codes.keys()] : [digest]) {
        count -= codes.get(one)?.size ?? 0;
        codes.delete(one);
      }
      if (digest === undefined) sources.clear();
      else sources.delete(digest);
    },
  };
}
