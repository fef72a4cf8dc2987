// The blocks of packages for all boards of a gateway: each is fetched from the broker once, and kept as long as there is room.
//
//   a board wants a block        from memory; else one subscription to its topic, whoever else wants it, until it is there
//   a block comes                if it has the length that `i` says: to all who wait, and into memory. Otherwise it is dropped
//   `i` is published anew        the package was published once more, or taken away: what is kept of it is forgotten
//   the connection was away      all is forgotten, since nobody knows what was published meanwhile
//   memory is full               the block that was used least recently goes
//   a line is slow               its board gets blocks in fewer bytes, made of those that are kept (gateway-codes.ts)
//
// Nothing here is trusted or checked beyond its length: the boards hash what they take. What is wrong is told once.

import { BLOCK_BYTES, type BlocksPaper, blockBytes, readBlocksPaper } from '../links/papers.js';
import { blockTopic } from '../links/topics.js';
import type { BlockReader, BlockSource } from '../radio/blocks.js';
import { createCodes } from './gateway-codes.js';

export const CACHE_BYTES_MAX = 16 * 1024 * 1024;
const PACKAGES_MAX = 64; // at a time: their `i` stays subscribed to
const ENTRY_BYTES = BLOCK_BYTES + 256; // as it costs memory
const OVER_MS = 50; // what is over is given up together
const AGAIN_MS = 1000; // a topic is not subscribed to more often

interface Broker {
  subscribe(topics: string[]): void;
  unsubscribe(topics: string[]): void;
}

export interface BlockCache extends BlockSource {
  heard(topic: string, payload: Uint8Array, retain: boolean): void;
  /** The connection is there again. */
  renewed(): void;
  close(): void;
  readonly counts: { fetched: number; served: number; coded: number; dropped: number; bytes: number };
}

interface Package {
  info: BlocksPaper | undefined;
  paper: Uint8Array | undefined; // as which it was read
  subscribed: number; // when
}

type Heard = (topic: string, payload: Uint8Array) => void;

