// Boards on serial lines take part in a fleet through a gateway as boards with a radio do: documents, orders, blocks, requests;
// each block comes from the broker once for all of them, and a port that is pulled out and comes back is no loss.

import { once } from 'node:events';
import { symlinkSync, unlinkSync } from 'node:fs';
import { type AddressInfo, createServer, type Socket } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { SerialPort } from 'serialport';
import { afterEach, describe, expect, it } from 'vitest';
import { startVirtualBoard, type VirtualBoard, type VirtualBoardOptions } from '../../boards/virtual/board.js';
import { provision } from '../../host/device/identity.js';
import type { GatewayEvent, GatewayPort } from '../../host/fleet/gateway.js';
import { placeOrder } from '../../host/fleet/orders.js';
import { encodeBootstrap } from '../../host/formats/bootstrap.js';
import { classIdOf, vendorIdOf } from '../../host/formats/bytes.js';
import { listDevices, openMqtt } from '../../host/links/mqtt.js';
import { publishPackage } from '../../host/links/packages.js';
import { createClient } from '../../host/smp/client.js';
import { osInfo } from '../../host/smp/commands.js';
import { makePlace, type Running } from '../support/command.js';
import { have } from '../support/need.js';
import {
  bring,
  digestOf,
  everything,
  FLEET,
  type Fleet,
  gatewayOf,
  lineBoard,
  only,
  orderFor,
  startFleet,
} from './fleet.js';

const cleanups: (() => unknown)[] = [];
afterEach(async () => {
  for (const cleanup of cleanups.splice(0).reverse()) await cleanup();
});

async function fleet(): Promise<Fleet & { sent: string[] }> {
  const sent: string[] = [];
  const log = (line: string) => {
    const block = /Sending PUBLISH to .*'(cs\/[^/]+\/p\/[^']+\/raw\/\d+)'/.exec(line)?.[1];
    if (block) sent.push(block);
  };
  const started = await startFleet({ log });
  cleanups.push(() => started.close());
  return { ...started, sent };
}

/** A board on a pseudo-terminal, with an id of its own, for as long as the test. */
async function boardOf({ world }: Fleet, number: number, options: VirtualBoardOptions = {}): Promise<VirtualBoard> {
  const board = await lineBoard(world, number, options);
  cleanups.push(() => board.close());
  return board;
}

async function gateway({ url }: Fleet, ...words: string[]): Promise<Running & { events(): { event: string }[] }> {
  const place = await makePlace();
  cleanups.push(() => place.remove());
  const running = place.start('gateway', '--broker', url, '--fleet', FLEET, ...words, '--json');
  cleanups.push(() => running.stop());
  const events = () =>
    running
      .output()
      .split('\n')
      .filter((line) => line.startsWith('{'))
      .map((line) => JSON.parse(line));
  return { ...running, events };
}

/** A gateway in this process; what it tells. */
function inProcess(here: Fleet, ports: GatewayPort[], groups: string[] = []): GatewayEvent[] {
  const { events, stop } = gatewayOf(here, ports, groups);
  cleanups.push(stop);
  return events;
}

/** The line of a board over TCP, which can be pulled out. */
async function cableTo(path: string): Promise<{ url: string; pull(): Promise<void>; plug(): Promise<void> }> {
  const port = new SerialPort({ path, baudRate: 115_200 });
  const sockets = new Set<Socket>();
  const server = createServer((socket) => {
    sockets.add(socket);
    socket.on('error', () => undefined);
    socket.on('close', () => sockets.delete(socket));
    socket.on('data', (bytes) => port.write(bytes));
  });
  port.on('data', (bytes: Buffer) => {
    for (const socket of sockets) socket.write(bytes);
  });
  await once(server.listen(0, '127.0.0.1'), 'listening');
  const at = (server.address() as AddressInfo).port;
  const pull = async () => {
    const closed = server.listening ? once(server, 'close') : undefined;
    server.close();
    for (const socket of sockets) socket.destroy();
    await closed;
  };
  cleanups.push(async () => {
    await pull();
    await new Promise((done) => port.close(done));
  });
  return {
    url: `tcp://127.0.0.1:${at}`,
    pull,
    plug: async () => void (await once(server.listen(at, '127.0.0.1'), 'listening')),
  };
}

async function until(wanted: () => boolean): Promise<void> {
  for (const end = Date.now() + 90_000; Date.now() < end && !wanted(); ) await sleep(20);
  expect(wanted()).toBe(true);
}

const running = (version: string, count: number) => (all: { firmwareVersion?: string | undefined }[]) =>
  all.filter(({ firmwareVersion }) => firmwareVersion === version).length === count;

