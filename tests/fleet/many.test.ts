// Several devices at once: one order for a group, each device followed to its end, and the exit code of the worst.

import { setTimeout as sleep } from 'node:timers/promises';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { startSwarm } from '../../boards/virtual/swarm.js';
import { deliverToMany, deliverToSelected } from '../../host/fleet/deliver-many.js';
import { askSelected } from '../../host/fleet/several.js';
import { worstExit } from '../../host/fleet/worst.js';
import { encodeBootstrap } from '../../host/formats/bootstrap.js';
import { classIdOf, utf8, uuidText, vendorIdOf } from '../../host/formats/bytes.js';
import { splitEnvelope } from '../../host/formats/envelope.js';
import { type FleetLine, openFleetLine } from '../../host/links/fleet-line.js';
import { connectBroker } from '../../host/links/mqtt.js';
import { groupOrderTopic, topicsOf } from '../../host/links/topics.js';
import { echo } from '../../host/smp/commands.js';
import { makePlace, type Place } from '../support/command.js';
import { have } from '../support/need.js';
import { digestOf, everything, FLEET, type Fleet, only, startFleet } from './fleet.js';

const VENDOR_ID = vendorIdOf('vendor.example');

it('the end of all is that of the worst', () => {
  const table: [exits: number[], worst: number][] = [
    [[], 3],
    [[0, 0], 0],
    [[2, 2], 2],
    [[0, 2], 0],
    [[0, 41], 41],
    [[2, 40, 41], 41],
    [[41, 20, 0], 20],
    [[31, 20, 41], 31],
  ];
  for (const [exits, worst] of table) expect([exits, worstExit(exits)]).toEqual([exits, worst]);
});

