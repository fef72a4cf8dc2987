// A file that is opened and read by offset gives the bytes that it had, or FileChanged: never others, never fewer. And what is
// read of an envelope or an image in a file is what is read of the same in memory.

import { spawnSync } from 'node:child_process';
import {
  appendFileSync,
  mkdtempSync,
  openSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  truncateSync,
  utimesSync,
  writeFileSync,
  writeSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join as joinPath } from 'node:path';
import { afterAll, beforeEach, describe, expect, it } from 'vitest';
import { writeBytes } from '../../host/files.js';
import { type ByteSource, type Bytes, partOf, readFrom, sha256Of, wholeOf } from '../../host/formats/byte-source.js';
import { fromHex, join, same, sha256, utf8 } from '../../host/formats/bytes.js';
import { encode } from '../../host/formats/cbor.js';
import {
  addApproval,
  addBlock,
  detachPayload,
  openEnvelope,
  splitEnvelope,
  withApproval,
  withBlock,
  withoutPayload,
} from '../../host/formats/envelope.js';
import { readImage } from '../../host/formats/images/image.js';
import { lookAt } from '../../host/formats/key-forms.js';
import { payloadDigests, viewManifest } from '../../host/formats/manifest.js';
import { buildPackage } from '../../host/formats/suit.js';
import { generateKey, keyForm } from '../../host/keys/read.js';
import { openFile, withFile } from '../../host/open-file.js';
import { reasons } from '../../host/reasons.js';
import { makeImage } from '../support/mcuboot.js';

const BYTES = 3 * 65_536 + 1000;
const CHANGED = expect.objectContaining({ code: reasons.FileChanged.code });
const MIB = 1024 * 1024;

/** Bytes that repeat nowhere, and are nothing that is known. */
function noise(seed: number, length: number): Uint8Array {
  const words = new Uint32Array(Math.ceil(length / 4)).map((_, at) => Math.imul(at + seed * 0x10_0000, 0x9e3779b1));
  return new Uint8Array(words.buffer, 0, length);
}

const folder = mkdtempSync(joinPath(tmpdir(), 'open-file-'));
const path = joinPath(folder, 'app.bin');
const content = noise(7, BYTES);
beforeEach(() => writeFileSync(path, content));
afterAll(() => rmSync(folder, { recursive: true }));

/** Overwrites one byte, and the time of the last change is as before. */
function slip(at: number): void {
  const { atime, mtime } = statSync(path);
  const file = openSync(path, 'r+');
  writeSync(file, Uint8Array.of(content[at]! ^ 1), 0, 1, at);
  utimesSync(path, atime, mtime);
}

describe('an opened file', () => {
  it('gives any of its bytes, to several readers at once', async () => {
    await withFile(path, async (file) => {
      expect(file.size).toBe(BYTES);
      const ranges = Array.from({ length: 60 }, (_, at) => [(at * 7919 * 31) % BYTES, (at * 4001) % 140_000] as const);
      const read = await Promise.all(ranges.map(([at, length]) => readFrom(file, at, length)));
      for (const [at, [from, length]] of ranges.entries()) {
        expect(same(read[at]!, content.subarray(from, from + length))).toBe(true);
      }
      expect(await sha256Of(file)).toEqual(sha256(content));
      expect(await alike(partOf(partOf(file, 1000), 65_000, 70_000), content.subarray(66_000, 136_000))).toBe(true);
      await expect(file.read(BYTES - 1, new Uint8Array(2))).rejects.toThrow();
    });
  });

  it.each<[string, () => void]>([
    ['is overwritten', () => writeFileSync(path, noise(8, BYTES))],
    ['becomes shorter', () => truncateSync(path, 1000)],
    ['becomes longer', () => appendFileSync(path, 'x')],
    ['is touched: who knows what else happened', () => utimesSync(path, 1, 1)],
  ])('that %s before all of it was read is no longer it', async (_, change) => {
    await withFile(path, async (file) => {
      await readFrom(file, 0, 10);
      change();
      await expect(sha256Of(file)).rejects.toEqual(CHANGED);
    });
  });

  it.each<[string, () => void]>([
    ['in one bit, its times as before', () => slip(BYTES - 500)],
    ['becomes shorter', () => truncateSync(path, BYTES - 1)],
  ])('that changes after that (%s) gives what it had, or nothing', async (_, change) => {
    await withFile(path, async (file) => {
      await sha256Of(file);
      change();
      expect(await readFrom(file, 100, 200)).toEqual(content.subarray(100, 300));
      await expect(readFrom(file, BYTES - 10, 10)).rejects.toEqual(CHANGED);
      await expect(sha256Of(file)).rejects.toEqual(CHANGED);
    });
  });

  it('that is only touched after that is the same', async () => {
    await withFile(path, async (file) => {
      await sha256Of(file);
      utimesSync(path, 1, 1);
      expect(await alike(file, content)).toBe(true);
    });
  });

  it('that is replaced by another one stays what was opened', async () => {
    await withFile(path, async (file) => {
      await writeBytes(path, noise(9, BYTES));
      expect(await alike(file, content)).toBe(true);
    });
  });

  it('that changes while it is written to another leaves nothing of it', async () => {
    await withFile(path, async (file) => {
      await sha256Of(file);
      slip(70_000);
      await expect(writeBytes(joinPath(folder, 'out.suit'), [utf8('head'), file])).rejects.toEqual(CHANGED);
    });
    expect(readdirSync(folder)).toEqual(['app.bin']);
  });

  it('is refused by number when it is none', async () => {
    const code = (name: keyof typeof reasons) => expect.objectContaining({ code: reasons[name].code });
    await expect(openFile(joinPath(folder, 'absent'))).rejects.toEqual(code('FileNotFound'));
    await expect(openFile(folder)).rejects.toEqual(code('FileUnreadable'));
    await expect(openFile(path, BYTES - 1)).rejects.toEqual(code('FileTooLarge'));
    truncateSync(path, 0);
    await expect(openFile(path)).rejects.toEqual(code('FileMalformed'));
  });
});

