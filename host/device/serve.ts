// Blocks for a device that asks for them: whoever is at the other end of its link answers from what it has.
//
//   the device asks   read, group 64, command 7   {"digest": bytes, "off": n, "len": n}
//   and gets          one packet for each block   {"off": n, "len": bytes of the whole file, "data": bytes}
//   over a line       it says which, "want": bit n is set for the nth block from "off" on, and gets {"data": bytes}, with the
//                     sequence number of the request and n more
//   a client offers   write, the same command     {"hash": digest, "len": n}: what it is pushing, ready up to there. The device asks
//                     as over a line; a request for 0 bytes says that it has all of that
//
// A block has 512 bytes, the last one of the file, or of what is asked for, has what is left; at most 32 of them are asked for at
// once. Without "want", `off` and `len` are multiples of 512. Beyond the end, and for a package that is not here, nobody answers:
// the device asks again, later and later. It hashes what it takes, so whoever serves need not be trusted, and checks nothing.

import * as z from 'zod';
import { type Bytes, readFrom, sizeOf } from '../formats/byte-source.js';
import { hex, same } from '../formats/bytes.js';
import { BLOCK_BYTES } from '../links/papers.js';
import { RAW } from '../links/topics.js';
import type { Client } from '../smp/client.js';
import type { Link } from '../smp/link.js';
import { decodePacket, encodePacket, GROUP, OP } from '../smp/packet.js';
import { orNothing, throwIfAborted, withResolvers } from '../wait.js';

const COMMAND = 7;
const WINDOW_BLOCKS = 32;
const DIGEST_BYTES = 32;
const OPEN_MAX = 4; // requests that are answered one after the other; a device has two under way at most

/** What a device asks for. */
export interface Wanted {
  /** Of the manifest: the package. */
  digest: Uint8Array;
  off: number;
  len: number;
  /** Bit n: the nth block from `off` on. Undefined: all of them, each answered with its offset. */
  want?: number | undefined;
  sequence: number;
}

/** A packet that a device sent, if it asks for blocks. */
export function wantedOf(packet: Uint8Array): Wanted | undefined {
  try {
    const { version, op, group, id, sequence, body } = decodePacket(packet);
    if (version !== 2 || op !== OP.read || group !== GROUP.countersign || id !== COMMAND) return undefined;
    const { digest, off, len, want } = body;
    if (!(digest instanceof Uint8Array) || digest.length !== DIGEST_BYTES) return undefined;
    if (!isCount(off) || !isCount(len) || len > WINDOW_BLOCKS * BLOCK_BYTES) return undefined;
    if (isCount(want)) return want < 2 ** WINDOW_BLOCKS ? { digest, off, len, want, sequence } : undefined;
    return (off % BLOCK_BYTES || len % BLOCK_BYTES) && len > 0 ? undefined : { digest, off, len, sequence };
  } catch {
    return undefined; // damaged: asked again
  }
}

/** What a device is given as the URL of a package that it is to ask for: it reads digest and encoding, and fetches nothing by it. */
export const packageUrl = (digest: string): string => `cs:/p/${digest}/${RAW}`;

const isCount = (value: unknown): value is number =>
  typeof value === 'number' && Number.isSafeInteger(value) && value >= 0;

/** A block that was asked for: the bytes of the file from `from` to `to`, and the packet that brings them. */
export interface Piece {
  from: number;
  to: number;
  packet(data: Uint8Array): Uint8Array;
}

/** What a request is answered with, in its order, of a file of so many bytes. */
export function answersTo({ off, len, want, sequence }: Wanted, bytes: number): Piece[] {
  const end = Math.min(off + len, bytes);
  const pieces: Piece[] = [];
  for (let n = 0, from = off; from < end; n += 1, from += BLOCK_BYTES) {
    if (want !== undefined && ((want >>> n) & 1) === 0) continue;
    const number = want === undefined ? sequence : (sequence + n) & 0xff;
    const place = want === undefined ? { off: from, len: bytes } : {};
    const packet = (data: Uint8Array) => answer(number, { ...place, data });
    pieces.push({ from, to: Math.min(from + BLOCK_BYTES, end), packet });
  }
  return pieces;
}

