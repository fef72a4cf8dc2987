// A broker and strangers on it that do what they like to a gateway: its memory stays bounded, its boards are unharmed and still
// served, each oddity is told once, and when they are gone an order is carried out.

import { spawn } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { createInterface } from 'node:readline';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterEach, describe, expect, it } from 'vitest';
import { startVirtualBoard } from '../../boards/virtual/board.js';
import { placeOrder } from '../../host/fleet/orders.js';
import { encodeBootstrap } from '../../host/formats/bootstrap.js';
import { classIdOf, hex, vendorIdOf } from '../../host/formats/bytes.js';
import { connectBroker, openMqtt } from '../../host/links/mqtt.js';
import { publishPackage } from '../../host/links/packages.js';
import { blocksPaper } from '../../host/links/papers.js';
import { approvalTopic, blockTopic, changeTopic, exchangeTopics, groupOrderTopic } from '../../host/links/topics.js';
import { createClient } from '../../host/smp/client.js';
import { echo } from '../../host/smp/commands.js';
import { encodePacket } from '../../host/smp/packet.js';
import { PROGRAM } from '../support/command.js';
import { have } from '../support/need.js';
import { digestOf, everything, FLEET, startFleet } from './fleet.js';

const MEGABYTE = 1024 * 1024;
const KEPT = { qos: 1, retain: true } as const;
const BOARDS = 2;

const cleanups: (() => unknown)[] = [];
afterEach(async () => {
  for (const cleanup of cleanups.splice(0).reverse()) await cleanup();
});

describe.skipIf(!have('mosquitto'))('a gateway among strangers', () => {
  it('stays within its memory, keeps its boards reachable, tells each once, and goes on when they are gone', async () => {
    const here = await startFleet();
    cleanups.push(() => here.close());
    const { vendor, operator } = here.world.keys;
    const vendorId = vendorIdOf('vendor.example');
    const boards = await Promise.all(
      Array.from({ length: BOARDS }, async (_, number) => {
        const board = await startVirtualBoard({});
        cleanups.push(() => board.close());
        await board.provision(
          encodeBootstrap({
            device: Uint8Array.of(0xcc, number),
            vendorId,
            classId: classIdOf(vendorId, 'virtual'),
            anchors: [
              { role: 'vendor', key: vendor.public },
              { role: 'operator', key: operator.public },
            ],
            policy: { 'trial-boots': 0, unapproved: 'reject' },
            approvals: [],
          }),
        );
        return board;
      }),
    );
    const ports = boards.flatMap(({ port }) => ['--port', port]);
    const words = [PROGRAM, 'gateway', '--broker', here.url, '--fleet', FLEET, '--group', 'all', '--json', ...ports];
    const gateway = spawn(process.execPath, words, { stdio: ['ignore', 'pipe', 'ignore'] });
    const gone = new Promise<number | null>((resolve) => gateway.once('close', resolve));
    cleanups.push(() => gateway.kill('SIGKILL'));
    const events: { event: string; device?: string; digest?: string; why?: string }[] = [];
    createInterface(gateway.stdout).on('line', (line) => events.push(JSON.parse(line)));
    const residentBytes = () =>
      Number(/VmRSS:\s+(\d+) kB/.exec(readFileSync(`/proc/${gateway.pid}/status`, 'utf8'))![1]) * 1024;
    await here.until((all) => all.filter(({ online }) => online).length === BOARDS);
    await here.approve(1, [everything('approve')]);
    await here.until((all) => all.every(({ approvals }) => approvals?.length === 1));
    const before = residentBytes();

    const evil = await connectBroker(here.url);
    cleanups.push(() => evil.endAsync(true));
    const file = here.world.package('first', 1n, 60_000);
    const digest = hex(digestOf(file));
    const giant = Buffer.alloc(2 * MEGABYTE, 7);
    const leave = (topic: string, payload: Buffer | string) => evil.publishAsync(topic, payload, KEPT);
    await leave(blockTopic(FLEET, digest, 'i'), giant);
    await leave(blockTopic(FLEET, digest, 'i'), blocksPaper(16 * MEGABYTE));
    await leave(blockTopic(FLEET, digest, 0), giant);
    await leave(groupOrderTopic(FLEET, 'all'), giant);
    for (let number = 0; number < 100; number++) {
      await leave(approvalTopic(FLEET, `evil-${number}`), number < 10 ? giant : Buffer.alloc(500, number));
      await leave(changeTopic(FLEET, BigInt(number)), number < 10 ? giant : Buffer.alloc(500, number));
    }
    await placeOrder(
      { url: here.url, fleet: FLEET },
      { group: 'all' },
      { digest, encoding: 'raw', correlator: 'evil' },
    );
    let most = 0;
    const watch = setInterval(() => (most = Math.max(most, residentBytes())), 50);
    for (let turn = 0; turn < 20_000; turn++) {
      const { request } = exchangeTopics(FLEET, `cc0${turn % BOARDS}`, `evil${turn % 300}`);
      const echoed = encodePacket({
        version: 2,
        op: 2,
        group: 0,
        id: 0,
        sequence: turn & 0xff,
        body: { d: `${turn}` },
      });
      evil.publish(request, turn % 2000 === 0 ? giant : Buffer.from(echoed), { qos: 0 });
      if (turn % 1000 === 0) await evil.publishAsync(blockTopic(FLEET, digest, 'i'), blocksPaper(turn + 513), KEPT);
      if (turn % 100 === 0) await sleep(10);
    }
    await evil.publishAsync(blockTopic(FLEET, digest, 0), Buffer.alloc(512, 9), KEPT); // of the right length, and no package
    await sleep(5000);
    clearInterval(watch);
    expect((most - before) / MEGABYTE).toBeLessThan(96);
    expect(gateway.exitCode).toBe(null);
    for (let number = 0; number < BOARDS; number++) {
      const client = createClient(await openMqtt({ url: here.url, fleet: FLEET, device: `cc0${number}` }));
      expect(await echo(client, 'still here')).toBe('still here');
      await client.close();
    }
    const dropped = events
      .filter(({ event }) => event === 'dropped')
      .map((one) => `${one.device ?? one.digest} ${one.why}`);
    expect(dropped.length).toBeGreaterThan(2);
    expect(dropped.length).toBe(new Set(dropped).size);

    for (let number = 0; number < 100; number++) {
      await leave(approvalTopic(FLEET, `evil-${number}`), '');
      await leave(changeTopic(FLEET, BigInt(number)), '');
    }
    await publishPackage({ url: here.url, fleet: FLEET }, digestOf(file), file, { force: true });
    await placeOrder(
      { url: here.url, fleet: FLEET },
      { group: 'all' },
      { digest, encoding: 'raw', correlator: 'ours' },
    );
    await here.until(
      (all) => all.filter(({ firmwareVersion }) => firmwareVersion === '1.1.0').length === BOARDS,
      120_000,
    );
    for (const { flash } of boards) expect(flash.erased).toBeLessThan(400_000); // one installation takes 212 KB
    gateway.kill('SIGTERM');
    expect(await gone).toBe(143);
    expect((await here.seen()).map(({ online }) => online)).toEqual(Array(BOARDS).fill(false));
  }, 300_000);
});
