// The gate of docs/ci.md, as a pipeline runs it: it lets through what is approved, and ends with another code than 0 for what is
// not approved, not approved any more, or would be asked about.

import { copyFileSync, readFileSync, writeFileSync } from 'node:fs';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { makePlace, type Place } from '../support/command.js';

const [, GATE = ''] = /## The gate\n\n```sh\n([\s\S]*?)```/.exec(readFileSync('docs/ci.md', 'utf8')) ?? [];
const LINES = GATE.trim()
  .split('\n')
  .map((line) => line.split(' ').slice(1));

let place: Place;
const device = (unapproved: string) =>
  writeFileSync(
    place.path('device.yaml'),
    ['device: "0a0b"', 'vendor: vendor.example', 'class: sensor', 'anchors:']
      .concat('  - { role: vendor, key: vendor.pub.pem }', '  - { role: operator, key: operator.pub.pem }')
      .concat(`policy: { unapproved: ${unapproved} }`)
      .join('\n'),
  );
/** The code of the first line that fails, as a job of a pipeline ends. */
async function gate(): Promise<number | null> {
  for (const words of LINES) {
    const { code } = await place.run(...words);
    if (code !== 0) return code;
  }
  return 0;
}

beforeAll(async () => {
  place = await makePlace();
  for (const name of ['vendor', 'operator', 'stranger']) await place.given('keygen', name);
  writeFileSync(place.path('app.bin'), new Uint8Array(new Uint32Array([0x20004000, 0x101, 0, 0, 1, 2, 3, 4]).buffer));
  const about = ['--vendor', 'vendor.example', '--class', 'sensor', '-s', '1', '-o', 'release.suit'];
  await place.given('package', 'app.bin', '-k', 'vendor.pem', ...about);
  device('reject');
});
afterAll(() => place.remove());

it('lets an approved release through, and nothing else', { timeout: 300_000 }, async () => {
  expect(LINES.map(([name]) => name)).toEqual(['check', 'lint']);
  await place.given('approve', 'release.suit', '-k', 'stranger.pem', '-o', 'release.cose');
  expect(await gate()).toBe(22);
  const other = '00'.repeat(32);
  await place.given('approve', '--digest', other, '-k', 'operator.pem', '-o', 'other.cose');
  copyFileSync(place.path('other.cose'), place.path('release.cose'));
  expect(await gate()).toBe(20);
  device('prompt');
  expect(await gate()).toBe(30);
  device('reject');
  await place.given('approve', 'release.suit', '-k', 'operator.pem', '-o', 'good.cose');
  copyFileSync(place.path('good.cose'), place.path('release.cose'));
  expect(await gate()).toBe(0);
  await place.must('revoke', 'release.suit', '-k', 'operator.pem', '-o', 'denied.cose');
  copyFileSync(place.path('denied.cose'), place.path('release.cose'));
  expect(await gate()).toBe(23);
  await place.given('approve', 'release.suit', '-k', 'operator.pem', '--expires', '7d', '-o', 'soon.cose');
  copyFileSync(place.path('soon.cose'), place.path('release.cose'));
  expect(await gate()).toBe(1); // approved, but lint --strict warns
});
