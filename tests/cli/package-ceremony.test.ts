// A package signed in three steps is, byte for byte, the one that one step makes; and what does not belong together is
// refused, and leaves no trace.

import { copyFile, mkdir, readFile, writeFile } from 'node:fs/promises';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { makePlace, type Place, runHere } from '../support/command.js';

const TIMEOUT_MS = 120_000;
const ABOUT = ['--vendor', 'example.com', '--class', 'sensor', '-s', '5'];
const TEXT = ['--version', '1.2.0', '--name', 'Blinky', '--description', 'blinks twice'];

let place: Place;
const bytes = (name: string) => readFile(place.path(name));
const text = (name: string) => readFile(place.path(name), 'utf8');
/** The machine without a network: it has the private keys, and what is carried to it. */
const offline = (...words: string[]) => place.runWith({ folder: place.path('vault') }, ...words);
const carry = (from: string, to: string) => copyFile(place.path(from), place.path(to));
const makePackage = (...words: string[]) => place.must('package', ...words);

/** Three steps for app.bin; the names of the files begin with `name`. */
async function inThreeSteps(
  name: string,
  key: string,
  options: string[],
  image = ['app.bin'],
  attaching: string[] = [],
) {
  const files = { request: `${name}.request.yaml`, signature: `${name}.sig` };
  await makePackage('app.bin', ...options, '-k', `${key}.pub.pem`, '--prepare', '-o', files.request);
  await carry(files.request, `vault/${files.request}`);
  const signed = await offline('package', '--sign', files.request, '-k', `${key}.pem`);
  expect(signed.code, signed.stderr).toBe(0);
  await carry(`vault/${files.signature}`, files.signature);
  await makePackage(...image, '--attach', files.signature, '-k', `${key}.pub.pem`, ...attaching);
  return signed;
}

beforeAll(async () => {
  place = await makePlace();
  await mkdir(place.path('vault'));
  for (const name of ['vendor', 'curve']) {
    await offline('keygen', name, ...(name === 'curve' ? ['--type', 'p256'] : []));
    await carry(`vault/${name}.pub.pem`, `${name}.pub.pem`);
  }
  for (const name of ['operator', 'other']) await place.given('keygen', name);
  await writeFile(place.path('app.bin'), Buffer.alloc(300, 5));
  await writeFile(place.path('else.bin'), Buffer.alloc(300, 6));
  const bootstrap = [
    'device: "00e1d2c3b4a59687"',
    'vendor: example.com',
    'class: sensor',
    'anchors: [{ role: vendor, key: curve.pub.pem }, { role: operator, key: operator.pub.pem }]',
  ];
  await writeFile(place.path('device.yaml'), `${bootstrap.join('\n')}\n`);
}, TIMEOUT_MS);
afterAll(() => place.remove());

describe('a package in three steps', { timeout: TIMEOUT_MS }, () => {
  it.each<[string, string[], string[], string[]]>([
    ['whole', [...ABOUT, ...TEXT], ['app.bin'], []],
    ['without text', ABOUT, ['app.bin'], []],
    ['that asks for authorization', [...ABOUT, ...TEXT, '--ask-authorization'], ['app.bin'], []],
    ['without its firmware', [...ABOUT, '--detached'], [], ['--detached']],
    ['whose firmware is elsewhere', [...ABOUT, '--detached', '--uri', 'https://example.com/app.bin'], [], []],
  ])('%s: the bytes that one step makes', async (name, options, image, attaching) => {
    const base = name.replaceAll(' ', '-');
    await carry('app.bin', 'vault/app.bin');
    const signed = await inThreeSteps(base, 'vendor', options, image, attaching);
    await offline('package', 'app.bin', ...options, '-k', 'vendor.pem', '-o', 'at-once.suit');
    expect(await bytes(`${base}.suit`)).toEqual(await bytes('vault/at-once.suit'));

    const { digest } = (await place.must('inspect', `${base}.suit`, '--json')).json();
    for (const shown of [signed.stdout, await text(`${base}.request.yaml`)]) {
      expect(shown).toMatch(new RegExp(`package +${digest}`));
      expect(shown).toMatch(/sequence +5/);
      expect(shown).toMatch(/class +[0-9a-f-]{36}/);
      expect(shown).toMatch(/image +300 bytes, sha-256 [0-9a-f]{64}/);
    }
    if (options.includes('Blinky'))
      expect(signed.stdout).toMatch(/name +Blinky\n +version +1\.2\.0\n +description +blinks twice/);
  });

  it('with a P-256 key, and then approved as any other', async () => {
    await inThreeSteps('curved', 'curve', [...ABOUT, ...TEXT]);
    await place.given('approve', 'curved.suit', '-k', 'operator.pem');
    expect(await place.run('check', 'curved.suit', '-b', 'device.yaml', '-a', 'curved.cose')).toMatchObject({
      code: 0,
    });
  });

  it('says what it would do in a dry run, and does not', async () => {
    const before = await place.listing();
    const prepared = [...ABOUT, '-k', 'vendor.pub.pem', '--prepare', '--raw', 'tbs', '--dry-run'];
    expect((await makePackage('app.bin', ...prepared)).stdout).toContain('would write app.request.yaml, tbs');
    const attached = ['--attach', 'whole.sig', '-k', 'vendor.pub.pem', '-o', 'new.suit', '--dry-run'];
    expect((await makePackage('app.bin', ...attached)).stdout).toContain('would write new.suit');
    expect(await place.listing()).toEqual(before);
  });
});

