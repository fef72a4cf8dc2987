// Firmware files: what every kind gives, and every way of being wrong that its format can show.

import { readdirSync, readFileSync } from 'node:fs';
import hexLibrary from 'nrf-intel-hex';
import { describe, expect, it } from 'vitest';
import { readImage } from '../../host/formats/images/image.js';
import { sameVersion } from '../../host/formats/images/mcuboot.js';
import { flipBit, unhex, utf8 } from '../support/make.js';

const MemoryMap = hexLibrary as unknown as typeof hexLibrary.default;
const bytesFrom = (first: number, count: number) => Uint8Array.from({ length: count }, (_, i) => first + i);
const hexFile = (blocks: Record<number, Uint8Array>) => utf8(new MemoryMap(blocks).asHexString());

describe('raw', () => {
  it('is taken as it is', async () => {
    const bytes = bytesFrom(1, 100);
    expect(await readImage(bytes, 'app.bin')).toMatchObject({ kind: 'bin', bytes, address: undefined, gapBytes: 0 });
  });
  it('has no regions', async () => {
    await expect(readImage(bytesFrom(1, 9), 'a.bin', { region: { start: 0, end: 4 } })).rejects.toMatchObject({
      code: 202,
    });
  });
  it('but a package is no image', async () => {
    await expect(readImage(unhex('d86ba2'), 'a.suit')).rejects.toMatchObject({ code: 207 });
  });
});

describe('Intel HEX', () => {
  it('is read from its start address, gaps filled with 0xff', async () => {
    const file = hexFile({ 65536: bytesFrom(1, 8), 65552: bytesFrom(20, 4) });
    const image = await readImage(file, 'app.hex');
    expect(image).toMatchObject({ kind: 'hex', address: 0x10000, gapBytes: 8 });
    expect([...image.bytes]).toEqual([...bytesFrom(1, 8), ...new Array(8).fill(0xff), ...bytesFrom(20, 4)]);
  });

  const far = hexFile({ 65536: bytesFrom(1, 8), 268439572: bytesFrom(9, 4) });
  it('with parts far apart is refused, with a list of them', async () => {
    await expect(readImage(far, 'app.hex')).rejects.toMatchObject({
      code: 207,
      message: expect.stringContaining('0x00010000..0x00010008, 0x10001014..0x10001018'),
    });
  });
  it('unless a region is chosen', async () => {
    const image = await readImage(far, 'app.hex', { region: { start: 0x10002, end: 0x20000 } });
    expect(image).toMatchObject({ address: 0x10002, bytes: bytesFrom(3, 6) });
    await expect(readImage(far, 'app.hex', { region: { start: 0, end: 4 } })).rejects.toMatchObject({ code: 208 });
  });

  const lines = ':10010000214601360121470136007EFE09D2190140\r\n:00000001FF\r\n';
  it.each<[string, string]>([
    ['a wrong checksum', lines.replace('0140\r', '0141\r')],
    ['a short record', lines.replace(':1001', ':1101')],
    ['a line of something else', lines.replace('\r\n:', '\r\nhello\r\n:')],
    ['the same address twice', lines.replace(':0000', `${lines.slice(0, 43)}\r\n:0000`)],
    ['no end record', lines.slice(0, 45)],
    ['records after the end', lines + lines],
  ])('with %s is refused', async (_, text) => {
    expect((await readImage(utf8(lines), 'x.hex')).bytes.length).toBe(16);
    await expect(readImage(utf8(text), 'x.hex')).rejects.toMatchObject({ code: 208 });
  });
  it('for several boards is refused', async () => {
    const universal = ':020000040000FA\n:0400000A9900C0DEBB\n:00000001FF\n';
    await expect(readImage(utf8(universal), 'x.hex')).rejects.toMatchObject({ code: 207 });
  });
  it('in name only is refused', async () => {
    await expect(readImage(bytesFrom(0, 40), 'x.hex')).rejects.toMatchObject({ code: 207 });
  });

  const folder = new URL('../../boards/microbit/app/', import.meta.url);
  it.each(readdirSync(folder).filter((name) => name.endsWith('.hex')))('%s of the micro:bit', async (name) => {
    const image = await readImage(readFileSync(new URL(name, folder)), name);
    expect(image.address).toBe(0x10000);
    expect(image.bytes.length).toBeGreaterThan(100);
  });
});

