// The blocks that the agent asks for, from the broker: each is a retained message of its own, and the radio subscribes to exactly
// those that are wanted.
//
//   the agent asks       the radio subscribes to                    and hands in
//   for a package first  how many blocks there are (`i`), once      nothing yet
//   for blocks           these, with one packet                     each as it comes, in their order
//   over a line          those that hold what it wants              what it wants, cut out of them; coded, where the line is slow
//                                                                   and whoever has the blocks codes them (a gateway)
//   for some of them     these once more: the broker sends them     as above
//   once more            again
//   for another package  the other one; the last one's are ended    of the last one nothing any more
//
// Whoever may write there can leave anything: a block of another length than it must have, or that is not waited for, is
// dropped, and the agent hashes what it takes. Never more than 65 blocks are waited for.

import type { ISubscriptionMap, MqttClient } from 'mqtt';
import { type Coding, createCoding } from '../device/encode.js';
import type { Piece } from '../device/packing.js';
import { queueAnswers, type Wanted } from '../device/serve.js';
import { hex } from '../formats/bytes.js';
import { BLOCK_BYTES, type BlocksPaper, blockBytes, readBlocksPaper } from '../links/papers.js';

const PIECES_MAX = 64; // at once: two windows of an agent

export interface Blocks {
  /** The agent asks. */
  wanted(request: Wanted): void;
  /** A message on a topic of blocks; false: not one that is waited for. */
  heard(topic: string, payload: Uint8Array): void;
  /** The agent has started anew, or is gone: it asks again, if it wants to. */
  forget(): void;
  close(): void;
}

/** Where they come from, in place of the radio's own connection: several boards may share one. */
export interface BlockSource {
  /** `heard` is told of what stands on the topics that the reader subscribes to, never before `subscribe` has returned. */
  join(heard: (topic: string, payload: Uint8Array) => void): BlockReader;
}

export interface BlockReader {
  /** Both are done in the order in which they are called. What is subscribed to once more is told once more. */
  subscribe(topics: string[]): void;
  unsubscribe(topics: string[]): void;
  /**
   * The bytes of a package from `from` to `to`, coded as lz for a device that has its first `known` bytes in flash; undefined:
   * they go as they are. Absent: nothing is coded.
   */
  coded?(digest: string, piece: { from: number; to: number; known: number }): Uint8Array | undefined;
  close(): void;
}

/** By a connection of one's own. What fails is asked for again by the agent. */
export function blocksOn(client: MqttClient): BlockReader {
  const standing = new Set<string>();
  return {
    subscribe(wanted) {
      if (wanted.some((topic) => standing.has(topic))) askAgain(client, wanted);
      else client.subscribe(wanted, { qos: 0 }, ignore); // most of them: it has its price to ask as above
      for (const topic of wanted) standing.add(topic);
    },
    unsubscribe(over) {
      for (const topic of over) standing.delete(topic);
      client.unsubscribe(over, ignore);
    },
    close: ignore,
  };
}

const ignore = () => undefined;

/** Subscribes also to what it is subscribed to already: the broker sends it once more then, and mqtt.js would leave it out. */
export function askAgain(client: MqttClient, filters: Iterable<string>): void {
  const topics = Object.fromEntries(Array.from(filters, (one) => [one, { qos: 0 as const }]));
  client.subscribeAsync({ ...topics, resubscribe: true } as ISubscriptionMap).catch(ignore);
}

interface Surroundings extends BlockReader {
  topic(digest: string, block: number | 'i'): string;
  /** One packet to the agent. */
  handIn(packet: Uint8Array): void;
  /** So many blocks of so many are handed in. */
  told?(done: number, of: number): void;
}

interface Pull {
  digest: string;
  infoTopic: string;
  info: BlocksPaper | undefined;
  early: Wanted[]; // asked before `info` was there
  pieces: Piece[]; // that were asked for and are not handed in yet, in their order
  blocks: Map<number, Block>; // that they are in
  coding: Coding;
}

interface Block {
  data: Uint8Array | undefined; // undefined: waited for
  pieces: number; // that are in it
}

const OVER_MS = 500; // what is over is given up together, with the next request if one comes sooner
const EARLY_MAX = 4; // requests; an agent has two windows under way at most

