// Blocks that are coded for a device that decodes them: over a slow line, and each of them once.

import { describe, expect, it } from 'vitest';
import { createEncoder } from '../../host/device/encode.js';
import { serveBlocks } from '../../host/device/serve.js';
import { createListeners, type Link } from '../../host/smp/link.js';
import { decodePacket, encodePacket } from '../../host/smp/packet.js';
import { imageOf } from '../support/agent-world.js';
import { lzDecoder } from '../support/lz.js';

const digest = new Uint8Array(32).fill(7);
const HEAD_BYTES_MAX = 2048;
const file = Uint8Array.from({ length: 40_000 }, (_, at) => (at % 7 === 0 ? at >> 8 : (at * 37) >> 3));

/** A line that carries so many bytes a millisecond, and what a device asks for there. */
async function asked(bytesPerMs: number, requests: { off: number; lz?: number; want?: number }[]) {
  const { emit, listen, closed, end } = createListeners();
  const sent: { sequence: number; data: Uint8Array }[] = [];
  let left = 0;
  const link: Link = {
    ...{ name: 'line', framingBytes: 0, listen, closed },
    async send(packet) {
      const { sequence, body } = decodePacket(packet);
      sent.push({ sequence, data: body.data as Uint8Array });
      if (bytesPerMs !== Number.POSITIVE_INFINITY)
        await new Promise((done) => setTimeout(done, packet.length / bytesPerMs));
      left -= 1;
    },
    close: async () => end(),
  };
  const stop = serveBlocks(link, [{ digest, file }]);
  for (const { off, want = 0xffffffff, lz } of requests) {
    left = [...want.toString(2)].filter((bit) => bit === '1').length;
    const body = { digest, off, len: 16_384, want, ...(lz !== undefined && { lz }) };
    emit.packet(encodePacket({ version: 2, op: 0, group: 64, id: 7, sequence: 0, body }));
    while (left > 0) await new Promise((done) => setTimeout(done, 5));
  }
  stop();
  return sent;
}

describe('over a line', () => {
  it('that is slow, blocks are coded once it is known to be, and decode to what they are', async () => {
    const decoder = await lzDecoder();
    const head = 279;
    const sent = await asked(8, [
      { off: head, lz: head },
      { off: head + 16_384, lz: head + 16_384 },
    ]);
    expect(sent.slice(0, 32).every(({ data }) => data.length === 512)).toBe(true); // not known yet
    const coded = sent.slice(32).filter(({ data }) => data.length < 512);
    expect(coded.length).toBe(32);
    sent.slice(32).forEach(({ data }, n) => {
      const from = 16_384 + n * 512;
      const source = file.subarray(head, head + 16_384);
      const piece = decoder.decode({ coded: data, from, bytes: 512, source, delta: false });
      expect(piece).toEqual(file.slice(head + from, head + from + 512));
    });
  });

  it('that is fast, or for a device that does not decode, they go as they are', async () => {
    const fast = await asked(Number.POSITIVE_INFINITY, [
      { off: 279, lz: 279 },
      { off: 16_663, lz: 16_663 },
    ]);
    expect(fast.every(({ data }) => data.length === 512)).toBe(true);
    const plain = await asked(8, [{ off: 279 }, { off: 16_663 }]);
    expect(plain.every(({ data }) => data.length === 512)).toBe(true);
  });

  it('a block that is asked for once more goes as it is', async () => {
    const off = 16_663;
    const sent = await asked(8, [
      { off: 279, lz: 279 },
      { off, lz: off },
      { off, lz: off, want: 1 },
    ]);
    expect(sent[32]!.data.length).toBeLessThan(512);
    expect(sent.at(-1)!.data).toEqual(file.slice(off, off + 512));
  });
});

/** A coder that has seen 8 KiB pass in a second. */
function slowly(bytes: Uint8Array) {
  let at = 0;
  const encoder = createEncoder(bytes, [], () => at);
  encoder.asked({ off: 0, digest });
  encoder.sent(0, 8192, 8500);
  at = 1000;
  encoder.asked({ off: 8192, digest });
  return encoder;
}

describe('what a block refers to', () => {
  const slow = () => slowly(file);

  it('is nothing that may be the head, nor behind what the device has', async () => {
    const decoder = await lzDecoder();
    for (const known of [0, 279, HEAD_BYTES_MAX + 1, 20_000]) {
      const { data: coded } = await slow().block(20_000, 20_512, known);
      const source = file.slice(0, known);
      source.fill(0x55, 0, Math.min(known, HEAD_BYTES_MAX));
      const piece = decoder.decode({ coded, from: 20_000, bytes: 512, source, delta: false });
      expect(piece).toEqual(file.slice(20_000, 20_512));
    }
  });

  it('is nothing that the file does not have', async () => {
    expect(await slow().block(20_000, 20_512, 50_000)).toEqual({ data: file.slice(20_000, 20_512), delta: false });
  });

  it('makes no block larger', async () => {
    const noise = imageOf(4096);
    const encoder = slowly(noise);
    expect((await encoder.block(3072, 3584, 3072)).data).toEqual(noise.slice(3072, 3584));
  });
});
