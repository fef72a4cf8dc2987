// An agent for boards with large packets (build/agent-large.wasm): blocks that come several in one, beside blocks that come alone; what
// goes over the line for a package, exactly; and what any client may send in one packet.
import { setImmediate } from 'node:timers/promises';
import { describe, expect, it } from 'vitest';
import { serveBlocks } from '../../host/device/serve.js';
import { createListeners, type Link } from '../../host/smp/link.js';
import {
  approvalOf,
  bootstrapDocument,
  expectOk,
  imageOf,
  NODE,
  packageOf,
  put,
  rc,
  runs,
  state,
  upload,
} from '../support/agent-world.js';
import { agentModule, type Board, bench, benchFlash } from '../support/bench-hal.js';
import { answerWith, BLOCK_BYTES, lineBlock, type Wanted } from '../support/blocks.js';
import { PowerCut } from '../support/flash.js';
import { ask, cobs, packet, response, uncobs } from '../support/smp.js';

const LINE = 0;
const PACKET_BYTES = 2176; // PACKET_BYTES_MAX of assembly/codec/frame.ts
const MANY = 4;
const agentOf = (name: string) => agentModule(new URL(`../../build/${name}.wasm`, import.meta.url));
const LARGE = agentOf('agent-large');
const one = packageOf(1, { image: imageOf(80_000, 1) });

/** A device whose operator has approved the package. */
function approved(module = LARGE): Board {
  const board = bench(benchFlash(), { module });
  expectOk(put(board, NODE.bootstrap, bootstrapDocument()));
  expectOk(put(board, NODE.approvals, approvalOf(one.digest)));
  return board;
}

const hear = (board: Board, content: Uint8Array) => board.receive(LINE, cobs(content));

/** A device that fetches the package over its line, in cobs framing. */
function ordered(module = LARGE): Board {
  const board = approved(module);
  hear(board, packet({ group: 64, id: 3, write: true, body: { uri: NODE.downloadAndUpdate, hash: one.digest } }));
  return board;
}

/** The packets that the device has sent since the last look. */
const heard = (board: Board): Uint8Array[] => {
  const frames = board.sent.filter(({ bytes }) => bytes[0]! < 3); // text is written by itself
  board.sent = [];
  return frames.flatMap(({ bytes }) => uncobs(bytes));
};

type Asked = Wanted & { n?: number };
const requests = (board: Board): Asked[] =>
  heard(board)
    .filter((bytes) => bytes[0] === 0x08 && bytes[7] === 7)
    .map((bytes) => ({ ...response(bytes).body, sequence: bytes[6]! }) as unknown as Asked);

/** The answers to a request, so many blocks that follow each other in one packet. */
function answersTo(request: Asked, many = request.n ?? 1): Uint8Array[] {
  const { off, len, want, sequence } = request;
  if (want === undefined) return [answerWith({ off, len: one.bytes.length, data: one.bytes.slice(off, off + len) }, 0)];
  const end = Math.min(off + len, one.bytes.length);
  const wants = (n: number) => n < 32 && off + n * BLOCK_BYTES < end && ((want >>> n) & 1) === 1;
  const packets: Uint8Array[] = [];
  for (let n = 0; n < 32; n++) {
    if (!wants(n)) continue;
    const first = n;
    while (n + 1 - first < many && wants(n + 1)) n++;
    const data = one.bytes.slice(off + first * BLOCK_BYTES, Math.min(off + (n + 1) * BLOCK_BYTES, end));
    packets.push(answerWith({ data }, sequence + first));
  }
  return packets;
}

/** A device that asks for the first blocks behind the head. */
function asking(): { board: Board; request: Asked } {
  const board = ordered();
  for (let ticks = 0; ticks < 20; ticks++) {
    board.tick(20);
    for (const request of requests(board)) {
      if (request.want !== undefined) return { board, request };
      for (const each of answersTo(request)) hear(board, each);
    }
  }
  throw new Error('it asks for nothing');
}

type Way = (packet: Uint8Array, n: number) => Uint8Array[];

