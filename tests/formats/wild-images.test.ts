// Firmware files as they are met in the wild: S-records, HEX of other tools, UF2 of several families; and what is no firmware.

import { createPrivateKey } from 'node:crypto';
import { readdirSync, readFileSync } from 'node:fs';
import { gzipSync } from 'node:zlib';
import { describe, expect, it } from 'vitest';
import { encode } from '../../host/formats/cbor.js';
import { readImage } from '../../host/formats/images/image.js';
import { publicKeyToCose, publicKeyToPem } from '../../host/formats/keys.js';
import { generateKey } from '../../host/keys/read.js';
import { unhex, utf8 } from '../support/make.js';

const folderOfApp = new URL('../../boards/microbit/app/', import.meta.url);
const bytesFrom = (first: number, count: number) => Uint8Array.from({ length: count }, (_, i) => first + i);

describe('S-records', () => {
  const record = (type: number, address: string, data = '') => {
    const content = Buffer.from(address + data, 'hex');
    const body = Buffer.concat([Uint8Array.of(content.length + 1), content]);
    const sum = body.reduce((total, byte) => total + byte, 0);
    return `S${type}${body.toString('hex')}${(~sum & 0xff).toString(16).padStart(2, '0')}`.toUpperCase();
  };
  const lines = [
    record(0, '0000', '6170702e62696e'),
    record(1, '0100', '0102030405060708'),
    record(2, '000108', '090a'),
    record(3, '00000110', '0b0c'),
    record(5, '0003'),
    record(9, '0000'),
  ];
  const file = (...text: string[]) => utf8(`${text.join('\r\n')}\r\n`);

  it.each(['app.srec', 'app.s19', 'app.mot', 'app.bin', 'app.txt'])('are read under the name %s', async (name) => {
    const image = await readImage(file(...lines), name);
    expect(image).toMatchObject({ kind: 'srec', address: 0x100, gapBytes: 6 });
    expect([...image.bytes]).toEqual([...bytesFrom(1, 10), ...new Array(6).fill(0xff), 11, 12]);
  });
  it.each<[string, string[]]>([
    ['a wrong checksum', lines.with(1, lines[1]!.replace(/..$/, '00'))],
    ['a wrong length', lines.with(1, lines[1]!.replace('S10B', 'S10C'))],
    ['a wrong count', lines.with(4, record(5, '0004'))],
    ['no end', lines.slice(0, 5)],
    ['a record behind the end', [...lines, lines[1]!]],
    ['a line of something else', lines.with(2, 'hello')],
    ['the same address twice', lines.with(2, lines[1]!)],
    ['a reserved type', lines.with(2, record(4, '0001'))],
  ])('with %s are refused', async (_, text) => {
    await expect(readImage(file(...text), 'x.s19')).rejects.toMatchObject({ code: 208 });
  });
});

describe('Intel HEX as tools write it', () => {
  const records = [':10010000214601360121470136007EFE09D2190140', ':00000001FF'];
  it.each<[string, string, string]>([
    ['a comment in front, under another ending', 'app.bin', `; made by a tool\n# and another\n${records.join('\n')}\n`],
    ['a byte order mark', 'app.txt', `\ufeff${records.join('\r\n')}\r\n`],
    ['CR CR LF', 'app.hex', `${records.join('\r\r\n')}\r\r\n`],
    ['blank lines', 'app.ihx', `\n\n${records.join('\n\n  \n')}\n\n`],
    ['Ctrl-Z at its end', 'app.hex', `${records.join('\r\n')}\r\n\u001a`],
    ['MakeCode in it', 'app.hex', `${records[0]}\n:0400000E41140E2FC0AC\n${records[1]}\n`],
  ])('with %s', async (_, name, text) => {
    const image = await readImage(utf8(text), name);
    expect([image.kind, image.bytes.length, image.address]).toEqual(['hex', 16, 0x100]);
  });
});

