// Blocks for a device that asks for them: whoever is at the other end of its link answers from what it has.
//
//   the device asks   read, group 64, command 7   {"digest": bytes, "off": n, "len": n}
//   and gets          one packet for each block   {"off": n, "len": bytes of the whole file, "data": bytes}
//   over a line       it says which, "want": bit n is set for the nth block from "off" on, and gets {"data": bytes}, with the
//                     sequence number of the request and n more
//                     The next request comes while the last one is still being answered, names no digest, and is answered behind
//                     it; only if it asks for some of the same once more, what is left of the earlier answers is dropped
//                     Where it says "lz": n, n bytes of the file are in its flash, and data that is shorter than its block is coded
//                     (assembly/codec/lz.ts)
//                     Where it says "from": digest, it runs the image that has this SHA-256, and data may be coded against that:
//                     {"len": bytes of the file, "data": codes of as many blocks, each but the last behind its length, one byte}
//                     Where it says "n": n, one packet may bring so many blocks that follow each other, uncoded (packing.ts)
//   a client offers   write, the same command     {"hash": digest, "len": n}: what it is pushing, ready up to there. The device asks
//                     as over a line; a request for 0 bytes says that it has all of that
//
// A block has 512 bytes, the last one of the file, or of what is asked for, has what is left; at most 32 of them are asked for at
// once. Without "want", `off` and `len` are multiples of 512. Beyond the end, and for a package that is not here, nobody answers:
// the device asks again, later and later. It hashes what it takes, so whoever serves need not be trusted, and checks nothing.

import * as z from 'zod';
import { type Bytes, sizeOf } from '../formats/byte-source.js';
import { hex, same } from '../formats/bytes.js';
import { BLOCK_BYTES } from '../links/papers.js';
import { RAW } from '../links/topics.js';
import type { Client } from '../smp/client.js';
import type { Link } from '../smp/link.js';
import { decodePacket, encodePacket, GROUP, OP } from '../smp/packet.js';
import { orNothing, throwIfAborted, withResolvers } from '../wait.js';
import { createEncoder, type Encoder } from './encode.js';
import type { OldImage } from './old-image.js';
import { createPacking, type Packing, type Piece } from './packing.js';

const COMMAND = 7;
const WINDOW_BLOCKS = 32;
const DIGEST_BYTES = 32;
const QUEUE_MAX = 4 * WINDOW_BLOCKS; // to be sent; a device has two requests under way at most

/** What a device asks for. */
export interface Wanted {
  /** Of the manifest: the package. Undefined: the one that was asked for last. */
  digest: Uint8Array | undefined;
  off: number;
  len: number;
  /** Bit n: the nth block from `off` on. Undefined: all of them, each answered with its offset. */
  want?: number | undefined;
  /** So many bytes of the file are in the device's flash, and it takes blocks that refer to them. Undefined: it decodes none. */
  lz?: number | undefined;
  /** SHA-256 of the image that it runs, if it takes blocks that refer to it; a request without a digest leaves it as it was. */
  runs?: Uint8Array | undefined;
  /** One packet may bring so many blocks that follow each other. */
  many: number;
  sequence: number;
}

/** A packet that a device sent, if it asks for blocks. */
export function wantedOf(packet: Uint8Array): Wanted | undefined {
  try {
    const { version, op, group, id, sequence, body } = decodePacket(packet);
    if (version !== 2 || op !== OP.read || group !== GROUP.countersign || id !== COMMAND) return undefined;
    const { digest, off, len, want, lz, from, n } = body;
    if (!isDigest(digest) && (digest !== undefined || want === undefined)) return undefined;
    if (!isCount(off) || !isCount(len) || len > WINDOW_BLOCKS * BLOCK_BYTES) return undefined;
    const known = isCount(lz) ? Math.min(lz, off) : undefined;
    const runs = isDigest(from) ? from : undefined;
    const many = isCount(n) ? Math.min(Math.max(n, 1), WINDOW_BLOCKS) : 1;
    if (isCount(want))
      return want < 2 ** WINDOW_BLOCKS ? { digest, off, len, want, lz: known, runs, many, sequence } : undefined;
    return (off % BLOCK_BYTES || len % BLOCK_BYTES) && len > 0 ? undefined : { digest, off, len, many: 1, sequence };
  } catch {
    return undefined; // damaged: asked again
  }
}

