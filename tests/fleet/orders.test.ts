// An order on a broker makes devices fetch a package by themselves, those that are away as soon as they come; it decides nothing.

import { setTimeout as sleep } from 'node:timers/promises';
import { afterEach, describe, expect, it } from 'vitest';
import { NODE } from '../../host/device/identity.js';
import { packageUrl } from '../../host/device/serve.js';
import { placeOrder } from '../../host/fleet/orders.js';
import { newDocumentId, signApproval } from '../../host/formats/approval.js';
import { hex } from '../../host/formats/bytes.js';
import { generateKey } from '../../host/keys/read.js';
import { connectBroker, openMqtt } from '../../host/links/mqtt.js';
import { publishPackage } from '../../host/links/packages.js';
import { type OrderPaper, orderPaper, readAlertPaper } from '../../host/links/papers.js';
import { approvalTopic, topicsOf } from '../../host/links/topics.js';
import { connectRadio, type Radio } from '../../host/radio/radio.js';
import { reasons } from '../../host/reasons.js';
import { createClient } from '../../host/smp/client.js';
import { type Alert, treeExec, treePut } from '../../host/smp/commands.js';
import { decodePacket, encodePacket, type Packet } from '../../host/smp/packet.js';
import { startMosquitto } from '../support/mosquitto.js';
import { have } from '../support/need.js';
import { digestOf, everything, FLEET, type Fleet, only, startFleet } from './fleet.js';

const cleanups: (() => unknown)[] = [];
afterEach(async () => {
  for (const cleanup of cleanups.splice(0).reverse()) await cleanup();
});
async function fleet(): Promise<Fleet> {
  const started = await startFleet();
  cleanups.push(() => started.close());
  return started;
}
const orderFor = (file: Uint8Array, correlator = 'order-1'): OrderPaper => ({
  digest: hex(digestOf(file)),
  encoding: 'raw',
  correlator,
});
const place = ({ url }: Fleet) => ({ url, fleet: FLEET });

/** The alerts of all devices, as they come. */
async function alertsOf({ url }: Fleet): Promise<Alert[]> {
  const found: Alert[] = [];
  const client = await connectBroker(url);
  cleanups.push(() => client.endAsync(true));
  client.on('message', (_, payload) => found.push(readAlertPaper(payload)!));
  await client.subscribeAsync(topicsOf(FLEET, '+').alert, { qos: 1 });
  return found;
}

