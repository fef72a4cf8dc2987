// A refusal shows both sides of what was compared: ids by name where the name is known, sizes, numbers, keys.

import { writeFileSync } from 'node:fs';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { makePlace, type Place } from '../support/command.js';
import { makeDeviceWorld } from '../support/device-world.js';

let place: Place;
beforeAll(async () => {
  place = await makePlace();
  for (const name of ['vendor', 'other', 'operator']) await place.given('keygen', name);
  writeFileSync(place.path('app.bin'), new Uint8Array(30_000).fill(0xa5));
  for (const [file, key, vendor, kind] of [
    ['good', 'vendor', 'vendor.example', 'lamp'],
    ['toaster', 'vendor', 'vendor.example', 'toaster'],
    ['maker', 'vendor', 'maker.example', 'lamp'],
    ['forged', 'other', 'vendor.example', 'lamp'],
  ] as const) {
    const names = ['--vendor', vendor, '--class', kind, '-s', '5', '-o', `${file}.suit`];
    await place.given('package', 'app.bin', '-k', `${key}.pem`, ...names);
  }
  const anchors = '[{role: vendor, key: vendor.pub.pem, name: Maker}, {role: operator, key: operator.pub.pem}]';
  writeFileSync(place.path('d.yaml'), `device: "0a"\nvendor: vendor.example\nclass: lamp\nanchors: ${anchors}\n`);
});
afterAll(() => place.remove());

const UUID = '[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}';

describe('check', () => {
  it.each<[string, string[], RegExp, RegExp]>([
    ['another class', ['toaster.suit'], new RegExp(`it has +${UUID}`), new RegExp(`the device +lamp \\(${UUID}\\)`)],
    ['another vendor', ['maker.suit'], /it has +\S+/, /the device +vendor\.example \(/],
    ['a slot too small', ['good.suit', '--slot', '2048'], /it has +firmware of 30000 bytes/, /the device +2048 bytes/],
    ['a rollback', ['good.suit', '--installed', '9'], /it has +sequence 5/, /the device +sequence 9/],
    ['another key', ['forged.suit'], /signed by +key [0-9a-f]{16}/, /trusted +key [0-9a-f]{16} \(Maker\)/],
  ])('%s', async (_, words, package_, device) => {
    const ended = await place.run('check', ...words, '-b', 'd.yaml');
    expect(ended.code).toBeGreaterThan(20);
    expect(ended.stdout).toMatch(package_);
    expect(ended.stdout).toMatch(device);
    const json = await place.run('check', ...words, '-b', 'd.yaml', '--json');
    expect(Object.keys(json.json().compared)).toHaveLength(2);
  });
});

it('deliver: what the device has is read from the device', async () => {
  const world = makeDeviceWorld();
  const board = await world.board({ unapproved: 'prompt' });
  const ended = await place.run('deliver', 'forged.suit', '-p', board.port);
  await world.close();
  expect([ended.code, ended.stdout]).toEqual([
    21,
    expect.stringMatching(/signed by +key[\s\S]*trusted +key .*\(Vendor\)/),
  ]);
});

it('a file that is too large: its size and the limit', async () => {
  writeFileSync(place.path('big.pem'), 'x'.repeat(100_000));
  const key = await place.run('package', 'app.bin', '-k', 'big.pem', '--vendor', 'v', '--class', 'c', '-s', '1');
  expect(key.stderr).toMatch(/big\.pem has 100000 bytes, and at most \d+ are read/);
});