describe('what comes from a pipe', () => {
  const SCRIPT = `
    const { openFile } = await import('${new URL('../../dist/host/open-file.js', import.meta.url)}');
    const { readFrom, sha256Of } = await import('${new URL('../../dist/host/formats/byte-source.js', import.meta.url)}');
    const { readdirSync } = await import('node:fs');
    const file = await openFile('-', ${4 * MIB}).catch((error) => (console.log(error.reason.name), process.exit()));
    const last = await readFrom(file, file.size - 3, 3);
    const kept = readdirSync(process.env.TMPDIR);
    console.log(JSON.stringify([file.size, Buffer.from(await sha256Of(file)).toString('hex'), [...last], kept]));
    await file.close();
  `;
  const piped = (input: Uint8Array) => {
    const env = { ...process.env, TMPDIR: mkdtempSync(joinPath(folder, 'tmp-')) };
    const { stdout, stderr } = spawnSync(process.execPath, ['--input-type=module', '-e', SCRIPT], { input, env });
    rmSync(env.TMPDIR, { recursive: true });
    expect(stderr.toString()).toBe('');
    return stdout.toString().trim();
  };

  it.each([10, MIB, 3 * MIB + 5])('%i bytes are read by offset, and nothing is left of them', (bytes) => {
    const input = noise(3, bytes);
    const digest = Buffer.from(sha256(input)).toString('hex');
    expect(JSON.parse(piped(input))).toEqual([bytes, digest, [...input.subarray(-3)], []]);
  });

  it('has the same limits', () => {
    expect(piped(new Uint8Array())).toBe('FileMalformed');
    expect(piped(new Uint8Array(4 * MIB + 1))).toBe('FileTooLarge');
  });
});

const alike = async (a: Bytes, b: Uint8Array) => same(await wholeOf(a), b);

/** Bytes that are not in memory, and count what is read of them. */
function elsewhere(bytes: Uint8Array): ByteSource & { read: ByteSource['read']; taken(): number } {
  let taken = 0;
  return {
    size: bytes.length,
    taken: () => taken,
    async read(offset, into) {
      taken += into.length;
      into.set(bytes.subarray(offset, offset + into.length));
    },
  };
}

