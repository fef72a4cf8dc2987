// The virtual board as a program meets it: through its port with serialport, and over a broker.

import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, describe, expect, it } from 'vitest';
import { startVirtualBoard, type VirtualBoardOptions } from '../../boards/virtual/board.js';
import { startBroker } from '../../host/links/broker.js';
import { listDevices, openMqtt, untilOnline } from '../../host/links/mqtt.js';
import { openSerial } from '../../host/links/serial.js';
import { createClient } from '../../host/smp/client.js';
import {
  answerQuestion,
  bootloaderInfo,
  echo,
  eraseSlot,
  osInfo,
  parameters,
  readLog,
  reset,
  slotInfo,
  treeDelete,
} from '../../host/smp/commands.js';

const cleanups: (() => unknown)[] = [];
const later = <T extends { close(): unknown }>(thing: T): T => {
  cleanups.push(() => thing.close());
  return thing;
};
afterEach(async () => {
  for (const cleanup of cleanups.splice(0).reverse()) await cleanup();
});

function flashFile(): string {
  const folder = mkdtempSync(join(tmpdir(), 'board-'));
  cleanups.push(() => rmSync(folder, { recursive: true }));
  return join(folder, 'flash.bin');
}
const start = async (options: Partial<VirtualBoardOptions> = {}) =>
  later(await startVirtualBoard({ flash: flashFile(), ...options }));

describe('over its serial port', () => {
  it('answers', async () => {
    const board = await start();
    const client = createClient(later(await openSerial(board.port)));
    expect(await echo(client, 'hello')).toBe('hello');
    expect((await parameters(client)).bufferBytes).toBeGreaterThan(500);
    expect(await osInfo(client)).not.toBe('');
    expect(await bootloaderInfo(client)).not.toBe('');
  });

  it('speaks the rest of the commands too', async () => {
    const board = await start();
    const client = createClient(later(await openSerial(board.port)));
    expect(await slotInfo(client)).toMatchObject([
      { image: 0, slots: [{ slot: 0 }, { slot: 1 }], max_image_size: 87040 },
    ]);
    await eraseSlot(client);
    expect(await readLog(client, 0)).toMatchObject({ next: 0, records: [] });
    await expect(answerQuestion(client, Uint8Array.of(1))).rejects.toMatchObject({ reason: { name: 'NothingAsked' } });
    await expect(treeDelete(client, './FUMO/1/State')).rejects.toMatchObject({ reason: { name: 'NotPermitted' } });
    await treeDelete(client, './FUMO/1/Update/PkgData');
    await reset(client);
    expect(await echo(client, 'back')).toBe('back');
  });

  it('answers after its button was pressed, on the same port', async () => {
    const board = await start();
    const client = createClient(later(await openSerial(board.port)));
    await echo(client, 'a');
    board.reset();
    expect(await echo(client, 'b')).toBe('b');
  });
});

describe('over a broker', () => {
  it('answers, is seen, and is seen to be gone', async () => {
    const { url } = later(await startBroker());
    const board = await start({ broker: url, fleet: 'demo', name: 'one' });
    const where = { url, fleet: 'demo', device: 'one' };
    await untilOnline(where);
    const client = createClient(later(await openMqtt(where)));
    expect(await echo(client, 'x'.repeat(500))).toBe('x'.repeat(500));
    await board.close();
    expect(await listDevices(url, 'demo')).toMatchObject([{ name: 'one', state: { online: false } }]);
  });

  it('a broker that is not there is an error, and leaves nothing behind', async () => {
    const flash = flashFile();
    await expect(start({ flash, broker: 'mqtt://127.0.0.1:1' })).rejects.toMatchObject({
      reason: { name: 'LinkUnavailable' },
    });
    await start({ flash });
  });
});