export function createBlockCache(
  fleet: string,
  broker: Broker,
  { bytesMax = CACHE_BYTES_MAX, told }: { bytesMax?: number; told(digest: string, why: string): void },
): BlockCache {
  const packages = new Map<string, Package>(); // by digest, the one used least recently first
  const kept = new Map<string, Uint8Array>(); // blocks by topic, in the same order
  const waiting = new Map<string, { readers: Set<Heard>; subscribed: number }>(); // for blocks and `i`, by topic
  const over = new Set<string>();
  const complained = new Set<string>();
  const codes = createCodes(
    (digest, block) => kept.get(blockTopic(fleet, digest, block)),
    () => {
      counts.coded += 1;
    },
  );
  const counts = { fetched: 0, served: 0, coded: 0, dropped: 0, bytes: 0 };
  let giveUp: NodeJS.Timeout | undefined;

  const infoTopic = (digest: string) => blockTopic(fleet, digest, 'i');

  function subscribe(topics: string[]): void {
    for (const topic of topics) over.delete(topic);
    if (topics.length > 0) broker.subscribe(topics);
  }

  function unsubscribe(topics: string[]): void {
    for (const topic of topics) over.add(topic);
    giveUp ??= setTimeout(() => {
      giveUp = undefined;
      if (over.size > 0) broker.unsubscribe([...over]);
      over.clear();
    }, OVER_MS);
    giveUp.unref();
  }

  function complain(digest: string, why: string): void {
    counts.dropped += 1;
    const key = `${digest} ${why}`;
    if (complained.has(key) || complained.size >= PACKAGES_MAX) return;
    complained.add(key);
    told(digest, why);
  }

  function keep(topic: string, data: Uint8Array): void {
    if (!kept.delete(topic)) counts.bytes += ENTRY_BYTES;
    kept.set(topic, data);
    for (const [oldest] of kept) {
      if (counts.bytes <= bytesMax) break;
      kept.delete(oldest);
      counts.bytes -= ENTRY_BYTES;
    }
  }

  function forgetBlocks(digest: string): void {
    codes.forget(digest);
    const below = infoTopic(digest).slice(0, -1);
    for (const topic of [...kept.keys()]) {
      if (topic.startsWith(below) && kept.delete(topic)) counts.bytes -= ENTRY_BYTES;
    }
  }

  const isWanted = (digest: string) =>
    [...waiting.keys()].some((topic) => topic.startsWith(infoTopic(digest).slice(0, -1)));

  /** The package, if there is room for one more. */
  function packageOf(digest: string): Package | undefined {
    const found = packages.get(digest);
    if (found) {
      packages.delete(digest);
      packages.set(digest, found);
      return found;
    }
    if (packages.size >= PACKAGES_MAX) {
      const idle = [...packages.keys()].find((one) => !isWanted(one));
      if (idle === undefined) return undefined;
      packages.delete(idle);
      forgetBlocks(idle);
      unsubscribe([infoTopic(idle)]);
    }
    const fresh = { info: undefined, paper: undefined, subscribed: 0 };
    packages.set(digest, fresh);
    return fresh;
  }

  function give(topic: string, data: Uint8Array): void {
    const readers = waiting.get(topic)?.readers ?? [];
    waiting.delete(topic);
    for (const heard of readers) {
      counts.served += 1;
      heard(topic, data);
    }
  }

  /** What is there already, or undefined: it is waited for. */
  function find(topic: string): Uint8Array | undefined {
    const { digest, block } = partsOf(topic);
    const known = packageOf(digest);
    if (block === 'i') return known?.info && known.paper;
    const data = known?.info && kept.get(topic);
    if (data) keep(topic, data); // used just now
    return data;
  }

  function want(topic: string, heard: Heard): boolean {
    const { digest, block } = partsOf(topic);
    const known = packageOf(digest);
    if (!known) return false;
    const one = waiting.get(topic) ?? { readers: new Set<Heard>(), subscribed: 0 };
    waiting.set(topic, one);
    one.readers.add(heard);
    const last = block === 'i' ? known : one;
    if (Date.now() - last.subscribed < AGAIN_MS) return false;
    last.subscribed = Date.now();
    return true;
  }

  function learn(digest: string, known: Package, paper: Uint8Array, retain: boolean): void {
    const info = readBlocksPaper(paper);
    if (!retain || (known.paper && Buffer.compare(known.paper, paper) !== 0)) forgetBlocks(digest);
    known.info = info;
    known.paper = info && Uint8Array.from(paper);
    if (info) give(infoTopic(digest), known.paper!);
    else if (paper.length > 0) complain(digest, 'does not say how many blocks there are');
  }

  return {
    counts,
    join(heard): BlockReader {
      const mine = new Set<string>();
      const deliver: Heard = (topic, data) => {
        mine.delete(topic);
        heard(topic, data);
      };
      return {
        subscribe(topics) {
          const here = new Map<string, Uint8Array>();
          const missing: string[] = [];
          for (const topic of topics) {
            const data = find(topic);
            mine.add(topic);
            if (data) here.set(topic, data);
            else if (want(topic, deliver)) missing.push(topic);
          }
          subscribe(missing);
          setImmediate(() => {
            for (const [topic, data] of here) {
              if (!mine.has(topic)) continue;
              counts.served += 1;
              deliver(topic, data);
            }
          });
        },
        unsubscribe(topics) {
          for (const topic of topics) {
            mine.delete(topic);
            const one = waiting.get(topic);
            if (!one?.readers.delete(deliver) || one.readers.size > 0) continue;
            waiting.delete(topic);
            if (partsOf(topic).block !== 'i') unsubscribe([topic]);
          }
        },
        coded: codes.of,
        close() {
          this.unsubscribe([...mine]);
        },
      };
    },

    heard(topic, payload, retain) {
      const { digest, block } = partsOf(topic);
      const known = packages.get(digest);
      if (!known || topic !== blockTopic(fleet, digest, block)) return;
      if (block === 'i') return learn(digest, known, payload, retain);
      if (!waiting.has(topic) || !known.info) return;
      if (payload.length !== blockBytes(known.info.bytes, block) || payload.length === 0) {
        return complain(digest, 'has a block of a wrong length');
      }
      counts.fetched += 1;
      const data = Uint8Array.from(payload);
      if (retain) keep(topic, data); // what the broker does not keep may be a stranger's, and is for those who wait just now
      unsubscribe([topic]);
      give(topic, data);
    },

    renewed() {
      kept.clear();
      codes.forget();
      counts.bytes = 0;
      for (const known of packages.values()) {
        known.info = undefined;
        known.paper = undefined;
      }
    },

    close: () => clearTimeout(giveUp),
  };
}

/** Of cs/FLEET/p/DIGEST/raw/N, or "i" for N; what is no number counts as one that nobody wants. */
function partsOf(topic: string): { digest: string; block: number | 'i' } {
  const [, , , digest = '', , last = ''] = topic.split('/');
  return { digest, block: last === 'i' ? 'i' : Number(last) };
}
