// deliver over a broker: the package is published once, an order brings it, and the order goes when it has ended.

import { writeFileSync } from 'node:fs';
import { afterEach, describe, expect, it } from 'vitest';
import { startVirtualBoard } from '../../boards/virtual/board.js';
import { deliverOrdered, openFleetLine } from '../../host/fleet/deliver.js';
import { hex } from '../../host/formats/bytes.js';
import { connectBroker } from '../../host/links/mqtt.js';
import { blockTopic, topicsOf } from '../../host/links/topics.js';
import { type Client, createClient } from '../../host/smp/client.js';
import { GROUP } from '../../host/smp/packet.js';
import { makePlace, type Place } from '../support/command.js';
import { have } from '../support/need.js';
import { digestOf, everything, FLEET, type Fleet, startFleet } from './fleet.js';

const cleanups: (() => unknown)[] = [];
afterEach(async () => {
  for (const cleanup of cleanups.splice(0).reverse()) await cleanup();
});
async function world(): Promise<{ here: Fleet; place: Place; where: string[] }> {
  const [here, place] = [await startFleet(), await makePlace()];
  cleanups.push(
    () => here.close(),
    () => place.remove(),
  );
  return { here, place, where: ['--broker', here.url, '--fleet', FLEET] };
}

/** Counts what goes over the broker from now on, by topic; what it keeps counts from before, too. */
async function heard({ url }: Fleet, filter = '#'): Promise<Map<string, string[]>> {
  const found = new Map<string, string[]>();
  const client = await connectBroker(url);
  cleanups.push(() => client.endAsync(true));
  client.on('message', (topic, payload) => found.set(topic, [...(found.get(topic) ?? []), payload.toString()]));
  await client.subscribeAsync(filter, { qos: 1 });
  return found;
}
const standing = async (here: Fleet, topic: string): Promise<string | undefined> => {
  const found = await heard(here, topic);
  await new Promise((done) => setTimeout(done, 200));
  return found.get(topic)?.at(-1) || undefined;
};