describe('what does not belong together is refused', { timeout: TIMEOUT_MS }, () => {
  const attach = ['package', 'app.bin', '--attach', 'whole.sig', '-k', 'vendor.pub.pem'];
  const asked = ['--request', 'whole.request.yaml'];
  beforeAll(async () => {
    const request = await text('whole.request.yaml');
    const member = (name: string, change: (value: string) => string) =>
      request.replace(
        new RegExp(`^(${name}: ")(.*)(")`, 'm'),
        (_, before, value, after) => before + change(value) + after,
      );
    const flip = (value: string, at: number) =>
      `${value.slice(0, at)}${value[at] === '0' ? '1' : '0'}${value.slice(at + 1)}`;
    const whole = (await bytes('whole.suit')).toString('hex');
    const other = await text('without-text.request.yaml');
    const envelopeOf = (from: string) => /^envelope: "(.*)"/m.exec(from)![1]!;
    const changed: Record<string, string> = {
      bytes: member('bytes', (value) => flip(value, value.length - 1)),
      payload: member('payload', (value) => flip(value, value.length - 1)),
      text: member('envelope', (value) => value.replace(hexOf('Blinky'), hexOf('Slinky'))),
      manifest: member('envelope', (value) => flip(value, 140)),
      swapped: member('envelope', () => envelopeOf(other)),
      signed: member('envelope', () => whole),
      absent: request.replace(/^envelope: .*\n/m, ''),
    };
    for (const [name, content] of Object.entries(changed)) await writeFile(place.path(`${name}.yaml`), content);
    const flipped = (await bytes('whole.sig')).map((byte, at) => (at === 9 ? byte ^ 1 : byte));
    await writeFile(place.path('flipped.sig'), flipped);
    await place.given('approve', 'whole.suit', '-k', 'operator.pub.pem', '--prepare', '-o', 'approval.request.yaml');
    await place.given('approve', '--sign', 'approval.request.yaml', '-k', 'operator.pem');
    const counter = ['--prepare', '--countersign', '-o', 'counter.request.yaml'];
    await place.given('approve', 'whole.suit', '-k', 'vendor.pub.pem', ...counter);
  }, TIMEOUT_MS);

  it.each<[string, string[], number]>([
    ['signing with another key', ['package', '--sign', 'whole.request.yaml', '-k', 'other.pem'], 210],
    ['attaching for another key', [...attach.slice(0, -1), 'other.pub.pem'], 210],
    ['a signature of another request', [...attach, '--request', 'without-text.request.yaml'], 238],
    ['a signature that was changed', [...attach.slice(0, 3), 'flipped.sig', ...asked, ...attach.slice(4)], 238],
    ['a request whose bytes were changed', [...attach, '--request', 'bytes.yaml'], 238],
    ['a request whose payload was changed', [...attach, '--request', 'payload.yaml'], 238],
    ['a request with another text', ['package', '--sign', 'text.yaml', '-k', 'other.pem'], 238],
    ['a request with a damaged manifest', ['package', '--sign', 'manifest.yaml', '-k', 'other.pem'], 47],
    ['a request with the envelope of another', ['package', '--sign', 'swapped.yaml', '-k', 'other.pem'], 238],
    ['a request with signature and firmware in it', ['package', '--sign', 'signed.yaml', '-k', 'other.pem'], 238],
    ['a request without its envelope', ['package', '--sign', 'absent.yaml', '-k', 'other.pem'], 208],
    ['an approval signed as a package', ['package', '--sign', 'approval.request.yaml', '-k', 'operator.pem'], 238],
    ['an approval attached as a package', ['package', '--attach', 'approval.sig', '-k', 'operator.pub.pem'], 238],
    ['a countersignature as a package', [...attach, '--request', 'counter.request.yaml'], 238],
    ['a package signed as an approval', ['approve', '--sign', 'whole.request.yaml', '-k', 'other.pem'], 238],
    [
      'a package attached as an approval',
      ['approve', 'whole.suit', '--attach', 'whole.sig', '-k', 'vendor.pub.pem'],
      238,
    ],
    ['a package attached as a denial', ['revoke', '--attach', 'whole.sig', '-k', 'vendor.pub.pem'], 238],
    ['another image than was signed', ['package', 'else.bin', ...attach.slice(2)], 238],
    ['no image', ['package', ...attach.slice(2)], 202],
    ['another sequence number beside it', [...attach, '-s', '6'], 202],
    ['another version beside it', [...attach, '--version', '9'], 202],
    ['two steps at once', [...attach, '--prepare'], 202],
    ['nothing to package', ['package', ...ABOUT, '-k', 'other.pem'], 202],
    ['no vendor', ['package', 'app.bin', '--class', 'sensor', '-s', '5', '-k', 'other.pem'], 202],
    ['no sequence number', ['package', 'app.bin', ...ABOUT.slice(0, 4), '-k', 'other.pem', '--prepare'], 202],
  ])('%s', async (_, words, code) => {
    const before = await place.listing();
    const ended = await runHere(place, ...words);
    expect(ended.json()).toMatchObject({ error: { reason: { code } } });
    expect(await place.listing()).toEqual(before);
  });
});

const hexOf = (word: string) => Buffer.from(word).toString('hex');