export function createBlocks({ topic, handIn, told, ...broker }: Surroundings): Blocks {
  let pull: Pull | undefined;
  // Also while it is away: what failed as codes comes as it is when the same package is fetched once more.
  let known: { digest: string; coding: Coding } | undefined;
  const over = new Set<string>(); // topics that are still subscribed to, and are not wanted any more
  let giveUp: NodeJS.Timeout | undefined;

  function subscribe(topics: string[]): void {
    for (const one of topics) over.delete(one);
    endOver();
    broker.subscribe(topics);
  }

  function unsubscribe(topics: string[]): void {
    for (const one of topics) over.add(one);
    giveUp ??= setTimeout(endOver, OVER_MS);
    giveUp.unref();
  }

  function endOver(): void {
    clearTimeout(giveUp);
    giveUp = undefined;
    if (over.size > 0) broker.unsubscribe([...over]);
    over.clear();
  }

  function forget(): void {
    if (!pull) return;
    const { digest, infoTopic, blocks } = pull;
    pull = undefined;
    unsubscribe([infoTopic, ...Array.from(blocks.keys(), (block) => topic(digest, block))]);
  }

  function begin(digest: string): Pull {
    forget();
    const infoTopic = topic(digest, 'i');
    subscribe([infoTopic]);
    if (known?.digest !== digest) known = { digest, coding: createCoding() };
    const { coding } = known;
    return { digest, infoTopic, info: undefined, early: [], pieces: [], blocks: new Map(), coding };
  }

  function ask(now: Pull, request: Wanted, { bytes }: BlocksPaper): void {
    const before = now.pieces;
    now.coding.asked(request.off);
    now.pieces = [...before];
    queueAnswers(now.pieces, request, bytes);
    now.pieces.splice(PIECES_MAX);
    const over = before.filter((piece) => !now.pieces.includes(piece));
    const wanted = new Set<number>();
    for (const piece of now.pieces.slice(before.length - over.length)) {
      for (const block of blocksOf(piece)) {
        const known = now.blocks.get(block) ?? { data: undefined, pieces: 0 };
        now.blocks.set(block, known);
        known.pieces += 1;
        if (!known.data) wanted.add(block);
      }
    }
    for (const piece of over) leave(now, piece);
    if (wanted.size > 0) subscribe(Array.from(wanted, (block) => topic(now.digest, block)));
    flush(now);
  }

  function leave(now: Pull, piece: Piece): void {
    for (const number of blocksOf(piece)) {
      const block = now.blocks.get(number)!;
      block.pieces -= 1;
      if (block.pieces > 0) continue;
      now.blocks.delete(number);
      if (!block.data) unsubscribe([topic(now.digest, number)]);
    }
  }

  // A packet handed in may bring the next request at once, which comes back here: so nothing is held over it.
  function flush(now: Pull): void {
    while (pull === now && now.pieces[0]) {
      const piece = now.pieces[0];
      const parts = blocksOf(piece).map((block) => now.blocks.get(block)!.data);
      if (!parts.every((part) => part !== undefined)) return;
      const start = piece.from % BLOCK_BYTES;
      const data = parts.length === 1 ? parts[0]! : Buffer.concat(parts);
      now.pieces.shift();
      leave(now, piece);
      const code = codeFor(now, piece);
      const packet = piece.packet(code ?? data.subarray(start, start + piece.to - piece.from));
      now.coding.sent(piece.from, piece.to, packet.length);
      handIn(packet);
      if (now.info) told?.(Math.ceil(piece.to / BLOCK_BYTES), now.info.count);
      if (!code) continue;
      setImmediate(flush, now); // to code takes its time: other boards and the broker get theirs in between
      return;
    }
  }

  function codeFor({ digest, coding }: Pull, { from, to, lz: known }: Piece): Uint8Array | undefined {
    if (known === undefined || !coding.pays(from)) return undefined;
    const code = broker.coded?.(digest, { from, to, known });
    if (code) coding.coded(from);
    return code;
  }

  return {
    wanted(request) {
      const digest = request.digest ? hex(request.digest) : pull?.digest;
      if (digest === undefined) return;
      if (pull?.digest !== digest) pull = begin(digest);
      if (pull.info) ask(pull, request, pull.info);
      else pull.early = [...pull.early, request].slice(-EARLY_MAX);
    },
    heard(name, payload) {
      const now = pull;
      if (!now) return;
      if (name === now.infoTopic) {
        const info = readBlocksPaper(payload);
        if (!info) return;
        now.info = info;
        for (const request of now.early.splice(0)) ask(now, request, info);
        return;
      }
      const number = Number(name.slice(name.lastIndexOf('/') + 1));
      const block = now.blocks.get(number);
      if (!block || block.data || !now.info || name !== topic(now.digest, number)) return;
      if (payload.length !== blockBytes(now.info.bytes, number)) return;
      // What has to wait is copied: it would keep all that came with it.
      block.data = now.pieces[0] && blocksOf(now.pieces[0]).includes(number) ? payload : Buffer.from(payload);
      unsubscribe([name]);
      flush(now);
    },
    forget,
    close() {
      pull = undefined;
      clearTimeout(giveUp);
      broker.close();
    },
  };
}

/** The blocks of the file that hold it: one, or two where it does not begin with one. */
function blocksOf({ from, to }: Piece): number[] {
  const first = Math.floor(from / BLOCK_BYTES);
  const last = Math.floor((to - 1) / BLOCK_BYTES);
  return first === last ? [first] : [first, last];
}
