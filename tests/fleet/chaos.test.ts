// Chaos by seed: a fleet updates while its broker is restarted twice, a tenth of it is reset, and of all messages a part comes twice,
// late or out of order (support/unruly.ts). In the end every device is as its verdict says; its log shows that nothing was
// installed twice, nor anything that was not approved for it.
//
// The seed says who is approved, who is denied, who is reset and when, and what the line does. CHAOS=all plays 20 seeds.

import { setTimeout as sleep } from 'node:timers/promises';
import { afterEach, describe, expect, it } from 'vitest';
import { startSwarm } from '../../boards/virtual/swarm.js';
import { auditLog } from '../../host/device/log.js';
import { hex } from '../../host/formats/bytes.js';
import { openMqtt } from '../../host/links/mqtt.js';
import { createClient } from '../../host/smp/client.js';
import { startMosquitto } from '../support/mosquitto.js';
import { have } from '../support/need.js';
import { seeded, startUnruly } from '../support/unruly.js';
import { FLEET, GROUP, makeSwarmWorld, only, until, versions } from './swarm-world.js';

const COUNT = 20;
const RESETS = COUNT / 10;
const SHARE = 0.05; // of the messages
const SEEDS = Array.from({ length: process.env.CHAOS === 'all' ? 20 : 4 }, (_, at) => at + 1);

const cleanups: (() => unknown)[] = [];
afterEach(async () => {
  for (const cleanup of cleanups.splice(0).reverse()) await cleanup();
});

type Fate = 'approved' | 'without' | 'denied';
const END = {
  approved: { version: '1.2.0', reason: 'Ok' },
  without: { version: '1.1.0', reason: 'ApprovalOtherDevice' },
  denied: { version: '1.1.0', reason: 'Denied' },
} as const;

/** What happens, and to whom: all of it from the seed. */
function plan(seed: number) {
  const random = seeded(seed);
  const one = () => Math.floor(random() * COUNT);
  const denied = one();
  const fates = Array.from(
    { length: COUNT },
    (_, at): Fate => (at === denied ? 'denied' : random() < 0.7 ? 'approved' : 'without'),
  );
  const moment = () => 100 + Math.floor(random() * 2000);
  const stage = () => ({
    restart: moment(),
    resets: Array.from({ length: RESETS }, () => ({ board: one(), at: moment() })),
  });
  return { fates, stages: [stage(), stage()] as const };
}

describe.skipIf(!have('mosquitto'))('chaos', () => {
  it.each(SEEDS)('seed %i: every device ends as its verdict says, and nothing is installed twice', async (seed) => {
    const { fates, stages } = plan(seed);
    const broker = await startMosquitto({ persistent: true });
    cleanups.push(broker.close);
    const line = await startUnruly(broker.port, seed, SHARE);
    cleanups.push(line.close);
    const world = makeSwarmWorld();
    const [first, second] = [world.release(1), world.release(2, 20_000)];
    const options = { count: COUNT, name: 'n', broker: line.url, fleet: FLEET, groups: [GROUP] };
    const swarm = await startSwarm({ ...options, bootstrap: world.bootstrap() });
    cleanups.push(swarm.close);
    const boards = [...swarm.boards].sort((a, b) => (a.shown.device! < b.shown.device! ? -1 : 1));

    const unruly = async ({ restart, resets }: (typeof stages)[0]) => {
      const press = resets.map(({ board, at }) => sleep(at).then(() => boards[board]!.reset()));
      await Promise.all([...press, sleep(restart).then(broker.restart)]);
    };
    for (const release of [first, second]) await world.publish(broker.url, release);
    await world.approve(broker.url, 1, [only('approve', first)]);
    await world.order(broker.url, first);
    await unruly(stages[0]);
    await until(
      boards.map(() => first.version),
      () => versions(boards),
    );

    const numbers = (fate: Fate) => fates.flatMap((one, at) => (one === fate ? [at + 1] : []));
    const entries = [only('approve', second, numbers('approved')), only('deny', second, numbers('denied'))];
    await world.approve(broker.url, 2, [only('approve', first), ...entries]);
    await world.order(broker.url, second);
    await unruly(stages[1]);
    const ends = () => boards.map(({ shown }) => ({ version: shown.firmwareVersion, reason: shown.reason?.name }));
    await until(
      fates.map((fate) => END[fate]),
      ends,
    );

    line.calm();
    for (const [at, fate] of fates.entries()) {
      const client = createClient(await openMqtt({ url: broker.url, fleet: FLEET, device: `n-${at + 1}` }));
      const { records, faults } = await auditLog(client);
      await client.close();
      expect(faults).toEqual([]);
      const installed = records.flatMap((one) => (one?.event === 'installed' ? [hex(one.digest!)] : []));
      expect(installed).toEqual((fate === 'approved' ? [first, second] : [first]).map(({ digest }) => hex(digest)));
    }
    expect(Object.values(line.counts).reduce((sum, count) => sum + count)).toBeGreaterThan(0);
  });
});