describe.skipIf(!have('mosquitto'))('an order on a broker', () => {
  it('brings a package to a device, to a group, and to one that was away', async () => {
    const here = await fleet();
    const file = here.world.package('first', 1n, 60_000);
    await publishPackage(place(here), digestOf(file), file);
    await here.approve(1, [everything('approve')]);
    const alerts = await alertsOf(here);
    await here.board('one', {});
    await here.board('two', {}, { groups: ['cellar', 'attic'] });
    await here.board('three', {}, { groups: ['garden'] });
    await placeOrder(place(here), { device: 'one' }, orderFor(file));
    await placeOrder(place(here), { group: 'attic' }, orderFor(file, 'order-2'));
    await here.until((all) => all.filter(({ firmwareVersion }) => firmwareVersion === '1.1.0').length === 2);
    await here.board('four', {}, { groups: ['attic'] });
    await here.until((all) => all.filter(({ firmwareVersion }) => firmwareVersion === '1.1.0').length === 3);
    // Of two connections, either may be the first to hear. And a board that is provisioned while its order stands, as here, may be asked
    // before it has the approval: it is asked again.
    const good = () => alerts.filter(({ reason }) => reason !== reasons.NotApproved.code);
    await here.until(() => good().length >= 3);
    const ends = good()
      .map(({ corr, reason }) => `${corr} ${reason}`)
      .sort();
    expect(ends).toEqual(['order-1 0', 'order-2 0', 'order-2 0']);
  });

  it('nobody watches: the image gets through its trial by itself, as its device is on the broker', async () => {
    const here = await fleet();
    const file = here.world.package('first', 1n);
    await publishPackage(place(here), digestOf(file), file);
    await here.approve(1, [everything('approve')]);
    const alerts = await alertsOf(here);
    await here.board('one', { 'trial-boots': 2 }, { groups: ['attic'] });
    await here.until(([one]) => one?.approvals?.[0]?.sequence === '1'); // or it is refused first, and carried out then
    await placeOrder(place(here), { group: 'attic' }, orderFor(file));
    await here.until(([one]) => one?.state === 100 && one.firmwareVersion === '1.1.0');
    await here.until(() => alerts.length >= 1);
    expect(alerts.map(({ corr, reason }) => `${corr} ${reason}`)).toEqual(['order-1 0']);
  }, 90_000);

  it('decides nothing: without an approval it is refused, and with the approval it is carried out', async () => {
    const here = await fleet();
    const file = here.world.package('first', 1n);
    await publishPackage(place(here), digestOf(file), file);
    await here.approve(1, [only('approve', here.world.package('other', 9n))]);
    const alerts = await alertsOf(here);
    await here.board('one', { unapproved: 'reject' });
    await here.until(([one]) => one?.approvals?.[0]?.sequence === '1');
    await placeOrder(place(here), { device: 'one' }, orderFor(file));
    await here.until(() => alerts.length === 1);
    expect(alerts).toMatchObject([{ corr: 'order-1', result: 450 }]);
    await here.approve(2, [everything('approve')]);
    await here.until(([one]) => one?.firmwareVersion === '1.1.0');
    await here.until(() => alerts.length >= 2);
    expect(alerts.at(-1)).toMatchObject({ corr: 'order-1', result: 200 });
  });

  it('a download that a reset cut off goes on', async () => {
    const here = await fleet();
    const file = here.world.package('first', 1n, 80_000);
    await publishPackage(place(here), digestOf(file), file);
    await here.approve(1, [everything('approve')]);
    let cut = 0;
    const board = await here.board(
      'one',
      {},
      {
        onText(text) {
          if (text.startsWith('state 30') && cut++ === 0) setTimeout(() => board.reset(), 5);
        },
      },
    );
    await placeOrder(place(here), { device: 'one' }, orderFor(file));
    await here.until(([one]) => one?.firmwareVersion === '1.1.0');
    expect(cut).toBeGreaterThan(0);
  });

  it('a download that a client ordered, and a reset cut off, goes on: nobody orders it anew', async () => {
    const here = await fleet();
    const file = here.world.package('first', 1n, 80_000);
    await publishPackage(place(here), digestOf(file), file);
    const board = await here.board('one', { unapproved: 'prompt' }, { onQuestion: async () => 'yes', onText: cutOff });
    let cut = 0;
    function cutOff(text: string): void {
      if (text.startsWith('state 30') && cut++ === 0) setTimeout(() => board.reset(), 5);
    }
    const client = createClient(await openMqtt({ ...place(here), device: 'one' }));
    await treePut(client, NODE.packageUrl, Buffer.from(packageUrl(hex(digestOf(file)))));
    expect(await treeExec(client, NODE.downloadAndUpdate, 'mine')).toMatchObject({ ok: true });
    await client.close();
    await here.until(([one]) => one?.firmwareVersion === '1.1.0');
    expect(cut).toBeGreaterThan(0);
  });

  it('asks a person who said no not again, whatever happens to the board', async () => {
    const here = await fleet();
    const file = here.world.package('first', 1n);
    await publishPackage(place(here), digestOf(file), file);
    let asked = 0;
    const board = await here.board(
      'one',
      { unapproved: 'prompt' },
      {
        async onQuestion() {
          asked += 1;
          return 'no';
        },
      },
    );
    const alerts = await alertsOf(here);
    await placeOrder(place(here), { device: 'one' }, orderFor(file));
    await here.until(() => alerts.length > 0);
    expect(alerts).toMatchObject([{ corr: 'order-1', result: 401 }]);
    const before = asked;
    board.reset();
    await here.approve(1, [only('approve', here.world.package('other', 9n))]);
    await here.until(([one]) => one?.approvals?.length === 1);
    await sleep(1500);
    expect([asked, alerts.length]).toEqual([before, 1]);
  });
});

