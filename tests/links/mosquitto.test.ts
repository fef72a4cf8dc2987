// A real board behind a real broker, as it is installed: how long a round trip takes, and a limit for the size of messages.

import { setTimeout as sleep } from 'node:timers/promises';
import { afterEach, describe, expect, it } from 'vitest';
import { deliver, type Outcome } from '../../host/device/deliver.js';
import { openMqtt } from '../../host/links/mqtt.js';
import { type Client, createClient } from '../../host/smp/client.js';
import { echo } from '../../host/smp/commands.js';
import { type DeviceWorld, makeDeviceWorld } from '../support/device-world.js';
import { startMosquitto, type Wishes } from '../support/mosquitto.js';
import { have } from '../support/need.js';

const cleanups: (() => unknown)[] = [];
const later = <T extends { close(): unknown }>(thing: T): T => {
  cleanups.push(() => thing.close());
  return thing;
};
afterEach(async () => {
  for (const cleanup of cleanups.splice(0).reverse()) await cleanup();
});

async function place(wishes: Wishes): Promise<{ world: DeviceWorld; client: Client }> {
  const { url } = later(await startMosquitto(wishes));
  const world = later(makeDeviceWorld());
  await world.board({ unapproved: 'prompt' }, { onQuestion: async () => 'yes', broker: url, name: 'one' });
  return { world, client: createClient(later(await openMqtt({ url, fleet: 'demo', device: 'one' }))) };
}

async function bring(client: Client, file: Uint8Array): Promise<Outcome> {
  const steps = deliver(client, { file });
  for (;;) {
    const step = await steps.next();
    if (step.done) return step.value;
  }
}

describe.skipIf(!have('mosquitto'))('mosquitto', () => {
  // Nagle's algorithm behind a delayed acknowledgement costs 40 ms a turn. A busy machine may do so, too, but not each time.
  it('does not hold up requests and answers', async () => {
    const { client } = await place({});
    const took: number[] = [];
    for (let turn = 0; turn < 40; turn++) {
      const began = performance.now();
      await echo(client, 'x');
      took.push(performance.now() - began);
      await sleep(1);
    }
    expect(took.sort((a, b) => a - b)[10]).toBeLessThan(25);
  });

  it('that drops large messages gets small ones, at once', async () => {
    const { world, client } = await place({ messageBytesMax: 300 });
    const began = performance.now();
    expect(await bring(client, world.package('first', 1n, 20_000))).toMatchObject({ kind: 'installed' });
    expect(performance.now() - began).toBeLessThan(30_000);
    expect(client.mtu).toBeLessThanOrEqual(300);
  });
});
