// Blocks that are coded against an image that the device names: what an answer holds, which coding is taken, and when none is. What
// comes out is taken apart here, and decoded by the agent's decoder.

import { beforeAll, describe, expect, it, vi } from 'vitest';
import { createEncoder } from '../../host/device/encode.js';
import { type OldImage, oldImageOf } from '../../host/device/old-image.js';
import { serveBlocks, type Wanted, wantedOf } from '../../host/device/serve.js';
import { createListeners, type Link } from '../../host/smp/link.js';
import { decodePacket, encodePacket } from '../../host/smp/packet.js';
import { imageOf, packageOf } from '../support/agent-world.js';
import { type LzDecoder, likeCode, lzDecoder } from '../support/lz.js';
import { sha256 } from '../support/make.js';

const BLOCK = 512;
const OLD = likeCode(40_000);
const NEW = Uint8Array.from([...OLD.subarray(0, 20_000), 0x70, 0x47, ...OLD.subarray(20_000)]);
for (let at = 700; at < 20_000; at += 2048) NEW[at]! ^= 8;
const { bytes: file, digest, head } = packageOf(2, { image: NEW });
const older = packageOf(1, { image: OLD }).bytes;
const runs = sha256(OLD);

let decoder: LzDecoder;
beforeAll(async () => {
  decoder = await lzDecoder();
}, 60_000);

interface Answer {
  sequence: number;
  len?: number;
  data: Uint8Array;
}

/** A device that asks, and the answers that it gets. */
function device(packages = [{ digest, file }], old = [older]) {
  const { emit, listen, closed, end } = createListeners();
  const answers: Answer[] = [];
  const link: Link = {
    ...{ name: 'line', framingBytes: 0, listen, closed },
    async send(packet) {
      const { sequence, body } = decodePacket(packet);
      answers.push({ sequence, ...body } as unknown as Answer);
    },
    close: async () => end(),
  };
  return {
    answers,
    async served(images?: OldImage[]) {
      serveBlocks(link, packages, images ?? (await Promise.all(old.map((one, n) => oldImageOf(one, `${n}`)))));
    },
    /** Asks, and waits until so many bytes of the file are there. */
    async ask(body: Record<string, unknown>, sequence = 0): Promise<Answer[]> {
      const before = answers.length;
      emit.packet(encodePacket({ version: 2, op: 0, group: 64, id: 7, sequence, body }));
      const want = body.want as number;
      const blocks = [...want.toString(2)].filter((bit) => bit === '1').length;
      const given = () => answers.slice(before).reduce((sum, { len }) => sum + Math.ceil((len ?? BLOCK) / BLOCK), 0);
      for (let tries = 0; tries < 400 && given() < blocks; tries++) await new Promise((done) => setTimeout(done, 5));
      return answers.slice(before);
    },
  };
}

const request = (n: number, want: number, more: object = {}) => {
  const off = head.length + n * BLOCK;
  return { digest, off, len: Math.min(32 * BLOCK, file.length - off), want, lz: off, from: runs, ...more };
};

/** The bytes of the image that an answer gives from its nth block on: as they are, or by the agent's decoder. */
function bytesOf({ len, data }: Answer, n: number): Uint8Array {
  if (len === undefined) return data;
  const parts: Uint8Array[] = [];
  for (let at = 0, from = n * BLOCK; from < n * BLOCK + len; from += BLOCK) {
    const bytes = Math.min(BLOCK, n * BLOCK + len - from);
    const last = from + BLOCK >= n * BLOCK + len;
    const length = last ? data.length - at : data[at++]!;
    const coded = data.slice(at, at + length);
    parts.push(decoder.decode({ coded, from, bytes, source: OLD, delta: true }) ?? new Uint8Array(bytes));
    at += length;
  }
  return Buffer.concat(parts);
}

const imagePart = (n: number, blocks: number) => Buffer.from(NEW.subarray(n * BLOCK, (n + blocks) * BLOCK));

