// The people around a swarm, for tests: their keys, what they sign, and what they leave on a broker. What the devices then say is read
// from the boards themselves, so that no test waits for what a broker has lost.

import { setTimeout as sleep } from 'node:timers/promises';
import { expect } from 'vitest';
import type { VirtualBoard } from '../../boards/virtual/board.js';
import { placeOrder } from '../../host/fleet/orders.js';
import { type Entry, newDocumentId, signApproval } from '../../host/formats/approval.js';
import { encodeBootstrap } from '../../host/formats/bootstrap.js';
import { classIdOf, hex, vendorIdOf } from '../../host/formats/bytes.js';
import type { SigningKey } from '../../host/formats/keys.js';
import type { Policy } from '../../host/formats/policy.js';
import { buildPackage } from '../../host/formats/suit.js';
import { generateKey } from '../../host/keys/read.js';
import { connectBroker, endBroker } from '../../host/links/mqtt.js';
import { publishPackage } from '../../host/links/packages.js';
import { approvalTopic } from '../../host/links/topics.js';

export const FLEET = 'plant';
export const GROUP = 'all';
const VENDOR_ID = vendorIdOf('vendor.example');
const CLASS_ID = classIdOf(VENDOR_ID, 'virtual');
const POLL_MS = 50;
const PATIENCE_MS = 90_000;

export interface Release {
  envelope: Uint8Array;
  digest: Uint8Array;
  version: string;
}

export interface SwarmWorld {
  keys: Record<'vendor' | 'operator', SigningKey>;
  release(sequence: number, bytes?: number): Release;
  bootstrap(policy?: Policy): (name: string, number: number) => Uint8Array;
  /** The operator's document of this number. */
  document(sequence: number, entries: Entry[], key?: SigningKey): Uint8Array;
  /** Leaves it on the broker. */
  approve(url: string, sequence: number, entries: Entry[]): Promise<void>;
  publish(url: string, release: Release): Promise<void>;
  /** Orders it for the group of all. */
  order(url: string, release: Release, correlator?: string): Promise<void>;
}

export const deviceId = (number: number): Uint8Array => Uint8Array.of(number >> 8, number);
export const all = (verdict: Entry['verdict']): Entry => ({ verdict, classId: CLASS_ID });
export const only = (verdict: Entry['verdict'], { digest }: Release, devices?: number[]): Entry => ({
  ...{ verdict, digest },
  ...(devices && { devices: devices.map(deviceId) }),
});

export function makeSwarmWorld(): SwarmWorld {
  const keys = { vendor: generateKey('ed25519'), operator: generateKey('p256') };
  const document: SwarmWorld['document'] = (sequence, entries, key = keys.operator) => {
    const issuedAt = Math.floor(Date.now() / 1000) - 60;
    return signApproval(key, { issuer: 'acme', issuedAt, id: newDocumentId(), sequence: BigInt(sequence), entries });
  };
  return {
    keys,
    document,
    release(sequence, bytes = 12_000) {
      const image = Uint8Array.from({ length: bytes }, (_, at) => (at * 2_654_435_761 + sequence * 97) >>> 13); // no block is like another;
      const [version, name] = [`1.${sequence}.0`, 'Lamp'];
      const ids = { vendorId: VENDOR_ID, classId: CLASS_ID, sequence: BigInt(sequence) };
      return { ...buildPackage({ key: keys.vendor, image, version, name, ...ids }), version };
    },
    bootstrap: (policy) => (_, number) =>
      encodeBootstrap({
        device: deviceId(number),
        vendorId: VENDOR_ID,
        classId: CLASS_ID,
        anchors: [
          { role: 'vendor', key: keys.vendor.public },
          { role: 'operator', key: keys.operator.public },
        ],
        policy: { 'trial-boots': 0, unapproved: 'reject', 'when-denied': 'revert', ...policy },
        approvals: [],
      }),
    approve: (url, sequence, entries) => leave(url, approvalTopic(FLEET, 'acme'), document(sequence, entries)),
    publish: async (url, { digest, envelope }) => void (await publishPackage({ url, fleet: FLEET }, digest, envelope)),
    async order(url, { digest, version }, correlator = version) {
      await placeOrder({ url, fleet: FLEET }, { group: GROUP }, { digest: hex(digest), encoding: 'raw', correlator });
    },
  };
}

/** Leaves a retained message. */
export async function leave(url: string, topic: string, payload: Uint8Array | string): Promise<void> {
  const client = await connectBroker(url);
  try {
    await client.publishAsync(topic, Buffer.from(payload), { qos: 1, retain: true });
  } finally {
    await endBroker(client);
  }
}

/** Waits until it is so; shows what is instead if it does not come to that. */
export async function until<T>(wanted: T, now: () => T, patienceMs = PATIENCE_MS): Promise<void> {
  const same = () => JSON.stringify(now()) === JSON.stringify(wanted);
  for (const end = Date.now() + patienceMs; Date.now() < end && !same(); ) await sleep(POLL_MS);
  expect(now()).toEqual(wanted);
}

export const versions = (boards: readonly VirtualBoard[]) => boards.map(({ shown }) => shown.firmwareVersion ?? 'none');
