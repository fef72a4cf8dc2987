// The page docs/mcuboot.md as a maker and an operator go through it, with the command alone: an image that imgtool signed becomes a
// package, an operator approves, and a boot loader with the exported gate and the exported bootstrap document starts it, and nothing
// else. And what the command says where it cannot.

import { readFileSync, writeFileSync } from 'node:fs';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { decodeClaims, encodeClaims, viewApproval } from '../../host/formats/approval.js';
import { claimsFromYaml, claimsToYaml } from '../../host/formats/approval-yaml.js';
import { readMcuboot } from '../../host/formats/images/mcuboot.js';
import { makePlace, type Place } from '../support/command.js';
import { sha256 } from '../support/make.js';
import { have } from '../support/need.js';
import { Board, buildBoard, here, makeSigned, TLV } from './mcuboot/board.js';

const COMPILING_MS = 600_000;
const SELLING = ['--vendor', 'vendor.example', '--class', 'lamp'];
const DEVICE = `device: "0a0b"
vendor: vendor.example
class: lamp
anchors:
  - role: vendor
    key: vendor.pub.pem
  - role: operator
    key: operator.pub.pem
policy:
  unapproved: reject
`;

let place: Place;
const image = makeSigned({ revision: 3 });
const bytesOf = (name: string) => new Uint8Array(readFileSync(place.path(name)));
beforeAll(async () => {
  place = await makePlace();
  await place.given('keygen', 'vendor', '--type', 'p256');
  await place.given('keygen', 'operator', '--type', 'p256');
  writeFileSync(place.path('device.yaml'), DEVICE);
  writeFileSync(place.path('app.signed.bin'), image.bytes);
});
afterAll(() => place.remove());

/** A board of own/ with what `export-c` and `bootstrap` wrote. */
async function boardWith(...words: string[]): Promise<Board> {
  const gate = words.length === 0 ? 'gate' : `gate${words.join('')}`;
  await place.must('export-c', '--mcuboot', '--cpu', 'm4', '-o', gate, ...words);
  await place.must('bootstrap', 'device.yaml', '-o', 'bootstrap.c');
  const text = readFileSync(place.path('bootstrap.c'), 'utf8');
  const list = /countersign_bootstrap\[\] = \{([^}]*)\}/.exec(text)![1]!;
  const bootstrap = Uint8Array.from(Array.from(list.matchAll(/\d+/g), ([byte]) => Number(byte)));
  expect(Number(/countersign_bootstrap_bytes = (\d+)/.exec(text)![1])).toBe(bootstrap.length);
  await place.must('bootstrap', 'device.yaml', '-o', 'bootstrap.cbor');
  expect(bootstrap).toEqual(bytesOf('bootstrap.cbor'));
  const defines = words.includes('--no-suit') ? [] : ['-DCOUNTERSIGN_HEAD_IN_TLV=1'];
  const out = place.path(`${gate}.program`);
  const options = {
    mode: 'overwrite',
    gate: place.path(gate),
    bootstrap: place.path('bootstrap.c'),
    out,
    defines,
  } as const;
  return new Board(here(buildBoard(options)), `${out}.flash`, 'overwrite');
}

describe.runIf(have('cc'))('from imgtool to a start', () => {
  it('packages: in the documents area, or in the image', { timeout: COMPILING_MS }, async () => {
    const board = await boardWith();
    await place.must(
      ...['package', 'app.signed.bin', '--mcuboot', '--tlv', 'update.bin', '-k', 'vendor.pem', ...SELLING],
      ...['-s', '3', '-o', 'release.suit'],
    );
    await place.must('approve', 'release.suit', '-k', 'operator.pem', '-o', 'release.cose');
    board.flash.primary(image);
    expect(board.boot()).toMatchObject({ boots: undefined });
    board.head(image, bytesOf('release.suit'));
    expect(board.boot()).toMatchObject({ boots: undefined });
    board.approval(bytesOf('release.cose'));
    expect(board.boot()).toMatchObject({ boots: 3 });

    board.flash.bytes.fill(0xff);
    board.flash.primary({ ...image, bytes: bytesOf('update.bin') });
    expect(board.boot()).toMatchObject({ boots: undefined });
    board.approval(bytesOf('release.cose'));
    expect(board.boot()).toMatchObject({ boots: 3 });
  });

  it('without packages: the operator approves the image', { timeout: COMPILING_MS }, async () => {
    const board = await boardWith('--no-suit', '--p256');
    const said = await place.must(
      'approve',
      'app.signed.bin',
      '-k',
      'operator.pem',
      '-o',
      'image.cose',
      '--record',
      'none',
    );
    expect(said.stderr + said.stdout).toContain(Buffer.from(image.hash).toString('hex'));
    board.flash.primary(image);
    expect(board.boot()).toMatchObject({ boots: undefined });
    board.approval(bytesOf('image.cose'));
    expect(board.boot()).toMatchObject({ boots: 3 });
    await place.must(
      'revoke',
      'app.signed.bin',
      '-k',
      'operator.pem',
      '-o',
      'denied.cose',
      '--record',
      'none',
      '-s',
      '4000000000',
      '--force',
    );
    board.flash.state.fill(0xff);
    board.approval(bytesOf('denied.cose'));
    expect(board.boot()).toMatchObject({ boots: undefined });
  });
});

