// A swarm in one process: what is published once reaches all of it, and a device costs little memory.

import { afterEach, describe, expect, it } from 'vitest';
import { startSwarm } from '../../boards/virtual/swarm.js';
import { placeOrder } from '../../host/fleet/orders.js';
import { encodeBootstrap } from '../../host/formats/bootstrap.js';
import { classIdOf, hex, vendorIdOf } from '../../host/formats/bytes.js';
import { publishPackage } from '../../host/links/packages.js';
import { have } from '../support/need.js';
import { digestOf, everything, FLEET, only, startFleet } from './fleet.js';

const COUNT = 30;
const DEVICE_BYTES_MAX = 2 * 1024 * 1024;

const cleanups: (() => unknown)[] = [];
afterEach(async () => {
  for (const cleanup of cleanups.splice(0).reverse()) await cleanup();
});

describe.skipIf(!have('mosquitto'))('a swarm', () => {
  it('approved once and ordered once, all of it installs; revoked once, all of it goes back', async () => {
    const here = await startFleet();
    cleanups.push(() => here.close());
    const { vendor, operator } = here.world.keys;
    const vendorId = vendorIdOf('vendor.example');
    globalThis.gc?.();
    const before = process.memoryUsage().rss;
    const swarm = await startSwarm({
      ...{ count: COUNT, name: 'n', broker: here.url, fleet: FLEET, groups: ['all'] },
      bootstrap: (_, number) =>
        encodeBootstrap({
          device: Uint8Array.of(number >> 8, number),
          vendorId,
          classId: classIdOf(vendorId, 'virtual'),
          anchors: [
            { role: 'vendor', key: vendor.public },
            { role: 'operator', key: operator.public },
          ],
          policy: { 'trial-boots': 0, unapproved: 'reject', 'when-denied': 'revert' },
          approvals: [],
        }),
    });
    cleanups.push(() => swarm.close());
    const each = (process.memoryUsage().rss - before) / COUNT;
    const [first, second] = [here.world.package('first', 1n, 20_000), here.world.package('second', 2n, 20_000)];
    for (const file of [first, second]) await publishPackage({ url: here.url, fleet: FLEET }, digestOf(file), file);
    await here.approve(1, [everything('approve')]);
    for (const [file, version] of [
      [first, '1.1.0'],
      [second, '1.2.0'],
    ] as const) {
      const order = { digest: hex(digestOf(file)), encoding: 'raw', correlator: version } as const;
      await placeOrder({ url: here.url, fleet: FLEET }, { group: 'all' }, order);
      await here.until(
        (all) => all.filter(({ firmwareVersion }) => firmwareVersion === version).length === COUNT,
        90_000,
      );
    }
    await here.approve(2, [only('deny', second)]);
    await here.until(
      (all) => all.filter(({ firmwareVersion }) => firmwareVersion === '1.1.0').length === COUNT,
      90_000,
    );
    expect(each).toBeLessThan(DEVICE_BYTES_MAX);
  }, 300_000);
});
