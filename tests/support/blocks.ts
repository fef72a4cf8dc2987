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
  /** Over a line: bit n for the nth block from `off` on. */
  want?: number;
  sequence: number;
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
    .map((bytes) => ({ ...response(bytes).body, sequence: bytes[6]! }) as unknown as Wanted);
}

/** One block of a file, as an answer to a request for it. */
export function block(file: Uint8Array, off: number, more: Body = {}): Uint8Array {
  return answerWith({ off, len: file.length, data: file.slice(off, off + BLOCK_BYTES), ...more }, 0);
}

/** An answer of any kind. */
export function answerWith(content: Body, sequence: number): Uint8Array {
  const body = encode(content);
  const header = Buffer.from([0x09, 0, body.length >> 8, body.length & 0xff, 0, 64, sequence & 0xff, 7]);
  return new Uint8Array(Buffer.concat([header, body]));
}

/** The nth block of what was asked for over a line. */
export function lineBlock(file: Uint8Array, { off, len, sequence }: Wanted, n: number): Uint8Array {
  const at = off + n * BLOCK_BYTES;
  return answerWith({ data: file.slice(at, Math.min(at + BLOCK_BYTES, off + len)) }, sequence + n);
}

/** All answers to a request, with the offset of each. */
export function answersTo(request: Wanted, file: Uint8Array): { at: number; packet: Uint8Array }[] {
  const { off, len, want } = request;
  const count = Math.ceil(Math.min(len, file.length - off) / BLOCK_BYTES);
  return Array.from({ length: count }, (_, n) => n)
    .filter((n) => want === undefined || (want >>> n) & 1)
    .map((n) => {
      const at = off + n * BLOCK_BYTES;
      return { at, packet: want === undefined ? block(file, at) : lineBlock(file, request, n) };
    });
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
  for (let quiet = 0; quiet < 1000 && board.serves() && given < until; quiet += 50) {
    board.tick(50);
    for (const request of wanted(board, link)) {
      quiet = 0;
      for (const { at, packet } of answersTo(request, file)) {
        if (given >= until) break;
        asked.push(at);
        for (const one of way(packet, at)) give(board, one, link);
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
