// The micro:bit as a board that one starts and stops: what it learned is there again, nothing stays behind, and without the emulator
// it says what to install.

import { execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdtempSync, readFileSync, rmSync, utimesSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, describe, expect, test, vi } from 'vitest';
import { startMicrobit } from '../../boards/microbit/board.js';
import { identify, provision } from '../../host/device/identity.js';
import { openTcp } from '../../host/links/tcp.js';
import { createClient } from '../../host/smp/client.js';
import { echo } from '../../host/smp/commands.js';
import { makeBootstrap, makeKey, ROLE } from '../support/make.js';
import { type Bench, canRunMicrobit, microbitBench } from '../support/microbit.js';

const emulators = (firmware: string) =>
  execFileSync('ps', ['-eo', 'args'], { encoding: 'utf8' })
    .split('\n')
    .filter((line) => line.startsWith('qemu-system-arm') && line.includes(firmware)).length;

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