/** Answers until the device asks no more; `way` says what becomes of a packet. */
function serve(board: Board, way: Way = (each) => [each], many?: number): void {
  let n = 0;
  for (let quiet = 0; quiet < 5000 && board.running === 'agent'; quiet += 20) {
    board.tick(20);
    for (const request of requests(board)) {
      quiet = 0;
      for (const each of answersTo(request, many)) for (const got of way(each, n++)) hear(board, got);
    }
  }
  board.settle();
}

describe('a request for blocks', () => {
  it('says how many may come in one packet, where packets are large', () => {
    const { request } = asking();
    expect(request).toMatchObject({ n: MANY, want: 0xffffffff });
  });

  it('without a window, as of the head, is answered by one alone', () => {
    const board = ordered();
    board.tick(20);
    expect(requests(board)).toMatchObject([{ off: 0, len: BLOCK_BYTES }]);
    const { bytes } = one;
    hear(board, answerWith({ off: 0, len: bytes.length, data: bytes.slice(0, 2 * BLOCK_BYTES) }, 0));
    board.tick(20);
    expect(requests(board)).toEqual([]);
    board.tick(2500);
    expect(requests(board)).toMatchObject([{ off: 0 }]);
  });

  it('says nothing of it where they are not, and several in one are left out there', () => {
    const board = ordered(agentOf('agent'));
    board.tick(20);
    for (const each of answersTo(requests(board)[0]!)) hear(board, each);
    let request: Asked | undefined;
    for (let ticks = 0; !request; ticks++) {
      expect(ticks).toBeLessThan(20);
      board.tick(20);
      request = requests(board)[0];
    }
    expect(request).not.toHaveProperty('n');
    hear(board, answerWith({ data: one.bytes.slice(request.off, request.off + 600) }, request.sequence));
    board.tick(2500);
    expect(requests(board)[0]).toMatchObject({ off: request.off, want: 0xffffffff });
  });
});

describe('bytes on the line, both directions, of a package that is served', () => {
  it.each([
    ['agent', 1.05],
    ['agent-large', 1.02],
  ])('%s: at most %d for each of payload', async (name, most) => {
    const board = ordered(agentOf(name));
    const { emit, listen, closed } = createListeners();
    const count = { line: 0, payload: 0 };
    let behindHead = false;
    const link: Link = {
      ...{ name: 'line', framingBytes: 4, listen, closed, close: async () => undefined },
      async send(content) {
        const frame = cobs(content);
        if (behindHead) count.line += frame.length;
        if (behindHead) count.payload += (response(content).body.data as Uint8Array).length;
        board.receive(LINE, frame);
      },
    };
    const stop = serveBlocks(link, [{ digest: one.digest, file: one.bytes }]);
    for (let quiet = 0; quiet < 1000 && board.running === 'agent'; quiet += 20) {
      board.tick(20);
      for (const each of heard(board)) {
        if (each[7] !== 7) continue;
        quiet = 0;
        behindHead ||= response(each).body.want !== undefined;
        if (behindHead) count.line += cobs(each).length;
        emit.packet(each);
        await setImmediate();
      }
    }
    stop();
    board.settle();
    expect(runs(board, one)).toBe(true);
    expect(count.payload).toBe(one.bytes.length - one.head.length); // nothing was sent twice
    expect(count.line / count.payload).toBeLessThanOrEqual(most);
  });
});

