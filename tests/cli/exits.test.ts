// Exit codes that scripts tell apart: each kind of end has its own (docs/operator.md, "--help"). Verdicts are in check.test.ts, lines
// in device.test.ts, stops in ending.test.ts.

import { generateKeyPairSync } from 'node:crypto';
import { writeFileSync } from 'node:fs';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { startVirtualBoard } from '../../boards/virtual/board.js';
import { generateKey } from '../../host/keys/read.js';
import { makePlace, type Place, runHere } from '../support/command.js';
import { type DeviceWorld, makeDeviceWorld } from '../support/device-world.js';

let place: Place;
let world: DeviceWorld;
beforeAll(async () => {
  place = await makePlace();
  world = makeDeviceWorld();
  writeFileSync(place.path('app.bin'), new Uint8Array(3000).fill(0xa5));
});
afterAll(async () => {
  await world.close();
  await place.remove();
});

describe('a key that cannot sign here is a bad argument', () => {
  const pem = (kind: 'rsa' | 'ec') =>
    (kind === 'rsa'
      ? generateKeyPairSync('rsa', { modulusLength: 2048 })
      : generateKeyPairSync('ec', { namedCurve: 'secp384r1' })
    ).privateKey.export({ format: 'pem', type: 'pkcs8' });
  it.each([
    ['RSA', () => pem('rsa'), 'KeyUnsupported'],
    ['P-384', () => pem('ec'), 'KeyUnsupported'],
    ['no key', () => 'a letter\n', 'KeyUnreadable'],
  ])('%s', async (_, make, name) => {
    writeFileSync(place.path('k.pem'), make());
    const names = ['--vendor', 'v.example', '--class', 'c', '-s', '1', '-o', 'x.suit'];
    const ended = await place.run('package', 'app.bin', '-k', 'k.pem', ...names, '--json');
    expect([ended.code, ended.json().error]).toMatchObject([4, { reason: { name }, exit: 4 }]);
  });
});

describe('on a device', () => {
  it('an approval of an operator whom it does not trust: 22, and not a word of the vendor', async () => {
    const board = await world.board({ unapproved: 'reject' });
    world.package('r.suit', 1n);
    writeFileSync(world.path('stranger.pem'), generateKey('ed25519').toPem());
    await place.given('approve', world.path('r.suit'), '-k', world.path('stranger.pem'), '-o', 'stranger.cose');
    const words = ['deliver', world.path('r.suit'), '-p', board.port, '--approval', 'stranger.cose', '--json'];
    const ended = await place.run(...words);
    expect([ended.code, ended.json().error.reason.name]).toEqual([22, 'SignerUnknown']);
    expect(ended.stderr).not.toContain('vendor');
  });

  it('that is not provisioned: 26; with a slot that is too small: 27', async () => {
    const blank = await startVirtualBoard({ flash: world.path('blank') });
    world.package('r.suit', 1n);
    expect((await runHere(place, 'deliver', world.path('r.suit'), '-p', blank.port)).code).toBe(26);
    await blank.close();
    const board = await world.board({ unapproved: 'reject' });
    world.package('huge.suit', 2n, 1024 * 1024);
    expect((await runHere(place, 'deliver', world.path('huge.suit'), '-p', board.port)).code).toBe(27);
  });
});