/** What a device is given as the URL of a package that it is to ask for: it reads digest and encoding, and fetches nothing by it. */
export const packageUrl = (digest: string): string => `cs:/p/${digest}/${RAW}`;

const isDigest = (value: unknown): value is Uint8Array => value instanceof Uint8Array && value.length === DIGEST_BYTES;

const isCount = (value: unknown): value is number =>
  typeof value === 'number' && Number.isSafeInteger(value) && value >= 0;

/** What a request is answered with, in its order, of a file of so many bytes. */
export function answersTo({ off, len, want, lz, many, sequence }: Wanted, bytes: number): Piece[] {
  const end = Math.min(off + len, bytes);
  const pieces: Piece[] = [];
  for (let n = 0, from = off; from < end; n += 1, from += BLOCK_BYTES) {
    if (want !== undefined && ((want >>> n) & 1) === 0) continue;
    const number = want === undefined ? sequence : (sequence + n) & 0xff;
    const place = want === undefined ? { off: from, len: bytes } : {};
    const packet = (data: Uint8Array, len?: number) =>
      answer(number, { ...place, ...(len !== undefined && { len }), data });
    pieces.push({ from, to: Math.min(from + BLOCK_BYTES, end), lz, many, packet });
  }
  return pieces;
}

/**
 * Puts what answers a request behind the pieces that are still to be sent. What is asked for once more is sent once: the device
 * knows what it lacks, and what it does not ask for again it has. Returns the pieces that were put there.
 */
export function queueAnswers(queue: Piece[], wanted: Wanted, bytes: number): Piece[] {
  const fresh = answersTo(wanted, bytes);
  const again = new Set(fresh.map(({ from }) => from));
  const restarts = wanted.want === undefined && queue[0] !== undefined && wanted.off < queue[0].from;
  if (restarts || queue.some(({ from }) => again.has(from))) queue.length = 0;
  queue.push(...fresh);
  return fresh;
}

const hasRoom = (queue: readonly Piece[]): boolean => queue.length + WINDOW_BLOCKS <= QUEUE_MAX;

const answer = (sequence: number, body: Record<string, unknown>): Uint8Array =>
  encodePacket({ version: 2, op: OP.readResponse, group: GROUP.countersign, sequence, id: COMMAND, body });

/** A package, and the digest of its manifest by which devices ask for it. */
export interface Served {
  digest: Uint8Array;
  file: Uint8Array;
}

/**
 * Answers a device on this link from packages in memory, until what is returned is called. `old`: images, of which the device may
 * run one; it is sent less then, if it can decode that.
 */
export function serveBlocks(link: Link, packages: readonly Served[], old: readonly OldImage[] = []): () => void {
  const files = new Map(
    packages.map(({ digest, file }) => {
      const encoder = createEncoder(file, old);
      return [hex(digest), { file, encoder, packing: createPacking(link, encoder) }];
    }),
  );
  let sent: { file: Uint8Array; encoder: Encoder; packing: Packing } | undefined; // what `queue` is of
  let queue: Piece[] = [];
  let sending = false;

  async function send(): Promise<void> {
    sending = true;
    try {
      while (queue.length > 0 && sent) await sent.packing.send(queue);
    } catch {
      queue = []; // a port that is gone: it asks again
    }
    sending = false;
  }

  return link.listen({
    packet(bytes) {
      const wanted = wantedOf(bytes);
      const one = wanted?.digest ? files.get(hex(wanted.digest)) : sent;
      if (!wanted || !one) return;
      if (sent !== one) queue = [];
      sent = one;
      if (!hasRoom(queue)) return;
      one.encoder.asked(wanted);
      one.packing.asked(queueAnswers(queue, wanted, one.file.length));
      if (!sending) void send();
    },
  });
}

