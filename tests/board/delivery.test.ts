// The main job on the virtual board, over its serial port and over a broker: provisioned, refused, asked, approved,
// installed.

import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterEach, describe, expect, it } from 'vitest';
import { startVirtualBoard, type VirtualBoard, type VirtualBoardOptions } from '../../boards/virtual/board.js';
import { loadBoard } from '../../host/boards.js';
import { type Delivery, deliver, type Outcome } from '../../host/device/deliver.js';
import { identify, provision, putApproval, STATE } from '../../host/device/identity.js';
import type { CountersignError } from '../../host/errors.js';
import { startBroker } from '../../host/links/broker.js';
import { listDevices, openMqtt } from '../../host/links/mqtt.js';
import { openSerial } from '../../host/links/serial.js';
import type { Progress } from '../../host/progress.js';
import { reasons } from '../../host/reasons.js';
import { type Client, createClient } from '../../host/smp/client.js';
import {
  type EnvelopeOptions,
  flipBit,
  makeApproval,
  makeBootstrap,
  makeEnvelope,
  makeKey,
  ROLE,
} from '../support/make.js';

const vendor = makeKey('ed25519', 'vendor');
const operator = makeKey('ed25519', 'operator');
const stranger = makeKey('ed25519', 'stranger');
const DEVICE_ID = Uint8Array.of(0xde, 0x71, 0xce, 1);
const { flash: map } = await loadBoard('virtual');

const cleanups: (() => unknown)[] = [];
const later = <T extends { close(): unknown }>(thing: T): T => {
  cleanups.push(() => thing.close());
  return thing;
};
afterEach(async () => {
  for (const cleanup of cleanups.splice(0).reverse()) await cleanup();
});

const bootstrap = (policy: NonNullable<Parameters<typeof makeBootstrap>[0]['policy']> = {}) =>
  makeBootstrap({
    deviceId: DEVICE_ID,
    anchors: [
      { role: ROLE.vendor, key: vendor },
      { role: ROLE.operator, key: operator },
    ],
    policy: { trialBoots: 0, ...policy },
  });
const image = (bytes: number, seed: number) => Uint8Array.from({ length: bytes }, (_, at) => (at * seed) >> 3);
const release = (sequence: number, more: Partial<EnvelopeOptions> = {}) =>
  makeEnvelope({
    sequence,
    image: image(7001, sequence + 3),
    signers: [vendor],
    text: { name: 'Blinky', version: `1.${sequence}.0` },
    ...more,
  });
const approval = (digest: Uint8Array, sequence = 1, verdict = 1) =>
  makeApproval({ key: operator, sequence, issuedAt: 1_700_000_000, entries: [{ verdict, digest }] });

interface Place {
  flash: string;
  board: VirtualBoard;
  client: Client;
  texts: string[];
  restart(): Promise<void>;
  deliver(file: Uint8Array, more?: Partial<Delivery>): Promise<{ outcome: Outcome; progress: Progress[] }>;
}

async function follow(client: Client, delivery: Delivery): Promise<{ outcome: Outcome; progress: Progress[] }> {
  const progress: Progress[] = [];
  const steps = deliver(client, delivery);
  for (;;) {
    const step = await steps.next();
    if (step.done) return { outcome: step.value, progress };
    progress.push(step.value);
  }
}

async function place(link: 'serial' | 'mqtt', options: Partial<VirtualBoardOptions> = {}): Promise<Place> {
  const folder = mkdtempSync(join(tmpdir(), 'delivery-'));
  cleanups.push(() => rmSync(folder, { recursive: true }));
  const flash = join(folder, 'flash.bin');
  const broker = link === 'mqtt' ? later(await startBroker()).url : undefined;
  const texts: string[] = [];
  const start = async () =>
    later(
      await startVirtualBoard({
        flash,
        ...(broker ? { broker, fleet: 'demo', name: 'one' } : {}),
        onText: (text) => texts.push(text),
        ...options,
      }),
    );
  const connect = async (board: VirtualBoard) => {
    const opened = broker
      ? await openMqtt({ url: broker, fleet: 'demo', device: 'one' })
      : await openSerial(board.port);
    return createClient(later(opened), { timeoutMs: 1500, retries: 3 });
  };
  const board = await start();
  const here: Place = {
    flash,
    board,
    client: await connect(board),
    texts,
    async restart() {
      await here.client.close();
      await here.board.close();
      here.board = await start();
      here.client = await connect(here.board);
    },
    deliver: (file, more = {}) => follow(here.client, { file, installMs: 30_000, ...more }),
  };
  return here;
}

