// Lines that lose, and devices that think for long or sleep: what was lost is repeated in the time of a few round trips, what
// is under way is not, and nobody is left alone for so long that the application takes over.

import { setTimeout as sleep } from 'node:timers/promises';
import { afterEach, describe, expect, it } from 'vitest';
import { z } from 'zod';
import { deliver, type Outcome } from '../../host/device/deliver.js';
import type { CountersignError } from '../../host/errors.js';
import { openSerial } from '../../host/links/serial.js';
import { type Client, type ClientOptions, createClient } from '../../host/smp/client.js';
import { echo, treeExec, treePut } from '../../host/smp/commands.js';
import { createListeners, type Link } from '../../host/smp/link.js';
import { decodeHeader, decodePacket, encodePacket, GROUP, OP, type Packet } from '../../host/smp/packet.js';
import { upload } from '../../host/smp/upload.js';
import { type DeviceWorld, makeDeviceWorld } from '../support/device-world.js';
import { responseTo } from './scripted.js';

const cleanups: (() => unknown)[] = [];
const later = <T extends { close(): unknown }>(thing: T): T => {
  cleanups.push(() => thing.close());
  return thing;
};
afterEach(async () => {
  for (const cleanup of cleanups.splice(0).reverse()) await cleanup();
});
const failure = (promise: Promise<unknown>): Promise<CountersignError> =>
  promise.then(
    () => expect.unreachable('it should have failed'),
    (error) => error,
  );
const anything = z.looseObject({});
const isEcho = ({ group, id }: Pick<Packet, 'group' | 'id'>) => group === GROUP.os && id === 0;

interface Server {
  line: Link;
  /** What arrived there, in order. */
  got: Packet[];
}

interface Ways {
  /** Of requests: true if it does not arrive. */
  loses?(packet: Packet, count: number): boolean;
  losesAnswer?(packet: Packet, count: number): boolean;
  worksMs?(packet: Packet): number;
  wayMs?: number; // there, and back
  answer?(packet: Packet): Record<string, unknown> | undefined;
}

/** A server that does one thing after the other, as those on devices do. */
function server({ loses, losesAnswer, worksMs = () => 0, wayMs = 1, answer }: Ways): Server {
  const { emit, listen, closed, end } = createListeners();
  const got: Packet[] = [];
  let work = Promise.resolve();
  let [sent, answered] = [0, 0];
  const handle = async (packet: Packet) => {
    got.push(packet);
    await sleep(worksMs(packet));
    const body = isEcho(packet) ? { r: packet.body.d } : answer ? answer(packet) : {};
    if (!body || losesAnswer?.(packet, ++answered)) return;
    setTimeout(() => emit.packet(encodePacket(responseTo(packet, body))), wayMs);
  };
  const line: Link = {
    name: 'lossy',
    framingBytes: 0,
    listen,
    closed,
    async send(bytes) {
      const packet = decodePacket(bytes);
      if (loses?.(packet, ++sent)) return;
      setTimeout(() => {
        work = work.then(() => handle(packet));
      }, wayMs);
    },
    async close() {
      end();
    },
  };
  return { line, got };
}

async function met(client: Client): Promise<Client> {
  for (let turn = 0; turn < 4; turn++) await echo(client, 'x'.repeat(20 * turn));
  return client;
}
const known = (line: Link, options: ClientOptions = {}) => met(createClient(line, options));
const timed = async (work: Promise<unknown>) => {
  const began = performance.now();
  await work;
  return performance.now() - began;
};
const exec = (client: Client) => treeExec(client, './x', 'c');

