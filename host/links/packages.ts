// Packages on a broker: published once as retained blocks, for any number of devices, which fetch them by the digest of the
// manifest (cs/<fleet>/p/<digest>/raw/<n>, and `i`, which says how many there are).
//
// `i` goes out last. But anybody may leave one, so a package is called published only if its blocks stand there, too: all of
// them, or of many the first, the last and some that nobody can foresee. As everywhere, what was published is called kept when a
// new subscription gets it back. Whoever publishes need not be trusted.

import { randomInt } from 'node:crypto';
import { CountersignError } from '../errors.js';
import { type Bytes, readFrom, sizeOf } from '../formats/byte-source.js';
import { hex, same } from '../formats/bytes.js';
import { within } from '../wait.js';
import { lost, readKept, requireKept } from './approvals.js';
import { acknowledged, connectBroker, endBroker } from './mqtt.js';
import type { BrokerUrl } from './mqtt-url.js';
import { BLOCK_BYTES, blockBytes, blockCount, blocksPaper, PACKAGE_BYTES_MAX, PAPER_BYTES_MAX } from './papers.js';
import { blockTopic } from './topics.js';

const AT_A_TIME = 64; // messages that wait for their acknowledgement
const TIME_MS_MAX = 60_000; // to read what is there; each block has a limit of its own
const LOOKED_AT_MAX = 64; // blocks
const KEPT = { qos: 1, retain: true } as const;

export interface PackagePlace {
  url: BrokerUrl;
  fleet: string;
}

export interface PublishingPackage {
  /** Only look. */
  dryRun?: boolean;
  /** Even if it is there already. */
  force?: boolean;
  signal?: AbortSignal | undefined;
  told?(done: number, of: number): void;
}

/**
 * Publishes the blocks of a package, of which `digest` is that of the manifest. False: it is there already, or in a dry run.
 * Throws LinkUnavailable, LinkLost, NotPublished, TooLarge.
 */
export async function publishPackage(
  { url, fleet }: PackagePlace,
  digest: Uint8Array,
  file: Bytes,
  { dryRun = false, force = false, signal, told }: PublishingPackage = {},
): Promise<{ topic: string; blocks: number; published: boolean }> {
  const bytes = sizeOf(file);
  if (bytes > PACKAGE_BYTES_MAX) throw new CountersignError('TooLarge', `publish: a package of ${bytes} bytes`);
  const name = hex(digest);
  const [topic, blocks] = [blockTopic(fleet, name, 'i'), blockCount(bytes)];
  const paper = Buffer.from(blocksPaper(bytes));
  const client = await connectBroker(url, {}, within(TIME_MS_MAX, signal));
  const read = async () => {
    const there = { filter: topic, bytesMax: PAPER_BYTES_MAX, countMax: 1 };
    return (await readKept(client, url, fleet, there, within(TIME_MS_MAX, signal)))[0]?.bytes;
  };
  const put = (at: string, payload: Buffer) =>
    acknowledged(url, client.publishAsync(at, payload, KEPT), signal).catch((cause: unknown) =>
      lost(client, url, cause),
    );
  try {
    const found = await read();
    const stands = async () => {
      const wanted = some(blocks);
      const filter = wanted.map((block) => blockTopic(fleet, name, block));
      const shelf = { filter, bytesMax: BLOCK_BYTES, countMax: LOOKED_AT_MAX };
      const there = await readKept(client, url, fleet, shelf, within(TIME_MS_MAX, signal));
      const kept = new Map(there.map((one) => [one.topic, one.bytes]));
      for (const [at, block] of wanted.entries()) {
        const data = await readFrom(file, block * BLOCK_BYTES, blockBytes(bytes, block));
        if (!same(kept.get(filter[at]!) ?? new Uint8Array(), data)) return false;
      }
      return true;
    };
    if (!force && found && same(found, paper) && (await stands())) return { topic, blocks, published: false };
    if (dryRun) return { topic, blocks, published: false };
    for (let block = 0; block < blocks; block += AT_A_TIME) {
      const batch = Array.from({ length: Math.min(AT_A_TIME, blocks - block) }, async (_, at) => {
        const data = await readFrom(file, (block + at) * BLOCK_BYTES, blockBytes(bytes, block + at));
        await put(blockTopic(fleet, name, block + at), Buffer.from(data));
      });
      await Promise.all(batch);
      told?.(Math.min(block + AT_A_TIME, blocks), blocks);
    }
    await put(topic, paper);
    requireKept(url, topic, paper, await read());
    return { topic, blocks, published: true };
  } finally {
    await endBroker(client);
  }
}

/** All blocks, or of many the first, the last, and others by chance. */
function some(blocks: number): number[] {
  if (blocks <= LOOKED_AT_MAX) return Array.from({ length: blocks }, (_, at) => at);
  const chosen = new Set([0, blocks - 1]);
  while (chosen.size < LOOKED_AT_MAX) chosen.add(randomInt(blocks));
  return [...chosen];
}

/** Removes all that the broker keeps of a package; the number of messages that were there. Throws as publishPackage. */
export async function unpublishPackage(
  { url, fleet }: PackagePlace,
  digest: Uint8Array,
  { dryRun = false, signal }: Pick<PublishingPackage, 'dryRun' | 'signal'> = {},
): Promise<{ topic: string; removed: number }> {
  const name = hex(digest);
  const topic = blockTopic(fleet, name, 'i');
  const all = {
    filter: blockTopic(fleet, name, '+'),
    bytesMax: PAPER_BYTES_MAX,
    countMax: blockCount(PACKAGE_BYTES_MAX) + 1,
  };
  const client = await connectBroker(url, {}, within(TIME_MS_MAX, signal));
  const there = () => readKept(client, url, fleet, all, within(TIME_MS_MAX, signal));
  try {
    // How many there are goes first: nobody begins with what is being taken away.
    const found = (await there()).sort((a, b) => Number(b.topic === topic) - Number(a.topic === topic));
    if (dryRun) return { topic, removed: found.length };
    for (let at = 0; at < found.length; at += AT_A_TIME) {
      const batch = found.slice(at, at + AT_A_TIME);
      const gone = batch.map((one) => acknowledged(url, client.publishAsync(one.topic, '', KEPT), signal));
      await Promise.all(gone).catch((cause: unknown) => lost(client, url, cause));
    }
    if (found.length > 0 && (await there()).length > 0) {
      throw new CountersignError('NotPublished', `mqtt: the broker still keeps what was removed under ${topic}`, {
        hint: 'allow the user in the URL to write and read these topics (ACL of the broker)',
      });
    }
    return { topic, removed: found.length };
  } finally {
    await endBroker(client);
  }
}
