// What is typed is understood, or refused at once with all that is wrong with it; what is asked for is what stdout carries.

import { readFileSync, writeFileSync } from 'node:fs';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { makePlace, type Place } from '../support/command.js';

let place: Place;
const NAMES = ['--vendor', 'vendor.example', '--class', 'c', '-s', '1'];
beforeAll(async () => {
  place = await makePlace();
  await place.given('keygen', 'vendor');
  await place.given('keygen', 'operator');
  writeFileSync(place.path('app.bin'), new Uint8Array(3000).fill(0xa5));
  await place.given('package', 'app.bin', '-k', 'vendor.pem', ...NAMES, '-o', "it's mine.suit");
  await place.given('approve', "it's mine.suit", '-k', 'operator.pem', '-o', 'r.cose');
  const anchors = ['vendor', 'operator'].map((role) => `{role: ${role}, key: ${role}.pub.pem}`).join(', ');
  writeFileSync(
    place.path('d.yaml'),
    `device: "0a"\nvendor: vendor.example\nclass: c\nanchors: [${anchors}]\npolicy: {}\n`,
  );
});
afterAll(() => place.remove());

describe('help', () => {
  it.each([
    ['an unknown command', ['nonsense', '--help'], 4],
    ['help before it', ['--help', 'nonsense'], 4],
    ['help as a word, of an unknown command', ['help', 'nonsense'], 4],
    ['help as a word', ['help'], 0],
    ['help of a command', ['help', 'check'], 0],
    ['help of a command, the other way', ['export_c', '--help'], 0],
  ])('%s', async (_, words, code) => {
    const ended = await place.run(...words);
    expect([ended.code, code === 0 ? ended.stdout : ended.stderr]).toEqual([
      code,
      expect.stringContaining(code === 0 ? 'Usage:' : "unknown command 'nonsense'"),
    ]);
  });
});

it('all that is missing is named in one message', async () => {
  const one = await place.run('check', "it's mine.suit");
  expect([one.code, one.stderr]).toEqual([4, expect.stringContaining('argument: --bootstrap: is required')]);
  const many = await place.run('package');
  expect([many.code, many.stderr]).toEqual([
    4,
    expect.stringContaining('argument: <image>, --key, --vendor, --class, --sequence: are required'),
  ]);
});

describe('deliver names what is no package, and sends nothing', () => {
  it.each([
    ['r.cose', 'a file of the kind approval', '--approval'],
    ['app.bin', 'a firmware image', 'countersign package'],
    ['vendor.pub.pem', 'a file of the kind key', 'keys are not delivered'],
  ])('%s', async (file, what, hint) => {
    const ended = await place.run('deliver', file, '-p', 'tcp://127.0.0.1:1', '--json');
    expect([ended.code, ended.json().error]).toMatchObject([1, { reason: { name: 'FileUnsupported' } }]);
    expect(ended.stderr).toContain(what);
    expect(ended.json().error.hint).toContain(hint);
  });
});

it.each([
  ['foo://bar', 'foo:// is not supported'],
  ['mqtt://broker', 'a broker is named by --broker'],
])('%s is not the path of a serial port', async (port, says) => {
  const ended = await place.run('deliver', "it's mine.suit", '-p', port);
  expect([ended.code, ended.stderr]).toEqual([4, expect.stringContaining(says)]);
});

describe('-', () => {
  it('is stdin and stdout, which carries the file alone', async () => {
    const ended = await place.runWith(
      { input: 'A'.repeat(3000) },
      ...['package', '-', '-k', 'vendor.pem', ...NAMES, '-o', '-'],
    );
    expect(ended.code).toBe(0);
    expect(ended.stdout).toMatch(/A{3000}$/);
    expect(ended.stdout).not.toContain('wrote');
    expect(ended.stderr).toContain('wrote -');
    const shown = await place.runWith({ input: readFileSync(place.path('vendor.pub.pem'), 'utf8') }, 'inspect', '-');
    expect([shown.code, shown.stdout]).toEqual([0, expect.stringContaining('public key')]);
    const none = await place.runWith({ input: '' }, 'inspect', '-');
    expect([none.code, none.stderr]).toEqual([1, expect.stringContaining('- is empty')]);
  });
});

it('-q says nothing of what went well; what was asked for is shown, and -qq errors alone', async () => {
  const done = await place.must('package', 'app.bin', '-k', 'vendor.pem', ...NAMES, '-o', 'q.suit', '-q');
  expect([done.stdout, done.stderr]).toEqual(['', '']);
  expect((await place.must('inspect', 'q.suit', '-q')).stdout).toContain('sequence');
  const refused = await place.run('check', 'q.suit', '-b', 'd.yaml', '-qq');
  expect([refused.code, refused.stdout, refused.stderr]).toEqual([20, '', '']);
  expect((await place.run('inspect', 'nothing', '-qq')).stderr).toContain('no such file');
});

it('a hint can be copied into a shell, whatever the file is called', async () => {
  const ended = await place.run('check', "it's mine.suit", '-b', 'd.yaml');
  expect(ended.stdout).toContain(`countersign approve 'it'\\''s mine.suit' -k KEY`);
});