interface ElfSegment {
  type?: number;
  offset?: number;
  physical: number;
  bytes: Uint8Array;
  fileBytes?: number;
}

/** A 32-bit little-endian ARM executable with these segments (TIS ELF 1.2). */
function elf(segments: ElfSegment[]): Uint8Array {
  const start = 52 + 32 * segments.length;
  const total = start + segments.reduce((sum, { bytes }) => sum + bytes.length, 0);
  const file = new Uint8Array(total);
  const view = new DataView(file.buffer);
  file.set([0x7f, 0x45, 0x4c, 0x46, 1, 1, 1]);
  const half = (at: number, value: number) => view.setUint16(at, value, true);
  const word = (at: number, value: number) => view.setUint32(at, value, true);
  half(16, 2);
  half(18, 40);
  word(20, 1);
  word(28, 52);
  half(40, 52);
  half(42, 32);
  half(44, segments.length);
  half(46, 40);
  let at = start;
  for (const [index, { type = 1, physical, bytes, fileBytes = bytes.length, offset = at }] of segments.entries()) {
    const head = 52 + 32 * index;
    const fields = [type, offset, 0x20000000 + physical, physical, fileBytes, fileBytes + 16, 5, 4];
    for (const [i, value] of fields.entries()) word(head + i * 4, value);
    file.set(bytes, at);
    at += bytes.length;
  }
  return file;
}

describe('ELF', () => {
  it('gives its loaded segments at their physical addresses', async () => {
    const file = elf([
      { physical: 0x10008, bytes: bytesFrom(50, 4) },
      { physical: 0x10000, bytes: bytesFrom(1, 6) },
      { physical: 0, bytes: bytesFrom(90, 8), type: 4 },
      { physical: 0x30000000, bytes: new Uint8Array(0) },
    ]);
    const image = await readImage(file, 'app.elf');
    expect(image).toMatchObject({ kind: 'elf', address: 0x10000, gapBytes: 2 });
    expect([...image.bytes]).toEqual([1, 2, 3, 4, 5, 6, 255, 255, 50, 51, 52, 53]);
  });

  it.each<[string, Uint8Array]>([
    ['a segment beyond the end', elf([{ physical: 0, bytes: bytesFrom(1, 4), fileBytes: 4000 }])],
    ['nothing to load', elf([{ physical: 0, bytes: bytesFrom(1, 4), type: 4 }])],
    [
      'segments that overlap',
      elf([
        { physical: 0, bytes: bytesFrom(1, 4) },
        { physical: 2, bytes: bytesFrom(1, 4) },
      ]),
    ],
    ['only its beginning', elf([{ physical: 0, bytes: bytesFrom(1, 4) }]).slice(0, 60)],
    ['only its magic', unhex('7f454c46')],
  ])('with %s is refused', async (_, bytes) => {
    await expect(readImage(bytes, 'app.elf')).rejects.toMatchObject({ code: 208 });
  });
});

interface Uf2Options {
  family?: number | undefined;
  flags?: number;
  count?: number;
  number?: number;
  length?: number;
}

function uf2Block(
  address: number,
  data: Uint8Array,
  index: number,
  count: number,
  options: Uf2Options = {},
): Uint8Array {
  const block = new Uint8Array(512);
  const view = new DataView(block.buffer);
  const { family } = options;
  const words = [
    0x0a324655,
    0x9e5d5157,
    (options.flags ?? 0) | (family === undefined ? 0 : 0x2000),
    address,
    options.length ?? data.length,
    options.number ?? index,
    options.count ?? count,
    family ?? 0,
  ];
  for (const [i, word] of words.entries()) view.setUint32(i * 4, word, true);
  block.set(data, 32);
  view.setUint32(508, 0x0ab16f30, true);
  return block;
}

const uf2 = (...options: Uf2Options[]) =>
  new Uint8Array(
    Buffer.concat(options.map((one, i) => uf2Block(0x2000 + i * 256, bytesFrom(i, 256), i, options.length, one))),
  );

