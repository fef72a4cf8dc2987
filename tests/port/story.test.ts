// The main job on every board with the agent, scene by scene, with the real application: what is installed runs, and says so
// on the UART. Between any two scenes the board may be reset, or stopped altogether and started with the flash it had.

import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { type Delivery, deliver, type Outcome } from '../../host/device/deliver.js';
import { identify, provision, putApproval } from '../../host/device/identity.js';
import { reasons } from '../../host/reasons.js';
import { type Client, createClient } from '../../host/smp/client.js';
import { type Question, readQuestion } from '../../host/smp/commands.js';
import { BOARDS, type Board, type Version } from '../support/boards.js';
import { flipBit, makeApproval, makeBootstrap, makeEnvelope, makeKey, ROLE } from '../support/make.js';

const START_MS = 60_000; // the agent waits 10 s for a client before it starts the application, on a fast machine
const MINUTES = 60_000;

const vendor = makeKey('ed25519', 'vendor');
const operator = makeKey('p256', 'operator');
const stranger = makeKey('ed25519', 'stranger');

describe.each(BOARDS.map(({ name, ...kind }) => [name, kind] as const))('the main job on %s', (_, kind) => {
  const works = kind.canRun();
  let board: Board;
  let client: Client;
  let heard = ''; // text on the UART between the frames

  const connect = async () => {
    const link = await board.connect();
    link.listen({
      text: (bytes) => {
        heard += Buffer.from(bytes).toString('latin1');
      },
    });
    client = createClient(link, { timeoutMs: 10_000, retries: 5 });
  };
  const stopAndStart = async () => {
    await client.close();
    await board.stopAndStart();
    await connect();
  };
  const hear = async (text: string, limitMs = START_MS) => {
    const end = Date.now() + limitMs;
    while (!heard.includes(text)) {
      if (Date.now() > end)
        throw new Error(`the UART did not say ${JSON.stringify(text)}, but ${JSON.stringify(heard)}`);
      await new Promise((resolve) => setTimeout(resolve, 50));
    }
  };
  const release = (version: Version, sequence: number, signer = vendor) =>
    makeEnvelope({ sequence, image: board.apps[version], signers: [signer], text: { name: 'demo-app', version } });
  const bring = async (file: Uint8Array, more: Partial<Delivery> = {}): Promise<Outcome> => {
    const steps = deliver(client, { file, ...more });
    for (;;) {
      const step = await steps.next();
      if (step.done) return step.value;
    }
  };
  const approve = (sequence: number, verdict: number, digest: Uint8Array) =>
    putApproval(
      client,
      makeApproval({ key: operator, sequence, issuedAt: 1_700_000_000 + sequence, entries: [{ verdict, digest }] }),
    );
  // The question; an error if the delivery ends without one.
  const asked = async (coming: Promise<Outcome>): Promise<Question> => {
    let ended: unknown;
    coming.then(
      (outcome) => (ended = outcome),
      (error) => (ended = error),
    );
    for (;;) {
      const question = await readQuestion(client);
      if (question.pending) return question;
      if (ended !== undefined) throw new Error('nothing was asked', { cause: ended });
      await new Promise((resolve) => setTimeout(resolve, 200));
    }
  };
  /** The primary slot holds this image, byte for byte; a board that does not tell is believed. */
  const holds = async (image: Uint8Array) => {
    const slot = await board.read(board.map.primary);
    if (slot) expect(Buffer.compare(slot.subarray(0, image.length), image)).toBe(0);
  };

  beforeAll(async () => {
    if (!works) return;
    board = await kind.open();
    await connect();
  });
  afterAll(async () => {
    await client?.close();
    await board?.end();
  });

  test.runIf(works)(
    'a blank board installs nothing, and is provisioned once',
    async () => {
      expect(await bring(release('1.0.0', 1).bytes)).toMatchObject({
        kind: 'refused',
        reason: reasons.NotProvisioned.code,
      });
      const document = makeBootstrap({
        deviceId: Uint8Array.of(0xde, 0x71, 0xce, 0),
        anchors: [
          { role: ROLE.vendor, key: vendor },
          { role: ROLE.operator, key: operator },
        ],
        policy: { unapproved: 1, timeout: 100, trialBoots: 1, channels: board.channels },
      });
      await provision(client, document);
      await stopAndStart();
      expect((await identify(client)).deviceId).toBe('de71ce00');
      await expect(provision(client, document)).rejects.toMatchObject({ reason: { name: 'BootstrapLocked' } });
    },
    2 * MINUTES,
  );

  test.runIf(works)(
    'approved: installed without a question, and its banner is on the UART',
    async () => {
      const { bytes, digest } = release('1.0.0', 1);
      await approve(1, 1, digest);
      await board.reset(client);
      expect(await bring(bytes)).toEqual({ kind: 'installed', version: '1.0.0', sequence: 1n, digest });
      heard = '';
      await board.reset(client);
      await hear('demo-app 1.0.0');
      await holds(board.apps['1.0.0']);
    },
    3 * MINUTES,
  );

  test.runIf(works)(
    'the client reaches the agent while the application runs',
    async () => {
      expect((await identify(client)).installed).toMatchObject({ version: '1.0.0', sequence: 1n });
    },
    MINUTES,
  );

  test.runIf(works)(
    'not approved: the user is asked and says no, and not a byte of the program changes',
    async () => {
      const { bytes } = release('1.1.0', 2);
      const coming = bring(bytes);
      expect(await asked(coming)).toMatchObject({ name: 'demo-app', version: '1.1.0' });
      await board.answer(client, 'no');
      expect(await coming).toMatchObject({ kind: 'refused', reason: reasons.UserRefused.code });
      await holds(board.apps['1.0.0']);
    },
    2 * MINUTES,
  );

  test.runIf(works).each([
    ['tampered', () => flipBit(release('1.1.0', 2).bytes, 3000), undefined],
    ['signed by a stranger', () => release('1.1.0', 2, stranger).bytes, reasons.VendorSignature.code],
    ['rolled back', () => release('1.0.0', 0).bytes, reasons.Rollback.code],
  ] as const)(
    '%s: refused',
    async (_, make, reason) => {
      await stopAndStart();
      const outcome = await bring(make());
      expect(outcome).toMatchObject(reason === undefined ? { kind: 'refused' } : { kind: 'refused', reason });
      expect((await identify(client)).installed).toMatchObject({ version: '1.0.0' });
    },
    2 * MINUTES,
  );

  test.runIf(works)(
    'denied by the operator: refused',
    async () => {
      const { bytes, digest } = release('1.1.0', 2);
      await approve(2, 2, digest);
      expect(await bring(bytes)).toMatchObject({ kind: 'refused', reason: reasons.Denied.code });
    },
    2 * MINUTES,
  );

  test.runIf(works)(
    'the user says yes: installed, swapped, confirmed, and the new banner is on the UART',
    async () => {
      await approve(3, 1, new Uint8Array(32)); // takes the denial back, approves something else
      const { bytes, digest } = release('1.1.0', 3);
      const coming = bring(bytes);
      await asked(coming);
      await board.answer(client, 'yes');
      expect(await coming).toEqual({ kind: 'installed', version: '1.1.0', sequence: 3n, digest });
      heard = '';
      await stopAndStart();
      await hear('demo-app 1.1.0');
      await holds(board.apps['1.1.0']);
    },
    3 * MINUTES,
  );
});
