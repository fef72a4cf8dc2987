// keygen, package, inspect: what they write, what they say of it, and that a failure writes nothing.
// Runs the built program in a folder of its own.

import { createPrivateKey, generateKeyPairSync } from 'node:crypto';
import { chmod, mkdir, readdir, readFile, stat, writeFile } from 'node:fs/promises';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { makePlace, type Place, runHere } from '../support/command.js';
import { hex, sha256, unhex } from '../support/make.js';

let place: Place;
const bytesOf = async (name: string) => new Uint8Array(await readFile(place.path(name)));
const put = (name: string, content: string | Uint8Array) => writeFile(place.path(name), content);
const packing = (image: string, ...more: string[]) => [
  'package',
  image,
  '-k',
  'vendor.pem',
  '--vendor',
  'example.com',
  '--class',
  'sensor',
  '-s',
  '5',
  ...more,
];
const pack = (image: string, ...more: string[]) => place.run(...packing(image, ...more));

/** One private key in every form but PEM. */
async function putSecrets(): Promise<void> {
  const key = createPrivateKey(await readFile(place.path('operator.pem')));
  const { privateKey: p256 } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
  const jwk = key.export({ format: 'jwk' });
  const d = Buffer.from(jwk.d!, 'base64url');
  await put('secret.der', key.export({ type: 'pkcs8', format: 'der' }));
  await put('secret.sec1', p256.export({ type: 'sec1', format: 'der' }));
  await put(
    'secret.cose',
    Buffer.concat([unhex('a401012006'), unhex('215820'), Buffer.from(jwk.x!, 'base64url'), unhex('235820'), d]),
  );
  await put('secret.raw', d);
  await put('secret.utf16', Buffer.from(`\ufeff${key.export({ type: 'pkcs8', format: 'pem' })}`, 'utf16le'));
  await put('secret.jwk', JSON.stringify(jwk));
}

const IMAGE = Uint8Array.from({ length: 1000 }, (_, i) => (i * 7) & 0xff);

beforeAll(async () => {
  place = await makePlace();
  for (const name of ['vendor', 'operator']) await place.given('keygen', name);
  await put('app.bin', IMAGE);
  await pack('app.bin', '--version', '1.2.0', '--name', 'Sensor');
});
afterAll(() => place.remove());

describe('keygen', () => {
  it('writes a private key for its owner alone, and both public forms', async () => {
    const result = (await place.must('keygen', 'k1', '-t', 'p256', '--json')).json();
    expect((await stat(place.path('k1.pem'))).mode & 0o777).toBe(0o600);
    for (const file of [result.private, ...result.public]) {
      const shown = (await place.must('inspect', file, '--json')).json();
      expect(shown).toMatchObject({ type: 'key', kid: result.kid, kind: 'p256', private: file === 'k1.pem' });
    }
  });

  it('replaces nothing without --force, and writes nothing then', async () => {
    await place.given('keygen', 'k2');
    const before = await bytesOf('k2.pem');
    await writeFile(place.path('k3.pub.pem'), 'something');
    for (const name of ['k2', 'k3']) {
      const ended = await place.run('keygen', name);
      expect(ended.code).toBe(1);
      expect(ended.stderr).toContain('FileExists');
    }
    expect(await bytesOf('k2.pem')).toEqual(before);
    expect(await readdir(place.folder)).not.toContain('k3.pem');
    await place.given('keygen', 'k2', '--force');
    expect(await bytesOf('k2.pem')).not.toEqual(before);
  });

  it('encrypts, with the passphrase from a file or the environment', async () => {
    await put('secret', 'open sesame\n');
    await place.given('keygen', 'k4', '--passphrase-file', 'secret');
    expect(await readFile(place.path('k4.pem'), 'utf8')).toContain('ENCRYPTED');
    const approveWith = (environment: Record<string, string>, ...more: string[]) =>
      place.runWith(
        { environment },
        'approve',
        'app.suit',
        '-k',
        'k4.pem',
        '--record',
        'none',
        '-o',
        'k4.cose',
        ...more,
      );
    expect((await approveWith({}, '--passphrase-file', 'secret')).code).toBe(0);
    expect((await approveWith({ COUNTERSIGN_PASSPHRASE: 'open sesame' })).code).toBe(0);
    expect(await approveWith({ COUNTERSIGN_PASSPHRASE: 'wrong' })).toMatchObject({
      code: 1,
      stderr: expect.stringContaining('213'),
    });
    expect(await approveWith({})).toMatchObject({ code: 4, stderr: expect.stringContaining('212') });
  });

  it('writes nothing with --dry-run', async () => {
    const ended = await place.must('keygen', 'k5', '--dry-run', '--json');
    expect(ended.json()).toMatchObject({ written: false, private: 'k5.pem' });
    expect((await readdir(place.folder)).filter((name) => name.startsWith('k5'))).toEqual([]);
  });
});