describe('several blocks in one packet', () => {
  it.each<[string, Way]>([
    ['all arrive', (each) => [each]],
    ['every fifth is lost', (each, n) => (n % 5 === 4 ? [] : [each])],
    ['every third comes twice', (each, n) => (n % 3 === 0 ? [each, each] : [each])],
    ['some come late', (each, n) => (n % 4 === 1 ? [] : n % 4 === 2 ? [each, each] : [each])],
  ])('make the package where %s', (_how, way) => {
    const board = ordered();
    serve(board, way);
    expect(runs(board, one)).toBe(true);
  });

  it.each([1, 2, 3, MANY])('may be %d', (many) => {
    const board = ordered();
    serve(board, undefined, many);
    expect(runs(board, one)).toBe(true);
  });

  it('of which one is there already bring the others', () => {
    const { board, request } = asking();
    hear(board, lineBlock(one.bytes, request, 1));
    hear(board, lineBlock(one.bytes, request, 2));
    hear(board, answersTo(request)[0]!); // 0 to 3
    board.tick(200);
    board.tick(2500);
    expect(requests(board).at(-1)).toMatchObject({ off: request.off + MANY * BLOCK_BYTES });
  });

  it('come as slowly as a line brings them, and none is asked for again meanwhile', () => {
    const { board, request } = asking();
    for (const each of answersTo(request)) {
      for (let ms = 0; ms < 180; ms += 20) board.tick(20); // 115,200 baud
      hear(board, each);
    }
    const all = requests(board).map(({ want }) => want);
    expect(all).toEqual([0xffff0000]); // the next half of a window, once
  });

  it('that are wrong cost the download, and nothing runs', () => {
    const board = ordered();
    serve(board, (each, n) => {
      if (n !== 5) return [each];
      const spoilt = Uint8Array.from(each);
      spoilt[1500]! ^= 1;
      return [spoilt];
    });
    expect(state(board)).toBe(20);
    expect(runs(board, one)).toBe(false);
  });

  it.each<[string, number, (request: Asked) => number, number]>([
    ['begin between two blocks', 0, ({ off }) => off + 100, 2048],
    ['begin behind the window', 32, ({ off }) => off + 32 * BLOCK_BYTES, 2048],
    ['begin before it', -1, ({ off }) => off - BLOCK_BYTES, BLOCK_BYTES - 1],
    ['end with half a block, which is no code', 0, ({ off }) => off, 600],
  ])('that %s do no harm', (_what, n, from, bytes) => {
    const { board, request } = asking();
    const data = one.bytes.slice(from(request), from(request) + bytes);
    hear(board, answerWith(n === 0 ? { off: from(request), data } : { data }, request.sequence + n));
    for (const each of answersTo(request)) hear(board, each);
    serve(board);
    expect(runs(board, one)).toBe(true);
  });

  it('go on where power failed between two of them', () => {
    for (let cut = 1; cut < 1500; cut += 97) {
      const { board, request } = asking();
      board.flash.arm(cut);
      let packets: Uint8Array[] = answersTo(request);
      try {
        for (let more = 0; more < 10; more++) {
          for (const each of packets) hear(board, each);
          board.tick(20);
          packets = requests(board).flatMap((each) => answersTo(each));
        }
      } catch (error) {
        if (!(error instanceof PowerCut)) throw error;
      }
      board.flash.arm();
      board.reboot();
      hear(board, packet({ group: 0, id: 0, write: true, body: { d: 'x' } })); // the line is in cobs framing again
      serve(board);
      expect([cut, runs(board, one)]).toEqual([cut, true]);
    }
  });
});

describe('packets of any client', () => {
  it('may be as large as the device says, and no larger', () => {
    const board = approved();
    expect(ask(board, { group: 0, id: 6 })).toEqual({ buf_size: PACKET_BYTES, buf_count: 3 });
    const write = (off: number, bytes: number) => ({
      off,
      data: one.bytes.slice(off, off + bytes),
      len: one.bytes.length,
    });
    const sized = (size: number) => {
      const room = size - packet({ group: 1, id: 1, write: true, body: write(0, 1000) }).length + 1000;
      return packet({ group: 1, id: 1, write: true, body: write(0, room) });
    };
    expect(sized(PACKET_BYTES).length).toBe(PACKET_BYTES);
    hear(board, sized(PACKET_BYTES + 1));
    expect(heard(board)).toEqual([]);
    hear(board, sized(PACKET_BYTES));
    expect(heard(board).map((each) => response(each).body)).toMatchObject([{ off: expect.any(Number) }]);
  });

  it.each([1, 2])('upload the package in packets of 2 KB, over link %d', (link) => {
    const board = approved();
    expectOk(upload(board, one.bytes, { piece: PACKET_BYTES - 96, link })); // what the first of them has besides
    expect(state(board)).toBe(50);
  });

  it('an echo that no answer has room for is told so', () => {
    const board = approved();
    expect(rc(ask(board, { group: 0, id: 0, write: true, body: { d: 'x'.repeat(2000) } }))).toBe(7);
    expect(ask(board, { group: 0, id: 0, write: true, body: { d: 'x'.repeat(600) } })).toEqual({ r: 'x'.repeat(600) });
  });
});