const slot = (file: string): Buffer =>
  readFileSync(file).subarray(map.secondary.offset, map.secondary.offset + map.secondary.bytes);
const failure = (promise: Promise<unknown>): Promise<CountersignError> =>
  promise.then(
    () => expect.unreachable('it should have failed'),
    (error) => error,
  );

describe.each(['serial', 'mqtt'] as const)('over %s', (link) => {
  it('a blank device refuses everything; provisioned once, it locks, also over a restart of the process', async () => {
    const here = await place(link);
    const { bytes } = release(1);
    expect((await here.deliver(bytes)).outcome).toMatchObject({ kind: 'refused', reason: reasons.NotProvisioned.code });
    expect((await identify(here.client)).deviceId).toBeUndefined();
    const identity = await provision(here.client, bootstrap());
    expect(identity).toMatchObject({ deviceId: 'de71ce01', state: STATE.idle, installed: undefined });
    await here.restart();
    expect((await identify(here.client)).deviceId).toBe('de71ce01');
    expect((await failure(provision(here.client, bootstrap()))).reason.name).toBe('BootstrapLocked');
  });

  it('unapproved under reject: refused with the reason, and the slot was not touched', async () => {
    const here = await place(link);
    await provision(here.client, bootstrap());
    const { bytes, head } = release(1);
    const { outcome, progress } = await here.deliver(bytes);
    expect(outcome).toMatchObject({
      kind: 'refused',
      reason: reasons.NotApproved.code,
      verdict: expect.any(Uint8Array),
    });
    expect((outcome as { sent: number }).sent).toBeLessThan(head.length);
    expect(progress.every((step) => step.kind === 'work' && step.phase === 'deciding')).toBe(true);
    expect(slot(here.flash).every((byte) => byte === 0xff)).toBe(true);
  });

  it('approved by a document in the tree: installed without a question, and there after a restart', async () => {
    const here = await place(link, { onQuestion: () => expect.unreachable('nobody should be asked') });
    await provision(here.client, bootstrap());
    const { bytes, digest } = release(1);
    await putApproval(here.client, approval(digest));
    const { outcome, progress } = await here.deliver(bytes);
    expect(outcome).toEqual({ kind: 'installed', version: '1.1.0', sequence: 1n, digest });
    const phases = progress.flatMap((step) => (step.kind === 'work' ? [step.phase] : [])); // a busy line has notes between
    expect([...new Set(phases)]).toEqual([
      'deciding',
      'sending',
      'checking',
      ...(phases.includes('installing') ? ['installing'] : []),
    ]);
    await here.restart();
    expect((await identify(here.client)).installed).toMatchObject({ sequence: 1n, digest, version: '1.1.0' });
    expect((await here.deliver(bytes)).outcome).toEqual({ kind: 'unchanged' });
  });

  it('unapproved under prompt: asked; no refuses for good, yes installs', async () => {
    const answers = ['no', 'yes'] as const;
    const asked: (string | undefined)[] = [];
    const here = await place(link, {
      onQuestion: async (question) => {
        await sleep(700); // people take their time: that we wait for them is seen
        asked.push(`${question.name} ${question.from ?? '-'} ${question.version} ${question.reason}`);
        return answers[asked.length - 1];
      },
    });
    await provision(here.client, bootstrap({ unapproved: 1 }));
    const { bytes } = release(1);
    const no = await here.deliver(bytes);
    expect(no.outcome).toMatchObject({ kind: 'refused', reason: reasons.UserRefused.code });
    expect(no.progress.filter((step) => step.kind === 'waiting')).toMatchObject([{ for: 'the user of the device' }]);
    expect((await identify(here.client)).installed).toBeUndefined();
    expect((await here.deliver(bytes)).outcome).toMatchObject({ kind: 'installed', sequence: 1n });
    expect(asked).toEqual(Array(2).fill(`Blinky - 1.1.0 ${reasons.NotApproved.code}`));
  });
});

