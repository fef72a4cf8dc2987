// `countersign init`: what it writes, bootstrap, provision, check and lint take as it is; without a terminal every answer is an
// option; nothing that exists is replaced without --force, and keys never.

import {
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { fileURLToPath } from 'node:url';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { makePlace, type Place } from '../support/command.js';
import { runOnTerminal } from '../support/terminal.js';

const PROGRAM = fileURLToPath(new URL('../../dist/bin/countersign.js', import.meta.url));
const NAMES = ['--vendor', 'vendor.example', '--class', 'sensor'];

let place: Place;
beforeEach(async () => {
  place = await makePlace();
});
afterEach(() => place.remove());
const text = (name: string) => readFileSync(place.path(name), 'utf8');
const there = () =>
  ['device.yaml', 'countersign.yaml', 'vendor.pem', 'operator.pem'].filter((name) => existsSync(place.path(name)));

describe('without a terminal', () => {
  it('all that is missing is named, by its option, and nothing is written', async () => {
    const bare = await place.run('init', '--json');
    const flags = '--vendor, --class, --device, --vendor-key, --operator-key, --unapproved';
    expect([bare.code, bare.json().error]).toMatchObject([
      4,
      { reason: { code: 214 }, message: expect.stringContaining(flags) },
    ]);
    const some = await place.run('init', '--yes', '--vendor', 'vendor.example', '--json');
    expect([some.code, some.json().error]).toMatchObject([4, { reason: { code: 214 }, hint: 'give --class' }]);
    expect(there()).toEqual([]);
  });

  it('--yes and the two names are enough for the first approved package', async () => {
    const made = await place.must('init', ...NAMES, '--yes', '--json');
    expect(made.json()).toMatchObject({
      written: true,
      unapproved: 'reject',
      device: expect.stringMatching(/^[0-9a-f]{16}$/),
    });
    expect(statSync(place.path('operator.pem')).mode & 0o777).toBe(0o600);
    await place.must('bootstrap', 'device.yaml');
    writeFileSync(place.path('app.bin'), new Uint8Array(3000).fill(0xa5));
    await place.given('package', 'app.bin', '-s', '1');
    expect((await place.run('check', 'app.suit')).code).toBe(20);
    await place.given('approve', 'app.suit');
    await place.must('lint', 'app.cose', '--strict', '--soon', '1d');
    await place.must('check', 'app.suit', '--approval', 'app.cose');
  });

  it('what is given is what is written, and a key that is there is used', async () => {
    await place.given('keygen', 'acme', '--type', 'p256');
    rmSync(place.path('acme.pem')); // of the vendor only the public half is here
    const id = '0017880103E75304'; // YAML takes this for a number
    await place.must(
      'init',
      ...NAMES,
      '--yes',
      '--device',
      id,
      '--vendor-key',
      'acme.pub.pem',
      '--unapproved',
      'prompt',
    );
    expect(there()).toEqual(['device.yaml', 'countersign.yaml', 'operator.pem']);
    expect(text('countersign.yaml')).not.toContain('vendor-key: ');
    expect(text('countersign.yaml')).toContain('vendor-public-key: acme.pub.pem');
    const shown = (await place.must('bootstrap', 'device.yaml', '--json')).json();
    expect(shown).toMatchObject({ device: id.toLowerCase(), anchors: [{ role: 'vendor' }, { role: 'operator' }] });
    expect(text('device.yaml')).toContain('unapproved: prompt');
  });

  it('a dry run writes nothing', async () => {
    const ended = await place.must('init', ...NAMES, '--yes', '--dry-run');
    expect([ended.stdout, ended.stderr, there()]).toEqual([expect.stringContaining('would write'), '', []]);
  });

  it.each(['device.yaml', 'countersign.yaml'])('%s is replaced only with --force', async (name) => {
    writeFileSync(place.path(name), '# mine\n');
    expect(await place.run('init', ...NAMES, '--yes')).toMatchObject({
      code: 1,
      stderr: expect.stringContaining('[206 FileExists]'),
    });
    expect([text(name), there()]).toEqual(['# mine\n', [name]]);
    await place.must('init', ...NAMES, '--yes', '--force');
    expect(text(name)).not.toBe('# mine\n');
  });

  it('a private key is never replaced, not even with --force', async () => {
    await place.given('keygen', 'operator');
    rmSync(place.path('operator.pub.pem'));
    const before = text('operator.pem');
    const ended = await place.run('init', ...NAMES, '--yes', '--force', '--json');
    const hint = expect.stringContaining('countersign inspect operator.pem --public operator.pub.pem');
    expect([ended.code, ended.json().error]).toMatchObject([1, { reason: { code: 206 }, hint }]);
    expect([text('operator.pem'), there()]).toEqual([before, ['operator.pem']]);
  });

  it.each([
    ['one key in two roles', ['--vendor-key', 'k.pub.pem', '--operator-key', 'k.pub.pem'], 105],
    ['one new key in two roles', ['--vendor-key', 'n.pub.pem', '--operator-key', './n.pub.pem'], 202],
    ['one new key by two ways', ['--vendor-key', 'keys/n.pub.pem', '--operator-key', 'link/n.pub.pem'], 206],
    ['a key file that is none', ['--vendor-key', 'device.txt'], 211],
    ['a key of another name that is not there', ['--vendor-key', 'nobody.der'], 203],
    ['an id that is too long', ['--device', 'ab'.repeat(33)], 202],
    ['an id that is no hex', ['--device', 'sensor-7'], 202],
  ])('%s: nothing is written', async (_, words, code) => {
    await place.given('keygen', 'k');
    writeFileSync(place.path('device.txt'), 'no key');
    mkdirSync(place.path('keys'));
    symlinkSync('keys', place.path('link'));
    const names = () => readdirSync(place.folder, { recursive: true }).sort();
    const before = names();
    expect((await place.run('init', ...NAMES, '--yes', ...words, '--json')).json().error).toMatchObject({
      reason: { code },
    });
    expect(names()).toEqual(before);
  });

  it.each(['device.yaml', 'countersign.yaml'])(
    'a private key called %s is not replaced, not even with --force',
    async (name) => {
      await place.must('keygen', 'k');
      writeFileSync(place.path(name), text('k.pem'));
      const before = await place.listing();
      const ended = await place.run('init', ...NAMES, '--yes', '--force', '--json');
      expect([ended.code, ended.json().error.reason.code]).toEqual([1, 206]);
      expect(await place.listing()).toEqual(before);
    },
  );
});

describe('on a terminal', () => {
  const onTerminal = (words: string[], steps: [string, string][]) =>
    runOnTerminal([PROGRAM, 'init', ...words], steps, {
      folder: place.folder,
      environment: { HOME: place.folder, XDG_CONFIG_HOME: place.folder },
    });

  it('asks for each answer, with the default to be edited, and makes the keys after a yes', async () => {
    const { text: said, status } = await onTerminal(
      [],
      [
        ['Vendor of the firmware', 'vendor.example\r'],
        ['Device class', 'sensor\r'],
        ['Id of the device', '\r'],
        ['Public key of the vendor', '\r'],
        ['Public key of the operator', '\r'],
        ['did not approve', '\u001b[B\r'],
        ['vendor.pub.pem does not exist', '\r'], // Yes is what enter says
        ['operator.pub.pem does not exist', 'y'],
      ],
    );
    expect([status, said]).toEqual([0, expect.stringContaining('next: countersign package IMAGE -s NUMBER')]);
    expect(there()).toHaveLength(4);
    expect(text('device.yaml')).toContain('unapproved: prompt');
    await place.must('bootstrap', 'device.yaml');
  });

  it('asks only for what is not given; a no to a key writes nothing', async () => {
    const { text: said, status } = await onTerminal(
      [...NAMES, '--device', '0a', '--vendor-key', 'vendor.pub.pem', '--unapproved', 'reject'],
      [
        ['Public key of the operator', '\r'],
        ['vendor.pub.pem does not exist', 'n'],
      ],
    );
    expect([status, there()]).toEqual([3, []]);
    expect(said).not.toContain('Id of the device');
  });

  it('Ctrl-C at a question ends it', async () => {
    const { status } = await onTerminal([], [['Vendor of the firmware', '\u0003']]);
    expect([status, there()]).toEqual([130, []]);
  });
});

it('provision takes it', { timeout: 120_000 }, async () => {
  await place.must('init', ...NAMES, '--yes');
  const board = place.start('board', 'virtual');
  try {
    await board.said('running until Ctrl-C');
    const [port = ''] = /\/dev\/\S+|tcp:\S+/.exec(board.output()) ?? [];
    const tried = await place.must('provision', 'device.yaml', '--dry-run', '-p', port);
    expect([tried.stdout, tried.stderr]).toEqual([expect.stringContaining('would provision'), '']);
    const done = await place.must('provision', 'device.yaml', '-p', port);
    expect(done.stderr).toBe(`next: countersign deliver PACKAGE --port ${port}\n`);
  } finally {
    await board.stop();
  }
});