describe('of an envelope in a file', () => {
  const key = generateKey('ed25519');
  const ids = { vendorId: noise(1, 16), classId: noise(2, 16) };
  const made = buildPackage({ image: noise(5, MIB), ...ids, sequence: 3n, version: '1.2.3', key });
  const split = splitEnvelope(made.envelope, 'it');
  const [wrapper, manifest, text, payload] = split.members.map(({ raw }) => raw);
  const other = Buffer.concat([encode('#other'), encode(noise(6, 5000))]);
  const head = (members: number) => Uint8Array.of(0xd8, 0x6b, 0xa0 | members);

  it.each<[string, Uint8Array]>([
    ['as we make it', made.envelope],
    ['with its payload in front', Buffer.concat([head(4), payload!, wrapper!, manifest!, text!])],
    ['with two', Buffer.concat([head(5), wrapper!, other, manifest!, payload!, text!])],
  ])('%s, all is the same but the payload, which is not read', async (_, bytes) => {
    const file = elsewhere(bytes);
    const opened = await openEnvelope(file, 'it');
    expect(file.taken()).toBeLessThan(10_000);
    const inMemory = splitEnvelope(bytes, 'it');
    const { members, ...rest } = inMemory;
    expect({ ...opened, members: [] }).toEqual({ ...rest, members: [] });
    for (const [at, { key: name, value, raw }] of opened.members.entries()) {
      expect(name).toBe(members[at]!.key);
      expect(await alike(value, members[at]!.value)).toBe(true);
      expect(await alike(raw, members[at]!.raw)).toBe(true);
    }
    expect(viewManifest(opened, 'it', await payloadDigests(opened))).toEqual(viewManifest(inMemory, 'it'));
    const document = noise(9, 300);
    for (const [parts, whole] of [
      [withBlock(opened, document, 'it'), addBlock(inMemory, document, 'it')],
      [withApproval(opened, document, 'it'), addApproval(inMemory, document, 'it')],
      [withoutPayload(opened), detachPayload(inMemory)],
    ] as const) {
      expect(same(join(await Promise.all(parts.map(wholeOf))), whole)).toBe(true);
    }
  });

  it.each<[string, Uint8Array, number]>([
    ['a payload that is cut off', made.envelope.subarray(0, -1), reasons.Truncated.code],
    ['bytes behind the end', Buffer.concat([made.envelope, Uint8Array.of(0)]), reasons.TrailingBytes.code],
    ['a megabyte that is no payload', Buffer.concat([head(1), encode(23), encode(new Uint8Array(MIB))]), 5],
    ['a length that is not the shortest', Buffer.concat([head(1), encode(23), Uint8Array.of(0x58, 1, 0)]), 208],
    ['a member that is no byte string', Buffer.concat([head(1), encode(23), encode('text')]), reasons.WrongType.code],
  ])('%s is told by the same number', async (_, bytes, code) => {
    await expect(openEnvelope(elsewhere(bytes), 'it')).rejects.toMatchObject({ code });
    expect(() => splitEnvelope(bytes, 'it')).toThrow(expect.objectContaining({ code }));
  });
});

describe('of an image in a file', () => {
  it.each<[string, Uint8Array]>([
    ['raw', noise(4, 2 * MIB)],
    ['MCUboot', makeImage({ bytes: 2 * MIB })],
    ['nothing but 0xff', new Uint8Array(2 * MIB).fill(0xff)],
    ['0xff, and one byte', new Uint8Array(2 * MIB).fill(0xff).with(2 * MIB - 1, 0)],
    ['text', new Uint8Array(2 * MIB).fill(0x41)],
    ['Intel HEX', readFileSync(new URL('../../boards/microbit/app/app-1.0.0.hex', import.meta.url))],
  ])('%s: the same is seen as in memory', async (_, bytes) => {
    const { bytes: inFile, ...file } = await readImage(elsewhere(bytes), 'image');
    const { bytes: inMemory, ...memory } = await readImage(bytes, 'image');
    expect(file).toEqual(memory);
    expect(await alike(inFile, inMemory)).toBe(true);
  });

  it.each<[string, Uint8Array]>([
    ['a DFU suffix', Buffer.concat([noise(4, 2 * MIB), utf8('UFD'), new Uint8Array(5)])],
    ['a damaged hash', makeImage({ bytes: 2 * MIB }).with(MIB, 1)],
    ['a TLV area that is cut off', makeImage({ bytes: 2 * MIB }).subarray(0, -1)],
  ])('%s is found as in memory', async (_, bytes) => {
    const found = await readImage(bytes, 'image').catch((error: unknown) => error);
    expect(found).toMatchObject({ name: 'CountersignError' });
    await expect(readImage(elsewhere(bytes), 'image')).rejects.toEqual(found);
  });

  const pem = utf8(generateKey('p256').toPem());
  const sequence = (...parts: Uint8Array[]) => {
    const bytes = join(parts);
    return join([
      Uint8Array.of(0x30, 0x83, bytes.length >> 16, (bytes.length >> 8) & 0xff, bytes.length & 0xff),
      bytes,
    ]);
  };
  const pkcs7Data = fromHex('06092a864886f70d010701');
  const store = sequence(Uint8Array.of(2, 1, 3), sequence(pkcs7Data, new Uint8Array(2 * MIB)));
  it.each<[string, Uint8Array, boolean]>([
    ['a private key behind a megabyte of text', Buffer.concat([new Uint8Array(2 * MIB).fill(0x20), pem]), true],
    ['the same behind text that is not ASCII', Buffer.concat([utf8('żółć\n'.repeat(200_001)), pem]), true],
    ['a store of keys of two megabytes', store, true],
    ['a firmware', noise(4, 2 * MIB), false],
  ])('%s: a private key is seen, and no more is read than has to be', async (_, bytes, secret) => {
    const file = elsewhere(bytes);
    expect(keyForm(await lookAt(file))?.secret ?? false).toBe(secret);
    expect(keyForm(bytes)?.secret ?? false).toBe(secret);
    if (!secret) expect(file.taken()).toBe(65_536);
  });
});
