// Whether a device is there, as a broker tells it.
import { setTimeout as sleep } from 'node:timers/promises';
import { afterEach, expect, it } from 'vitest';
import { connectBroker, watchStates } from '../../host/links/mqtt.js';
import { topicsOf } from '../../host/links/topics.js';
import { startMosquitto } from '../support/mosquitto.js';
import { have } from '../support/need.js';

const cleanups: (() => unknown)[] = [];
afterEach(async () => {
  for (const cleanup of cleanups.splice(0).reverse()) await cleanup();
});

it.skipIf(!have('mosquitto'))(
  'tells that a device is away only when it says so, or nothing: what is retained comes in any order',
  async () => {
    const broker = await startMosquitto();
    cleanups.push(() => broker.close());
    const { url } = broker;
    const topics = topicsOf('demo', 'one');
    const device = await connectBroker(url);
    cleanups.push(() => device.endAsync(true));
    await device.publishAsync(topics.state, JSON.stringify({ version: 1, state: 10 }), { qos: 1, retain: true });
    const told: boolean[] = [];
    const watching = await watchStates(url, 'demo', ({ state }) => told.push(state.online), undefined);
    cleanups.push(() => watching.endAsync(true));
    await device.publishAsync(topics.online, 'online', { qos: 1, retain: true });
    await sleep(300);
    expect(told).toEqual([true]);
    const later: boolean[] = [];
    await device.publishAsync(topics.online, '', { qos: 1, retain: true });
    const without = await watchStates(url, 'demo', ({ state }) => later.push(state.online), undefined);
    cleanups.push(() => without.endAsync(true));
    await sleep(300);
    expect(later).toEqual([false]);
  },
);
