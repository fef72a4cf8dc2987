// A hostile broker and publisher: whoever may write to every topic of a fleet leaves wrong, swapped, giant and endless blocks, forged and
// old approvals, an approval for another device, and floods. Nothing unapproved runs, flash wear and memory stay bounded, each
// end is told once, and afterwards every device takes an honest update as if nothing had been.

import { setTimeout as sleep } from 'node:timers/promises';
import type { MqttClient } from 'mqtt';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type Swarm, startSwarm } from '../../boards/virtual/swarm.js';
import { placeOrder } from '../../host/fleet/orders.js';
import { hex } from '../../host/formats/bytes.js';
import { generateKey } from '../../host/keys/read.js';
import { connectBroker, endBroker } from '../../host/links/mqtt.js';
import { BLOCK_BYTES, blockBytes, blockCount, readAlertPaper } from '../../host/links/papers.js';
import { approvalTopic, blockTopic, changeTopic, groupOrderTopic, topicsOf } from '../../host/links/topics.js';
import { type ReasonName, reasonOf } from '../../host/reasons.js';
import { heldBytes } from '../support/held.js';
import { type Mosquitto, startMosquitto } from '../support/mosquitto.js';
import { have } from '../support/need.js';
import { all, deviceId, FLEET, GROUP, makeSwarmWorld, only, type Release, until, versions } from './swarm-world.js';

const KEPT = { qos: 1, retain: true } as const;
const SLOT_BYTES = 90_112; // the one that stages (boards/virtual/board.json)
const STATE_BYTES = 16_384;
const GROWTH_BYTES_MAX = 8 * 1024 * 1024;
const FLOOD = 3000;

/** The blocks of a package as an attacker leaves them. */
type Blocks = (file: Uint8Array) => { info: object; blocks: Uint8Array[] };

const honest: Blocks = (file) => {
  const count = blockCount(file.length);
  const at = (block: number) => file.slice(block * BLOCK_BYTES, block * BLOCK_BYTES + blockBytes(file.length, block));
  return {
    info: { version: 1, bytes: file.length, blockBytes: BLOCK_BYTES, count },
    blocks: Array.from({ length: count }, (_, block) => at(block)),
  };
};
const changed =
  (change: (blocks: Uint8Array[]) => void): Blocks =>
  (file) => {
    const { info, blocks } = honest(file);
    change(blocks);
    return { info, blocks };
  };

/** What is left, and how it ends for the device; undefined: it goes on asking. */
const PACKAGES: Record<string, { blocks: Blocks; ends: ReasonName | undefined }> = {
  'one byte of a block is another': { blocks: changed((blocks) => (blocks[9]![100]! ^= 1)), ends: 'PayloadDigest' },
  'two blocks are swapped': {
    blocks: changed((blocks) => ([blocks[7], blocks[8]] = [blocks[8]!, blocks[7]!])),
    ends: 'PayloadDigest',
  },
  'a giant block': { blocks: changed((blocks) => (blocks[5] = new Uint8Array(1024 * 1024))), ends: undefined },
  'a short block': { blocks: changed((blocks) => (blocks[5] = blocks[5]!.slice(1))), ends: undefined },
  'the first block is noise': { blocks: changed((blocks) => blocks[0]!.fill(0x5a)), ends: undefined },
  'it never ends': {
    blocks: (file) => {
      const bytes = 16 * 1024 * 1024;
      return {
        info: { version: 1, bytes, blockBytes: BLOCK_BYTES, count: blockCount(bytes) },
        blocks: honest(file).blocks,
      };
    },
    ends: undefined,
  },
  'honest blocks, an approval by a stranger': { blocks: honest, ends: 'ApprovalOtherPackage' },
  'honest blocks, an old approval': { blocks: honest, ends: 'ApprovalOtherPackage' },
  'honest blocks, approved for another device': { blocks: honest, ends: 'ApprovalOtherDevice' },
};
const CASES = Object.entries(PACKAGES);
const APPROVED = CASES.flatMap(([, { ends }], at) => (ends === 'PayloadDigest' || ends === undefined ? [at] : []));
const OTHER = CASES.findIndex(([, { ends }]) => ends === 'ApprovalOtherDevice');
const OLD = CASES.findIndex(([what]) => what.includes('old'));