const answer = (sequence: number, body: Record<string, unknown>): Uint8Array =>
  encodePacket({ version: 2, op: OP.readResponse, group: GROUP.countersign, sequence, id: COMMAND, body });

/** A package, and the digest of its manifest by which devices ask for it. */
export interface Served {
  digest: Uint8Array;
  file: Uint8Array;
}

/** Answers a device on this link from packages in memory, until what is returned is called. */
export function serveBlocks(link: Link, packages: readonly Served[]): () => void {
  const files = new Map(packages.map(({ digest, file }) => [hex(digest), file]));
  let sending = Promise.resolve();
  const open = new Set<Wanted>();
  return link.listen({
    packet(bytes) {
      const wanted = wantedOf(bytes);
      const file = wanted && files.get(hex(wanted.digest));
      if (!wanted || !file || open.size >= OPEN_MAX) return;
      // Asked once more: the device stands here, and what is left of the earlier answers would be dropped.
      for (const one of open) if (wanted.off < one.off + one.len) one.len = 0;
      open.add(wanted);
      sending = sending
        .then(() => send(link, wanted, file))
        .catch(() => undefined) // a port that is gone: it asks again
        .finally(() => open.delete(wanted));
    },
  });
}

async function send(link: Link, wanted: Wanted, file: Uint8Array): Promise<void> {
  for (const { from, to, packet } of answersTo(wanted, file.length)) {
    if (wanted.len === 0) return;
    await link.send(packet(file.subarray(from, to)));
  }
}

const QUIET_MS = 5000;
const STALLS_MAX = 16; // requests that go no further: on a line that loses half of everything, too, there are fewer in a row

/** What of a package is offered to the device that it is being pushed to. */
export interface Offered {
  digest: Uint8Array;
  file: Bytes;
  until: number;
  /** How long it may take until it asks for more: it erases what it asks for before. */
  quietMs?: number;
  signal?: AbortSignal | undefined;
}

/**
 * Lets the device ask for the rest of what is being pushed, as fast as it can take it. Yields the offset that it has come to;
 * returns undefined if it does not ask, or gets no further: an agent that cannot, or one whose line has fallen silent.
 */
export async function* serveRest(client: Client, offered: Offered): AsyncGenerator<number, 'all' | undefined> {
  const { digest, file, until, quietMs = QUIET_MS, signal } = offered;
  let latest: Wanted | undefined;
  let asked = withResolvers<void>();
  const stop = client.link.listen({
    packet(bytes) {
      const wanted = wantedOf(bytes);
      if (!wanted || !same(wanted.digest, digest)) return;
      latest = wanted;
      asked.resolve();
    },
  });
  try {
    const body = { hash: digest, len: until };
    const request = { op: OP.write, group: GROUP.countersign, id: COMMAND, body, schema: z.looseObject({}), signal };
    if (!(await client.request(request)).ok) return undefined;
    let furthest = -1;
    for (let stalls = 0; stalls <= STALLS_MAX; ) {
      if (!latest) await orNothing(Promise.race([asked.promise, client.link.closed]), quietMs);
      throwIfAborted(signal);
      const wanted: Wanted | undefined = latest;
      if (!wanted || client.gone) return undefined;
      latest = undefined;
      asked = withResolvers<void>();
      if (wanted.len === 0) return 'all';
      stalls = wanted.off > furthest ? 0 : stalls + 1;
      furthest = Math.max(furthest, wanted.off);
      yield wanted.off;
      for (const { from, to, packet } of answersTo(wanted, sizeOf(file))) {
        if (latest) break; // asked once more: what is left would come twice
        throwIfAborted(signal);
        await client.link.send(packet(await readFrom(file, from, to - from)));
        yield from;
      }
    }
    return undefined;
  } finally {
    stop();
  }
}
