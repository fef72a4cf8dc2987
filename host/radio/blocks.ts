// The blocks that the agent asks for, from the broker: each is a retained message of its own, and the radio subscribes to exactly
// those that are wanted.
//
//   the agent asks       the radio subscribes to                    and hands in
//   for a package first  how many blocks there are (`i`), once      nothing yet
//   for blocks           these, with one packet                     each as it comes, in their order
//   for some of them     these once more: the broker sends them     as above
//   once more            again
//   for another package  the other one; the last one's are ended    of the last one nothing any more
//
// Whoever may write there can leave anything: a block of another length than it must have, or that is not waited for, is
// dropped, and the agent hashes what it takes. Never more than 64 blocks are waited for.

import type { ISubscriptionMap, MqttClient } from 'mqtt';
import { blockPacket, type Wanted } from '../device/serve.js';
import { hex } from '../formats/bytes.js';
import { BLOCK_BYTES, type BlocksPaper, blockBytes, blockCount, readBlocksPaper } from '../links/papers.js';

const BLOCKS_MAX = 64; // topics at once: two windows of an agent

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

/** A block that was asked for, and is not handed in yet. */
interface Waiting {
  block: number;
  topic: string;
  sequence: number; // of the request
  data: Uint8Array | undefined; // here already, before one that comes first
}

interface Pull {
  digest: string;
  infoTopic: string;
  info: BlocksPaper | undefined;
  early: Wanted[]; // asked before `info` was there
  waiting: Waiting[]; // in the order of blocks
  byTopic: Map<string, Waiting>; // the same
}

const OVER_MS = 500; // what is over is given up together, with the next request if one comes sooner
const EARLY_MAX = 4; // requests; an agent has two windows under way at most

export function createBlocks({ topic, handIn, told, ...broker }: Surroundings): Blocks {
  let pull: Pull | undefined;
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
    const { infoTopic, waiting } = pull;
    pull = undefined;
    unsubscribe([infoTopic, ...waiting.map((one) => one.topic)]);
  }

  function begin(digest: string): Pull {
    forget();
    const infoTopic = topic(digest, 'i');
    subscribe([infoTopic]);
    return { digest, infoTopic, info: undefined, early: [], waiting: [], byTopic: new Map() };
  }

  function ask(now: Pull, { off, len, sequence }: Wanted, { bytes, count }: BlocksPaper): void {
    const first = off / BLOCK_BYTES;
    const end = Math.min(first + len / BLOCK_BYTES, count);
    if (first >= end) return;
    // Asked once more: the agent stands at `first`, and what it asked for before that is over.
    const last = now.waiting.at(-1)?.block ?? -1;
    if (
      first <= last &&
      (first < now.waiting[0]!.block || now.waiting.some(({ block }) => block >= first && block < end))
    ) {
      const ended = now.waiting.filter(({ block }) => block < first || block >= end);
      now.waiting = now.waiting.filter((one) => !ended.includes(one));
      for (const one of ended) now.byTopic.delete(one.topic);
      unsubscribe(ended.map((one) => one.topic));
    }
    const wanted: string[] = [];
    for (let block = first; block < end; block++) {
      const known = block <= last ? now.waiting.find((one) => one.block === block) : undefined;
      if (known) known.sequence = sequence;
      else if (now.waiting.length >= BLOCKS_MAX) break;
      const one = known ?? { block, topic: topic(now.digest, block), sequence, data: undefined };
      if (!known) {
        now.waiting.push(one);
        now.byTopic.set(one.topic, one);
      }
      if (!one.data) wanted.push(one.topic);
    }
    if (first <= last) now.waiting.sort((a, b) => a.block - b.block);
    if (wanted.length > 0) subscribe(wanted);
    flush(now, bytes);
  }

  // A packet handed in may bring the next request at once, which comes back here: so nothing is held over it.
  function flush(now: Pull, bytes: number): void {
    while (pull === now && now.waiting[0]?.data) {
      const { block, sequence, data, topic: name } = now.waiting.shift()!;
      now.byTopic.delete(name);
      handIn(blockPacket({ off: block * BLOCK_BYTES, sequence }, bytes, data!, Buffer.allocUnsafe));
      told?.(block + 1, blockCount(bytes));
    }
  }

  return {
    wanted(request) {
      const digest = hex(request.digest);
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
      const one = now.byTopic.get(name);
      if (!one || one.data || !now.info || payload.length !== blockBytes(now.info.bytes, one.block)) return;
      // What has to wait is copied: it would keep all that came with it.
      one.data = one === now.waiting[0] ? payload : Buffer.from(payload);
      unsubscribe([name]);
      flush(now, now.info.bytes);
    },
    forget,
    close() {
      pull = undefined;
      clearTimeout(giveUp);
      broker.close();
    },
  };
}