describe('a request that names an image which is here', () => {
  it('is answered with codes that decode to the image, many in one answer', async () => {
    const { ask, served } = device();
    await served();
    const all: Uint8Array[] = [];
    let [packets, bytes] = [0, 0];
    for (let n = 0; n * BLOCK < NEW.length; n += 32) {
      const blocks = Math.min(32, Math.ceil(NEW.length / BLOCK) - n);
      let at = n;
      for (const answer of await ask(request(n, 2 ** blocks - 1), n)) {
        expect(answer.sequence).toBe(at);
        expect(answer.data.length).toBeLessThanOrEqual(BLOCK);
        all.push(bytesOf(answer, at));
        at += Math.ceil((answer.len ?? BLOCK) / BLOCK);
        packets += 1;
        bytes += answer.data.length;
      }
    }
    expect(Buffer.concat(all).equals(Buffer.from(NEW))).toBe(true);
    expect(bytes).toBeLessThan(0.02 * NEW.length);
    expect(packets).toBeLessThan(60); // fewer on a machine that has nothing else to do
  });

  it('is answered by no packet that is larger than one with a block as it is, however fast blocks are coded', async () => {
    const image = OLD.slice();
    for (let at = 0; at + BLOCK <= image.length; at += BLOCK) image.set(imageOf(60, at + 1), at + 100);
    const changed = packageOf(2, { image });
    const { ask, served } = device([{ digest, file: changed.bytes }]);
    await served();
    const now = vi.spyOn(performance, 'now').mockReturnValue(1);
    try {
      const answers = await ask(request(4, 0xffff));
      expect(Math.max(...answers.map(({ data }) => data.length))).toBeLessThan(BLOCK);
      expect(answers.length).toBeGreaterThan(2);
      expect(answers.length).toBeLessThan(8);
    } finally {
      now.mockRestore();
    }
  });

  it('has gaps: no answer goes over one', async () => {
    const { ask, served } = device();
    await served();
    const answers = await ask(request(4, 0b1101_1011));
    const firsts = answers.map(({ sequence }) => sequence);
    for (const n of [0, 3, 6]) expect(firsts).toContain(n);
    for (const answer of answers) {
      const blocks = Math.ceil((answer.len ?? BLOCK) / BLOCK);
      expect(Buffer.from(bytesOf(answer, 4 + answer.sequence)).equals(imagePart(4 + answer.sequence, blocks))).toBe(
        true,
      );
    }
  });

  it('and asks once more gets a code once more, and the third time the block as it is', async () => {
    const { ask, served } = device();
    await served();
    const kinds: (number | undefined)[] = [];
    for (let time = 0; time < 4; time++) kinds.push((await ask(request(6, 1)))[0]!.len);
    expect(kinds).toEqual([BLOCK, BLOCK, undefined, undefined]);
  });

  it('keeps it for requests without a digest, until one with a digest names none', async () => {
    const { ask, served } = device();
    await served();
    const follows = { digest: undefined, from: undefined };
    const plain = (body: object) => Object.fromEntries(Object.entries(body).filter(([, value]) => value !== undefined));
    expect((await ask(request(4, 1)))[0]!.len).toBe(BLOCK);
    expect((await ask(plain(request(5, 1, follows))))[0]!.len).toBe(BLOCK);
    expect((await ask(plain(request(6, 1, { from: undefined }))))[0]!.len).toBe(undefined);
    expect((await ask(plain(request(7, 1, follows))))[0]!.len).toBe(undefined);
  });

  it.each([
    ['names another image', {}, { from: sha256(NEW) }, undefined],
    ['names what is no digest', {}, { from: runs.slice(1) }, undefined],
    ['does not decode at all', {}, { lz: undefined }, undefined],
    ['asks for the head', {}, { off: 0, lz: 0 }, undefined],
    ['is of a file that is no package', { file: file.slice(1) }, {}, undefined],
    ['has nothing against it', {}, {}, BLOCK],
  ] as const)('and %s', async (_what, one, more, len) => {
    const { ask, served } = device([{ digest, file, ...one }]);
    await served();
    const body = Object.fromEntries(Object.entries(request(4, 1, more)).filter(([, value]) => value !== undefined));
    expect((await ask(body))[0]!.len).toBe(len);
  });

  it('which cannot be read any more is answered with the blocks as they are', async () => {
    const { ask, served } = device();
    const read = async () => {
      throw new Error('it was changed');
    };
    await served([{ digest: runs, image: { size: OLD.length, read } }]);
    const answers = await ask(request(4, 0b11));
    expect(answers.map(({ data }) => data.length)).toEqual([BLOCK, BLOCK]);
  });

  it('says so in the packet as it stands in assembly/smp/ours.ts', () => {
    const packet = (body: object) =>
      encodePacket({ version: 2, op: 0, group: 64, id: 7, sequence: 1, body: body as Record<string, unknown> });
    expect(wantedOf(packet(request(1, 3)))).toMatchObject({ runs, want: 3 });
    expect(wantedOf(packet(request(1, 3, { from: 'text' })))?.runs).toBe(undefined);
  });
});

