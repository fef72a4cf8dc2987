// Blocks from memory, for a device on a line of its own.

import { describe, expect, it } from 'vitest';
import { NODE, readInstalled } from '../../host/device/identity.js';
import { packageUrl, serveBlocks, serveRest } from '../../host/device/serve.js';
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

const NO_DIGEST = new Uint8Array();

/** A line on which sending takes its time, and a device that asks as it is told. */
function line(slow = false, offered: (sequence: number, body: Record<string, unknown>) => void = () => undefined) {
  const { emit, listen, closed, end } = createListeners();
  const sent: { sequence: number; off: number; len: number; data: Uint8Array }[] = [];
  const link: Link = {
    ...{ name: 'line', framingBytes: 0, listen, closed },
    async send(packet) {
      const { op, group, id, sequence, body } = decodePacket(packet);
      if (op === 2) return offered(sequence, body);
      expect([op, group, id]).toEqual([1, 64, 7]);
      sent.push({ sequence, ...(body as unknown as Omit<(typeof sent)[0], 'sequence'>) });
      if (slow) await new Promise((done) => setTimeout(done, 5));
    },
    close: async () => end(),
  };
  const ask = (sequence: number, off: number, len: number, what: Uint8Array | undefined = digest, want?: number) => {
    const body = { ...(what !== NO_DIGEST && { digest: what }), off, len, ...(want !== undefined && { want }) };
    emit.packet(encodePacket({ version: 2, op: 0, group: 64, id: 7, sequence, body }));
  };
  const answer = (sequence: number, body: Record<string, unknown>) =>
    emit.packet(encodePacket({ version: 2, op: 3, group: 64, id: 7, sequence, body }));
  return { link, ask, answer, emit, sent };
}
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

  it('answers with the blocks that are wanted, from any place on, each with its number', async () => {
    const { link, ask, sent } = line();
    serveBlocks(link, [{ digest, file }]);
    ask(250, 100, 7 * 512, digest, 0b1000101);
    await settle();
    expect(sent.map(({ sequence }) => sequence)).toEqual([250, 252, 0]);
    expect(sent.map(({ data }) => data)).toEqual([0, 2, 6].map((n) => file.slice(100 + n * 512, 100 + (n + 1) * 512)));
    expect(Object.keys(sent[0]!).sort()).toEqual(['data', 'sequence']);
    ask(1, file.length - 700, 16_384, digest, 0xffffffff);
    await settle();
    expect(sent.slice(3).map(({ data }) => data.length)).toEqual([512, 188]);
  });

  it('answers a request that names no package behind the one before it, and drops what is asked for once more', async () => {
    const { link, ask, sent } = line(true);
    serveBlocks(link, [{ digest, file }]);
    ask(0, 0, 512, NO_DIGEST, 1);
    ask(1, 100, 4 * 512, digest, 0b1111);
    ask(2, 612, 6 * 512, NO_DIGEST, 0b111001); // its second is another one's fifth
    await settle();
    expect(sent.map(({ sequence }) => sequence)).toEqual([1, 2, 5, 6, 7]);
    ask(10, 100, 8 * 512, digest, 0xff);
    ask(10, 100, 8 * 512, NO_DIGEST, 0xf0);
    ask(18, 100 + 8 * 512, 512, NO_DIGEST, 1);
    await settle();
    expect(sent.slice(5).map(({ sequence }) => sequence)).toEqual([10, 14, 15, 16, 17, 18]);
  });
});