describe('a request', () => {
  it.each(['request', 'answer'] as const)('whose %s is lost is repeated within a few round trips', async (what) => {
    let lose = false;
    const once = (packet: Packet) => {
      if (!lose || isEcho(packet)) return false;
      lose = false;
      return true;
    };
    const { line, got } = server(what === 'request' ? { loses: once } : { losesAnswer: once });
    const client = await known(line);
    lose = true;
    expect(await timed(exec(client))).toBeLessThan(1000);
    expect(got.filter((packet) => !isEcho(packet)).length).toBe(what === 'request' ? 1 : 2);
  });

  it('that a device works on for long is sent once, and its line is kept awake', async () => {
    const { line, got } = server({ worksMs: (packet) => (isEcho(packet) ? 0 : 5000) });
    const client = await known(line);
    const before = got.length;
    expect((await exec(client)).ok).toBe(true);
    const since = got.slice(before).concat();
    expect(since.filter((packet) => !isEcho(packet))).toHaveLength(1);
    await sleep(100);
    const echoes = got.length - before - 1;
    expect(echoes).toBeGreaterThanOrEqual(2);
    expect(echoes).toBeLessThan(12);
  });

  it('on a slow line is not repeated, however small those were that measured it', async () => {
    // 960 bytes a second, both ways one after the other.
    let free = 0;
    const slow = server({});
    const line: Link = {
      ...slow.line,
      async send(bytes) {
        free = Math.max(free, performance.now()) + bytes.length / 0.96;
        setTimeout(() => void slow.line.send(bytes), free - performance.now());
      },
    };
    const client = await known(line);
    const before = slow.got.length;
    const body = { data: new Uint8Array(500) };
    for (let turn = 0; turn < 3; turn++)
      await client.request({ op: OP.write, group: GROUP.image, id: 1, body, schema: anything });
    expect(slow.got.slice(before).filter((packet) => !isEcho(packet))).toHaveLength(3);
  });

  it('over a broker far away is not repeated, and after a loss not late', async () => {
    let lose = false;
    const once = (packet: Packet) => {
      if (!lose || isEcho(packet)) return false;
      lose = false;
      return true;
    };
    const { line, got } = server({ wayMs: 250, loses: once });
    const client = await known(line);
    const requests = () => got.filter((packet) => !isEcho(packet)).length;
    for (let turn = 1; turn <= 3; turn++) {
      await exec(client);
      expect(requests()).toBe(turn);
    }
    lose = true;
    expect(await timed(exec(client))).toBeLessThan(3500);
    expect(requests()).toBe(4);
  });

  it('finds its way where a third of all is lost, both ways', async () => {
    // In a fixed order, that of echoes apart: how many of those there are depends on the load of the machine.
    const third = (pattern: string) => {
      const at = { echo: 0, other: 0 };
      return (packet: Packet) => pattern[at[isEcho(packet) ? 'echo' : 'other']++ % pattern.length] === 'x';
    };
    const [request, answer] = [third('x..'), third('.x.')];
    let lose = false;
    const { line } = server({
      loses: (packet) => lose && request(packet),
      losesAnswer: (packet) => lose && answer(packet),
    });
    const client = await known(line);
    lose = true;
    for (let turn = 0; turn < 5; turn++) expect((await exec(client)).ok).toBe(true);
  });

  it('that is lost each time while others are answered: PacketsLost, and the text says what to do', async () => {
    const { line } = server({ answer: () => undefined });
    const client = await known(line, { timeoutMs: 300, retries: 2 });
    const error = await failure(client.request({ op: OP.read, group: GROUP.image, id: 0, schema: anything }));
    expect([error.reason.name, error.reason.exit]).toEqual(['PacketsLost', 40]);
    expect(error.hint).toContain('--mtu');
    expect(error.message).toContain('lost, while others are answered');
  });

  it('to one who fell silent ends in the time of the caller: echoes and all', async () => {
    let silent = false;
    const { line } = server({ loses: () => silent });
    const client = await known(line, { timeoutMs: 200, retries: 2 });
    silent = true;
    const began = performance.now();
    const error = await failure(client.request({ op: OP.read, group: GROUP.image, id: 0, schema: anything }));
    const took = performance.now() - began;
    expect(error.reason.name).toBe('LinkLost');
    expect(took).toBeGreaterThan(550);
    expect(took).toBeLessThan(2000);
  });
});

