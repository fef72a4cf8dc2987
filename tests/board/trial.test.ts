// A delivery that meets a device with an image on trial: the trial comes to its end first, since the image starts only if
// the device is left alone.

import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { type Delivery, deliver, type Outcome } from '../../host/device/deliver.js';
import { identify, putApproval } from '../../host/device/identity.js';
import { newDocumentId, signApproval } from '../../host/formats/approval.js';
import { splitEnvelope } from '../../host/formats/envelope.js';
import { openSerial } from '../../host/links/serial.js';
import type { Progress } from '../../host/progress.js';
import { type Client, createClient } from '../../host/smp/client.js';
import { type DeviceWorld, makeDeviceWorld } from '../support/device-world.js';

let world: DeviceWorld;
beforeAll(() => {
  world = makeDeviceWorld();
});
afterAll(() => world.close());

async function follow(client: Client, delivery: Delivery): Promise<{ outcome: Outcome; progress: Progress[] }> {
  const progress: Progress[] = [];
  const steps = deliver(client, delivery);
  for (let step = await steps.next(); ; step = await steps.next()) {
    if (step.done) return { outcome: step.value, progress };
    progress.push(step.value);
  }
}

/** A device on whose trial somebody's delivery was stopped, that was reset, and that has been talked to ever since. */
async function onTrial() {
  const started: string[] = [];
  // Whoever talks to an image that runs has its word for it: until a client reached the agent, each start ends in a reset.
  let reached = false;
  const onText = (text: string) => {
    if (!text.includes('would run now')) return;
    started.push(text);
    if (!reached) queueMicrotask(() => board.reset());
  };
  const board = await world.board({ unapproved: 'reject', 'trial-boots': 9 }, { onText });
  const client = createClient(await openSerial(board.port));
  const [first, second] = [world.package('first.suit', 1n), world.package('second.suit', 2n)];
  const entries = [first, second].map((file) => ({
    verdict: 'approve' as const,
    digest: splitEnvelope(file, 'package').digest,
  }));
  const claims = { issuer: 'op', issuedAt: 1_800_000_000, id: newDocumentId(), sequence: 1n, entries };
  await putApproval(client, signApproval(world.keys.operator, claims));
  const stop = new AbortController();
  for await (const step of deliver(client, { file: first, signal: stop.signal })) {
    if (step.kind === 'work' && step.phase === 'installing') break;
  }
  stop.abort();
  while (started.length === 0) await sleep(50);
  for (;;) {
    const seen = await identify(client).catch(() => undefined);
    const active = seen?.images.find((image) => image.active);
    expect(active?.confirmed).not.toBe(true);
    reached = active?.confirmed === false;
    if (reached) return { client, first, second, started: () => started.length };
    await sleep(50);
  }
}

it('of another package: waited for, left alone, and then it is its turn', async () => {
  const { client, second, started } = await onTrial();
  const before = started();
  const { outcome, progress } = await follow(client, { file: second });
  expect(outcome).toMatchObject({ kind: 'installed', sequence: 2n });
  const notes = progress.flatMap((step) => (step.kind === 'note' ? [step.text] : []));
  expect(notes[0]).toMatch(/busy with an update/);
  expect(notes[1]).toMatch(/on trial: leaving the device alone/);
  expect(started() - before).toBe(2); // the one on trial, and the second
  await client.close();
});

it('of the very package: its end is told, and nothing is sent again', async () => {
  const { client, first } = await onTrial();
  const { outcome, progress } = await follow(client, { file: first });
  expect(outcome).toMatchObject({ kind: 'installed', version: '1.1.0', sequence: 1n });
  expect(progress.some((step) => step.kind === 'work' && step.phase === 'sending')).toBe(false);
  expect((await follow(client, { file: first })).outcome).toEqual({ kind: 'unchanged' });
  await client.close();
});