describe('UF2 by family', () => {
  const RP2350 = 0xe48bff59;
  const block = (family: number, number: number, total: number, address: number, fill: number) => {
    const bytes = new Uint8Array(512);
    const view = new DataView(bytes.buffer);
    const words = [0x0a324655, 0x9e5d5157, 0x2000, address, 256, number, total, family];
    for (const [i, word] of words.entries()) view.setUint32(i * 4, word, true);
    bytes.fill(fill, 32, 288);
    view.setUint32(508, 0x0ab16f30, true);
    return bytes;
  };
  const erratum = block(0xe48bff57, 0, 2, 0x10ffff00, 0xef);
  const image = (family: number, fill: number, count = 3) =>
    Array.from({ length: count }, (_, i) => block(family, i, count, 0x10000000 + i * 256, fill));
  const file = (...blocks: Uint8Array[]) => new Uint8Array(Buffer.concat(blocks));

  it('the block of RP2350-E10 in front is left out', async () => {
    const read = await readImage(file(erratum, ...image(RP2350, 7)), 'app.uf2');
    expect(read).toMatchObject({ kind: 'uf2', address: 0x10000000, bytes: new Uint8Array(768).fill(7) });
  });
  it('one of several is chosen', async () => {
    const both = file(...image(RP2350, 7), ...image(0xe48bff56, 8, 2));
    await expect(readImage(both, 'app.uf2')).rejects.toMatchObject({
      code: 207,
      message: expect.stringContaining('rp2350-arm-s, rp2040'),
      hint: expect.stringContaining('--family'),
    });
    expect((await readImage(both, 'app.uf2', { family: 0xe48bff56 })).bytes).toEqual(new Uint8Array(512).fill(8));
    await expect(readImage(both, 'app.uf2', { family: 1 })).rejects.toMatchObject({ code: 220 });
  });
  it('a block of one that is missing is missed', async () => {
    const short = file(...image(RP2350, 7).slice(1), ...image(0xe48bff56, 8, 2));
    await expect(readImage(short, 'app.uf2', { family: 0xe48bff56 })).rejects.toMatchObject({ code: 208 });
  });
  it('a family for what has none is a mistake', async () => {
    await expect(readImage(bytesFrom(1, 9), 'app.bin', { family: 1 })).rejects.toMatchObject({ code: 202 });
  });
});

describe('what is no firmware', () => {
  it.each<[string, Uint8Array, number]>([
    ['a private key', utf8(generateKey('ed25519').toPem()), 228],
    ['an encrypted one', utf8(generateKey('p256').toPem('secret')), 228],
    [
      'a private key in DER',
      createPrivateKey(generateKey('p256').toPem()).export({ type: 'sec1', format: 'der' }),
      228,
    ],
    ['a raw key', new Uint8Array(32).fill(0xa5), 228],
    ['a public key', utf8(publicKeyToPem(generateKey('p256').public)), 207],
    ['a public COSE_Key', encode(publicKeyToCose(generateKey('p256').public)), 207],
    ['a ZIP archive', unhex('504b03041400000008000000'), 207],
    ['a gzip file', gzipSync('firmware'), 207],
    ['a tar archive', Buffer.concat([Buffer.alloc(257), utf8('ustar\u000000'), Buffer.alloc(300)]), 207],
    ['an approval', unhex('d28443a10126a0'), 207],
    ['a web page', utf8('<!DOCTYPE html>\n<html>Not found</html>'), 207],
    [
      'a DFU suffix',
      Buffer.concat([Buffer.alloc(100, 7), unhex('ffffffffffff0001'), utf8('UFD'), unhex('1000000000')]),
      207,
    ],
  ])('%s is refused under any name, --raw or not', async (_, bytes, code) => {
    for (const raw of [false, true])
      await expect(readImage(new Uint8Array(bytes), 'app.bin', { raw })).rejects.toMatchObject({ code });
  });

  const vectors = (stack: number, reset: number) => new Uint8Array(new Uint32Array([stack, reset, 0, 0, 5, 6]).buffer);
  it.each<[string, Uint8Array, RegExp | undefined]>([
    ['text', utf8('int main(void) { return 0; }\n'), /nothing but text/],
    ['erased flash', new Uint8Array(100).fill(0xff), /nothing but 0xff/],
    ['zeros', new Uint8Array(100), /nothing but 0x00/],
    ['no stack pointer', vectors(0x12, 0x401), /stack pointer 0x00000012/],
    ['no Thumb bit', vectors(0x20004000, 0x400), /reset handler 0x00000400/],
    ['a vector table', vectors(0x20004000, 0x401), undefined],
    [
      'one behind the boot code of an RP2040',
      Buffer.concat([Buffer.alloc(256, 0x4b), vectors(0x20042000, 0x100001f7)]),
      undefined,
    ],
  ])('%s: %o', async (_, bytes, doubt) => {
    const { doubts } = await readImage(new Uint8Array(bytes), 'app.bin');
    expect(doubts).toEqual(doubt === undefined ? [] : [expect.stringMatching(doubt)]);
    expect((await readImage(new Uint8Array(bytes), 'app.bin', { raw: true })).doubts).toEqual([]);
  });
  it('the firmware of the micro:bit is not doubted', async () => {
    const name = readdirSync(folderOfApp).find((one) => one.endsWith('.hex'))!;
    expect((await readImage(readFileSync(new URL(name, folderOfApp)), name)).doubts).toEqual([]);
  });
  it('--raw takes records as they are', async () => {
    const bytes = utf8(':10010000214601360121470136007EFE09D2190140\n:00000001FF\n');
    expect(await readImage(bytes, 'app.hex', { raw: true })).toMatchObject({ kind: 'bin', bytes });
  });
});