describe.skipIf(!have('mosquitto'))('deliver over a broker', () => {
  it('publishes once and orders: nothing is pushed, and the order is gone at the end', async () => {
    const { here, place, where } = await world();
    const file = here.world.package('first', 1n, 60_000);
    await here.approve(1, [everything('approve')]);
    await here.board('one', {});
    await here.board('two', {});
    const sent = await heard(here);
    const path = here.world.path('first');
    const deliver = (device: string) => place.run('deliver', path, ...where, '--device', device, '--json');
    const first = await deliver('one');
    expect([first.code, first.json()]).toMatchObject([0, { result: 'installed', firmwareVersion: '1.1.0', exit: 0 }]);
    const blocks = () =>
      [...sent].filter(([topic]) => topic.includes('/p/')).reduce((sum, [, all]) => sum + all.length, 0);
    const once = Math.ceil(file.length / 512) + 1;
    expect(blocks()).toBe(once);
    expect((await deliver('two')).code).toBe(0);
    expect(blocks()).toBe(once);
    // Requests are small: no block of the package is among them.
    const requests = [...sent].filter(([topic]) => topic.includes('/req/')).flatMap(([, all]) => all);
    expect(Math.max(...requests.map((one) => one.length))).toBeLessThan(300);
    expect(sent.get(topicsOf(FLEET, 'one').order)).toHaveLength(2); // it came, and went
    expect(await standing(here, topicsOf(FLEET, 'one').order)).toBeUndefined();
    const again = await deliver('one');
    expect([again.code, again.json().result]).toEqual([2, 'unchanged']);
  });

  it('explains a refusal as ever, also the second time, brings an approval, and says whose package it is', async () => {
    const { here, place, where } = await world();
    here.world.package('first', 1n);
    await here.board('one', { unapproved: 'reject' });
    const deliver = (...more: string[]) =>
      place.run('deliver', here.world.path('first'), ...where, '--device', 'one', '--json', ...more);
    for (let time = 0; time < 2; time++) {
      const refused = await deliver();
      expect([refused.code, refused.json()]).toMatchObject([
        20,
        { result: 'refused', reason: { name: 'NotApproved' }, fumo: 450, verdict: { row: expect.any(Number) } },
      ]);
    }
    expect(await standing(here, topicsOf(FLEET, 'one').order)).toBeUndefined();
    const key = ['-k', here.world.path('operator.pem'), '-o', 'first.cose'];
    await place.must('approve', here.world.path('first'), ...key);
    const brought = await deliver('--approval', 'first.cose');
    expect([brought.code, brought.json().result]).toEqual([0, 'installed']);
  }, 120_000);

  it('says what a stranger has signed, each time', async () => {
    const { here, place, where } = await world();
    await here.board('one', {});
    await place.must('keygen', 'stranger');
    await place.must('keygen', 'other', '--type', 'p256');
    writeFileSync(place.path('firmware.bin'), Buffer.alloc(3000, 7));
    const name = ['--vendor', 'vendor.example', '--class', 'virtual', '--sequence', '5', '-o', 'bad.suit'];
    await place.must('package', 'firmware.bin', '-k', 'stranger.pem', ...name);
    for (let time = 0; time < 2; time++) {
      const bad = await place.run('deliver', 'bad.suit', ...where, '--device', 'one', '--json');
      expect([bad.code, bad.json()]).toMatchObject([21, { result: 'refused' }]);
    }
    await here.approve(1, [everything('approve')]);
    const damaged = here.world.package('damaged', 6n);
    damaged[damaged.length - 1]! ^= 1;
    writeFileSync(place.path('damaged.suit'), damaged);
    const words = ['deliver', 'damaged.suit', ...where, '--device', 'one', '--json'];
    expect((await place.run(...words)).json()).toMatchObject({ result: 'refused', reason: { name: 'PayloadDigest' } });
    expect(await standing(here, blockTopic(FLEET, hex(digestOf(damaged)), 'i'))).toBeUndefined();
  }, 180_000);

  it('waits while the user is asked, and stops when it is told to', async () => {
    const { here, place, where } = await world();
    here.world.package('first', 1n);
    let answer: 'yes' | undefined;
    await here.board(
      'one',
      { unapproved: 'prompt' },
      {
        async onQuestion() {
          for (let wait = 0; wait < 600 && !answer; wait++) await new Promise((done) => setTimeout(done, 100));
          return 'yes';
        },
      },
    );
    const words = ['deliver', here.world.path('first'), ...where, '--device', 'one', '--json'];
    const asked = await place.run(...words, '--wait', '3');
    expect([asked.code, asked.json()]).toMatchObject([30, { result: 'asked' }]);
    expect(await standing(here, topicsOf(FLEET, 'one').order)).toContain('correlator');
    const running = place.start(...words);
    await running.said('waiting for the user');
    answer = 'yes';
    const ended = await running.ended;
    expect([ended.code, ended.json().result]).toEqual([0, 'installed']);
  }, 120_000);

  it('leaves the order to a device that is offline, which carries it out when it is back', async () => {
    const { here, place, where } = await world();
    const file = here.world.package('first', 1n);
    await here.approve(1, [everything('approve')]);
    const board = await here.board('one', {});
    await here.until(([one]) => one?.approvals?.[0]?.sequence === '1');
    await board.close();
    await here.until(([one]) => one?.online === false);
    const words = ['deliver', here.world.path('first'), ...where, '--device', 'one', '--json'];
    const order = topicsOf(FLEET, 'one').order;
    const left = await place.run(...words, '--approval', here.world.path('operator.pem'));
    expect([left.code, left.json()]).toMatchObject([41, { result: 'ordered', why: 'offline', order }]);
    expect(left.stderr).toContain('countersign publish');
    expect(await standing(here, blockTopic(FLEET, hex(digestOf(file)), 'i'))).toContain('"count"');
    const back = { flash: here.world.path('flash1'), broker: here.url, fleet: FLEET, name: 'one' };
    const again = await startVirtualBoard(back);
    cleanups.push(() => again.close());
    await here.until(([one]) => one?.online === true && one.firmwareVersion === '1.1.0');
    expect(await standing(here, order)).toContain('correlator'); // nobody was there to take it away
  }, 120_000);

  it('begins no earlier than it is told, and does not wait for that; --push sends it at once', async () => {
    const { here, place, where } = await world();
    here.world.package('first', 1n);
    await here.approve(1, [everything('approve')]);
    await here.board('one', {});
    const sent = await heard(here, `cs/${FLEET}/p/#`);
    const words = ['deliver', here.world.path('first'), ...where, '--device', 'one', '--json'];
    const later = await place.run(...words, '--not-before', '2h', '--deadline', '3h', '--spread', '60');
    expect([later.code, later.json()]).toMatchObject([41, { result: 'ordered', why: 'later' }]);
    const paper = JSON.parse((await standing(here, topicsOf(FLEET, 'one').order))!);
    expect(paper).toMatchObject({ spread: 60, notBefore: expect.any(String), deadline: expect.any(String) });
    const before = sent.size;
    const pushed = await place.run(...words, '--push');
    expect([pushed.code, pushed.json().result, sent.size]).toEqual([0, 'installed', before]);
  }, 120_000);

  it('sees an image through its trial, of one device and of several', async () => {
    const { here, place, where } = await world();
    const files = [1n, 2n].map((number) => here.world.package(`p${number}`, number));
    expect(files).toHaveLength(2);
    await here.approve(1, [everything('approve')]);
    await here.board('one', { 'trial-boots': 2 }, { groups: ['g'] });
    const first = await place.run('deliver', here.world.path('p1'), ...where, '--device', 'one', '--json');
    expect([first.code, first.json().result]).toEqual([0, 'installed']);
    const second = await place.run('deliver', here.world.path('p2'), ...where, '--group', 'g', '--json');
    expect([second.code, second.json().devices]).toMatchObject([
      0,
      [{ result: 'installed', firmwareVersion: '1.2.0' }],
    ]);
  }, 120_000);

  it('says that --push is needed where an agent does not know how to fetch', async () => {
    const { here } = await world();
    const file = here.world.package('first', 1n);
    await here.board('one', {});
    const line = await openFleetLine({ url: here.url, fleet: FLEET, device: 'one' });
    const client = createClient(line.link('one'));
    cleanups.push(() => line.close());
    const old: Client = {
      ...{ link: client.link, timeoutMs: client.timeoutMs, retries: 0, version: 2, close: client.close },
      ...{ alone: client.alone, narrow: client.narrow, mtu: undefined, gone: undefined },
      request: (request) =>
        request.group === GROUP.countersign && request.id === 3
          ? Promise.resolve({ ok: false, error: { group: undefined, rc: 8 } } as never)
          : client.request(request),
    };
    // A radio of that age knows no orders either.
    const steps = deliverOrdered(old, { ...line, put: async () => undefined }, { device: 'one', file });
    const end = (async () => {
      for (;;) if ((await steps.next()).done) return;
    })();
    await expect(end).rejects.toMatchObject({ reason: { name: 'NoAgent' }, hint: expect.stringContaining('--push') });
  });
});