describe.skipIf(!have('mosquitto'))('a gateway', () => {
  it('two boards: approved once, ordered once, installed on both; revoked once, both go back; one is unplugged meanwhile', async () => {
    const here = await fleet();
    const where = { url: here.url, fleet: FLEET };
    const flash = here.world.path('flash-b');
    const [linkA, linkB] = [here.world.path('ttyA'), here.world.path('ttyB')];
    const started = await gateway(here, '--port', linkA, '--port', linkB, '--group', 'cellar');
    await started.said('ttyB'); // before there are boards: it would inherit their ends of the lines, and hold them
    await started.said('"waiting"');
    symlinkSync((await boardOf(here, 1)).port, linkA);
    let two = await boardOf(here, 2, { flash });
    symlinkSync(two.port, linkB);
    await here.until((all) => all.filter(({ online }) => online).length === 2);
    expect((await listDevices(here.url, FLEET)).map(({ name }) => name)).toEqual(['aa01', 'aa02']);

    const first = here.world.package('first', 1n, 20_000);
    const second = here.world.package('second', 2n);
    for (const file of [first, second]) await publishPackage(where, digestOf(file), file);
    await here.approve(1, [everything('approve')]);
    await here.until((all) => all.every(({ approvals }) => approvals?.[0]?.sequence === '1'));
    here.sent.length = 0;
    await placeOrder(where, { group: 'cellar' }, orderFor(first, 'first'));
    await here.until(running('1.1.0', 2));
    expect(new Set(here.sent).size).toBe(Math.ceil(first.length / 512));
    expect(here.sent.length).toBe(new Set(here.sent).size);

    here.sent.length = 0;
    await placeOrder(where, { device: 'aa01' }, orderFor(second, 'second'));
    await placeOrder(where, { device: 'aa02' }, orderFor(second, 'second'));
    const begun = Date.now() + 90_000;
    while (here.sent.length < 20 && Date.now() < begun) await sleep(5);
    unlinkSync(linkB);
    await two.close();
    await here.until((all) => all.filter(({ online }) => online).length === 1);
    two = await boardOf(here, 2, { flash });
    symlinkSync(two.port, linkB);
    await here.until(running('1.2.0', 2));
    expect(new Set(here.sent).size).toBe(Math.ceil(second.length / 512));
    expect(here.sent.length).toBe(new Set(here.sent).size);

    const client = createClient(await openMqtt({ ...where, device: 'aa02' }));
    expect(await osInfo(client)).toContain('Countersign');
    await client.close();

    await here.approve(2, [only('deny', second), everything('approve')]);
    await here.until(running('1.1.0', 2));
    const { code } = await started.stop();
    expect(code).toBe(130);
    expect((await here.seen()).map(({ online }) => online)).toEqual([false, false]);
    const kinds = started.events().map(({ event }) => event);
    for (const kind of ['running', 'joined', 'left', 'waiting', 'ended']) expect(kinds).toContain(kind);
  }, 300_000);

  it('leaves an application alone, and wakes it for a document, a request and an order only', async () => {
    const here = await fleet();
    const text: string[] = [];
    const board = await boardOf(here, 1, { onText: (line) => text.push(line) });
    const events = inProcess(here, [{ port: board.port }], ['all']);
    await here.until((all) => all.some(({ online }) => online));
    await here.approve(1, [everything('approve')]);
    await bring(here, here.world.package('first', 1n, 5000), { group: 'all' }, 'first');
    await here.until(running('1.1.0', 1));
    const starts = () => text.filter((line) => line.includes('would run now')).length;
    await until(() => board.running === 'application');
    const before = starts();
    await sleep(15_000);
    expect([board.running, starts()]).toEqual(['application', before]);
    await here.approve(2, [everything('approve')]);
    await here.until(([one]) => one?.approvals?.[0]?.sequence === '2');
    await until(() => board.running === 'application');
    expect(starts()).toBe(before + 1);
    const client = createClient(await openMqtt({ url: here.url, fleet: FLEET, device: 'aa01' }));
    expect(await osInfo(client)).toContain('Countersign');
    await client.close();
    await until(() => board.running === 'application');
    expect(starts()).toBe(before + 2);
    await bring(here, here.world.package('second', 2n, 5000), { group: 'all' }, 'second');
    await here.until(running('1.2.0', 1));
    expect(events.filter(({ event }) => event !== 'ended').map(({ event }) => event)).toEqual(['joined']);
  }, 300_000);

  it('a port that goes with each start of the application, and comes back, wakes nobody; what is new is brought', async () => {
    const here = await fleet();
    const text: string[] = [];
    const board = await boardOf(here, 1, { onText: (line) => text.push(line) });
    const cable = await cableTo(board.port);
    const events = inProcess(here, [{ port: cable.url }], ['all']);
    await here.until((all) => all.some(({ online }) => online));
    await here.approve(1, [everything('approve')]);
    await bring(here, here.world.package('first', 1n, 5000), { group: 'all' }, 'first');
    await here.until(running('1.1.0', 1));
    const starts = () => text.filter((line) => line.includes('would run now')).length;
    await until(() => board.running === 'application');
    const before = starts();
    for (let turn = 0; turn < 2; turn++) {
      await cable.pull();
      await here.until(([one]) => one?.online === false);
      await cable.plug();
      await here.until(([one]) => one?.online === true);
      await sleep(4000);
    }
    expect([board.running, starts()]).toEqual(['application', before]);
    await cable.pull();
    await here.until(([one]) => one?.online === false);
    await here.approve(2, [everything('approve')]);
    await cable.plug();
    await here.until(([one]) => one?.approvals?.[0]?.sequence === '2');
    await until(() => board.running === 'application');
    expect(starts()).toBe(before + 1);
    await bring(here, here.world.package('second', 2n, 5000), { group: 'all' }, 'second');
    await here.until(running('1.2.0', 1));
    expect(events.filter(({ event }) => event === 'joined')).toHaveLength(4);
  }, 300_000);

  it('a board that is reset on and on while it fetches is no loss', async () => {
    const here = await fleet();
    let resets = 0;
    const board = await boardOf(here, 1, {
      onText(line) {
        if (line.startsWith('state 30') && resets++ < 3) setTimeout(() => board.reset(), 30 * resets);
      },
    });
    inProcess(here, [{ port: board.port, name: 'pump' }], ['all']);
    await here.until((all) => all.some(({ online }) => online));
    await here.approve(1, [everything('approve')]);
    await here.until(([one]) => one?.approvals?.[0]?.sequence === '1');
    here.sent.length = 0;
    const once = Date.now() + 90_000;
    const early = (async () => {
      while (here.sent.length === 0 && Date.now() < once) await sleep(1);
      board.reset(); // the order is taken, and not written down yet
    })();
    await bring(here, here.world.package('first', 1n, 80_000), { device: 'pump' }, 'first');
    await early;
    await here.until(running('1.1.0', 1), 120_000);
    expect((await listDevices(here.url, FLEET)).map(({ name }) => name)).toEqual(['pump']);
  }, 300_000);

  it('a blank board goes by its port until it has an id; two with one name are told apart', async () => {
    const here = await fleet();
    const vendorId = vendorIdOf('vendor.example');
    const board = await startVirtualBoard({});
    cleanups.push(() => board.close());
    const events = inProcess(here, [{ port: board.port }]);
    await until(() => events.some(({ event }) => event === 'joined'));
    const blank = board.port.split('/').at(-1)!;
    expect((await listDevices(here.url, FLEET)).map(({ name }) => name)).toEqual([blank]);
    const client = createClient(await openMqtt({ url: here.url, fleet: FLEET, device: blank }));
    const document = encodeBootstrap({
      device: Uint8Array.of(0xaa, 9),
      vendorId,
      classId: classIdOf(vendorId, 'virtual'),
      anchors: [
        { role: 'vendor', key: here.world.keys.vendor.public },
        { role: 'operator', key: here.world.keys.operator.public },
      ],
      policy: {},
      approvals: [],
    });
    await provision(client, document);
    await client.close();
    await until(() => events.filter(({ event }) => event === 'joined').length === 2);
    const states = Object.fromEntries(
      (await listDevices(here.url, FLEET)).map(({ name, state }) => [name, state.online]),
    );
    expect(states).toEqual({ [blank]: false, aa09: true });

    const others = inProcess(here, [
      { port: (await boardOf(here, 7)).port, name: 'one' },
      { port: (await boardOf(here, 8)).port, name: 'one' },
    ]);
    await until(() => others.length === 2);
    expect(others.map(({ event }) => event).sort()).toEqual(['joined', 'waiting']);
    expect(others.flatMap((one) => (one.event === 'waiting' ? one.why.reason.name : []))).toEqual(['BadArgument']);
  });

  it('a board that says that it is a device which is there already is not joined, under no name; both lines are told', async () => {
    const here = await fleet();
    const first = await boardOf(here, 7);
    const second = await startVirtualBoard({});
    cleanups.push(() => second.close());
    const ports = [{ port: first.port }, { port: second.port, name: 'other' }];
    const events = inProcess(here, ports);
    const joined = () => events.filter(({ event }) => event === 'joined').length;
    await until(() => joined() === 2);
    const claims = encodeBootstrap({
      device: Uint8Array.of(0xaa, 7),
      vendorId: vendorIdOf('vendor.example'),
      classId: classIdOf(vendorIdOf('vendor.example'), 'virtual'),
      anchors: [
        { role: 'vendor', key: here.world.keys.vendor.public },
        { role: 'operator', key: here.world.keys.operator.public },
      ],
      policy: {},
      approvals: [],
    });
    const client = createClient(await openMqtt({ url: here.url, fleet: FLEET, device: 'other' }));
    await provision(client, claims).catch(() => undefined); // it takes the id, and is taken off for that
    await client.close();
    const waiting = () => events.flatMap((one) => (one.event === 'waiting' ? [one.why] : []));
    await until(() => waiting().length > 0);
    const why = waiting()[0]!;
    expect([why.code, why.message]).toEqual([330, expect.stringContaining(first.port)]);
    expect(why.message).toContain(second.port);
    const states = (await listDevices(here.url, FLEET)).map(({ name, state }) => [name, state.online, state.device]);
    expect(states).toEqual([
      ['aa07', true, 'aa07'],
      ['other', false, undefined],
    ]);
    expect(joined()).toBe(2);
  });
});