describe.skipIf(!have('mosquitto'))('when an order is put to the agent', () => {
  const DIGEST = 'ab'.repeat(32);

  /** A device that accepts every order, on a broker of its own. */
  async function device(groups: string[] = []) {
    const broker = await startMosquitto();
    cleanups.push(() => broker.close());
    const execs: string[] = [];
    const digests: string[] = [];
    const radio: Radio = await connectRadio(
      { url: broker.url, fleet: FLEET, device: 'one', groups },
      {
        away: false,
        receive(bytes) {
          const packet = decodePacket(bytes);
          const { group, id, body } = packet;
          const answer = (said: Packet['body']) =>
            radio.send(encodePacket({ ...packet, op: (packet.op + 1) as 1, body: said }));
          if (group === 0) return answer({ buf_size: 640, buf_count: 1 });
          if (body.uri === NODE.approvals) {
            execs.push('document');
            return answer({});
          }
          expect([id, body.uri]).toEqual([3, NODE.downloadAndUpdate]);
          digests.push(hex(body.hash as Uint8Array));
          execs.push(body.corr as string);
          answer({});
        },
      },
      undefined,
    );
    cleanups.push(() => radio.close());
    radio.started('agent');
    const where = { url: broker.url, fleet: FLEET };
    const order = (more: Partial<OrderPaper> = {}, group?: string) =>
      placeOrder(where, group ? { group } : { device: 'one' }, {
        ...{ digest: DIGEST, encoding: 'raw', correlator: 'c' },
        ...more,
      });
    const client = await connectBroker(broker.url);
    cleanups.push(() => client.endAsync(true));
    return { radio, execs, digests, order, client, where };
  }
  const ORDER: OrderPaper = { digest: DIGEST, encoding: 'raw', correlator: 'c' };
  const soon = (ms: number) => new Date(Date.now() + ms).toISOString();

  it('behind the documents that came with it, whatever the agent did before', async () => {
    const { execs, order, client } = await device();
    await sleep(500); // the agent has started long ago, and the order is put as it comes
    const documents = ['a', 'b', 'c'].map((name) => {
      const signed = signApproval(generateKey('ed25519'), {
        ...{ issuer: name, issuedAt: 1_800_000_000, id: newDocumentId(), sequence: 1n },
        entries: [everything('approve')],
      });
      return client.publishAsync(approvalTopic(FLEET, name), Buffer.from(signed), { qos: 1, retain: true });
    });
    await Promise.all([...documents, order()]);
    await expect.poll(() => execs, { timeout: 60_000 }).toContain('c');
    expect(execs).toEqual(['document', 'document', 'document', 'c']);
  });

  it('once, until another one stands there; again after a reset, as long as it is open', async () => {
    const { radio, execs, digests, order } = await device();
    await order();
    await order();
    await sleep(500);
    expect([execs, digests]).toEqual([['c'], [DIGEST]]);
    await order({ correlator: 'd' });
    await sleep(500);
    radio.started('agent');
    await sleep(800);
    expect(execs).toEqual(['c', 'd', 'd']);
    radio.alert({ n: 1, type: 3, result: 450, reason: 80, corr: 'd' });
    radio.started('agent');
    await sleep(800);
    radio.alert({ n: 2, type: 1, result: 200, reason: 0, corr: 'd' }); // of an order of another kind
    radio.started('agent');
    await sleep(800);
    expect(execs).toEqual(['c', 'd', 'd', 'd', 'd']);
    radio.alert({ n: 3, type: 3, result: 200, reason: 0, corr: 'd' });
    radio.started('agent');
    await sleep(800);
    expect(execs).toEqual(['c', 'd', 'd', 'd', 'd']);
    radio.show({ digest: DIGEST });
    await order({ correlator: 'd' });
    await sleep(300);
    radio.show({ state: 60 });
    await order({ correlator: 'e' });
    await sleep(500);
    expect(execs.slice(5)).toEqual(['e']);
    radio.started('agent'); // an update is under way: it is left alone
    await sleep(800);
    expect(execs.slice(5)).toEqual(['e']);
  });

  it('once more, if somebody says it once more: what runs, and what is only kept, is left alone', async () => {
    const { radio, execs, order, client, where } = await device();
    const said = async (count: number) => {
      await sleep(500);
      expect(execs.length).toBe(count);
    };
    await order();
    await said(1);
    radio.alert({ n: 1, type: 3, result: 450, reason: 80, corr: 'c' });
    await order(); // refused, and asked for again
    await said(2);
    radio.alert({ n: 2, type: 3, result: 401, reason: 121, corr: 'c' });
    const [topic, payload] = [topicsOf(FLEET, 'one').order, orderPaper(ORDER)];
    radio.started('agent'); // the person said no
    await said(2);
    await client.publishAsync(topic, payload, { qos: 1, retain: true });
    await said(3);
    radio.alert({ n: 3, type: 3, result: 200, reason: 0, corr: 'c' });
    radio.show({ digest: DIGEST, state: 100 });
    await order();
    await said(3);
    radio.show({ digest: 'cd'.repeat(32) }); // it went back since
    await order();
    await said(4);
    for (let more = 0; more < 30; more++) await placeOrder(where, { device: 'one' }, ORDER);
    await sleep(1000);
    expect(execs.length).toBeLessThanOrEqual(4 + 16);
  }, 30_000);

  it('not before its time, not after it, somewhere in its spread, and not when it is gone', async () => {
    const { execs, order, where } = await device(['g']);
    await order({ correlator: 'late', deadline: soon(-1000) });
    await order({ correlator: 'early', notBefore: soon(1500), spread: 0 });
    await order({ correlator: 'gone', notBefore: soon(1000) }, 'g');
    await sleep(400);
    await placeOrder(where, { group: 'g' }, undefined);
    await sleep(400);
    expect(execs).toEqual([]);
    await sleep(1500);
    expect(execs).toEqual(['early']);
    await order({ correlator: 'spread', spread: 2 });
    await sleep(3000);
    expect(execs).toEqual(['early', 'spread']);
  });

  it('never, if it is none', async () => {
    const { execs, client, where } = await device();
    const good = { version: 1, digest: DIGEST, encoding: 'raw', correlator: 'c' };
    const bad: object[] = [
      { ...good, version: 2 },
      { ...good, digest: DIGEST.toUpperCase() },
      { ...good, encoding: 'lz' },
      { ...good, correlator: '' },
      { ...good, correlator: 'x'.repeat(33) },
      { ...good, correlator: 'a b' },
      { ...good, spread: -1 },
      { ...good, spread: 1e9 },
      { ...good, deadline: 'tomorrow' },
      { ...good, padding: 'x'.repeat(3000) },
    ];
    const { order: topic } = topicsOf(FLEET, 'one');
    for (const one of ['x', '[]', 'null', ...bad.map((one) => JSON.stringify(one))]) {
      await client.publishAsync(topic, one, { qos: 1, retain: true });
    }
    await sleep(800);
    expect(execs).toEqual([]);
    await expect(placeOrder(where, { device: 'one' }, { ...good, spread: -1 } as never)).rejects.toMatchObject({
      reason: { name: 'BadArgument' },
    });
    await client.publishAsync(topic, JSON.stringify(good), { qos: 1, retain: true });
    await sleep(800);
    expect(execs).toEqual(['c']);
  });

  it('in a bounded number, however often the board starts', async () => {
    const { radio, execs, order } = await device();
    await order();
    await sleep(300);
    for (let start = 0; start < 24; start++) {
      radio.started('agent');
      await sleep(330);
    }
    expect(execs.length).toBeLessThanOrEqual(16);
  });
});
