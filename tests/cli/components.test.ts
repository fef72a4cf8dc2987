// A package of several images, from the vendor to the program that writes a board: made, shown, approved by its one digest, judged
// for a device that has the components and for one that has not, and handed to a program image by image.

import { existsSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { encodeBootstrap } from '../../host/formats/bootstrap.js';
import { classIdOf, hex, vendorIdOf } from '../../host/formats/bytes.js';
import { publicKeyToPem } from '../../host/formats/keys.js';
import { generateKey } from '../../host/keys/read.js';
import { makePlace, type Place, runHere } from '../support/command.js';
import { sha256 } from '../support/make.js';

const IMAGES = [3000, 2000, 500].map((bytes, at) => new Uint8Array(bytes).map((_, i) => i * (at + 3)));
const [FIRST, SECOND, THIRD] = ['0.bin', '1.bin', '2.bin'];
const ABOUT = ['--vendor', 'example.com', '--class', 'sensor', '--sequence', '5', '--name', 'Sensor'];
const GUARD = ['--bootstrap', 'device.cbor', '--installed', '1', '--approval', 'r.cose'];

let place: Place;
const at = (name: string) => place.path(name);
const run = async (...words: string[]) => {
  const { code, json } = await runHere(place, ...words);
  return { code, data: json() };
};
const pack = (output: string, ...words: string[]) =>
  run('package', ...words, '--key', 'vendor.pem', ...ABOUT, '-o', output);
const guard = (file: string, ...words: string[]) =>
  run(
    'guard',
    file,
    ...GUARD,
    '--remember',
    at('guard.json'),
    '--log',
    at('log.jsonl'),
    '--',
    'sh',
    at('tool.sh'),
    ...words,
  );
const wrote = () => readFileSync(at('words'), 'utf8').trimEnd().split('\n');

beforeAll(async () => {
  place = await makePlace();
  for (const [index, image] of IMAGES.entries()) writeFileSync(at(`${index}.bin`), image);
  const [vendor, operator] = [generateKey('ed25519'), generateKey('p256')];
  writeFileSync(at('vendor.pem'), vendor.toPem());
  writeFileSync(at('operator.pem'), operator.toPem());
  writeFileSync(at('vendor.pub.pem'), publicKeyToPem(vendor.public));
  const vendorId = vendorIdOf('example.com');
  const anchors = [
    { role: 'vendor' as const, key: vendor.public, name: 'Vendor' },
    { role: 'operator' as const, key: operator.public, name: 'Operator' },
  ];
  const who = { device: Uint8Array.of(1), vendorId, classId: classIdOf(vendorId, 'sensor') };
  writeFileSync(
    at('device.cbor'),
    encodeBootstrap({ ...who, anchors, policy: { unapproved: 'reject' }, approvals: [] }),
  );
  writeFileSync(at('tool.sh'), `for each; do sha256sum < "$each"; done > '${at('words')}'\n`);
  expect((await pack('r.suit', FIRST!, SECOND!)).code).toBe(0);
  expect((await run('approve', '--package', 'r.suit', '--key', 'operator.pem', '-o', 'r.cose')).code).toBe(0);
});
afterEach(() => {
  for (const name of ['words', 'guard.json', 'log.jsonl']) rmSync(at(name), { force: true });
});
afterAll(() => place.remove());

describe('a package of several images', () => {
  it.each([2, 3])('%i: made, and shown image by image', async (count) => {
    const { code, data } = await pack('made.suit', ...[FIRST!, SECOND!, THIRD!].slice(0, count));
    const images = IMAGES.slice(0, count).map((image, index) => ({
      component: String(index),
      digest: hex(sha256(image)),
      bytes: image.length,
      uri: index === 0 ? '#firmware' : `#firmware-${index}`,
    }));
    expect([code, data.images]).toEqual([0, images]);
    const shown = (await run('inspect', 'made.suit')).data;
    expect(shown).toMatchObject({ components: count, images, headBytes: data.headBytes, bytes: data.bytes });
    expect(shown.intact).toEqual({ manifest: true, text: true, payload: true });
    expect(shown.payloads).toEqual(images.map(({ uri, bytes }) => ({ key: uri, bytes })));
  });

  it('one that is damaged in its second image is shown as such', async () => {
    const bytes = readFileSync(at('r.suit'));
    bytes[bytes.length - 1]! ^= 1;
    writeFileSync(at('damaged.suit'), bytes);
    expect((await run('inspect', 'damaged.suit')).data.intact.payload).toBe(false);
  });

  it('signed on another machine: the same bytes, with the same images alone', async () => {
    const images = [FIRST!, SECOND!];
    const prepared = await run(
      'package',
      ...images,
      '--key',
      'vendor.pub.pem',
      ...ABOUT,
      '--prepare',
      '-o',
      'r.request.yaml',
    );
    expect(prepared.code).toBe(0);
    expect((await run('package', '--sign', 'r.request.yaml', '--key', 'vendor.pem', '-o', 'r.sig')).code).toBe(0);
    const attach = (...given: string[]) =>
      run('package', ...given, '--key', 'vendor.pub.pem', '--attach', 'r.sig', '-o', 'attached.suit');
    expect((await attach(...images)).code).toBe(0);
    expect(readFileSync(at('attached.suit'))).toEqual(readFileSync(at('r.suit')));
    for (const wrong of [[FIRST!], [FIRST!, THIRD!], [SECOND!, FIRST!], [FIRST!, SECOND!, THIRD!]]) {
      expect((await attach(...wrong)).data.error.reason.name).toBe('RequestMismatch');
    }
  });

  it.each<[string, string[], string]>([
    ['five images', [FIRST!, SECOND!, THIRD!, FIRST!, SECOND!], 'Components'],
    ['a uri', [FIRST!, SECOND!, '--detached', '--uri', 'https://x.example/f'], 'BadArgument'],
    ['an address', [FIRST!, SECOND!, '--address', '0x100'], 'BadArgument'],
    ['a region', [FIRST!, SECOND!, '--region', '0..100'], 'BadArgument'],
    ['an image that is not there', [FIRST!, 'none.bin'], 'FileNotFound'],
  ])('%s: not made', async (_, words, reason) => {
    expect((await pack('not.suit', ...words)).data.error.reason.name).toBe(reason);
    expect(existsSync(at('not.suit'))).toBe(false);
  });
});

describe('the verdict', () => {
  const check = (...words: string[]) => run('check', 'r.suit', '--bootstrap', 'device.cbor', ...words);

  it('of a device with the components: one for all of them', async () => {
    const { code, data } = await check('--approval', 'r.cose', '--components', '2');
    expect([code, data.verdict, data.payload]).toMatchObject([0, 'install', { intact: true, bytes: 5000 }]);
    expect(data.images.map(({ bytes, origin }: { bytes: number; origin: string }) => [bytes, origin])).toEqual([
      [3000, 'fetched'],
      [2000, 'fetched'],
    ]);
    expect((await check('--components', '2')).data.reason.name).toBe('NotApproved');
    expect((await check('--components', '2', '--slot', '2999')).data.reason.name).toBe('SlotTooSmall');
  });

  it('of a device as boards are: refused, and it says why', async () => {
    const { code, data } = await check('--approval', 'r.cose');
    expect([code, data.verdict, data.compared.package]).toEqual([1, 'reject', '2 components']);
  });

  it('of a denial: for all of them', async () => {
    await run('revoke', 'r.suit', '--key', 'operator.pem', '-o', 'no.cose');
    expect((await check('--components', '2', '--approval', 'no.cose')).data.reason.name).toBe('Denied');
  });
});

describe('a program that writes a board', () => {
  it('gets each image under its name, in the order of its words', async () => {
    const { code, data } = await guard('r.suit', '{image:1}', '{image:0}');
    expect([code, data.result]).toEqual([0, 'written']);
    expect(wrote()).toEqual([1, 0].map((index) => `${hex(sha256(IMAGES[index]!))}  -`));
  });

  it.each<[string, string[], string]>([
    ['one of two', ['{image:0}'], 'refused'],
    ['the image of a package of one', ['{image}'], 'refused'],
    ['three of two', ['{image:0}', '{image:1}', '{image:2}'], 'BadArgument'],
    ['a gap', ['{image:0}', '{image:2}'], 'BadArgument'],
    ['five', [0, 1, 2, 3, 4].map((which) => `{image:${which}}`), 'BadArgument'],
    ['no number', ['{image:app}'], 'BadArgument'],
    ['both kinds', ['{image}', '{image:0}'], 'BadArgument'],
  ])('%s: is not run', async (_, words, result) => {
    const { data } = await guard('r.suit', ...words);
    expect(data.result ?? data.error.reason.name).toBe(result);
    expect(existsSync(at('words'))).toBe(false);
  });

  it('one of which an image is another: is not run', async () => {
    const bytes = readFileSync(at('r.suit'));
    bytes[bytes.length - 1]! ^= 1;
    writeFileSync(at('damaged.suit'), bytes);
    const { data } = await guard('damaged.suit', '{image:0}', '{image:1}');
    expect([data.result, data.verdict.payload.reason.name, existsSync(at('words'))]).toEqual([
      'refused',
      'PayloadDigest',
      false,
    ]);
  });
});