describe.skipIf(!have('mosquitto'))('a hostile broker and publisher', () => {
  const world = makeSwarmWorld();
  const releases = CASES.map((_, at) => world.release(at + 1));
  const good = world.release(CASES.length + 1);
  const told: { device: string; reason: ReasonName }[] = [];
  let broker: Mosquitto;
  let swarm: Swarm;
  let attacker: MqttClient;
  const leave = (topic: string, payload: Uint8Array | string) =>
    attacker.publishAsync(topic, Buffer.from(payload), KEPT);
  const board = (at: number) => swarm.boards.find(({ shown }) => shown.device === hex(deviceId(at + 1)))!;

  async function publish({ envelope, digest }: Release, how: Blocks): Promise<void> {
    const { info, blocks } = how(envelope);
    const name = hex(digest);
    await Promise.all(blocks.map((block, at) => leave(blockTopic(FLEET, name, at), block)));
    await leave(blockTopic(FLEET, name, 'i'), JSON.stringify(info));
  }

  beforeAll(async () => {
    broker = await startMosquitto();
    attacker = await connectBroker(broker.url);
    attacker.on('message', (topic, payload) => {
      const alert = readAlertPaper(payload);
      if (alert) told.push({ device: topic.split('/')[3]!, reason: reasonOf(alert.reason ?? 0).name as ReasonName });
    });
    await attacker.subscribeAsync(topicsOf(FLEET, '+').alert);
    const options = { count: CASES.length, name: 'n', broker: broker.url, fleet: FLEET, groups: [GROUP] };
    swarm = await startSwarm({ ...options, bootstrap: world.bootstrap() });
    // An old approval is one that was replaced: the operator has taken it back.
    await world.approve(broker.url, 1, [only('approve', releases[OLD]!)]);
    await until(true, () => swarm.boards.every(({ shown }) => shown.approvals?.[0]?.sequence === '1'));
    const others = only('approve', releases[OTHER]!, [CASES.length + 9]);
    await world.approve(broker.url, 2, [...APPROVED.map((at) => only('approve', releases[at]!)), others]);
    await until(true, () => swarm.boards.every(({ shown }) => shown.approvals?.[0]?.sequence === '2'));
    const stranger = generateKey('p256');
    await leave(approvalTopic(FLEET, 'stranger'), world.document(9, [all('approve')], stranger));
    await leave(approvalTopic(FLEET, 'old'), world.document(1, [all('approve')]));
    for (const [at, [, { blocks }]] of CASES.entries()) {
      await publish(releases[at]!, blocks);
      const order = { digest: hex(releases[at]!.digest), encoding: 'raw', correlator: `c${at}` } as const;
      await placeOrder({ url: broker.url, fleet: FLEET }, { device: `n-${at + 1}` }, order);
    }
  });
  afterAll(async () => {
    await swarm?.close();
    if (attacker) await endBroker(attacker);
    await broker?.close();
  });

  it.each(CASES.map(([what, { ends }], at) => [what, at, ends] as const))('%s', async (_, at, ends) => {
    if (ends) await until(ends, () => board(at).shown.reason?.name);
    else await sleep(3000); // it asks again after two seconds, and is given the same
    const { shown, flash } = board(at);
    expect(shown.firmwareVersion).toBeUndefined();
    expect(flash.erased).toBeLessThanOrEqual(SLOT_BYTES + 2 * STATE_BYTES);
    const mine = told.filter(({ device }) => device === `n-${at + 1}`);
    expect(mine).toEqual(ends ? [{ device: `n-${at + 1}`, reason: ends }] : []);
  });

  it('floods of documents, changes and orders: memory and flash stay as they are, and a denial still reaches all', async () => {
    const [memory, erased] = [heldBytes(), swarm.boards.map(({ flash }) => flash.erased)];
    const noise = (bytes: number, at: number) => new Uint8Array(bytes).fill(at);
    for (let at = 0; at < FLOOD; at += 3) {
      await Promise.all([
        leave(approvalTopic(FLEET, `x${at % 20}`), noise(900, at)),
        leave(changeTopic(FLEET, BigInt(1 + (at % 20))), noise(900, at)),
        leave(
          groupOrderTopic(FLEET, GROUP),
          JSON.stringify({ version: 1, digest: hex(noise(32, at)), encoding: 'raw', correlator: `f${at}` }),
        ),
      ]);
    }
    await world.approve(broker.url, 3, [only('approve', good), only('deny', releases[0]!)]);
    await until(true, () => swarm.boards.every(({ shown }) => shown.approvals?.[0]?.sequence === '3'));
    expect(heldBytes() - memory).toBeLessThan(GROWTH_BYTES_MAX);
    for (const [at, { flash }] of swarm.boards.entries())
      expect(flash.erased - erased[at]!).toBeLessThanOrEqual(2 * STATE_BYTES);
    expect(versions(swarm.boards)).toEqual(CASES.map(() => 'none'));
  });

  it('and then an honest order installs on every device', async () => {
    await publish(good, honest);
    await world.order(broker.url, good);
    await until(
      CASES.map(() => good.version),
      () => versions(swarm.boards),
    );
  });
});