describe('UF2', () => {
  const rp2040 = 0xe48bff56;
  it('is laid out by its addresses', async () => {
    const image = await readImage(uf2({ family: rp2040 }, { family: rp2040 }), 'app.uf2');
    expect(image).toMatchObject({ kind: 'uf2', address: 0x2000, gapBytes: 0 });
    expect([...image.bytes]).toEqual([...bytesFrom(0, 256), ...bytesFrom(1, 256)]);
  });
  it('blocks that are not for the main flash are left out', async () => {
    const image = await readImage(uf2({}, { flags: 1, family: 5 }), 'app.uf2');
    expect(image.bytes).toEqual(bytesFrom(0, 256));
  });
  it.each<[string, Uint8Array, number]>([
    ['two families', uf2({ family: rp2040 }, { family: 1 }), 207],
    ['a family in one block only', uf2({ family: rp2040 }, {}), 207],
    ['a container of files', uf2({ flags: 0x1000 }), 207],
    ['a block count that is wrong', uf2({ count: 3 }, { count: 3 }), 208],
    ['a block twice', uf2({}, { number: 0 }), 208],
    ['a block number too high', uf2({}, { number: 2 }), 208],
    ['a payload larger than a block', uf2({ length: 477 }), 208],
    ['a second block without magic', new Uint8Array(Buffer.concat([uf2({ count: 2 }), new Uint8Array(512)])), 208],
    ['no magic at the end', flipBit(uf2({}), 511 * 8), 208],
    ['half a block', uf2({}, {}).slice(0, 700), 208],
  ])('with %s is refused', async (_, bytes, code) => {
    await expect(readImage(bytes, 'app.uf2')).rejects.toMatchObject({ code });
  });
});

describe('MCUboot', () => {
  const vector = (name: string) =>
    unhex(readFileSync(new URL(`../vectors/mcuboot/${name}.hex`, import.meta.url), 'utf8'));
  const good = vector('ed25519-hash-seccnt');

  it.each(['ed25519-hash-seccnt', 'ed25519-pure-sha512', 'p256-hash'])('%s is kept whole', async (name) => {
    const bytes = vector(name);
    const image = await readImage(bytes, 'app.signed.bin');
    expect(image).toMatchObject({ kind: 'mcuboot', version: '1.2.3+4', bytes });
    expect(image.mcuboot?.tlvs.map((tlv) => tlv.name)).toContain('KEYHASH');
  });
  it('shows its security counter', async () => {
    expect((await readImage(good, 'a.bin')).mcuboot?.securityCounter).toBe(5);
  });
  it('padded to its slot is the same image', async () => {
    const padded = new Uint8Array(1024).fill(0xff);
    padded.set(good);
    expect((await readImage(padded, 'a.bin')).version).toBe('1.2.3+4');
  });
  it('inside a hex file keeps its version', async () => {
    const image = await readImage(hexFile({ 49152: good }), 'zephyr.signed.hex');
    expect(image).toMatchObject({ kind: 'hex', address: 0xc000, version: '1.2.3+4', bytes: good });
  });
  it.each(['ed25519-hash-body-flipped', 'ed25519-hash-seccnt-flipped'])('%s is refused', async (name) => {
    await expect(readImage(vector(name), 'a.bin')).rejects.toMatchObject({ code: 208 });
  });
  it('cut off anywhere but after its hashed part is refused', async () => {
    // The first 32 bytes are the header; from 344 on the unprotected TLV area, which a bare image does not have.
    for (let length = 32; length < good.length; length++) {
      if (length === 344) continue;
      await expect(readImage(good.slice(0, length), 'a.bin'), `${length}`).rejects.toMatchObject({ code: 208 });
    }
  });
  it('with a TLV that reaches beyond its area is refused', async () => {
    // The last TLV is the signature: type 0x24, length 64. The file goes on, its area does not.
    const longer = new Uint8Array(good.length + 8);
    longer.set(good);
    longer[good.length - 66] = 65;
    await expect(readImage(longer, 'a.bin')).rejects.toMatchObject({
      message: expect.stringContaining('beyond its area'),
    });
  });
  it.each([
    ['1.2.3+4', '1.2.3+4', true],
    ['1.2.3', '1.2.3', true],
    ['1.2.3+0', '1.2.3', true],
    ['1.2.3', '1.2.3+4', false],
    ['1.2.4', '1.2.3', false],
    ['spring', '1.2.3', false],
  ])('version %s and header %s', (typed, header, same) => expect(sameVersion(typed, header)).toBe(same));
});
