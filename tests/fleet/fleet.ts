// A small fleet on a real broker, for tests: boards in this process, what an operator publishes, and what the devices then say.

import { setTimeout as sleep } from 'node:timers/promises';
import { expect } from 'vitest';
import { startVirtualBoard, type VirtualBoard, type VirtualBoardOptions } from '../../boards/virtual/board.js';
import { deliver } from '../../host/device/deliver.js';
import { type GatewayEvent, type GatewayPort, runGateway } from '../../host/fleet/gateway.js';
import { placeOrder } from '../../host/fleet/orders.js';
import { type Entry, newDocumentId, signApproval } from '../../host/formats/approval.js';
import { encodeBootstrap } from '../../host/formats/bootstrap.js';
import { classIdOf, hex, vendorIdOf } from '../../host/formats/bytes.js';
import { splitEnvelope } from '../../host/formats/envelope.js';
import type { SigningKey } from '../../host/formats/keys.js';
import type { Policy } from '../../host/formats/policy.js';
import { connectBroker, listDevices, openMqtt, type SeenDevice } from '../../host/links/mqtt.js';
import { publishPackage } from '../../host/links/packages.js';
import type { OrderPaper } from '../../host/links/papers.js';
import { approvalTopic, changeTopic } from '../../host/links/topics.js';
import { createClient } from '../../host/smp/client.js';
import { type DeviceWorld, makeDeviceWorld, type WorldBoard } from '../support/device-world.js';
import { type Mosquitto, startMosquitto, type Wishes } from '../support/mosquitto.js';

export const FLEET = 'plant';
const VENDOR_ID = vendorIdOf('vendor.example');
const CLASS_ID = classIdOf(VENDOR_ID, 'virtual');
const KEPT = { qos: 1, retain: true } as const;
const POLL_MS = 100;
const PATIENCE_MS = 90_000; // on a machine that has other things to do

export interface Fleet {
  broker: Mosquitto;
  url: string;
  world: DeviceWorld;
  board(name: string, policy: Policy, options?: WorldBoard): Promise<VirtualBoard>;
  /** The operator's document of this number, retained under a name. */
  approve(sequence: number, entries: Entry[], as?: string, key?: SigningKey): Promise<Uint8Array>;
  change(number: number, document: Uint8Array): Promise<void>;
  publish(topic: string, payload: Uint8Array | string): Promise<void>;
  deliver(name: string, file: Uint8Array): Promise<string>;
  seen(): Promise<SeenDevice['state'][]>;
  /** Waits until the devices say so; shows what they said last if they do not. */
  until(wanted: (states: SeenDevice['state'][]) => boolean, patienceMs?: number): Promise<void>;
  close(): Promise<void>;
}

export const everything = (verdict: Entry['verdict']): Entry => ({ verdict, classId: CLASS_ID });
export const only = (verdict: Entry['verdict'], file: Uint8Array): Entry => ({ verdict, digest: digestOf(file) });
export const digestOf = (file: Uint8Array): Uint8Array => splitEnvelope(file, 'it').digest!;

export async function startFleet(wishes: Wishes = {}): Promise<Fleet> {
  const broker = await startMosquitto(wishes);
  const { url } = broker;
  const world = makeDeviceWorld();
  const mqtt = await connectBroker(url);
  const publish = async (topic: string, payload: Uint8Array | string) =>
    void (await mqtt.publishAsync(topic, Buffer.from(payload), KEPT));
  const seen = async () => (await listDevices(url, FLEET)).map(({ state }) => state);
  return {
    broker,
    url,
    world,
    publish,
    seen,
    board: (name, policy, options = {}) => world.board(policy, { broker: url, fleet: FLEET, name, ...options }),
    async approve(sequence, entries, as = 'acme', key = world.keys.operator) {
      const now = Math.floor(Date.now() / 1000) - 60;
      const claims = { issuer: as, issuedAt: now, id: newDocumentId(), sequence: BigInt(sequence), entries };
      const document = signApproval(key, claims);
      await publish(approvalTopic(FLEET, as), document);
      return document;
    },
    change: (number, document) => publish(changeTopic(FLEET, BigInt(number)), document),
    async deliver(device, file) {
      const client = createClient(await openMqtt({ url, fleet: FLEET, device }));
      try {
        const steps = deliver(client, { file });
        for (;;) {
          const step = await steps.next();
          if (step.done) return step.value.kind;
        }
      } finally {
        await client.close();
      }
    },
    async until(wanted, patienceMs = PATIENCE_MS) {
      for (const end = Date.now() + patienceMs; Date.now() < end; await sleep(POLL_MS)) {
        if (wanted(await seen())) return;
      }
      expect(await seen()).toBe('as wanted');
    },
    async close() {
      await world.close();
      await mqtt.endAsync(true);
      await broker.close();
    },
  };
}

/** A board on a pseudo-terminal, without a radio, and with an id of its own. */
export async function lineBoard(
  { keys }: DeviceWorld,
  number: number,
  options: VirtualBoardOptions = {},
): Promise<VirtualBoard> {
  const board = await startVirtualBoard(options);
  await board
    .provision(
      encodeBootstrap({
        device: Uint8Array.of(0xaa, number),
        vendorId: VENDOR_ID,
        classId: CLASS_ID,
        anchors: [
          { role: 'vendor', key: keys.vendor.public },
          { role: 'operator', key: keys.operator.public },
        ],
        policy: { 'trial-boots': 0, unapproved: 'reject', 'when-denied': 'revert' },
        approvals: [],
      }),
    )
    .catch(() => undefined); // it is, by its flash
  return board;
}

/** A gateway in this process, what it tells, and at its end the blocks that it has counted. */
export function gatewayOf({ url }: Fleet, ports: GatewayPort[], groups: string[] = []) {
  const events: GatewayEvent[] = [];
  const ending = new AbortController();
  const told = (event: GatewayEvent) => void events.push(event);
  const over = runGateway({ ports, baud: 115_200, url, fleet: FLEET, groups, told }, ending.signal);
  const stop = () => {
    ending.abort();
    return over;
  };
  return { events, stop };
}

export const orderFor = (file: Uint8Array, correlator: string): OrderPaper => ({
  digest: hex(digestOf(file)),
  encoding: 'raw',
  correlator,
});

/** Publishes a package, and orders it. */
export async function bring(
  { url }: Fleet,
  file: Uint8Array,
  whom: { device: string } | { group: string },
  name: string,
): Promise<void> {
  await publishPackage({ url, fleet: FLEET }, digestOf(file), file);
  await placeOrder({ url, fleet: FLEET }, whom, orderFor(file, name));
}
