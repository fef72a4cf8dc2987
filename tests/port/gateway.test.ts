// The emulated micro:bit takes part in a fleet through a gateway, in the same orders as a virtual board.

import { readFileSync } from 'node:fs';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { type Microbit, startMicrobit } from '../../boards/microbit/board.js';
import { startVirtualBoard, type VirtualBoard } from '../../boards/virtual/board.js';
import { provision } from '../../host/device/identity.js';
import { type GatewayEvent, runGateway } from '../../host/fleet/gateway.js';
import { placeOrder } from '../../host/fleet/orders.js';
import { encodeBootstrap } from '../../host/formats/bootstrap.js';
import { classIdOf, hex, vendorIdOf } from '../../host/formats/bytes.js';
import { readImage } from '../../host/formats/images/image.js';
import { buildPackage } from '../../host/formats/suit.js';
import { publishPackage } from '../../host/links/packages.js';
import { openTcp } from '../../host/links/tcp.js';
import { createClient } from '../../host/smp/client.js';
import { digestOf, everything, FLEET, type Fleet, only, startFleet } from '../fleet/fleet.js';
import { type Bench, canRunMicrobit, microbitBench } from '../support/microbit.js';
import { have } from '../support/need.js';

const MINUTES = 60_000;
const vendorId = vendorIdOf('vendor.example');
const classId = classIdOf(vendorId, 'virtual');

describe.skipIf(!canRunMicrobit() || !have('mosquitto'))('the micro:bit behind a gateway', () => {
  let bench: Bench;
  let here: Fleet;
  let microbit: Microbit;
  let virtual: VirtualBoard;
  const sent: string[] = [];
  const events: GatewayEvent[] = [];
  const text: string[] = [];
  const stop = new AbortController();
  let over: Promise<unknown>;

  const bootstrap = (number: number) =>
    encodeBootstrap({
      device: Uint8Array.of(0xbb, number),
      vendorId,
      classId,
      anchors: [
        { role: 'vendor', key: here.world.keys.vendor.public },
        { role: 'operator', key: here.world.keys.operator.public },
      ],
      policy: { 'trial-boots': 0, unapproved: 'reject', 'when-denied': 'revert' },
      approvals: [],
    });
  const release = async (version: string, sequence: bigint) => {
    const path = `boards/microbit/app/app-${version}.hex`;
    const image = (await readImage(readFileSync(path), path)).bytes;
    const key = here.world.keys.vendor;
    const { envelope } = buildPackage({ key, image, vendorId, classId, sequence, version, name: 'demo-app' });
    await publishPackage({ url: here.url, fleet: FLEET }, digestOf(envelope), envelope);
    return envelope;
  };
  const runsOnBoth = (version: string) =>
    here.until((all) => all.filter(({ firmwareVersion }) => firmwareVersion === version).length === 2, 4 * MINUTES);

  beforeAll(async () => {
    bench = await microbitBench();
    here = await startFleet({
      log(line) {
        const block = /Sending PUBLISH to .*'(cs\/[^/]+\/p\/[^']+\/raw\/\d+)'/.exec(line)?.[1];
        if (block) sent.push(block);
      },
    });
    const onText = (line: string) => text.push(line);
    microbit = await startMicrobit({ flash: here.world.path('microbit.bin'), firmware: bench.firmware, onText });
    const client = createClient(await openTcp(microbit.port), { timeoutMs: 10_000, retries: 5 });
    await provision(client, bootstrap(1));
    await client.close();
    virtual = await startVirtualBoard({});
    await virtual.provision(bootstrap(2));
    const ports = [{ port: microbit.port }, { port: virtual.port }];
    const told = (event: GatewayEvent) => void events.push(event);
    over = runGateway({ ports, baud: 115_200, url: here.url, fleet: FLEET, groups: ['all'], told }, stop.signal);
  }, 5 * MINUTES);
  afterAll(async () => {
    stop.abort();
    await over;
    await virtual?.close();
    await microbit?.close();
    await here?.close();
    await bench?.end();
  });

  test(
    'installs what was ordered for both, from blocks that came once, and goes back when it is denied',
    async () => {
      await here.until((all) => all.filter(({ online }) => online).length === 2, MINUTES);
      await here.approve(1, [everything('approve')]);
      const files = [await release('1.0.0', 1n), await release('1.1.0', 2n)];
      for (const [at, file] of files.entries()) {
        sent.length = 0;
        const order = { digest: hex(digestOf(file)), encoding: 'raw', correlator: `order-${at}` } as const;
        await placeOrder({ url: here.url, fleet: FLEET }, { group: 'all' }, order);
        await runsOnBoth(`1.${at}.0`);
        expect([sent.length, new Set(sent).size]).toEqual(Array(2).fill(Math.ceil(file.length / 512)));
      }
      const ends = events.flatMap((one) => (one.event === 'ended' ? [`${one.device} ${one.alert.corr}`] : []));
      expect(ends.sort()).toEqual(['bb01 order-0', 'bb01 order-1', 'bb02 order-0', 'bb02 order-1']);
      await here.approve(2, [only('deny', files[1]!), everything('approve')]);
      await runsOnBoth('1.0.0');
    },
    12 * MINUTES,
  );
});