describe('package', () => {
  it('says what it made, and inspect says the same', async () => {
    const result = (await pack('app.bin', '--version', '1.2.0', '-o', 'p1.suit', '--json')).json();
    expect(result).toMatchObject({
      output: 'p1.suit',
      sequence: '5',
      firmwareVersion: '1.2.0',
      written: true,
      detached: false,
    });
    expect(result.image.digest).toBe(hex(sha256(IMAGE)));
    const shown = (await place.must('inspect', 'p1.suit', '--json')).json();
    expect(shown).toMatchObject({
      type: 'package',
      digest: result.digest,
      sequence: '5',
      vendorId: result.vendorId,
      classId: result.classId,
      image: { digest: result.image.digest, bytes: 1000 },
      intact: { manifest: true, text: true, payload: true },
      signatures: [{ algorithm: -19, kid: result.signer }],
      text: { version: '1.2.0' },
    });
  });

  it('takes the version of an MCUboot image, and no other', async () => {
    const vector = new URL('../vectors/mcuboot/ed25519-hash-seccnt.hex', import.meta.url);
    await put('zephyr.bin', unhex(await readFile(vector, 'utf8')));
    expect((await pack('zephyr.bin', '--json')).json()).toMatchObject({
      firmwareVersion: '1.2.3+4',
      image: { kind: 'mcuboot', bytes: 488 },
    });
    const ended = await pack('zephyr.bin', '--version', '1.2.3', '-o', 'never.suit');
    expect(ended).toMatchObject({ code: 4, stderr: expect.stringContaining('VersionMismatch') });
    expect(await readdir(place.folder)).not.toContain('never.suit');
  });

  it('detached and with a uri', async () => {
    const uri = 'https://example.com/app.bin';
    const result = (await pack('app.bin', '--detached', '--uri', uri, '-o', 'd.suit', '--json')).json();
    expect(result).toMatchObject({ detached: true, uri, bytes: result.headBytes });
    expect((await pack('app.bin', '--uri', uri)).code).toBe(4);
  });

  it('checks the start address if told', async () => {
    expect(await pack('app.bin', '--address', '0x10000')).toMatchObject({
      code: 4,
      stderr: expect.stringContaining('does not say'),
    });
  });

  it.each<[string, string[], number]>([
    ['an image that is not there', ['missing.bin'], 3],
    ['a folder for an image', ['.'], 1],
    ['an empty image', ['empty.bin'], 1],
    ['a package for an image', ['app.suit'], 1],
    ['an output in a folder that is not there', ['app.bin', '-o', 'no/such/out.suit'], 1],
    ['a folder for an output', ['app.bin', '-o', '.'], 1],
    ['a private key for an output', ['app.bin', '-o', 'operator.pem'], 1],
    ...['der', 'sec1', 'cose', 'raw', 'utf16', 'jwk'].map((form): [string, string[], number] => [
      `a private key (${form}) for an output`,
      ['app.bin', '-o', `secret.${form}`],
      1,
    ]),
    ['a private key for an image', ['operator.pem'], 4],
    ['a raw private key for an image', ['secret.raw', '--raw'], 4],
    ['a ZIP archive for an image', ['app.zip'], 1],
    ['a public key to sign with', ['app.bin', '-k', 'vendor.pub.pem'], 1],
    ['a raw key that nobody names', ['app.bin', '-k', 'secret.raw'], 4],
    ['a raw public key to sign with', ['app.bin', '-k', 'raw-public:secret.raw'], 1],
    ['a key that is none', ['app.bin', '-k', 'app.bin'], 4],
    ['a key that is not there', ['app.bin', '-k', 'missing.pem'], 3],
    ['a description as long as a book', ['app.bin', '--description', 'x'.repeat(600)], 1],
    ['a region of a raw image', ['app.bin', '--region', '0..4'], 4],
  ])('refuses %s and leaves no trace', async (_, words, code) => {
    await put('empty.bin', '');
    await put('app.zip', unhex('504b03041400000008000000'));
    await putSecrets();
    const before = await place.listing();
    const { code: exit, json } = await runHere(place, ...packing(words[0]!, ...words.slice(1)));
    expect(json().error.message).toMatch(/^[a-z]+: /);
    expect(exit).toBe(code);
    expect(await place.listing()).toEqual(before);
  });

  it('signs with a raw seed that is named so, and keeps its record beside it', async () => {
    await putSecrets();
    const named = ['package', 'app.bin', '--vendor', 'example.com', '--class', 'sensor', '-s', '5', '-o', 'raw.suit'];
    const operator = (await place.must('inspect', 'operator.pem', '--json')).json().kid;
    expect((await place.must(...named, '-k', 'raw-seed:secret.raw', '--json')).json().signer).toBe(operator);
    expect((await place.must('inspect', 'raw-seed:secret.raw', '--json')).json()).toMatchObject({
      private: true,
      kid: operator,
    });
  });

  it('doubts an image aloud, and --raw silences it', async () => {
    await put('notes.txt', 'to do: build the firmware\n');
    const doubted = await pack('notes.txt', '--json', '-o', 'notes.suit');
    expect(doubted.stderr).toMatch(/warning: notes\.txt: it holds nothing but text/);
    expect(doubted.json().warnings).toHaveLength(1);
    for (const words of [
      ['notes.txt', '--raw'],
      ['--raw', 'notes.txt'],
    ]) {
      const insisted = await place.must('package', ...words, ...packing('').slice(2), '--json', '-o', 'notes.suit');
      expect([insisted.stderr, insisted.json().warnings]).toEqual(['', undefined]);
    }
  });

  it('cannot write where it must not', async () => {
    if (process.getuid?.() === 0) return; // root may write anywhere
    await mkdir(place.path('locked'));
    await chmod(place.path('locked'), 0o500);
    expect((await pack('app.bin', '-o', 'locked/x.suit')).code).toBe(1);
  });

  it('writes through devices instead of replacing them', async () => {
    expect((await pack('app.bin', '-o', '/dev/null')).code).toBe(0);
    expect((await stat('/dev/null')).isCharacterDevice()).toBe(true);
  });
});