describe('of raw, lz and delta', () => {
  const asking: Pick<Wanted, 'off' | 'digest' | 'runs'> = { off: 0, digest, runs };

  /** An encoder that has seen so many bytes pass in a second. */
  async function over(bytesPerSecond: number, image: Uint8Array = NEW) {
    let at = 0;
    const of = packageOf(2, { image });
    const encoder = createEncoder(of.bytes, [await oldImageOf(older, 'older')], () => at);
    encoder.asked({ ...asking, off: 0 });
    encoder.sent(0, bytesPerSecond, bytesPerSecond);
    at = 1000;
    encoder.asked({ ...asking, off: bytesPerSecond });
    return (n: number, known = of.head.length + 20_000) => {
      const from = of.head.length + n * BLOCK;
      return encoder.block(from, from + BLOCK, known);
    };
  }

  it('the smallest is taken: what the image repeats and the old one has not goes as lz', async () => {
    const noise = imageOf(2048, 9);
    const image = Uint8Array.from([
      ...OLD.subarray(0, 3072),
      ...noise,
      ...OLD.subarray(5120, 20_000),
      ...noise,
      ...OLD,
    ]);
    image.copyWithin(20_480, 3072, 5120);
    const block = await over(8000, image);
    const { data, delta } = await block(40); // of the noise, once more
    expect(delta).toBe(false);
    expect(data.length).toBeLessThan(40);
    expect((await block(36)).delta).toBe(true);
  });

  it('also where a delta would be smaller than the block', async () => {
    const part = Uint8Array.from([...imageOf(400, 3), ...OLD.subarray(2000, 2112)]);
    const image = Uint8Array.from([...OLD.subarray(0, 5120), ...part, ...OLD.subarray(5632, 24_576), ...part, ...OLD]);
    const { data, delta } = await (await over(8000, image))(48);
    expect([delta, data.length < 20]).toEqual([false, true]);
    expect((await (await over(8000, image))(10, 0)).delta).toBe(true); // nothing of it is there yet
  });

  it('what neither helps goes as it is', async () => {
    const block = await over(8000, imageOf(30_000, 5));
    expect(await block(45)).toMatchObject({ delta: false, data: { length: BLOCK } });
  });

  it('over a fast line only what the old image has as it is goes as a delta, at once', async () => {
    const block = await over(1_000_000);
    const changed = Math.floor(700 / BLOCK);
    expect((await block(changed)).delta).toBe(false);
    expect((await block(changed + 1)).delta).toBe(true);
    expect((await block(60)).delta).toBe(true); // further on
    const slow = await over(8000);
    expect((await slow(changed)).delta).toBe(true);
  });
});