describe('an upload', () => {
  const FILE = Uint8Array.from({ length: 3001 }, (_, at) => (at * 7) % 256);
  const limited = (bytesMax: number) => {
    const store: number[] = [];
    const { line, got } = server({
      loses: (packet) => encodePacket(packet).length > bytesMax,
      answer({ body }) {
        const { off, data } = body as { off: number; data: Uint8Array };
        if (off === store.length) store.push(...data);
        return { off: store.length };
      },
    });
    return { line, got, store };
  };
  const send = async (client: Client, parameters: Parameters<typeof upload>[1]['parameters']) => {
    for await (const _ of upload(client, { file: FILE, digest: new Uint8Array(32), parameters }));
  };

  it.each([
    ['a server that named its size', {}],
    ['one that did not', { guessed: true as const }],
  ])(
    'to %s offers smaller packets at once where large ones get lost, and the client keeps to that',
    async (_, more) => {
      const { line, store } = limited(200);
      const client = await known(line);
      expect(await timed(send(client, { bufferBytes: 512, bufferCount: 1, ...more }))).toBeLessThan(5000);
      expect(Uint8Array.from(store)).toEqual(FILE);
      expect(client.mtu).toBe(128);
    },
  );

  it('through which not even the smallest packet comes ends soon', async () => {
    const { line } = limited(30);
    const client = createClient(line, { timeoutMs: 500 });
    await echo(client, '');
    const error = await failure(send(client, { bufferBytes: 512, bufferCount: 1 }));
    expect(error.reason.name).toBe('PacketsLost');
  });
});

it('a value of the tree goes on in smaller pieces where large ones get lost', async () => {
  const store: number[] = [];
  const { line } = server({
    loses: (packet) => encodePacket(packet).length > 200,
    answer({ group, body }) {
      if (group === GROUP.os) return { buf_size: 512, buf_count: 1 };
      const { off, data } = body as { off: number; data: Uint8Array };
      if (off === store.length) store.push(...data);
      return { off: store.length };
    },
  });
  const value = Uint8Array.from({ length: 700 }, (_, at) => at % 251);
  const client = await known(line, { timeoutMs: 300 });
  await treePut(client, './x', value);
  expect([Uint8Array.from(store), client.mtu]).toEqual([value, 128]);
});

// --- The real agent: one frame lost, each of the first in turn, in both directions ---

describe('a board whose application runs when nobody talks', () => {
  let world: DeviceWorld;

  function lossy(link: Link, loses: (packet: ReturnType<typeof decodeHeader>, answer: boolean) => boolean): Link {
    return {
      ...link,
      async send(bytes) {
        if (!loses(decodeHeader(bytes), false)) await link.send(bytes);
      },
      listen: (listener) =>
        link.listen({
          ...listener,
          packet(bytes) {
            const header = decodeHeader(bytes);
            if (header.op === OP.write || !loses(header, true)) listener.packet?.(bytes);
          },
        }),
    };
  }

  async function bring(client: Client, file: Uint8Array): Promise<Outcome> {
    const steps = deliver(client, { file });
    for (;;) {
      const step = await steps.next();
      if (step.done) return step.value;
    }
  }

  it('takes an update although frames of its head, and the order, were lost', async () => {
    world = later(makeDeviceWorld());
    const board = await world.board({ unapproved: 'prompt' }, { onQuestion: async () => 'yes' });
    const link = later(await openSerial(board.port));
    const first = world.package('first', 1n);
    expect(await bring(createClient(link), first)).toMatchObject({ kind: 'installed' });

    const file = world.package('second', 2n, 9000);
    const LOST = [1, 4, 7];
    let uploads = 0;
    let execs = 0;
    const losing = lossy(link, ({ group, id }, answer) => {
      if (group === GROUP.image && id === 1 && !answer) return LOST.includes(++uploads);
      if (group === GROUP.countersign && id === 3) return ++execs === 1;
      return false;
    });
    const took = await timed(
      bring(createClient(losing), file).then((outcome) => expect(outcome).toMatchObject({ kind: 'installed' })),
    );
    expect(took).toBeLessThan(8000);
  });

  it('is woken before a slow request is repeated', async () => {
    world = later(makeDeviceWorld());
    const board = await world.board({ unapproved: 'prompt' }, { onQuestion: async () => 'yes' });
    const link = later(await openSerial(board.port));
    expect(await bring(createClient(link), world.package('first', 1n))).toMatchObject({ kind: 'installed' });
    const client = await known(link);
    for (let wait = 0; wait < 900 && board.running === 'agent'; wait++) await sleep(100);
    expect(board.running).toBe('application');
    const took = await timed(treeExec(client, './FUMO/1/Update', 'c'));
    expect(took).toBeLessThan(2500);
  });
});