const QUIET_MS = 5000;
const ERASE_BYTES_PER_MS = 25; // a device erases all of it before it asks first: slow NOR flash, a sector of 64 KiB in 2 s
const REQUESTS_MAX = 4; // that have come and were not looked at yet
const STALLS_MAX = 16; // requests in a row that go less than a block further: fewer on a line that loses half of everything, too

/** What of a package is offered to the device that it is being pushed to. */
export interface Offered {
  digest: Uint8Array;
  file: Bytes;
  until: number;
  /** Images, of which the device may run one. */
  old?: readonly OldImage[] | undefined;
  /** Called with the image that it says it runs, with each request that says so, or could. */
  running?: ((digest: Uint8Array | undefined) => void) | undefined;
  /** How long it may be silent; longer before it asks first, as it erases what it will ask for. */
  quietMs?: number;
  signal?: AbortSignal | undefined;
}

/** A device asks once for half a window, and again for what was lost: one request for each block is far more than it needs. */
const requestsFor = (bytes: number): number => STALLS_MAX + Math.ceil(bytes / BLOCK_BYTES);

/**
 * Lets the device ask for the rest of what is being pushed, as fast as it can take it. Yields the offset that it has come to, at
 * most `until`; returns undefined if it does not ask, or gets no further: an agent that cannot, or one whose line has fallen
 * silent. However it asks, that ends: after so many requests that go no block further, and after so many in all.
 */
export async function* serveRest(client: Client, offered: Offered): AsyncGenerator<number, 'all' | undefined> {
  const { digest, file, until, old, running, quietMs = QUIET_MS, signal } = offered;
  const bytes = sizeOf(file);
  const encoder = createEncoder(file, old);
  const packing = createPacking(client.link, encoder);
  const queue: Piece[] = [];
  const requests: Wanted[] = [];
  let asked = withResolvers<void>();
  const stop = client.link.listen({
    packet(bytes) {
      const wanted = wantedOf(bytes);
      if (!wanted || wanted.off > until || (wanted.digest && !same(wanted.digest, digest))) return;
      if (requests.length < REQUESTS_MAX) requests.push(wanted);
      asked.resolve();
    },
  });
  try {
    const body = { hash: digest, len: until };
    const request = { op: OP.write, group: GROUP.countersign, id: COMMAND, body, schema: z.looseObject({}), signal };
    if (!(await client.request(request)).ok) return undefined;
    let furthest = -BLOCK_BYTES;
    let left = requestsFor(until);
    let patienceMs = quietMs + until / ERASE_BYTES_PER_MS;
    for (let stalls = 0; stalls <= STALLS_MAX && left > 0; ) {
      if (queue.length === 0 && requests.length === 0)
        await orNothing(Promise.race([asked.promise, client.link.closed]), patienceMs);
      throwIfAborted(signal);
      asked = withResolvers<void>();
      patienceMs = quietMs;
      if (client.gone) return undefined;
      const wanted = requests.shift();
      if (wanted) {
        if (wanted.len === 0) return 'all';
        left -= 1;
        stalls += 1;
        if (wanted.off >= furthest + BLOCK_BYTES) {
          stalls = 0;
          furthest = wanted.off;
        }
        encoder.asked(wanted);
        if (wanted.digest) running?.(wanted.runs);
        if (hasRoom(queue)) packing.asked(queueAnswers(queue, wanted, bytes));
        yield wanted.off;
        continue;
      }
      if (queue.length === 0) return undefined;
      yield await packing.send(queue);
    }
    return undefined;
  } finally {
    stop();
  }
}
