// Law 4 on emulated boards: resets and full stops (flash saved and restored, RAM lost) at random moments of one update
// after another. At every cut the machine stands still and is looked at: an application that runs is, byte for byte, one
// that the operator approved. After it the update can be finished, and no counter has gone down.
//
// COUNTERSIGN_RESETS=full: 300 resets and 20 stops of each, some 20 minutes; without it a few. COUNTERSIGN_SEED repeats the
// choice of moments, as far as time on an emulator can be repeated. QEMU writes a word and erases a page at once: what a
// cut leaves of a half-written one is shown on the simulated flash, not here.

import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { deviceOf } from '../../host/boards.js';
import { deliver, type Outcome } from '../../host/device/deliver.js';
import { identify, provision, putApproval } from '../../host/device/identity.js';
import { asCountersignError } from '../../host/errors.js';
import { same } from '../../host/formats/bytes.js';
import { reasonOf, reasons } from '../../host/reasons.js';
import { type Client, createClient } from '../../host/smp/client.js';
import { readAlert, reset } from '../../host/smp/commands.js';
import { sleep } from '../../host/wait.js';
import { type Board, EMULATED, VERSIONS } from '../support/boards.js';
import { makeApproval, makeBootstrap, makeEnvelope, makeKey, ROLE } from '../support/make.js';

const FULL = process.env.COUNTERSIGN_RESETS === 'full';
/** Of each board; the others take what is the first one's, in the short run. */
const COUNTS: Record<string, { resets: number; stops: number }> = { microbit: { resets: 22, stops: 3 } };
const countsOf = (name: string) => (FULL ? { resets: 300, stops: 20 } : (COUNTS[name] ?? { resets: 12, stops: 2 }));
const SEED = Number(process.env.COUNTERSIGN_SEED ?? Date.now() % 1_000_000);

const IMAGE_BYTES = 5000; // five pages of the micro:bit: its swap is long enough to be cut in its middle
const GAP_MS_MAX = 1500; // between two cuts
const CUTS_MAX = 16; // of one update
const TRIES_MAX = 40; // until an update is finished: each cut may cost one
const ANSWER_MS = 1000; // a request that a reset swallowed is asked again soon; RETRIES give a slow machine its time
const RETRIES = 30;
const TRIAL_MS = 5000; // after a reset the agent waits a second, hashes the image, and starts it

const vendor = makeKey('ed25519', 'vendor');
const operator = makeKey('ed25519', 'operator');

/** Mulberry32: numbers in [0, 1) that a seed repeats. */
function chanceOf(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let x = Math.imul(state ^ (state >>> 15), state | 1);
    x ^= x + Math.imul(x ^ (x >>> 7), x | 61);
    return ((x ^ (x >>> 14)) >>> 0) / 2 ** 32;
  };
}

