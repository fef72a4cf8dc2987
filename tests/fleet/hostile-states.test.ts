// What strangers may leave as the words of devices, and what nobody is told for that: that a device has taken a document, or has a
// package already. Nor does a device that goes back and forth hold anybody up for ever, nor do names and words reach a terminal
// that steer it. Each was a hole once.

import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { deliverOrdered } from '../../host/fleet/deliver.js';
import { deliverToMany, type ManyDelivery, type ManyEnd } from '../../host/fleet/deliver-many.js';
import { whoHolds } from '../../host/fleet/holders.js';
import { hex } from '../../host/formats/bytes.js';
import { reasonData } from '../../host/json.js';
import { type FleetLine, openFleetLine } from '../../host/links/fleet-line.js';
import { listDevices, openMqtt } from '../../host/links/mqtt.js';
import { alertPaper, readOrderPaper } from '../../host/links/papers.js';
import { deviceIn, stateDocument, topicsOf } from '../../host/links/topics.js';
import { createClient } from '../../host/smp/client.js';
import { makePlace } from '../support/command.js';
import { have } from '../support/need.js';
import { digestOf, everything, FLEET, type Fleet, startFleet } from './fleet.js';

describe.skipIf(!have('mosquitto'))('forged words of devices', () => {
  let here: Fleet;
  const cleanups: (() => unknown)[] = [];
  beforeEach(async () => {
    here = await startFleet();
  });
  afterEach(async () => {
    for (const cleanup of cleanups.splice(0).reverse()) await cleanup();
    await here.close();
  });
  const place = () => ({ url: here.url, fleet: FLEET });
  async function line(): Promise<FleetLine> {
    const opened = await openFleetLine(place());
    cleanups.push(() => opened.close());
    return opened;
  }
  async function deliver({
    file,
    devices,
    ...job
  }: Partial<ManyDelivery> & Pick<ManyDelivery, 'file' | 'devices'>): Promise<ManyEnd[]> {
    const ends: ManyEnd[] = [];
    for await (const end of deliverToMany(await line(), {
      digest: digestOf(file as Uint8Array),
      file,
      devices,
      ...job,
    }))
      ends.push(end);
    return ends;
  }
  /** A ghost that says so in turn, every 100 ms. */
  function flap(name: string, ...words: [topic: 'state' | 'online' | 'alert', text: string][]): void {
    let at = 0;
    const next = () => {
      const [topic, text] = words[at++ % words.length]!;
      void here.publish(topicsOf(FLEET, name)[topic], text);
    };
    next();
    const timer = setInterval(next, 100);
    cleanups.push(() => clearInterval(timer));
  }
  const ready = stateDocument({ state: 50 });
  const idle = stateDocument({ state: 10 });
  const asking = stateDocument({ state: 50, reason: reasonData(120) });

  it('that it holds a document: who waits for that asks the device', async () => {
    await here.board('one', {});
    await here.approve(1, [everything('approve')]);
    await here.until(([one]) => one?.approvals?.[0]?.sequence === '1');
    const { kid } = here.world.keys.operator.public;
    const lie = stateDocument({ state: 10, approvals: [{ kid: hex(kid), sequence: '9' }], change: '9' });
    await here.publish(topicsOf(FLEET, 'one').state, lie);
    for (const sought of [{ kid, sequence: 2n }, { change: 2n }]) {
      const none = { taken: [], waiting: ['one'], offline: [] };
      expect(await whoHolds(place(), sought, { waitMs: 1500 })).toEqual(none);
    }
    const one = { taken: ['one'], waiting: [], offline: [] };
    expect(await whoHolds(place(), { kid, sequence: 1n }, { waitMs: 5000 })).toEqual(one);
    await here.publish(topicsOf(FLEET, 'ghost').state, lie); // it is not there, and cannot be asked
    expect(await whoHolds(place(), { kid, sequence: 1n }, { waitMs: 5000 })).toEqual({ ...one, offline: ['ghost'] });
  });

  it('that it has the package: it is asked, and gets it', async () => {
    const file = here.world.package('first', 1n);
    await here.board('one', {});
    await here.approve(1, [everything('approve')]);
    await here.until(([one]) => one?.approvals?.length === 1);
    const lie = stateDocument({ state: 100, digest: hex(digestOf(file)) });
    for (const name of ['one', 'away']) await here.publish(topicsOf(FLEET, name).state, lie);
    const ends = await deliver({ file, devices: ['one', 'away'], installMs: 20_000 });
    ends.sort((a, b) => (a.device < b.device ? -1 : 1));
    expect(ends).toMatchObject([
      { device: 'away', result: 'ordered' },
      { device: 'one', result: 'installed', version: '1.1.0' },
    ]);
    expect((await line()).standing(topicsOf(FLEET, 'away').order)).toBeDefined();
    expect(await deliver({ file, devices: ['one'] })).toMatchObject([{ device: 'one', result: 'unchanged' }]);
  });

  it.each([
    [
      'states',
      { installMs: 1000 },
      [
        ['state', ready],
        ['state', idle],
      ],
    ],
    [
      'presence',
      { installMs: 1000 },
      [
        ['online', 'offline'],
        ['online', 'online'],
      ],
    ],
    [
      'questions',
      { installMs: 1000, waitMs: 1000 },
      [
        ['state', asking],
        ['state', idle],
      ],
    ],
    [
      'anything, and an end is given',
      { endMs: 3000 },
      [
        ['state', ready],
        ['state', asking],
        ['online', 'online'],
      ],
    ],
  ] as [string, Partial<ManyDelivery>, ['state' | 'online', string][]][])(
    'in turn, without end: %s',
    async (_, limits, words) => {
      const file = here.world.package('first', 1n);
      await here.publish(topicsOf(FLEET, 'ghost').state, idle);
      await here.publish(topicsOf(FLEET, 'ghost').online, 'online');
      flap('ghost', ...words);
      const began = Date.now();
      const [end] = await deliver({ file, devices: ['ghost'], timeoutMs: 500, retries: 0, ...limits });
      expect(Date.now() - began).toBeLessThan(40_000);
      expect(end!.result).toMatch(/^(failed|asked|ordered)$/);
    },
    90_000,
  );

  it('an alert of its order again and again, that it has installed it, which its state never shows', async () => {
    const file = here.world.package('first', 1n);
    await here.publish(topicsOf(FLEET, 'ghost').state, idle);
    await here.publish(topicsOf(FLEET, 'ghost').online, 'online');
    const spy = await line();
    const timer = setInterval(() => {
      const order = spy.standing(topicsOf(FLEET, 'ghost').order);
      const corr = order && readOrderPaper(order)?.correlator;
      if (corr) void here.publish(topicsOf(FLEET, 'ghost').alert, alertPaper({ n: 1, type: 3, reason: 0, corr }));
    }, 500);
    cleanups.push(() => clearInterval(timer));
    const began = Date.now();
    const [end] = await deliver({ file, devices: ['ghost'], installMs: 2000 });
    expect(Date.now() - began).toBeLessThan(40_000);
    expect(end!.result).toMatch(/^(failed|ordered)$/);
  }, 90_000);

  it('to one device: the same, and an end that is given is kept', async () => {
    const file = here.world.package('first', 1n);
    await here.board('one', {}); // nobody approved it: so it goes back to where it was
    const open = async (limits: { installMs?: number; endMs?: number }) => {
      const client = createClient(await openMqtt({ ...place(), device: 'one' }), { timeoutMs: 500, retries: 0 });
      cleanups.push(() => client.close());
      const steps = deliverOrdered(client, await line(), {
        ...{ device: 'one', file, ...limits },
        timing: { notBefore: new Date(Date.now() + 500).toISOString() },
        waitMs: 1000,
      });
      for (;;) {
        const step = await steps.next();
        if (step.done) return step.value.kind;
      }
    };
    flap('one', ['state', ready], ['state', asking], ['state', idle]);
    const began = Date.now();
    await open({ installMs: 1000 }).catch(() => undefined);
    expect(Date.now() - began).toBeLessThan(60_000);
    const again = Date.now();
    await expect(open({ endMs: 1 })).rejects.toMatchObject({ reason: { name: 'TimedOut' } });
    expect(Date.now() - again).toBeLessThan(15_000);
  }, 180_000);

  it('names that are none are nobody, and no word of a stranger steers a terminal', async () => {
    const steer = '\u001b[2J\u001b]0;x\u0007\u202e\r\n';
    await here.publish(topicsOf(FLEET, 'one').online, 'online');
    expect(deviceIn(topicsOf(FLEET, `a${steer}`).state)).toBeUndefined(); // mosquitto keeps no such topic, others do
    for (const name of ['a b', 'n'.repeat(65), 'n'.repeat(60_000), 'ü'])
      for (const topic of ['online', 'state'] as const)
        await here.publish(topicsOf(FLEET, name)[topic], topic === 'online' ? 'online' : idle);
    expect((await listDevices(here.url, '+')).map(({ name }) => name)).toEqual(['one']);
    expect([...(await line()).devices.keys()]).toEqual(['one']);
    const lie = { state: 20, firmwareVersion: steer, reason: { code: 80, name: steer, text: `approved${steer}` } };
    await here.publish(topicsOf(FLEET, 'one').state, JSON.stringify({ version: 1, ...lie }));
    await here.publish(
      topicsOf(FLEET, 'long').state,
      JSON.stringify({ version: 1, firmwareVersion: 'v'.repeat(5000) }),
    );
    await here.publish(topicsOf(FLEET, 'huge').state, JSON.stringify({ version: 1, more: 'v'.repeat(60_000) }));
    const commands = await makePlace();
    cleanups.push(() => commands.remove());
    const over = ['--broker', here.url, '--fleet', FLEET, '--timeout', '0.5', '--retries', '0'];
    const seen = await commands.run('devices', ...over.slice(0, 4));
    expect(seen.stdout).toMatch(/^plant\/one {2}online, state 20, version .*, the operator has not approved it$/m);
    here.world.package('first', 1n);
    for (const words of [
      ['devices', '--watch', '--for', '1', ...over.slice(0, 4)],
      ['deliver', here.world.path('first'), '--all', '--for', '1', '-v', ...over],
      ['evidence', '--all', '--json', ...over],
    ]) {
      const { stdout, stderr } = await commands.run(...words);
      expect([words[0], `${stdout}${stderr}`.match(/[^\P{Cc}\n]|\p{Cf}/gu)]).toEqual([words[0], null]);
    }
  }, 180_000);
});
