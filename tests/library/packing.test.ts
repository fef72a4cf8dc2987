// Several blocks in one packet: which ones, and when each goes alone.
import { describe, expect, it } from 'vitest';
import { createPacking } from '../../host/device/packing.js';
import { answersTo, type Wanted, wantedOf } from '../../host/device/serve.js';
import { createListeners, type Link } from '../../host/smp/link.js';
import { decodePacket, encodePacket } from '../../host/smp/packet.js';

const BLOCK_BYTES = 512;
const FILE_BYTES = 40_100;
const HEAD = 700;
const DIGEST = new Uint8Array(32).fill(3);

/** What is sent for a request: the number and the length of each packet. `coded`: blocks by their offset that go as codes. */
function packing(coded: number[] = []) {
  const sent: [number, number][] = [];
  const { listen, closed } = createListeners();
  const link: Link = {
    ...{ name: 'line', framingBytes: 4, listen, closed, close: async () => undefined },
    async send(packet) {
      const { sequence, body } = decodePacket(packet);
      sent.push([sequence, (body.data as Uint8Array).length]);
    },
  };
  const block = async (from: number, to: number) => ({
    data: new Uint8Array(coded.includes(from) ? 9 : to - from),
    delta: false,
  });
  const packed = createPacking(link, { block, asked: () => undefined, sent: () => undefined });
  return async (request: Omit<Wanted, 'digest'>) => {
    const queue = answersTo({ digest: DIGEST, ...request }, FILE_BYTES);
    packed.asked(queue);
    while (queue.length > 0) await packed.send(queue);
    return sent.splice(0);
  };
}

const ask = (first: number, want: number, many = 4) => ({
  ...{ off: HEAD + first * BLOCK_BYTES, len: 16_384, want, many, sequence: first },
});
const singles = (from: number, count: number) => Array.from({ length: count }, (_, n) => [from + n, BLOCK_BYTES]);

describe('blocks', () => {
  it('that follow each other share a packet, as many as the device takes', async () => {
    expect(await packing()(ask(0, 0x0fff))).toEqual([0, 4, 8].map((n) => [n, 2048]));
    expect(await packing()(ask(0, 0x0fff, 5))).toEqual([
      [0, 2560],
      [5, 2560],
      [10, 1024],
    ]);
  });

  it('that do not follow each other, do not', async () => {
    expect(await packing()(ask(0, 0b110111))).toEqual([
      [0, 1536],
      [4, 1024],
    ]);
  });

  it('go alone to a device that does not say so', async () => {
    expect(await packing()(ask(0, 0xff, 1))).toEqual(singles(0, 8));
  });

  it('that are coded go alone, between those before and behind', async () => {
    const send = packing([HEAD + 2 * BLOCK_BYTES, HEAD + 4 * BLOCK_BYTES]);
    expect(await send(ask(0, 0xff))).toEqual([
      [0, 1024],
      [2, 9],
      [3, 512],
      [4, 9],
      [5, 1536],
    ]);
  });

  it('the last of the file shares a packet, too', async () => {
    expect(await packing()(ask(75, 0x0f))).toEqual([[75, FILE_BYTES - HEAD - 75 * BLOCK_BYTES]]);
  });

  it('go alone once one that was sent is asked for again, until eight requests lack none', async () => {
    const send = packing();
    expect(await send(ask(0, 0xf))).toEqual([[0, 2048]]);
    expect(await send(ask(3, 0xf))).toEqual(singles(3, 4));
    for (let n = 1; n < 8; n++) expect(await send(ask(3 + 4 * n, 0xf))).toEqual(singles(3 + 4 * n, 4));
    expect(await send(ask(35, 0xf))).toEqual([[35, 2048]]);
  });

  it('behind a head that came in blocks of its own are not asked for again', async () => {
    const send = packing();
    for (const off of [0, BLOCK_BYTES]) await send({ off, len: BLOCK_BYTES, many: 1, sequence: off / BLOCK_BYTES });
    expect(await send(ask(0, 0xf))).toEqual([[0, 2048]]);
  });
});

it.each([
  [undefined, 1],
  [4, 4],
  [0, 1],
  [32, 32],
  [33, 32],
  [2 ** 40, 32],
  [-1, 1],
  ['4', 1],
])('a request that says n: %j is answered by %d in a packet at most', (n, many) => {
  const body = { digest: DIGEST, off: HEAD, len: 16_384, want: 1, lz: 0, ...(n === undefined ? {} : { n }) };
  const packet = encodePacket({ version: 2, op: 0, group: 64, sequence: 1, id: 7, body });
  expect(wantedOf(packet)).toMatchObject({ many });
});
