// An application on the emulated Cortex-M0 that calls the agent below it (boards/port/service.h): it blinks on while a package of
// 80 KB arrives, and the agent of the next start installs it. With TAMPER it writes over the agent's memory meanwhile.

import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { MicrobitEmulator } from '../../boards/microbit/qemu.js';
import { type Delivery, deliver, type Outcome } from '../../host/device/deliver.js';
import { provision, putApproval } from '../../host/device/identity.js';
import { openTcp } from '../../host/links/tcp.js';
import { type Client, createClient } from '../../host/smp/client.js';
import { makeApproval, makeBootstrap, makeEnvelope, makeKey, ROLE } from '../support/make.js';
import { type Bench, canRunMicrobit, microbitBench } from '../support/microbit.js';

const MINUTES = 60_000;
const FOLDER = 'boards/microbit/app/resident';
const IMAGE_BYTES = 80 * 1024;
const SAID = /application (\d): loops (\d+), ms (\d+), longest call us (\d+), longest gap us (\d+), bytes lost (\d+)/;

const vendor = makeKey('ed25519', 'vendor');
const operator = makeKey('p256', 'operator');

describe.skipIf(!canRunMicrobit())('an application that calls the agent, on the micro:bit', () => {
  let folder: string;
  let bench: Bench;
  let board: MicrobitEmulator;
  let client: Client;
  let heard = '';

  /** Its image, padded with what does not compress to 80 KB. */
  const application = (version: number, more: string[] = []): Uint8Array => {
    const elf = join(folder, `app-${version}.elf`);
    const options = [
      '-mcpu=cortex-m0',
      '-mthumb',
      '-std=gnu11',
      '-Os',
      '-Wall',
      '-Wextra',
      '-Werror',
      '-ffreestanding',
      '-nostdlib',
    ];
    const script = ['-T', `${FOLDER}/resident.ld`, `${FOLDER}/main.c`, '-lgcc', '-o', elf];
    execFileSync('arm-none-eabi-gcc', [...options, `-DVERSION="${version}"`, ...more, ...script]);
    execFileSync('arm-none-eabi-objcopy', ['-O', 'binary', elf, `${elf}.bin`]);
    const code = readFileSync(`${elf}.bin`);
    let state = version;
    const image = Uint8Array.from({ length: IMAGE_BYTES }, () => {
      state = (Math.imul(state, 1664525) + 1013904223) | 0;
      return state >>> 24;
    });
    image.set(code);
    return image;
  };
  const release = (version: number, more: string[] = []) =>
    makeEnvelope({
      sequence: version,
      image: application(version, more),
      signers: [vendor],
      text: { name: 'resident', version: `${version}` },
    });
  const connect = async () => {
    const link = await openTcp(board.url);
    link.listen({
      text: (bytes) => {
        heard += Buffer.from(bytes).toString('latin1');
      },
    });
    client = createClient(link, { timeoutMs: 10_000, retries: 5 });
  };
  const hear = async (what: RegExp, limitMs = MINUTES): Promise<RegExpExecArray> => {
    for (const end = Date.now() + limitMs; Date.now() < end; await new Promise((resolve) => setTimeout(resolve, 50))) {
      const found = what.exec(heard);
      if (found) return found;
    }
    throw new Error(`the UART did not say ${what}, but ${JSON.stringify(heard.slice(-2000))}`);
  };
  const bring = async (file: Uint8Array, more: Partial<Delivery> = {}): Promise<Outcome> => {
    const steps = deliver(client, { file, ...more });
    for (;;) {
      const step = await steps.next();
      if (step.done) return step.value;
    }
  };
  const approve = (sequence: number, digests: Uint8Array[]) =>
    putApproval(
      client,
      makeApproval({
        key: operator,
        sequence,
        issuedAt: 1_700_000_000 + sequence,
        entries: digests.map((digest) => ({ verdict: 1, digest })),
      }),
    );
  beforeAll(async () => {
    folder = mkdtempSync(join(tmpdir(), 'countersign-resident-'));
    bench = await microbitBench();
    board = await bench.start();
    await connect();
    const anchors = [
      { role: ROLE.vendor, key: vendor },
      { role: ROLE.operator, key: operator },
    ];
    await provision(client, makeBootstrap({ anchors, policy: { unapproved: 0, trialBoots: 0 } }));
  }, MINUTES);
  afterAll(async () => {
    await client?.close();
    await bench?.end();
    rmSync(folder, { recursive: true });
  });

  test('works on while 80 KB arrive, loses no byte, and the next start installs them', async () => {
    const [first, second] = [release(1), release(2)];
    await approve(1, [first.digest, second.digest]);
    expect(await bring(first.bytes)).toMatchObject({ kind: 'installed' });
    await hear(/application 1\r/);
    heard = '';
    const outcome = bring(second.bytes);
    const [, version, loops, , call, gap, lost] = (await hear(SAID, 2 * MINUTES)).map(Number) as number[];
    expect(await outcome).toMatchObject({ kind: 'installed', sequence: 2n });
    await hear(/application 2\r/);
    expect(version).toBe(1);
    expect(loops).toBeGreaterThan(1000);
    expect(Math.max(call!, gap!)).toBeLessThan(5_000_000); // the emulator keeps no time of a chip
    expect(lost).toBe(0);
  }, 240_000);

  test('that writes over its memory gets nothing in that nobody approved', async () => {
    const [wild, other] = [release(3, ['-DTAMPER']), release(4)];
    // The agent beside the application keeps no document: the client resets the board, and asks again.
    await approve(2, [wild.digest]);
    expect(await bring(wild.bytes)).toMatchObject({ kind: 'installed', sequence: 3n });
    await hear(/application 3\r/);
    for (let times = 0; times < 5; times++) {
      heard = '';
      await bring(other.bytes).catch(() => undefined);
      await board.reset();
      await hear(/application 3\r/);
    }
    expect(heard).not.toMatch(/application 4/);
  }, 300_000);
});
