// The other end of a line, for a device that fetches for itself: takes its requests and gives it blocks.
import { encode } from 'cborg';
import { approvalOf, expectOk, imageOf, NODE, packageOf, provisionedBoard, put, state } from './agent-world.js';
import type { Board } from './bench-hal.js';
import { ask, type Body, frame, response, unframe } from './smp.js';

export const BLOCK_BYTES = 512;

/** A package of 40,000 bytes and some: 79 blocks. */
export const largePackage = (sequence = 1, seed = 1) => packageOf(sequence, { image: imageOf(40_000, seed) });

/** A device whose operator has approved it. */
export function approvedBoard(policy = {}, one = largePackage()) {
  const board = provisionedBoard(policy);
  expectOk(put(board, NODE.approvals, approvalOf(one.digest)));
  return { board, one };
}

/** The offsets of so many blocks. */
export const inOrder = (count: number, from = 0) => Array.from({ length: count }, (_, i) => (from + i) * BLOCK_BYTES);
export const blocksOf = (file: Uint8Array) => Math.ceil(file.length / BLOCK_BYTES);

export interface Wanted {
  digest: Uint8Array;
  off: number;
  len: number;
}

/** The URL of a package, as an order names it. */
export const urlOf = (digest: Uint8Array, encoding = 'raw') =>
  `cs:/p/${Buffer.from(digest).toString('hex')}/${encoding}`;

/** Orders a package to be fetched over that link and installed. */
export const order = (board: Board, digest: Uint8Array, corr = 'order-1', link = 1): Body =>
  ask(board, { group: 64, id: 3, write: true, body: { uri: NODE.downloadAndUpdate, corr, hash: digest } }, link);

/** The requests for blocks that the device has sent on a link since the last look. Other packets are dropped. */
export function wanted(board: Board, link = 1): Wanted[] {
  const mine = board.sent.filter((one) => one.link === link).map(({ bytes }) => bytes);
  board.sent = board.sent.filter((one) => one.link !== link);
  const packets = link === 0 ? unframe(Buffer.concat(mine)).packets : mine;
  return packets
    .filter((bytes) => bytes[0] === 0x08 && bytes[5] === 64 && bytes[7] === 7)
    .map((bytes) => response(bytes).body as unknown as Wanted);
}

/** One block of a file, as an answer to a request for it. */
export function block(file: Uint8Array, off: number, more: Body = {}): Uint8Array {
  const body = encode({ off, len: file.length, data: file.slice(off, off + BLOCK_BYTES), ...more });
  const header = Buffer.from([0x09, 0, body.length >> 8, body.length & 0xff, 0, 64, 0, 7]);
  return new Uint8Array(Buffer.concat([header, body]));
}

export function give(board: Board, packet: Uint8Array, link = 1): void {
  board.receive(link, link === 0 ? frame(packet) : packet);
}

export interface ServeOptions {
  link?: number;
  /** Stops when so many blocks were given. */
  until?: number;
  /** What becomes of a block on its way; default: it arrives. */
  way?: (packet: Uint8Array, off: number) => Uint8Array[];
}

/** Answers what is asked for until the device asks no more for a second; returns the offsets asked for, in order. */
export function serve(board: Board, file: Uint8Array, options: ServeOptions = {}): number[] {
  const { link = 1, until = Number.POSITIVE_INFINITY, way = (packet) => [packet] } = options;
  const asked: number[] = [];
  let given = 0;
  for (let quiet = 0; quiet < 1000 && board.running === 'agent' && given < until; quiet += 50) {
    board.tick(50);
    for (const { off, len } of wanted(board, link)) {
      quiet = 0;
      for (let at = off; at < off + len && at < file.length && given < until; at += BLOCK_BYTES) {
        asked.push(at);
        for (const packet of way(block(file, at), at)) give(board, packet, link);
        given++;
      }
    }
  }
  return asked;
}

/** Serves for so long, whatever the device does meanwhile. */
export function serveFor(board: Board, milliseconds: number, file: Uint8Array, way?: ServeOptions['way']): void {
  for (let at = 0; at < milliseconds; at += 1000) {
    serve(board, file, way ? { way } : {});
    if (board.running === 'off' || (board.running === 'agent' && state(board) === 60)) board.settle();
    if (board.running !== 'agent') return;
  }
}
