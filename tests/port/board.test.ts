// The micro:bit as a board that one starts and stops: what it learned is there again, nothing stays behind, and without the emulator
// it says what to install.

import { execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdtempSync, readFileSync, rmSync, utimesSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, describe, expect, test, vi } from 'vitest';
import { startMicrobit } from '../../boards/microbit/board.js';
import { deliver } from '../../host/device/deliver.js';
import { identify, provision } from '../../host/device/identity.js';
import { readImage } from '../../host/formats/images/image.js';
import { openTcp } from '../../host/links/tcp.js';
import { reasons } from '../../host/reasons.js';
import { createClient } from '../../host/smp/client.js';
import { echo } from '../../host/smp/commands.js';
import { makeBootstrap, makeEnvelope, makeKey, ROLE } from '../support/make.js';
import { type Bench, canRunMicrobit, microbitBench } from '../support/microbit.js';

const emulators = (firmware: string) =>
  execFileSync('ps', ['-eo', 'args'], { encoding: 'utf8' })
    .split('\n')
    .filter((line) => line.startsWith('qemu-system-arm') && line.includes(firmware)).length;

// Its stack is where no memory is, and its first instruction faults: the fault cannot be entered.
function lockupImage(): Uint8Array {
  const image = new Uint8Array(2048);
  const view = new DataView(image.buffer);
  view.setUint32(0, 0x30000000, true);
  view.setUint32(4, 0x00010008 | 1, true); // behind these two words; Thumb
  view.setUint16(8, 0xde00, true); // udf
  return image;
}

describe.skipIf(!canRunMicrobit())('the micro:bit as a board', () => {
  const folder = mkdtempSync(join(tmpdir(), 'countersign-board-'));
  const flash = join(folder, 'flash.bin');
  let bench: Bench;
  beforeAll(async () => {
    bench = await microbitBench();
  });
  afterEach(() => vi.unstubAllEnvs());
  afterAll(async () => {
    await bench.end();
    rmSync(folder, { recursive: true });
  });

  test('keeps its flash in a file', async () => {
    const anchors = [
      { role: ROLE.vendor, key: makeKey('ed25519', 'vendor') },
      { role: ROLE.operator, key: makeKey('ed25519', 'operator') },
    ];
    for (const first of [true, false]) {
      const board = await startMicrobit({ flash, firmware: bench.firmware });
      const client = createClient(await openTcp(board.port), { timeoutMs: 4000 });
      if (first) await provision(client, makeBootstrap({ deviceId: Uint8Array.of(1, 2, 3, 4), anchors }));
      expect((await identify(client)).deviceId).toBe('01020304');
      await client.close();
      await board.close();
    }
    expect(readFileSync(flash).length).toBe(0x40000);
    expect(emulators(bench.firmware)).toBe(0);
  });

  test('an application that locks the processor up is a reset, and the trial ends with the old firmware back', async () => {
    const keys = { vendor: makeKey('ed25519', 'vendor'), operator: makeKey('ed25519', 'operator') };
    const anchors = [
      { role: ROLE.vendor, key: keys.vendor },
      { role: ROLE.operator, key: keys.operator },
    ];
    const said: string[] = [];
    const file = join(folder, 'lockup.bin');
    const board = await startMicrobit({ flash: file, firmware: bench.firmware, onText: (text) => said.push(text) });
    const client = createClient(await openTcp(board.port), { timeoutMs: 4000, retries: 10 });
    await provision(client, makeBootstrap({ deviceId: Uint8Array.of(1), anchors }));
    const hex = 'boards/microbit/app/app-1.0.0.hex';
    const images = [(await readImage(readFileSync(hex), hex)).bytes, lockupImage()];
    const ends: unknown[] = [];
    for (const [at, image] of images.entries()) {
      const made = makeEnvelope({ sequence: at + 1, image, signers: [keys.vendor, keys.operator] });
      const steps = deliver(client, { file: made.bytes, installMs: 400_000 });
      let step = await steps.next();
      while (!step.done) step = await steps.next();
      ends.push(step.value);
    }
    expect(ends).toMatchObject([{ kind: 'installed' }, { kind: 'refused', reason: reasons.RevertedNotConfirmed.code }]);
    expect(said.join('\n')).toContain('the processor locked up: reset');
    expect((await identify(client)).installed?.sequence).toBe(1n);
    await client.close();
    await board.close();
  }, 600_000);

  test('ends with the process that started it, even when that is killed', async () => {
    const script = join(folder, 'starter.mjs');
    writeFileSync(
      script,
      `import { startEmulator } from ${JSON.stringify(new URL('../../dist/boards/microbit/qemu.js', import.meta.url).href)};
       const { url } = await startEmulator({ firmware: ${JSON.stringify(bench.firmware)} });
       console.log(url);`,
    );
    const starter = spawn(process.execPath, [script], { stdio: ['ignore', 'pipe', 'inherit'] });
    await once(starter.stdout, 'data');
    expect(emulators(bench.firmware)).toBe(1);
    starter.kill('SIGKILL');
    await vi.waitFor(() => expect(emulators(bench.firmware)).toBe(0), { timeout: 60_000 });
  });

  test('ends when told to by a signal', async () => {
    const stop = new AbortController();
    const board = await startMicrobit({ flash, firmware: bench.firmware, signal: stop.signal });
    stop.abort();
    await board.ended;
    expect(emulators(bench.firmware)).toBe(0);
  });

  test('says what to install when there is no emulator, and when its firmware cannot be built', async () => {
    vi.stubEnv('PATH', folder);
    writeFileSync(join(folder, 'sh'), '#!/bin/sh\nexec /bin/sh "$@"\n', { mode: 0o755 });
    const missing = (hint: RegExp) => ({ reason: { name: 'ToolMissing' }, hint: expect.stringMatching(hint) });
    const failing = startMicrobit({ flash, firmware: bench.firmware });
    await expect(failing).rejects.toMatchObject(missing(/apt-get install qemu-system-arm/));
    const built = 'build/microbit/agent.elf';
    if (existsSync(built)) utimesSync(built, 0, 0); // older than the module: it has to be built anew
    await expect(startMicrobit({ flash })).rejects.toMatchObject(missing(/apt-get install gcc-arm-none-eabi/));
  });

  test('several clients share its line', async () => {
    const board = await startMicrobit({ flash: join(folder, 'shared.bin'), firmware: bench.firmware });
    const clients = [1, 2].map(async () => createClient(await openTcp(board.port), { timeoutMs: 4000 }));
    for (const client of await Promise.all(clients)) expect(await echo(client, 'both')).toBe('both');
    for (const client of await Promise.all(clients)) await client.close();
    await board.close();
  });
});
