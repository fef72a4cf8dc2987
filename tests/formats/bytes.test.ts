// Hex, base64 and hashes are those of Node, whichever way they are computed.

import { createHash, randomBytes } from 'node:crypto';
import { describe, expect, it, vi } from 'vitest';
import { type ByteSource, hashOf, partOf } from '../../host/formats/byte-source.js';
import { base64, fromBase64, fromHex, hex, join, latin1, same, sha256, utf8 } from '../../host/formats/bytes.js';

const some = [0, 1, 2, 3, 31, 32, 255, 8192, 8193, 20_000].map((length) => new Uint8Array(randomBytes(length)));

it.each(some)('%#: hex, base64 and latin1 as Buffer has them', (...list) => {
  const bytes = Uint8Array.from(list);
  const buffer = Buffer.from(bytes);
  expect(hex(bytes)).toBe(buffer.toString('hex'));
  expect(same(fromHex(hex(bytes)), bytes)).toBe(true);
  expect(base64(bytes)).toBe(buffer.toString('base64'));
  expect(same(fromBase64(base64(bytes))!, bytes)).toBe(true);
  expect(latin1(bytes)).toBe(buffer.toString('latin1'));
});

it.each(['', 'a', 'ab', 'abc', 'aB0x', 'zz', '12 34', '1'])('hex "%s" is read as far as it is hex', (text) => {
  expect([...fromHex(text)]).toEqual([...Buffer.from(text, 'hex')]);
});

it('base64 with breaks is read, what is none is not', () => {
  expect(fromBase64('YWJj\nZGVm\r\n')).toEqual(utf8('abcdef'));
  expect(fromBase64('YW-_')).toBeUndefined();
  expect(fromBase64('Y')).toBeUndefined();
});

it('same: by content and length', () => {
  expect(same(Uint8Array.of(1, 2), Uint8Array.of(1, 2))).toBe(true);
  expect(same(Uint8Array.of(1, 2), Uint8Array.of(1, 3))).toBe(false);
  expect(same(Uint8Array.of(1), Uint8Array.of(1, 2))).toBe(false);
});

describe.each(['SHA-256', 'SHA-384', 'SHA-512'] as const)('%s', (name) => {
  const bytes = new Uint8Array(randomBytes(200_000));
  const wanted = (part: Uint8Array) => new Uint8Array(createHash(name.replace('-', '')).update(part).digest());
  const source: ByteSource = {
    size: bytes.length,
    read: async (offset, into) => into.set(bytes.subarray(offset, offset + into.length)),
  };

  it('in memory, from a source, and of a part of one', async () => {
    expect(await hashOf(bytes, name)).toEqual(wanted(bytes));
    expect(await hashOf(source, name)).toEqual(wanted(bytes));
    expect(await hashOf(partOf(source, 70_000, 100_000), name)).toEqual(wanted(bytes.subarray(70_000, 170_000)));
  });

  it('where the page has no WebCrypto', async () => {
    vi.stubGlobal('crypto', {});
    expect(await hashOf(bytes, name)).toEqual(wanted(bytes));
    vi.unstubAllGlobals();
  });

  it('by a source that hashes itself: of its own bytes, and no others', async () => {
    const asked: [number, number][] = [];
    const fast: ByteSource = {
      ...source,
      hash: async (_, offset, length) => {
        asked.push([offset, length]);
        return wanted(bytes.subarray(offset, offset + length));
      },
    };
    const part = partOf(partOf(fast, 1000, 50_000), 500);
    expect(await hashOf(part, name)).toEqual(wanted(bytes.subarray(1500, 51_000)));
    expect(await hashOf(fast, name)).toEqual(wanted(bytes));
    expect(asked).toEqual([
      [1500, 49_500],
      [0, 200_000],
    ]);
  });
});

it('sha256 of parts is that of the whole', () => {
  expect(sha256(...some)).toEqual(new Uint8Array(createHash('sha256').update(join(some)).digest()));
});
