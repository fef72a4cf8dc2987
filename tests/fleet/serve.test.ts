// Blocks from memory, for a device on a line of its own.

import { describe, expect, it } from 'vitest';
import { NODE, readInstalled } from '../../host/device/identity.js';
import { blockPacket, packageUrl, serveBlocks } from '../../host/device/serve.js';
import { hex } from '../../host/formats/bytes.js';
import { splitEnvelope } from '../../host/formats/envelope.js';
import { openSerial } from '../../host/links/serial.js';
import { createClient } from '../../host/smp/client.js';
import { treeExec, treePut } from '../../host/smp/commands.js';
import { createListeners, type Link } from '../../host/smp/link.js';
import { decodePacket, encodePacket } from '../../host/smp/packet.js';
import { makeDeviceWorld } from '../support/device-world.js';

const digest = new Uint8Array(32).fill(7);
const file = Uint8Array.from({ length: 10 * 512 + 3 }, (_, at) => at >> 9);

/** A line on which sending takes its time. */
function line(slow = false) {
  const { emit, listen, closed, end } = createListeners();
  const sent: { sequence: number; off: number; len: number; data: Uint8Array }[] = [];
  const link: Link = {
    ...{ name: 'line', framingBytes: 0, listen, closed },
    async send(packet) {
      const { op, group, id, sequence, body } = decodePacket(packet);
      expect([op, group, id]).toEqual([1, 64, 7]);
      sent.push({ sequence, ...(body as unknown as Omit<(typeof sent)[0], 'sequence'>) });
      if (slow) await new Promise((done) => setTimeout(done, 5));
    },
    close: async () => end(),
  };
  const ask = (sequence: number, off: number, len: number, what = digest) =>
    emit.packet(encodePacket({ version: 2, op: 0, group: 64, id: 7, sequence, body: { digest: what, off, len } }));
  return { link, ask, emit, sent };
}
it('a block is the packet that SMP makes of it, byte for byte', () => {
  const numbers = [0, 23, 24, 255, 256, 65_535, 65_536, 16 * 1024 * 1024];
  for (const off of numbers) {
    for (const bytes of numbers) {
      for (const length of [0, 1, 23, 24, 255, 256, 512]) {
        const [data, sequence] = [new Uint8Array(length).fill(off + length), (off + bytes) & 0xff];
        const body = { off, len: bytes, data };
        const packet = encodePacket({ version: 2, op: 1, group: 64, sequence, id: 7, body });
        const used = (count: number) => Buffer.alloc(count, 0xa5);
        expect(Buffer.from(blockPacket({ off, sequence }, bytes, data))).toEqual(Buffer.from(packet));
        expect(blockPacket({ off, sequence }, bytes, data, used)).toEqual(Buffer.from(packet));
      }
    }
  }
});

/** The agent itself, on a serial line. */
it('a board on a serial line fetches what it was ordered to', async () => {
  const world = makeDeviceWorld();
  const board = await world.board({ unapproved: 'prompt' }, { onQuestion: async () => 'yes' });
  const link = await openSerial(board.port);
  try {
    const package1 = world.package('first', 1n, 20_000);
    const name = splitEnvelope(package1, 'it').digest!;
    serveBlocks(link, [{ digest: name, file: package1 }]);
    const client = createClient(link);
    await treePut(client, NODE.packageUrl, Buffer.from(packageUrl(hex(name))));
    expect(await treeExec(client, NODE.downloadAndUpdate, 'mine')).toMatchObject({ ok: true });
    for (let wait = 0; wait < 300 && (await readInstalled(client).catch(() => undefined)) === undefined; wait++) {
      await new Promise((done) => setTimeout(done, 100));
    }
    expect(await readInstalled(client)).toMatchObject({ sequence: 1n, version: '1.1.0' });
  } finally {
    await link.close();
    await world.close();
  }
});

const settle = () => new Promise((done) => setTimeout(done, 300));

describe('serving blocks', () => {
  it('answers each request block by block, to the end of the file', async () => {
    const { link, ask, sent } = line();
    const stop = serveBlocks(link, [{ digest, file }]);
    ask(1, 0, 4 * 512);
    ask(2, 4 * 512, 16_384);
    await settle();
    expect(sent.map(({ sequence, off }) => [sequence, off / 512])).toEqual(
      Array.from({ length: 11 }, (_, at) => [at < 4 ? 1 : 2, at]),
    );
    expect(new Set(sent.map(({ len }) => len))).toEqual(new Set([file.length]));
    expect(Buffer.compare(Buffer.concat(sent.map(({ data }) => data)), file)).toBe(0);
    stop();
    ask(3, 0, 512);
    await settle();
    expect(sent).toHaveLength(11);
  });

  it('does not answer what it does not have, what lies beyond the end, and what is no request for blocks', async () => {
    const { link, ask, emit, sent } = line();
    serveBlocks(link, [{ digest, file }]);
    ask(1, 0, 512, new Uint8Array(32));
    ask(2, 11 * 512, 512);
    ask(3, 1, 512);
    ask(4, 0, 513);
    ask(5, 0, 33 * 512);
    emit.packet(Uint8Array.of(1, 2, 3));
    emit.packet(encodePacket({ version: 2, op: 2, group: 64, id: 7, sequence: 6, body: { digest, off: 0, len: 512 } }));
    emit.packet(encodePacket({ version: 2, op: 0, group: 64, id: 6, sequence: 7, body: { digest, off: 0, len: 512 } }));
    await settle();
    expect(sent).toEqual([]);
  });

  it('leaves an answer unfinished when the device asks from an earlier place again', async () => {
    const { link, ask, sent } = line(true);
    serveBlocks(link, [{ digest, file }]);
    ask(1, 0, 16_384);
    await new Promise((done) => setTimeout(done, 12));
    ask(2, 512, 1024);
    await settle();
    const first = sent.filter(({ sequence }) => sequence === 1).length;
    expect(first).toBeLessThan(8);
    expect(sent.slice(first).map(({ sequence, off }) => [sequence, off])).toEqual([
      [2, 512],
      [2, 1024],
    ]);
  });

  it('does not pile up what a flood of requests asks for', async () => {
    const { link, ask, sent } = line(true);
    serveBlocks(link, [{ digest, file }]);
    for (let turn = 0; turn < 100; turn++) ask(turn, (turn % 11) * 512, 512);
    await settle();
    expect(sent.length).toBeLessThanOrEqual(4);
  });
});