describe('inspect', () => {
  it('takes a package apart', async () => {
    await place.must('inspect', 'app.suit', '--payload', 'out.bin', '--sever', 'severed.suit');
    expect(await bytesOf('out.bin')).toEqual(IMAGE);
    expect((await place.must('inspect', 'severed.suit')).stdout).toContain('not in the package');
    expect((await place.run('inspect', 'severed.suit', '--payload', 'x.bin')).code).toBe(1);
  });

  it.each([
    ['app.suit', 'package'],
    ['vendor.pub.cose', 'key'],
    ['app.bin', 'image'],
    ['device.yaml', 'bootstrap'],
  ])('%s is a %s', async (file, type) => {
    await put(
      'device.yaml',
      'device: aa\nvendor: v.example\nclass: c\nanchors: [{role: vendor, key: vendor.pub.pem}]\n',
    );
    expect((await place.must('inspect', file, '--json')).json()).toMatchObject({ file, type });
  });

  it.each<[string, number]>([
    ['none', 3],
    ['.', 1],
    ['empty', 1],
    ['cut.suit', 1],
    ['cbor', 1],
  ])('refuses %s with %i', async (file, code) => {
    await put('empty', '');
    await put('cut.suit', (await bytesOf('app.suit')).slice(0, 200));
    await put('cbor', Uint8Array.of(0xa1, 0x01, 0x05));
    expect((await place.run('inspect', file)).code).toBe(code);
  });

  it('shows damage', async () => {
    const bytes = await bytesOf('app.suit');
    bytes[bytes.length - 1]! ^= 1;
    await put('spoiled.suit', bytes);
    const { stdout } = await place.must('inspect', 'spoiled.suit');
    expect(stdout).toContain('NOT what the manifest names');
  });
});
