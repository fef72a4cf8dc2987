// The Emcraft SmartFusion2 kit in QEMU, and what is its own: an image that runs from a copy, serial NOR that may answer otherwise
// the second time, and a seed that is replaced at each start.

import { execFile } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { startSf2 } from '../../boards/emcraft-sf2/qemu.js';
import { buildApplication, buildFirmware } from '../../boards/port/build.js';
import type { Emulator } from '../../boards/port/emulator.js';
import { loadBoard } from '../../host/boards.js';
import { deliver } from '../../host/device/deliver.js';
import { provision } from '../../host/device/identity.js';
import { openTcp } from '../../host/links/tcp.js';
import { reasons } from '../../host/reasons.js';
import { createClient } from '../../host/smp/client.js';
import { makeBootstrap, makeEnvelope, makeKey, ROLE } from '../support/make.js';
import { canRunMicrobit, openTerminal } from '../support/microbit.js';

const MINUTES = 60_000;
const START_MS = 20_000;
const ROM_BYTES = 0x40000;
const SEED = ROM_BYTES + 0x230000;

describe.skipIf(!canRunMicrobit())('emcraft-sf2', () => {
  const folder = mkdtempSync(join(tmpdir(), 'countersign-sf2-'));
  const running = new Set<Emulator>();
  const start = async (firmware: string, flash?: Uint8Array) => {
    const board = await startSf2({ firmware, ...(flash && { flash }) });
    running.add(board);
    return board;
  };
  const stop = async (board: Emulator) => {
    const flash = await board.readFlash();
    running.delete(board);
    await board.close();
    return flash;
  };
  afterAll(async () => {
    for (const board of running) await board.close();
    rmSync(folder, { recursive: true });
  });

  describe('the image', () => {
    let firmware: string;
    let image: Uint8Array;
    let installed: Uint8Array; // flash with 1.0.0 in it
    const [vendor, operator] = [makeKey('ed25519', 'vendor'), makeKey('ed25519', 'operator')];

    beforeAll(async () => {
      firmware = await buildFirmware('emcraft-sf2', { folder });
      image = await buildApplication('emcraft-sf2', '1.0.0', folder);
      const board = await start(firmware);
      const client = createClient(await openTcp(board.url), { timeoutMs: 10_000 });
      const anchors = [
        { role: ROLE.vendor, key: vendor },
        { role: ROLE.operator, key: operator },
      ];
      await provision(client, makeBootstrap({ anchors, policy: { trialBoots: 0 } }));
      const text = { name: 'demo-app', version: '1.0.0' };
      const steps = deliver(client, {
        file: makeEnvelope({ sequence: 1, image, signers: [vendor, operator], text }).bytes,
      });
      let step = await steps.next();
      while (!step.done) step = await steps.next();
      expect(step.value.kind).toBe('installed');
      await client.close();
      installed = await stop(board);
    });

    test('runs from a copy of what is in flash', async () => {
      const { copiedTo } = (await loadBoard('emcraft-sf2')).flash;
      const board = await start(firmware, installed);
      const uart = await openTerminal(board.url);
      await uart.ask('', /demo-app 1\.0\.0\r\n/, START_MS);
      expect(Buffer.compare(await board.readMemory(copiedTo!.address, image.length), image)).toBe(0);
      uart.close();
      await stop(board);
    });

    test('of four bytes has nothing of the one before behind it', async () => {
      const board = await start(firmware, installed);
      const terminal = await openTerminal(board.url);
      await terminal.ask('', /demo-app 1\.0\.0/, START_MS); // it stands in the memory of copies
      terminal.close();
      const client = createClient(await openTcp(board.url), { timeoutMs: 10_000 });
      const file = makeEnvelope({ sequence: 2, image: image.subarray(0, 4), signers: [vendor, operator] }).bytes;
      const steps = deliver(client, { file });
      let step = await steps.next();
      while (!step.done) step = await steps.next();
      expect(step.value).toMatchObject({ kind: 'installed', sequence: 2n });
      await client.close();
      const after = await openTerminal(board.url);
      await board.reset();
      const said = await after.ask('', /agent: fault|demo-app/, START_MS);
      expect(said).toContain('agent: fault');
      after.close();
      await stop(board);
    });

    test('flash that answers otherwise from its second reading on starts what was approved', async () => {
      const other = await buildApplication('emcraft-sf2', '6.6.6', folder);
      expect(other.length).toBeLessThanOrEqual(image.length);
      const liar = mkdtempSync(join(folder, 'liar-'));
      writeFileSync(join(liar, 'liar.h'), `static const uint8_t other_program[] = {${other.join(',')}};\n`);
      const lying = await buildFirmware('emcraft-sf2', {
        folder: liar,
        flags: ['-Wl,--wrap=hal_flash_read', resolve('tests/port/liar.c')],
      });
      const board = await start(lying, installed);
      const uart = await openTerminal(board.url);
      for (const cut of [true, true, false]) {
        expect(await uart.ask('', /demo-app [\d.]+\r\n/, START_MS)).toContain('demo-app 1.0.0');
        if (cut) await board.reset();
      }
      uart.close();
      await stop(board);
    });

    test('a byte of it that changed in flash: the agent stays, and says so', async () => {
      const { primary } = (await loadBoard('emcraft-sf2')).flash;
      const changed = installed.slice();
      changed[primary.offset + 100]! ^= 1;
      const board = await start(firmware, changed);
      const uart = await openTerminal(board.url);
      expect(await uart.ask('', /reason \d+\D/, START_MS)).toContain(`reason ${reasons.ImageDamaged.code}`);
      expect(uart.text).not.toContain('demo-app');
      uart.close();
      await stop(board);
    });

    test('the seed is another one at each start, also behind a cut', async () => {
      const board = await start(firmware, installed);
      const uart = await openTerminal(board.url);
      for (let resets = 0; resets < 3; resets++) {
        await uart.ask('', /demo-app 1\.0\.0\r\n/, START_MS);
        await board.reset();
      }
      await uart.ask('', /demo-app 1\.0\.0\r\n/, START_MS);
      uart.close();
      const [before, after] = [installed, await stop(board)].map((flash) => {
        const records = Array.from({ length: 32 }, (_, n) =>
          Buffer.from(flash.subarray(SEED + 64 * n, SEED + 64 * n + 64)),
        );
        return records.filter((record) => record.readUInt32LE(0) !== 0xffffffff);
      });
      expect(after!.map((record) => record.readUInt32LE(0))).toEqual(after!.map((_, n) => n + 1));
      expect(after!.length).toBe(before!.length + 4);
      expect(new Set(after!.map((record) => record.toString('hex', 8, 40))).size).toBe(after!.length);
    });
  });

  test(
    'the story is played on two of them, by the keys of their panels, and what was installed says so itself',
    async () => {
      const words = [resolve('dist/host/story/main.js'), '--board', 'emcraft-sf2'];
      const { stdout } = await promisify(execFile)(process.execPath, words);
      expect(stdout.trimEnd().split('\n').at(-1)).toBe('scenes: 10 of 10');
      expect(stdout.match(/says on the serial line: demo-app/g)).toHaveLength(3);
      expect(stdout).toContain('left out, as only one emcraft-sf2 runs in a process: a fleet');
    },
    4 * MINUTES,
  );
});
