// Two people deliver to one device over a broker, where nothing keeps them apart. What the other one does comes just
// before our order to install.

import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, expect, it } from 'vitest';
import { startVirtualBoard } from '../../boards/virtual/board.js';
import { deliver } from '../../host/device/deliver.js';
import { NODE, provision, putApproval } from '../../host/device/identity.js';
import { sha256 } from '../../host/formats/bytes.js';
import { startBroker } from '../../host/links/broker.js';
import { openMqtt } from '../../host/links/mqtt.js';
import { type Client, createClient } from '../../host/smp/client.js';
import { parameters, treeExec } from '../../host/smp/commands.js';
import { GROUP, OP } from '../../host/smp/packet.js';
import { upload } from '../../host/smp/upload.js';
import { makeApproval, makeBootstrap, makeEnvelope, makeKey, ROLE } from '../support/make.js';

const EXEC = 3; // of our group
const vendor = makeKey('ed25519', 'vendor');
const operator = makeKey('ed25519', 'operator');
const release = (sequence: number) =>
  makeEnvelope({ sequence, image: new Uint8Array(3001).fill(sequence), signers: [vendor] });
const [ours, theirs] = [release(1), release(2)];

const cleanups: (() => unknown)[] = [];
const later = <T extends { close(): unknown }>(thing: T): T => {
  cleanups.push(() => thing.close());
  return thing;
};
afterEach(async () => {
  for (const cleanup of cleanups.splice(0).reverse()) await cleanup();
});

async function drain<T>(steps: AsyncGenerator<unknown, T>): Promise<T> {
  for (;;) {
    const step = await steps.next();
    if (step.done) return step.value;
  }
}

/** What becomes of our delivery. */
async function race(other: (client: Client) => Promise<unknown>) {
  const folder = mkdtempSync(join(tmpdir(), 'rivals-'));
  cleanups.push(() => rmSync(folder, { recursive: true }));
  const where = { url: later(await startBroker()).url, fleet: 'demo', device: 'one' };
  later(
    await startVirtualBoard({ flash: join(folder, 'flash.bin'), broker: where.url, fleet: 'demo', name: where.device }),
  );
  const client = createClient(later(await openMqtt(where)));
  const rival = createClient(later(await openMqtt(where)));
  const anchors = [
    { role: ROLE.vendor, key: vendor },
    { role: ROLE.operator, key: operator },
  ];
  await provision(client, makeBootstrap({ anchors, policy: { trialBoots: 0 } }));
  const entries = [ours, theirs].map(({ digest }) => ({ verdict: 1, digest }));
  await putApproval(client, makeApproval({ key: operator, sequence: 1, issuedAt: 1_700_000_000, entries }));
  let came = false;
  const raced: Client = {
    ...client,
    async request(request) {
      const { op, group, id } = request;
      if (!came && op === OP.write && group === GROUP.countersign && id === EXEC) {
        came = true;
        await other(rival);
      }
      return client.request(request);
    },
  };
  return drain(deliver(raced, { file: ours.bytes, installMs: 30_000 }));
}

it('the same package, and is first: it is installed for both', async () => {
  const outcome = await race((rival) => treeExec(rival, NODE.update, 'theirs'));
  expect(outcome).toMatchObject({ kind: 'installed', sequence: 1n });
});

it('another package, in place of ours: said, and no fault', async () => {
  const file = theirs.bytes;
  const outcome = race(async (rival) =>
    drain(upload(rival, { file, digest: sha256(file), parameters: await parameters(rival) })),
  );
  await expect(outcome).rejects.toMatchObject({
    reason: { name: 'WrongState' },
    hint: expect.stringContaining('somebody else'),
  });
});