describe('on the serial line', () => {
  it('nobody answers in the device’s time: deferred, and nothing is installed', async () => {
    const here = await place('serial');
    await provision(here.client, bootstrap({ unapproved: 1, timeout: 2 }));
    expect((await here.deliver(release(1).bytes)).outcome).toEqual({ kind: 'deferred' });
    expect(await identify(here.client)).toMatchObject({ state: STATE.ready, installed: undefined });
  });

  it('we stop waiting sooner than the device: it still asks, and the answer counts', async () => {
    let answer: (said: 'yes') => void = () => undefined;
    const here = await place('serial', { onQuestion: () => new Promise((resolve) => (answer = resolve)) });
    await provision(here.client, bootstrap({ unapproved: 1, timeout: 60 }));
    const { bytes, digest } = release(1);
    expect((await here.deliver(bytes, { answerMs: 700 })).outcome).toMatchObject({ kind: 'asked' });
    answer('yes');
    for (let wait = 0; wait < 50 && !(await identify(here.client).catch(() => undefined))?.installed; wait++) {
      await sleep(100);
    }
    expect((await identify(here.client)).installed?.digest).toEqual(digest);
  });

  it.each([
    ['yes', { kind: 'installed' }],
    ['no', { kind: 'refused', reason: reasons.UserRefused.code }],
    [undefined, { kind: 'deferred' }],
  ] as const)('asked before the download, said %s', async (said, wanted) => {
    const reasonsAsked: unknown[] = [];
    const here = await place('serial', {
      onQuestion: async ({ reason }) => {
        reasonsAsked.push(reason);
        expect(slot(here.flash).every((byte) => byte === 0xff)).toBe(true);
        return said;
      },
    });
    await provision(here.client, bootstrap({ askBeforeDownload: 1, timeout: 2 }));
    const { bytes, digest } = release(1);
    await putApproval(here.client, approval(digest));
    expect((await here.deliver(bytes)).outcome).toMatchObject(wanted);
    expect(reasonsAsked.length).toBe(1);
  });

  it('a new image on trial is started and confirms itself by the knock', async () => {
    const here = await place('serial');
    await provision(here.client, bootstrap({ trialBoots: 2 }));
    const { bytes, digest } = release(1);
    await putApproval(here.client, approval(digest));
    const { outcome } = await here.deliver(bytes);
    expect(outcome).toMatchObject({ kind: 'installed', sequence: 1n });
    expect(here.texts.filter((text) => text.includes('of 7001 bytes would run now'))).toHaveLength(1);
    expect((await identify(here.client)).images[0]).toMatchObject({ active: true, confirmed: true });
  });

  // What is wrong, made from a release that would install, and the number that the device says.
  const spoiled: [string, (digest: Uint8Array) => Partial<EnvelopeOptions>, number][] = [
    ['signed by somebody else', () => ({ signers: [stranger] }), reasons.VendorSignature.code],
    ['for another class', () => ({ classId: new Uint8Array(16) }), reasons.ClassId.code],
    ['too large for the slot', () => ({ image: image(88 * 1024, 3) }), reasons.SlotTooSmall.code],
  ];
  it.each(spoiled)('%s: refused', async (_, spoil, reason) => {
    const here = await place('serial');
    await provision(here.client, bootstrap());
    const { bytes, digest } = release(1, spoil(new Uint8Array()));
    await putApproval(here.client, approval(digest));
    expect((await here.deliver(bytes)).outcome).toMatchObject({ kind: 'refused', reason });
  });

  it('a payload that was changed on the way: refused at its end, and the device stays as it was', async () => {
    const here = await place('serial');
    await provision(here.client, bootstrap());
    const { bytes, digest } = release(1);
    await putApproval(here.client, approval(digest));
    const { outcome } = await here.deliver(flipBit(bytes, bytes.length * 8 - 1));
    expect(outcome).toMatchObject({ kind: 'refused', reason: reasons.PayloadDigest.code });
    expect((await here.deliver(bytes)).outcome.kind).toBe('installed');
  });

  it('an older one than installed, and one that was denied meanwhile', async () => {
    const here = await place('serial');
    await provision(here.client, bootstrap());
    const [first, second, third] = [release(1), release(2), release(3)];
    const all = [first, second, third].map(({ digest }) => ({ verdict: 1, digest }));
    const document = (sequence: number, entries: typeof all) =>
      makeApproval({ key: operator, sequence, issuedAt: 1_700_000_000, entries });
    await putApproval(here.client, document(1, all));
    expect((await here.deliver(second.bytes)).outcome.kind).toBe('installed');
    expect((await here.deliver(first.bytes)).outcome).toMatchObject({ reason: reasons.Rollback.code });
    await putApproval(here.client, document(2, [{ verdict: 2, digest: third.digest }]));
    expect((await here.deliver(third.bytes)).outcome).toMatchObject({ reason: reasons.Denied.code });
    expect((await failure(putApproval(here.client, document(1, all)))).reason.name).toBe('Superseded');
    expect((await failure(putApproval(here.client, Uint8Array.of(1, 2, 3)))).code).not.toBe(0);
  });

  it('something that is no package at all: the device says so', async () => {
    const here = await place('serial');
    await provision(here.client, bootstrap());
    const { outcome } = await here.deliver(new TextEncoder().encode('#!/bin/sh\necho hello, I am firmware\n'));
    expect(outcome).toMatchObject({ kind: 'refused' });
  });

  it('the link is lost in the middle: says where, and goes on from there after a restart of the board', async () => {
    const here = await place('serial');
    await provision(here.client, bootstrap());
    const { bytes, digest } = release(1, { image: image(30_000, 5) });
    await putApproval(here.client, approval(digest));
    const steps = deliver(here.client, { file: bytes });
    let lost: Outcome | undefined;
    for (;;) {
      const step = await steps.next();
      if (step.done) {
        lost = step.value;
        break;
      }
      if (step.value.kind === 'work' && step.value.phase === 'sending' && step.value.done > 25_000)
        await here.board.close();
    }
    expect(lost).toMatchObject({ kind: 'link-lost', error: { reason: { exit: 40 } } });
    expect((lost as { offset: number }).offset).toBeGreaterThan(25_000);
    await here.restart();
    const { outcome, progress } = await here.deliver(bytes);
    expect(outcome.kind).toBe('installed');
    expect(progress.find((step) => step.kind === 'note')).toMatchObject({ text: expect.stringMatching(/already/) });
    const resumedAt = progress.flatMap((step) =>
      step.kind === 'work' && step.phase === 'sending' ? [step.done] : [],
    )[0];
    expect(resumedAt).toBeGreaterThan(25_000 - 16_384 - 1024); // a window was on its way, and a page was not whole
  });

  it('stops at once when told to, and the device stays as it was', async () => {
    const here = await place('serial');
    await provision(here.client, bootstrap());
    const { bytes, digest } = release(1, { image: image(30_000, 5) });
    await putApproval(here.client, approval(digest));
    const stop = new AbortController();
    const steps = deliver(here.client, { file: bytes, signal: stop.signal });
    const run = async () => {
      for (let step = await steps.next(); !step.done; step = await steps.next()) {
        if (step.value.kind === 'work' && step.value.done > 10_000) stop.abort();
      }
    };
    expect((await failure(run())).reason.name).toBe('Cancelled');
    expect((await identify(here.client)).installed).toBeUndefined();
  });
});

it('the state on the broker follows the device', async () => {
  const { url } = later(await startBroker());
  const folder = mkdtempSync(join(tmpdir(), 'delivery-'));
  cleanups.push(() => rmSync(folder, { recursive: true }));
  later(await startVirtualBoard({ flash: join(folder, 'flash.bin'), broker: url, fleet: 'demo', name: 'one' }));
  const client = createClient(later(await openMqtt({ url, fleet: 'demo', device: 'one' })));
  const shown = async (wanted: object) => {
    for (let wait = 0; ; wait++) {
      const [device] = await listDevices(url, 'demo');
      try {
        expect(device?.state).toMatchObject(wanted);
        return;
      } catch (error) {
        if (wait === 10) throw error;
      }
    }
  };
  await shown({ online: true });
  await provision(client, bootstrap());
  await shown({ online: true, device: 'de71ce01', state: STATE.idle });
  const { bytes, digest } = release(1);
  await putApproval(client, approval(digest));
  await follow(client, { file: bytes });
  await shown({
    online: true,
    state: STATE.successNoData,
    firmwareVersion: '1.1.0',
    digest: Buffer.from(digest).toString('hex'),
  });
});
