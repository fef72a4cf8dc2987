// The rights of docs/mosquitto.acl hold: a device does all that it does with its own account, and nothing under another's name.
// mosquitto grants what it then does not serve, so only what arrives counts.

import { readFileSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { newDocumentId, signApproval } from '../../host/formats/approval.js';
import { openShelf } from '../../host/links/approvals.js';
import { connectBroker, listDevices, openMqtt } from '../../host/links/mqtt.js';
import { blockTopic, changeTopic, exchangeTopics, groupOrderTopic, topicsOf } from '../../host/links/topics.js';
import { createClient } from '../../host/smp/client.js';
import { echo } from '../../host/smp/commands.js';
import { type DeviceWorld, makeDeviceWorld } from '../support/device-world.js';
import { type Mosquitto, startMosquitto } from '../support/mosquitto.js';
import { have } from '../support/need.js';
import { everything } from './fleet.js';

const QUIET_MS = 400;
const USERS = { root: 'r', one: '1', two: '2', server: 's', acme: 'a' } as const;
const EVERYTHING = 'user root\ntopic readwrite #\n'; // who looks on in this test

describe.skipIf(!have('mosquitto'))('docs/mosquitto.acl', () => {
  let broker: Mosquitto;
  let world: DeviceWorld;
  const url = (user: keyof typeof USERS) => broker.as(user, USERS[user]);
  beforeAll(async () => {
    const acl = `${EVERYTHING}\n${readFileSync('docs/mosquitto.acl', 'utf8')}`;
    broker = await startMosquitto({ guarded: { users: USERS, acl } });
    world = makeDeviceWorld();
    await world.board({}, { broker: url('one'), fleet: 'plant', name: 'one' });
  });
  afterAll(async () => {
    await world.close();
    await broker.close();
  });

  /** What arrives at somebody who may read all, while a user writes to these topics. */
  async function arrives(user: keyof typeof USERS, topics: string[]): Promise<string[]> {
    const [reader, writer] = [await connectBroker(url('root')), await connectBroker(url(user))];
    const found = new Set<string>();
    reader.on('message', (topic, payload) => payload.toString() === 'x' && found.add(topic));
    await reader.subscribeAsync('#', { qos: 1 });
    for (const topic of topics) await writer.publishAsync(topic, 'x', { qos: 1 });
    await sleep(QUIET_MS);
    await Promise.all([reader.endAsync(true), writer.endAsync(true)]);
    return [...found].sort();
  }

  it('lets a device work: it answers, tells its state, and takes what the operator publishes', async () => {
    const link = await openMqtt({ url: url('server'), fleet: 'plant', device: 'one' });
    const client = createClient(link, { timeoutMs: 2000 });
    expect(await echo(client, 'hello')).toBe('hello');
    await client.close();
    const claims = { issuer: 'acme', issuedAt: 1_700_000_000, id: newDocumentId(), sequence: 5n };
    const shelf = await openShelf(url('acme'), 'plant');
    await shelf.put('acme', signApproval(world.keys.operator, { ...claims, entries: [everything('approve')] }));
    await shelf.close();
    const seen = async () => (await listDevices(url('server'), 'plant'))[0]?.state;
    for (let wait = 0; wait < 900 && !(await seen())?.approvals?.length; wait++) await sleep(100);
    expect(await seen()).toMatchObject({ online: true, approvals: [{ sequence: '5' }] });
  });

  it('lets a device write nothing but its own', async () => {
    const own = topicsOf('plant', 'two');
    const others = topicsOf('plant', 'one');
    const { request, response } = exchangeTopics('plant', 'one', 'c');
    const elsewhere = [
      ...Object.values(others),
      ...[request, response, own.order, exchangeTopics('plant', 'two', 'c').request],
      ...[
        groupOrderTopic('plant', 'g'),
        changeTopic('plant', 1n),
        blockTopic('plant', '00', 1),
        'cs/plant/approvals/x',
      ],
      'cs/other/d/two/state',
    ];
    expect(await arrives('two', elsewhere)).toEqual([]);
    const mine = [own.state, own.online, own.alert, exchangeTopics('plant', 'two', 'c').response];
    expect(await arrives('two', mine)).toEqual([...mine].sort());
  });

  it('lets a device hear no requests and answers of another, whatever it subscribes to', async () => {
    const listener = await connectBroker(url('two'));
    const heard: string[] = [];
    listener.on('message', (topic) => heard.push(topic));
    for (const filter of ['#', 'cs/plant/#', 'cs/plant/d/one/#', 'cs/plant/d/+/req/+', 'cs/plant/d/+/rsp/+']) {
      await listener.subscribeAsync(filter).catch(() => undefined);
    }
    await arrives('server', [exchangeTopics('plant', 'one', 'c').request]);
    await arrives('one', [exchangeTopics('plant', 'one', 'c').response, topicsOf('plant', 'one').alert]);
    await listener.endAsync(true);
    expect(heard.filter((topic) => topic.startsWith('cs/plant/d/one/'))).toEqual([]);
  });

  it('lets the server approve nothing, and an operator order nothing', async () => {
    const approvals = ['cs/plant/approvals/acme', changeTopic('plant', 1n)];
    expect(await arrives('server', [...approvals, topicsOf('plant', 'one').state])).toEqual([]);
    expect(await arrives('acme', [topicsOf('plant', 'one').order, 'cs/plant/approvals/other'])).toEqual([]);
  });
});