describe.each(EMULATED.map(({ name, ...kind }) => ({ name, kind })))('power cuts on $name', ({ name, kind }) => {
  const works = kind.canRun();
  const chance = chanceOf(SEED);
  const wanted = countsOf(name);
  const counts = { resets: 0, stops: 0, inApplication: 0, updates: 0, refused: 0, reverted: 0 };
  const approved: Uint8Array[] = [];
  let unapproved: Uint8Array;
  let board: Board;
  let client: Client;
  let powered: Promise<void> = Promise.resolve(); // pending between a full stop and the next start

  const connect = async () => {
    client = createClient(await board.connect(), { timeoutMs: ANSWER_MS, retries: RETRIES });
  };

  const restart = async (flash: Uint8Array) => {
    await client.close();
    await board.stopAndStart(flash);
    await connect();
  };

  /** Where an image runs: in the primary slot, or where it is copied to. */
  const imageAddress = () => {
    const { primary, copiedTo } = board.map;
    const { address = 0, offset } = deviceOf(board.map, primary)!;
    return copiedTo?.address ?? address + primary.offset - offset;
  };

  const cut = async (stop: boolean) => {
    const { emulator, programCounter } = board.emulated!;
    await emulator.control('stop');
    const pc = await programCounter();
    const flash = await emulator.saveFlash();
    expect(pc).toBeGreaterThan(0);
    if (pc >= imageAddress() && pc < imageAddress() + board.map.primary.bytes) {
      counts.inApplication++;
      const { offset } = board.map.primary;
      const runs = board.map.copiedTo
        ? await emulator.saveMemory(imageAddress(), IMAGE_BYTES)
        : flash.subarray(offset, offset + IMAGE_BYTES);
      expect(
        approved.some((image) => same(image, runs)),
        `what runs at ${pc.toString(16)} is whole and approved`,
      ).toBe(true);
    }
    if (stop) {
      counts.stops++;
      powered = restart(flash);
      await powered;
    } else {
      counts.resets++;
      await emulator.control('system_reset');
      await emulator.control('cont');
    }
  };

  /** Cuts at random moments until `over()`, or as often as this package is cut. */
  const cutWhile = async (over: () => boolean) => {
    for (let left = 1 + Math.floor(chance() * CUTS_MAX); left > 0; left--) {
      await sleep(chance() * GAP_MS_MAX);
      const [resets, stops] = [wanted.resets - counts.resets, wanted.stops - counts.stops];
      if (over() || resets + stops === 0) return;
      await cut(chance() * (resets + stops) < stops);
    }
  };

  let documents = 2; // the number of the operator's newest
  const approval = (sequence: number) =>
    makeApproval({
      key: operator,
      sequence,
      issuedAt: 1_700_000_000,
      entries: [{ verdict: 1, digest: new Uint8Array(32) }],
    });

  /** One offer, to its end or to where a cut ended it. */
  const offer = async (file: Uint8Array): Promise<Outcome | undefined> => {
    await powered;
    const steps = deliver(client, { file });
    try {
      for (;;) {
        const step = await steps.next();
        if (step.done) return step.value;
      }
    } catch (error) {
      const { name } = asCountersignError(error).reason;
      if (['LinkLost', 'NoAnswer', 'TimedOut'].includes(name)) return undefined;
      throw error;
    }
  };

  const leaveAlone = async () => {
    await reset(client).catch(() => {});
    await sleep(TRIAL_MS);
  };

  /** Offers it again and again while the power is cut, until it ends as it should. */
  const insist = async (file: Uint8Array, isEnd: (outcome: Outcome) => boolean) => {
    let over = false;
    const cutting = cutWhile(() => over);
    cutting.catch(() => {}); // thrown below
    const met: string[] = [];
    try {
      for (let tries = 0; tries < TRIES_MAX; tries++) {
        const outcome = await offer(file);
        if (outcome && isEnd(outcome)) return;
        if (outcome?.kind === 'refused' && outcome.reason === reasons.RevertedNotConfirmed.code) counts.reverted++;
        met.push(outcome?.kind === 'refused' ? reasonOf(outcome.reason).name : (outcome?.kind ?? 'cut'));
        // A cut in a trial: the image starts once the agent is left alone, and whoever asks again at once holds it up.
        if (met.at(-1) === 'WrongState') await leaveAlone();
        // So many cuts look like somebody who wears it out (assembly/update/wear.ts): its operator says that it may go on.
        if (met.at(-1) === 'TooOften') await putApproval(client, approval(++documents));
      }
      throw new Error(`not finished: ${met.join(', ')}`);
    } finally {
      over = true;
      await cutting;
    }
  };

  const release = (sequence: number, image: Uint8Array, signers = [vendor, operator]) =>
    makeEnvelope({ sequence, image, signers, text: { name: 'demo-app', version: `1.${sequence}.0` } });
  const isRefused = (name: keyof typeof reasons) => (outcome: Outcome) =>
    outcome.kind === 'refused' && outcome.reason === reasons[name].code;

  beforeAll(async () => {
    if (!works) return;
    board = await kind.open();
    for (const version of VERSIONS) {
      const bytes = board.apps[version];
      const padding = chanceOf(bytes.length + approved.length);
      approved.push(Uint8Array.from({ length: IMAGE_BYTES }, (_, i) => bytes[i] ?? Math.floor(padding() * 256)));
    }
    unapproved = approved[0]!.slice();
    unapproved[IMAGE_BYTES - 1]! ^= 1;
    await connect();
  });
  afterAll(async () => {
    await client?.close();
    await board?.end();
  });

  // The moments are chosen anew each time: one that loses something is a finding, and no second try hides it.
  test.runIf(works)(
    `${wanted.resets} resets and ${wanted.stops} full stops, seed ${SEED}: whole, approved, and no counter goes down`,
    {
      retry: 0,
      timeout: FULL ? 7_200_000 : 1_200_000,
    },
    async () => {
      const anchors = [
        { role: ROLE.vendor, key: vendor },
        { role: ROLE.operator, key: operator },
      ];
      const document = makeBootstrap({ deviceId: Uint8Array.of(1, 2, 3, 4), anchors, policy: { trialBoots: 1 } });
      await provision(client, document);
      await putApproval(client, approval(documents));

      let alerts = 0;
      let sequence = 0;
      while (counts.resets < wanted.resets || counts.stops < wanted.stops) {
        sequence++;
        const { bytes, digest } = release(sequence, approved[sequence % 2]!);
        await insist(bytes, ({ kind }) => kind === 'installed' || kind === 'unchanged');
        counts.updates++;
        if (FULL) console.log(`update ${sequence}: ${JSON.stringify(counts)}`);
        expect((await identify(client)).installed).toMatchObject({ sequence: BigInt(sequence), digest });
        const { n } = await readAlert(client);
        expect(n).toBeGreaterThan(alerts);
        alerts = n;
        if (sequence % 3 !== 0) continue;
        await insist(release(sequence + 1, unapproved, [vendor]).bytes, isRefused('ApprovalOtherPackage'));
        await insist(release(sequence - 1, approved[0]!).bytes, isRefused('Rollback'));
        counts.refused += 2;
        expect((await identify(client)).installed).toMatchObject({ sequence: BigInt(sequence), digest });
      }
      await expect(putApproval(client, approval(1))).rejects.toMatchObject({ reason: { name: 'Superseded' } });
      await expect(provision(client, document)).rejects.toMatchObject({ reason: { name: 'BootstrapLocked' } });
      expect((await identify(client)).deviceId).toBe('01020304');
      console.log(`${name}, emulated, seed ${SEED}: ${JSON.stringify(counts)}; lost: 0, bricked: 0, unapproved: 0`);
      expect(counts).toMatchObject(wanted);
    },
  );
});