describe('package --mcuboot', () => {
  const pack = (name: string, ...more: string[]) =>
    place.run('package', name, '--mcuboot', '-k', 'vendor.pem', ...SELLING, '-s', '3', '--dry-run', '--json', ...more);
  it('says which image it is about', async () => {
    const made = await pack('app.signed.bin');
    expect([made.code, made.json()]).toMatchObject([0, { detached: true }]);
    expect(made.stdout).toContain(Buffer.from(image.hash).toString('hex'));
  });
  it('puts the head behind the TLVs of imgtool, and in place of another', async () => {
    await place.must(
      ...[
        'package',
        'app.signed.bin',
        '--mcuboot',
        '--tlv',
        'a.bin',
        '-k',
        'vendor.pem',
        ...SELLING,
        '-s',
        '3',
        '-o',
        'a.suit',
      ],
    );
    await place.must(
      ...['package', 'a.bin', '--mcuboot', '--tlv', 'b.bin', '-k', 'vendor.pem', ...SELLING, '-s', '4', '-o', 'b.suit'],
    );
    const { tlvs, hashedBytes } = await readMcuboot(bytesOf('b.bin'), 'b.bin');
    expect(tlvs.filter(({ type }) => type === TLV.head).map(({ value }) => value)).toEqual([bytesOf('b.suit')]);
    expect(sha256(bytesOf('b.bin').subarray(0, hashedBytes))).toEqual(image.hash);
  });
  it('refuses what imgtool has not signed', async () => {
    writeFileSync(place.path('raw.bin'), new Uint8Array(new Uint32Array([0x20004000, 0x101, 0, 0, 1, 2, 3, 4]).buffer));
    expect((await pack('raw.bin')).json()).toMatchObject({
      error: { reason: { name: 'NotMcuboot' } },
    });
  });
  it('refuses to put a head into a padded image', async () => {
    writeFileSync(place.path('padded.bin'), Buffer.concat([image.bytes, Buffer.alloc(64, 0xff)]));
    expect((await pack('padded.bin')).code).toBe(0);
    expect((await pack('padded.bin', '--tlv', 'x.bin')).json()).toMatchObject({
      error: { reason: { name: 'NotMcuboot' } },
    });
  });
  it('refuses to put a head where there is no room', async () => {
    writeFileSync(place.path('full.bin'), makeSigned({ more: [[0xa0, new Uint8Array(65_200)]] }).bytes);
    expect((await pack('full.bin', '--tlv', 'x.bin')).json()).toMatchObject({
      error: { reason: { name: 'TooLarge' } },
    });
  });
});

describe('an approval of an image', () => {
  it('is no approval of packages: one document is not both', async () => {
    await place.must(
      'approve',
      '--digest',
      '00'.repeat(32),
      '-k',
      'operator.pem',
      '-o',
      'p.cose',
      '--record',
      'r.yaml',
    );
    const both = await place.run(
      'approve',
      'app.signed.bin',
      '-k',
      'operator.pem',
      '-o',
      'q.cose',
      '--record',
      'r.yaml',
      '--json',
    );
    expect(both.json()).toMatchObject({ error: { reason: { name: 'ImagesAndPackages' } } });
    expect(
      (
        await place.run(
          'approve',
          'app.signed.bin',
          '-k',
          'operator.pem',
          '-o',
          'q.cose',
          '--record',
          'r.yaml',
          '--only',
        )
      ).code,
    ).toBe(0);
  });
  it('is read, shown and written as any other', async () => {
    await place.must(
      'approve',
      '--image-hash',
      'ab'.repeat(32),
      '-k',
      'operator.pem',
      '-o',
      'h.cose',
      '--record',
      'none',
    );
    const { claims } = viewApproval(bytesOf('h.cose'), 'h.cose');
    expect(claims.entries).toEqual([{ verdict: 'approve', imageHash: new Uint8Array(32).fill(0xab) }]);
    expect(claimsFromYaml(claimsToYaml(claims), 'h')).toEqual(claims);
    expect(decodeClaims(encodeClaims(claims), 'h')).toEqual(claims);
    expect((await place.must('inspect', 'h.cose')).stdout).toContain(`approve image ${'ab'.repeat(32)}`);
  });
  it('is about an image, or about a package', async () => {
    const words = ['-k', 'operator.pem', '-o', 'x.cose', '--json', '--image-hash', 'ab'.repeat(32)];
    for (const more of [
      ['--digest', 'cd'.repeat(32)],
      ['--range', '1..2', '--class', '00112233445566778899aabbccddeeff'],
    ])
      expect((await place.run('approve', ...words, ...more)).json()).toMatchObject({
        error: { reason: { name: 'BadArgument' } },
      });
  });
});