describe('offering the rest', () => {
  const UNTIL = 100 + 8 * 512;

  /** A client of a device that answers the offer, and what the steps come to. */
  function offering(answers: (here: ReturnType<typeof line>, sequence: number, body: Record<string, unknown>) => void) {
    const here = line(false, (sequence, body) => void setTimeout(() => answers(here, sequence, body)));
    const client = createClient(here.link, { timeoutMs: 200, retries: 0 });
    const stop = new AbortController();
    const steps = serveRest(client, { digest, file, until: UNTIL, quietMs: 300, signal: stop.signal });
    const run = async () => {
      const offsets: number[] = [];
      for (;;) {
        const step = await steps.next();
        if (step.done) return { offsets, end: step.value };
        offsets.push(step.value);
      }
    };
    return { here, run, stop };
  }

  it('serves what is asked for until the device has all of it', async () => {
    const { here, run } = offering(({ ask, answer, sent }, sequence, body) => {
      expect(body).toEqual({ hash: digest, len: UNTIL });
      answer(sequence, {});
      ask(9, 100, 8 * 512, digest, 0xff);
      setTimeout(() => {
        expect(sent).toHaveLength(8);
        ask(9, UNTIL, 0);
      }, 100);
    });
    const { offsets, end } = await run();
    expect(end).toBe('all');
    expect(offsets.at(-1)).toBe(100 + 7 * 512);
    expect(here.sent.map(({ sequence }) => sequence)).toEqual([9, 10, 11, 12, 13, 14, 15, 16]);
  });

  it('answers a request behind the one before it, which is still being answered', async () => {
    const { here, run } = offering(({ ask, answer }, sequence) => {
      answer(sequence, {});
      ask(9, 100, 4 * 512, digest, 0xf);
      ask(13, 100 + 4 * 512, 4 * 512, NO_DIGEST, 0xf);
      setTimeout(() => ask(9, UNTIL, 0), 100);
    });
    expect((await run()).end).toBe('all');
    expect(here.sent.map(({ sequence }) => sequence)).toEqual([9, 10, 11, 12, 13, 14, 15, 16]);
  });

  it.each([
    [
      'says that it does not know the command',
      ({ answer }: ReturnType<typeof line>, n: number) => answer(n, { rc: 8 }),
    ],
    ['says no', ({ answer }: ReturnType<typeof line>, n: number) => answer(n, { err: { group: 64, rc: 140 } })],
    ['asks for nothing', ({ answer }: ReturnType<typeof line>, n: number) => answer(n, {})],
    [
      'asks for another package only',
      ({ answer, ask }: ReturnType<typeof line>, n: number) => {
        answer(n, {});
        ask(1, 0, 512, new Uint8Array(32), 1);
      },
    ],
  ])('to a device that %s ends soon, and nothing is sent', async (_what, answers) => {
    const { here, run } = offering(answers);
    expect((await run()).end).toBeUndefined();
    expect(here.sent).toEqual([]);
  });

  it('to a device that asks for the same again and again ends, too', async () => {
    const { here, run } = offering(({ answer, ask }, n) => {
      answer(n, {});
      ask(1, 100, 512, digest, 1);
      const again = setInterval(() => ask(1, 100, 512, digest, 1), 2);
      setTimeout(() => clearInterval(again), 2000);
    });
    expect((await run()).end).toBeUndefined();
    expect(here.sent.length).toBeLessThan(20);
  });

  it.each([
    ['one byte further each time', 1, 512],
    ['a block further each time, past what is offered', 512, 512],
    ['far behind the end of the file', 0, 2 ** 40],
    ['further each time, for nothing that is wanted', 3, 0],
  ])('to a device that asks %s, for ever, ends, too', async (_what, step, len) => {
    const { run } = offering(({ answer, ask }, n) => {
      answer(n, {});
      let off = len > 512 ? len : 100;
      const again = setInterval(() => {
        off += step;
        ask(1, off, 512, digest, len && 1);
      }, 2);
      setTimeout(() => clearInterval(again), 4000);
    });
    const began = Date.now();
    const { offsets, end } = await run();
    expect(end).toBeUndefined();
    expect(Date.now() - began).toBeLessThan(3000);
    expect(Math.max(...offsets, 0)).toBeLessThanOrEqual(UNTIL); // what is shown as sent, and where the upload goes on
    expect(offsets.length).toBeLessThan(80);
  });

  it('does not pile up what a device asks for that asks from everywhere at once', async () => {
    const large = new Uint8Array(200 * 512);
    const here = line(true, (sequence) => {
      here.answer(sequence, {});
      for (let n = 0; n < 60; n++) setTimeout(() => here.ask(1, n * 513, 16_384, digest, 0xffffffff), 2 * n);
    });
    const client = createClient(here.link, { timeoutMs: 200, retries: 0 });
    const stop = AbortSignal.timeout(2500);
    const steps = serveRest(client, { digest, file: large, until: large.length, quietMs: 300, signal: stop });
    for (let step = await steps.next(); !step.done; ) step = await steps.next();
    expect(here.sent.length).toBeLessThan(4 * 32 + 60);
  });

  it('to a device that asks for each block by itself, and most of them twice, goes on to the end', async () => {
    const { here, run } = offering(({ answer, ask }, n) => {
      answer(n, {});
      const places = Array.from({ length: 16 }, (_, at) => 100 + (at >> 1) * 512);
      const next = setInterval(() => {
        const off = places.shift();
        if (off !== undefined) return ask(1, off, 512, digest, 1);
        clearInterval(next);
        ask(1, UNTIL, 0);
      }, 10);
    });
    expect((await run()).end).toBe('all');
    expect(here.sent.length).toBeGreaterThanOrEqual(8);
  });

  it('ends with an error when the line closes, or when it is told to stop', async () => {
    const closed = offering(({ link, answer }, n) => {
      answer(n, {});
      setTimeout(() => void link.close(), 50);
    });
    expect((await closed.run()).end).toBeUndefined();
    const stopped = offering(({ answer, ask }, n) => {
      answer(n, {});
      stopped.stop.abort();
      ask(1, 100, 512, digest, 1);
    });
    await expect(stopped.run()).rejects.toMatchObject({ reason: { name: 'Cancelled' } });
  });
});
