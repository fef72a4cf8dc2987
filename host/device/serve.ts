// Blocks for a device that asks for them: whoever is at the other end of its link answers from what it has.
//
//   the device asks   read, group 64, command 7   {"digest": bytes, "off": n, "len": n}
//   and gets          one packet for each block   {"off": n, "len": bytes of the whole file, "data": bytes}
//
// `off` and `len` are multiples of 512, `len` at most 32 blocks. A block has 512 bytes, the last one of the file has what is
// left. Beyond the end, and for a package that is not here, nobody answers: the device asks again, later and later. It
// hashes what it takes, so whoever serves need not be trusted, and checks nothing.

import { hex } from '../formats/bytes.js';
import { BLOCK_BYTES } from '../links/papers.js';
import { RAW } from '../links/topics.js';
import type { Link } from '../smp/link.js';
import { decodePacket, encodePacket, GROUP, OP } from '../smp/packet.js';

const COMMAND = 7;
const WANTED_BYTES_MAX = 32 * BLOCK_BYTES;
const DIGEST_BYTES = 32;
const OPEN_MAX = 4; // requests that are answered one after the other; a device has two under way at most

/** What a device asks for. */
export interface Wanted {
  /** Of the manifest: the package. */
  digest: Uint8Array;
  off: number;
  len: number;
  sequence: number;
}

/** A packet that a device sent, if it asks for blocks. */
export function wantedOf(packet: Uint8Array): Wanted | undefined {
  try {
    const { version, op, group, id, sequence, body } = decodePacket(packet);
    if (version !== 2 || op !== OP.read || group !== GROUP.countersign || id !== COMMAND) return undefined;
    const { digest, off, len } = body;
    if (!(digest instanceof Uint8Array) || digest.length !== DIGEST_BYTES) return undefined;
    if (!isBlocks(off) || !isBlocks(len) || len === 0 || len > WANTED_BYTES_MAX) return undefined;
    return { digest, off, len, sequence };
  } catch {
    return undefined; // damaged: asked again
  }
}

/** What a device is given as the URL of a package that it is to ask for: it reads digest and encoding, and fetches nothing by it. */
export const packageUrl = (digest: string): string => `cs:/p/${digest}/${RAW}`;

const isBlocks = (value: unknown): value is number =>
  typeof value === 'number' && Number.isSafeInteger(value) && value >= 0 && value % BLOCK_BYTES === 0;

/** The answer with one block; `bytes` is the length of the whole file. */
export const blockPacket = (
  { off, sequence }: Pick<Wanted, 'off' | 'sequence'>,
  bytes: number,
  data: Uint8Array,
): Uint8Array =>
  encodePacket({
    version: 2,
    op: OP.readResponse,
    group: GROUP.countersign,
    sequence,
    id: COMMAND,
    body: { off, len: bytes, data },
  });

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
  const { off, sequence } = wanted;
  for (let at = 0; at < wanted.len && off + at < file.length; at += BLOCK_BYTES) {
    const data = file.subarray(off + at, Math.min(off + at + BLOCK_BYTES, file.length));
    await link.send(blockPacket({ off: off + at, sequence }, file.length, data));
  }
}
