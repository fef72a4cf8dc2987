// Orders and their ends over a real broker, each command a process of its own: what a DM server's operator sees who
// watches a device while somebody else delivers to it.

import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { sha256 } from '../../host/formats/bytes.js';
import { openMqtt } from '../../host/links/mqtt.js';
import { createClient } from '../../host/smp/client.js';
import { parameters } from '../../host/smp/commands.js';
import { upload } from '../../host/smp/upload.js';
import { makePlace, type Place } from '../support/command.js';
import { type DeviceWorld, makeDeviceWorld } from '../support/device-world.js';
import { startMosquitto } from '../support/mosquitto.js';
import { have } from '../support/need.js';

const TIMEOUT_MS = 200_000;

describe.skipIf(!have('mosquitto'))('tree exec and tree watch on mosquitto', { timeout: TIMEOUT_MS }, () => {
  let world: DeviceWorld;
  let place: Place;
  let broker: Awaited<ReturnType<typeof startMosquitto>>;
  const at = (device: string) => ['--broker', broker.url, '--device', device];

  beforeAll(async () => {
    world = makeDeviceWorld();
    place = await makePlace();
    broker = await startMosquitto();
  }, TIMEOUT_MS);
  afterAll(async () => {
    await world.close();
    await place.remove();
    await broker.close();
  });

  // Sees the retained state first: by then it hears the device's alerts as well.
  async function watch(device: string) {
    const watching = place.start('tree', 'watch', ...at(device), '--json');
    await watching.said('"online":true');
    return watching;
  }
  const documents = (stdout: string): Record<string, unknown>[] =>
    stdout
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line));

  async function stage(device: string, file: Uint8Array): Promise<void> {
    const client = createClient(await openMqtt({ url: broker.url, fleet: 'demo', device }));
    const job = { file, digest: sha256(file), parameters: await parameters(client) };
    for await (const _ of upload(client, job));
    await client.close();
  }

  it('an order to its end: the final alert reaches whoever ordered and whoever watches', async () => {
    await world.board({ unapproved: 'prompt' }, { broker: broker.url, name: 'ward', onQuestion: async () => 'yes' });
    await stage('ward', world.package('ward.suit', 1n));
    const watching = await watch('ward');
    const ordered = await place.must('tree', 'exec', 'Update', '--correlator', 'order-7', ...at('ward'));
    expect(ordered.stdout).toContain('result 200, reason 0 Ok (nothing is wrong), correlator order-7');
    await watching.said('order-7');
    const seen = documents((await watching.stop()).stdout);
    const alerts = seen.filter(({ alert }) => alert !== undefined);
    expect(alerts).toMatchObject([{ alert: { operation: 'update', result: 200, correlator: 'order-7' } }]);
    const states = seen.map(({ state }) => state).filter((state) => state !== undefined);
    expect([states[0], states.at(-1)]).toEqual([50, 100]);
  });

  it('a refusal at the offer: a change of the state that the broker keeps, and an alert if it was ordered', async () => {
    await world.board({ unapproved: 'reject' }, { broker: broker.url, name: 'clinic' });
    world.package('refused.suit', 1n);
    const file = world.path('refused.suit');
    const watching = await watch('clinic');
    expect(await place.run('deliver', file, '--push', ...at('clinic'))).toMatchObject({ code: 20 });
    await watching.said('"reason":{"code":80');

    for (const correlator of ['order-8', 'order-9']) {
      const ordered = place.start('tree', 'exec', 'DownloadAndUpdate', '--correlator', correlator, ...at('clinic'));
      await ordered.said('ordered');
      expect(await place.run('deliver', file, '--push', ...at('clinic'))).toMatchObject({ code: 20 });
      const { code, stdout } = await ordered.ended;
      expect([code, stdout]).toEqual([20, expect.stringContaining(`reason 80 NotApproved`)]);
      expect(stdout).toContain(`downloadandupdate of ./FUMO/1: result 450`);
      await watching.said(correlator);
    }
    const seen = documents((await watching.stop()).stdout);
    expect(seen.filter(({ alert }) => alert !== undefined)).toMatchObject([
      { alert: { operation: 'downloadandupdate', result: 450, correlator: 'order-8' } },
      { alert: { operation: 'downloadandupdate', result: 450, correlator: 'order-9' } },
    ]);
  });
});
