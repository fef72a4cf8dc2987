// The emulated Cortex-M0, whose application runs when nobody has talked for ten seconds, on a line that loses frames: an update
// comes through as if nothing had been, with the waits that the command has by default.

import { readFileSync } from 'node:fs';
import { afterAll, describe, expect, test } from 'vitest';
import { deliver, type Outcome } from '../../host/device/deliver.js';
import { provision } from '../../host/device/identity.js';
import { readImage } from '../../host/formats/images/image.js';
import { openTcp } from '../../host/links/tcp.js';
import { createClient } from '../../host/smp/client.js';
import type { Link } from '../../host/smp/link.js';
import { decodeHeader, GROUP } from '../../host/smp/packet.js';
import { makeBootstrap, makeEnvelope, makeKey, ROLE } from '../support/make.js';
import { type Bench, canRunMicrobit, microbitBench } from '../support/microbit.js';

const MINUTES = 60_000;
const vendor = makeKey('ed25519', 'vendor');
const operator = makeKey('p256', 'operator');

/** Loses each request of the list (by its number among uploads and orders), and the answer to the next one. */
function losing(link: Link, lost: number[]): Link {
  const counts = (bytes: Uint8Array) => {
    const { group, id } = decodeHeader(bytes);
    return (group === GROUP.image && id === 1) || (group === GROUP.countersign && id === 3);
  };
  let [sent, answered] = [0, 0];
  return {
    ...link,
    async send(bytes) {
      if (!counts(bytes) || !lost.includes(++sent)) await link.send(bytes);
    },
    listen: (listener) =>
      link.listen({
        ...listener,
        packet(bytes) {
          if (!counts(bytes) || !lost.includes(++answered + 1)) listener.packet?.(bytes);
        },
      }),
  };
}

describe.skipIf(!canRunMicrobit())('the micro:bit on a line that loses frames', () => {
  let bench: Bench;
  afterAll(() => bench?.end());

  test(
    'takes a second update although frames of its head were lost',
    async () => {
      bench = await microbitBench();
      const board = await bench.start();
      const link = await openTcp(board.url);
      const plain = createClient(link);
      const bring = async (client: typeof plain, sequence: number): Promise<Outcome> => {
        const hex = `boards/microbit/app/app-1.${sequence - 1}.0.hex`;
        const { bytes: image } = await readImage(readFileSync(hex), hex);
        const text = { name: 'demo-app', version: `1.${sequence - 1}.0` };
        const made = makeEnvelope({ sequence, image, signers: [vendor, operator], text });
        const steps = deliver(client, { file: made.bytes });
        for (;;) {
          const step = await steps.next();
          if (step.done) return step.value;
        }
      };
      const anchors = [
        { role: ROLE.vendor, key: vendor },
        { role: ROLE.operator, key: operator },
      ];
      await provision(plain, makeBootstrap({ deviceId: Uint8Array.of(1), anchors, policy: { trialBoots: 1 } }));
      expect(await bring(plain, 1)).toMatchObject({ kind: 'installed' });
      const began = performance.now();
      expect(await bring(createClient(losing(link, [1, 3, 6])), 2)).toMatchObject({ kind: 'installed' });
      const took = performance.now() - began;
      expect(took).toBeLessThan(60_000);
      await plain.close();
    },
    5 * MINUTES,
  );
});
