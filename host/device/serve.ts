// Blocks for a device that asks for them: whoever is at the other end of its link answers from what it has.
//
//   the device asks   read, group 64, command 7   {"digest": bytes, "off": n, "len": n}
//   and gets          one packet for each block   {"off": n, "len": bytes of the whole file, "data": bytes}
//
// `off` and `len` are multiples of 512, `len` at most 32 blocks. A block has 512 bytes, the last one of the file has what is
// left. Beyond the end, and for a package that is not here, nobody answers: the device asks again, later and later. It
// hashes what it takes, so whoever serves need not be trusted, and checks nothing.

import { hex } from '../formats/bytes.js';
import { MAJOR } from '../formats/cbor.js';
import { BLOCK_BYTES } from '../links/papers.js';
import { RAW } from '../links/topics.js';
import type { Link } from '../smp/link.js';
import { decodePacket, GROUP, HEADER_BYTES, OP } from '../smp/packet.js';

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

/**
 * The answer with one block; `bytes` is the length of the whole file. Byte for byte what encodePacket makes of {off, len, data}:
 * a fleet takes millions of them, and only three numbers differ. `allocate` gives bytes whose content does not matter.
 */
export function blockPacket(
  { off, sequence }: Pick<Wanted, 'off' | 'sequence'>,
  bytes: number,
  data: Uint8Array,
  allocate: (length: number) => Uint8Array = (length) => new Uint8Array(length),
): Uint8Array {
  const body = MAP_OF_BLOCK + headBytes(bytes) + headBytes(off) + headBytes(data.length) + data.length;
  const packet = allocate(HEADER_BYTES + body);
  packet[0] = V2_READ_RESPONSE;
  packet[1] = 0;
  packet[2] = body >> 8;
  packet[3] = body;
  packet[4] = 0;
  packet[5] = GROUP.countersign;
  packet[6] = sequence;
  packet[7] = COMMAND;
  packet[8] = 0xa3; // map of three
  let at = putHead(packet, put(packet, HEADER_BYTES + 1, KEY.len), MAJOR.uint, bytes);
  at = putHead(packet, put(packet, at, KEY.off), MAJOR.uint, off);
  put(packet, putHead(packet, put(packet, at, KEY.data), MAJOR.bytes, data.length), data);
  return packet;
}

const V2_READ_RESPONSE = (1 << 3) | OP.readResponse;
/** As text of CBOR, in their order there. */
const KEY = { len: ascii('\x63len'), off: ascii('\x63off'), data: ascii('\x64data') };
const MAP_OF_BLOCK = 1 + KEY.len.length + KEY.off.length + KEY.data.length;

function ascii(text: string): Uint8Array {
  return Uint8Array.from(text, (sign) => sign.charCodeAt(0));
}

function put(to: Uint8Array, at: number, bytes: Uint8Array): number {
  to.set(bytes, at);
  return at + bytes.length;
}

/** Of a head of CBOR (RFC 8949 section 3), for an argument of at most 32 bits. */
const headBytes = (argument: number): number => (argument < 24 ? 1 : argument < 0x100 ? 2 : argument < 0x10000 ? 3 : 5);

function putHead(to: Uint8Array, at: number, major: number, argument: number): number {
  const bytes = headBytes(argument);
  to[at] = (major << 5) | (bytes === 1 ? argument : bytes === 2 ? 24 : bytes === 3 ? 25 : 26);
  for (let byte = 1; byte < bytes; byte++) to[at + byte] = argument >>> (8 * (bytes - 1 - byte));
  return at + bytes;
}

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