describe.skipIf(!have('mosquitto'))('several devices', () => {
  let here: Fleet;
  let place: Place;
  const cleanups: (() => unknown)[] = [];
  beforeEach(async () => {
    [here, place] = [await startFleet(), await makePlace()];
  });
  afterEach(async () => {
    for (const cleanup of cleanups.splice(0).reverse()) await cleanup();
    await here.close();
    await place.remove();
  });
  const over = () => ['--broker', here.url, '--fleet', FLEET];

  async function swarm(count: number, groups: string[], name = 'board', className = 'virtual', unapproved = 'reject') {
    const { keys } = here.world;
    const bootstrap = (_: string, number: number) =>
      encodeBootstrap({
        device: utf8(`${name}-${number}`),
        vendorId: VENDOR_ID,
        classId: classIdOf(VENDOR_ID, className),
        anchors: [
          { role: 'vendor', key: keys.vendor.public },
          { role: 'operator', key: keys.operator.public },
        ],
        policy: { 'trial-boots': 0, unapproved: unapproved as 'reject' },
        approvals: [],
      });
    const started = await startSwarm({ count, name, broker: here.url, fleet: FLEET, groups, bootstrap });
    cleanups.push(() => started.close());
    return started;
  }
  async function heard(filter: string): Promise<Map<string, string[]>> {
    const found = new Map<string, string[]>();
    const client = await connectBroker(here.url);
    cleanups.push(() => client.endAsync(true));
    client.on('message', (topic, payload) => found.set(topic, [...(found.get(topic) ?? []), payload.toString()]));
    await client.subscribeAsync(filter, { qos: 1 });
    await sleep(200);
    return found;
  }
  const sockets = () => process.getActiveResourcesInfo().filter((one) => one === 'TCPSocketWrap').length;
  const holds = (count: number) => here.until((all) => all.filter((one) => one.approvals?.length).length === count);

  it('of a group: one order, a table, and the order is gone; again there is nothing to do', async () => {
    here.world.package('first', 1n, 8000);
    await here.approve(1, [everything('approve')]);
    await swarm(5, ['cellar', 'house']);
    await swarm(2, ['attic'], 'other');
    await holds(7);
    const orders = await heard(`cs/${FLEET}/+/+/order`);
    const words = ['deliver', here.world.path('first'), ...over(), '--group', 'cellar'];
    const done = await place.run(...words);
    expect([done.code, done.stderr]).toEqual([0, expect.anything()]);
    expect(done.stdout).toMatch(/^device {3,}result {5}version {2}reason\nboard-1 {2}installed {2}1\.1\.0\n/);
    expect(done.stdout).toContain('5 devices: 5 installed');
    await sleep(300);
    expect([...orders.keys()]).toEqual([groupOrderTopic(FLEET, 'cellar')]);
    expect(orders.get(groupOrderTopic(FLEET, 'cellar'))!.map((text) => text !== '')).toEqual([true, false]);
    const again = await place.run(...words, '--json');
    expect([again.code, again.json().devices.map((one: { result: string }) => one.result)]).toEqual([
      2,
      Array(5).fill('unchanged'),
    ]);
    expect((await place.run(...words.slice(0, -1), 'nobody')).code).toBe(3);
  }, 120_000);

  it('of all: an order each, some at a time; who refuses is named, who is away has an order', async () => {
    const file = here.world.package('first', 1n, 4000);
    await here.approve(1, [only('approve', file)]);
    const { boards } = await swarm(4, []);
    await swarm(1, [], 'elsewhere', 'another-class');
    await holds(5);
    await boards[3]!.close();
    await here.until((all) => all.filter(({ online }) => online).length === 4);
    const orders = await heard(`cs/${FLEET}/+/+/order`);
    const words = ['deliver', here.world.path('first'), ...over(), '--all', '--parallel', '2', '--json'];
    const would = await place.run(...words, '--dry-run');
    expect([would.code, would.json().devices.length, orders.size]).toEqual([0, 5, 0]);
    const done = await place.run(...words);
    expect(done.json().devices).toMatchObject([
      { name: 'board-1', result: 'installed', exit: 0, firmwareVersion: '1.1.0' },
      { name: 'board-2', result: 'installed' },
      { name: 'board-3', result: 'installed' },
      { name: 'board-4', result: 'ordered', exit: 41 },
      { name: 'elsewhere-1', result: 'refused', exit: 25, reason: { name: 'ClassId' } },
    ]);
    expect(done.code).toBe(25);
    await sleep(300);
    const standing = [...orders].filter(([, all]) => all.at(-1) !== '').map(([topic]) => topic);
    expect(standing).toEqual([topicsOf(FLEET, 'board-4').order]);
  }, 120_000);

  it('of a class, which each that is online is asked for; who cannot be asked is named', async () => {
    await swarm(2, [], 'board');
    const others = await swarm(2, [], 'other', 'another-class');
    await others.boards[1]!.close();
    await here.until((all) => all.filter(({ online }) => online).length === 3);
    const classId = uuidText(classIdOf(VENDOR_ID, 'another-class'));
    const words = [...over(), '--class', classId, '--json'];
    const state = await place.run('tree', 'get', 'State', ...words);
    expect([state.code, state.json()]).toMatchObject([
      41,
      { devices: [{ name: 'other-1', nodes: [{ value: 10 }] }], unknown: ['other-2'] },
    ]);
  }, 60_000);

  it('are asked for their logs and nodes; those that come within --wait are asked, too', async () => {
    await swarm(3, ['cellar']);
    const late = await swarm(1, ['cellar'], 'late');
    await late.boards[0]!.close();
    await here.until((all) => all.filter(({ online }) => online).length === 3);
    const logs = await place.run('log', ...over(), '--group', 'cellar');
    expect([logs.code, logs.stdout]).toEqual([41, expect.stringContaining('3 of 4 devices answered')]);
    expect(logs.stdout).toContain(`${FLEET}/board-1\n  the log is whole: records 0 to 0`);
    const running = place.start('log', ...over(), '--group', 'cellar', '--wait', '30', '--json');
    await sleep(1500);
    await swarm(1, ['cellar'], 'late');
    const all = await running.ended;
    expect(all.code).toBe(0);
    expect(all.json().devices).toHaveLength(4);
    expect(all.json().devices[3]).toMatchObject({ name: 'late-1', whole: true, records: [{ event: 'provisioned' }] });
    const wrong = await place.run('tree', 'set', 'x', 'y', ...over(), '--all-devices');
    expect(wrong.code).toBe(4);
  }, 90_000);

  it('that a broker far behind did not tell us of are looked at once more before anybody gives up', async () => {
    const file = here.world.package('first', 1n, 2000);
    await here.approve(1, [everything('approve')]);
    await swarm(2, []);
    await holds(2);
    const line = await openFleetLine({ url: here.url, fleet: FLEET });
    cleanups.push(() => line.close());
    const old = new Map(line.devices);
    let asked = false;
    const deaf: FleetLine = {
      ...line,
      get devices() {
        return asked ? line.devices : old;
      },
      listen: (device, told) => line.listen(device, (alert) => asked && !alert && told(undefined)),
      refresh() {
        asked = true;
        return line.refresh();
      },
    };
    const job = { file, digest: digestOf(file), devices: ['board-1', 'board-2'], installMs: 4000 };
    const ends: string[] = [];
    for await (const { result, version } of deliverToMany(deaf, job)) ends.push(`${result} ${version}`);
    expect(ends).toEqual(['installed 1.1.0', 'installed 1.1.0']);
  }, 60_000);

  // Whoever can read an order knows its correlator, and may order something else with it.
  it.each([
    ['of another order with the same correlator', 'download'],
    ['that the device shows nothing of', 'downloadandupdate'],
  ])(
    'an alert %s is no installation',
    async (_, operation) => {
      const file = here.world.package('first', 1n, 2000);
      const topics = topicsOf(FLEET, 'one');
      await here.publish(topics.online, 'online');
      await here.publish(topics.state, JSON.stringify({ version: 1, device: '0a0b', state: 10 }));
      const stranger = await connectBroker(here.url);
      cleanups.push(() => stranger.endAsync(true));
      stranger.on('message', (_topic, order) => {
        if (order.length === 0) return;
        const { correlator } = JSON.parse(order.toString());
        const reason = { code: 0, name: 'Ok', text: 'ok' };
        stranger.publish(
          topics.alert,
          JSON.stringify({ version: 1, number: 1, operation, result: 200, reason, correlator }),
        );
      });
      await stranger.subscribeAsync(topics.order, { qos: 1 });
      const line = await openFleetLine({ url: here.url, fleet: FLEET });
      cleanups.push(() => line.close());
      const job = { file, digest: digestOf(file), devices: ['one'], installMs: 2000 };
      for await (const { result } of deliverToMany(line, job)) expect(result).toBe('failed');
    },
    60_000,
  );

  it('of a hundred need one connection of ours', async () => {
    const file = here.world.package('first', 1n, 2000);
    await here.approve(1, [everything('approve')]);
    await swarm(100, ['cellar']);
    await holds(100);
    const before = sockets();
    let most = 0;
    const watch = setInterval(() => (most = Math.max(most, sockets())), 20);
    const asked = await askSelected({ url: here.url, fleet: FLEET }, {}, {}, (client) => echo(client, 'hi'));
    expect([asked.exit, asked.asked.length]).toEqual([0, 100]);
    const envelope = splitEnvelope(file, 'it') as never;
    const job = { file, envelope, path: 'first' };
    const done = await deliverToSelected({ url: here.url, fleet: FLEET }, { groups: ['cellar'] }, job);
    clearInterval(watch);
    expect([done.exit, done.ends.filter(({ result }) => result === 'installed').length]).toEqual([0, 100]);
    expect(most - before).toBeLessThanOrEqual(2); // the line, and for a moment that which publishes
  }, 180_000);
});
