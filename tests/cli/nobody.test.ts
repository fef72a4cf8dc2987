// Every command that may ask, where nobody can answer: on a pipe that says nothing and stays open, and with --no-input. Each
// ends by itself, with the exit code that its help promises, and has changed nothing.

import { mkdirSync, writeFileSync } from 'node:fs';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { deliver } from '../../host/device/deliver.js';
import { openSerial } from '../../host/links/serial.js';
import { createClient } from '../../host/smp/client.js';
import { makePlace, type Place } from '../support/command.js';
import { type DeviceWorld, makeDeviceWorld } from '../support/device-world.js';

const TIMEOUT_MS = 200_000;
const ABOUT = ['--vendor', 'vendor.example', '--class', 'virtual', '-s', '1'];

let place: Place;
let world: DeviceWorld;
let port: string;
beforeAll(async () => {
  place = await makePlace();
  world = makeDeviceWorld();
  const environment = { COUNTERSIGN_PASSPHRASE: 'open sesame' };
  await place.runWith({ environment }, 'keygen', 'locked', '--encrypt');
  await place.given('keygen', 'open');
  writeFileSync(place.path('app.bin'), new Uint8Array(100));
  await place.given('package', 'app.bin', '-k', 'open.pem', ...ABOUT);
  await place.given('approve', 'app.suit', '-k', 'locked.pub.pem', '--prepare');
  writeFileSync(place.path('rotate.yaml'), 'policy: { unapproved: prompt }\n');
  mkdirSync(place.path('out'));
  // A device that asks its user, and whom nobody here can answer for.
  const board = await world.board({ unapproved: 'prompt', 'consent-channels': ['remote'], 'prompt-timeout': 3600 });
  port = board.port;
  const client = createClient(await openSerial(port));
  for await (const _ of deliver(client, { file: world.package('asks.suit', 1n), answerMs: 1 }));
  await client.close();
}, TIMEOUT_MS);
afterAll(async () => {
  await world.close();
  await place.remove();
});

describe.each<[string, string[]]>([
  ['on a pipe that says nothing', []],
  ['with --no-input', ['--no-input']],
])('%s', { timeout: TIMEOUT_MS }, (_, common) => {
  it.each<[string, () => string[], number, string]>([
    ['keygen, a new passphrase', () => ['keygen', 'new', '--encrypt'], 4, 'PassphraseNeeded'],
    ['package', () => ['package', 'app.bin', '-k', 'locked.pem', ...ABOUT, '-o', 'x'], 4, 'PassphraseNeeded'],
    ['approve', () => ['approve', 'app.suit', '-k', 'locked.pem'], 4, 'PassphraseNeeded'],
    ['approve --sign', () => ['approve', '--sign', 'app.request.yaml', '-k', 'locked.pem'], 4, 'PassphraseNeeded'],
    ['revoke', () => ['revoke', 'app.suit', '-k', 'locked.pem'], 4, 'PassphraseNeeded'],
    ['change', () => ['change', 'rotate.yaml', '-k', 'locked.pem'], 4, 'PassphraseNeeded'],
    ['consent, its key', () => ['consent', '-k', 'locked.pem', '-p', port], 4, 'PassphraseNeeded'],
    ['consent, its answer', () => ['consent', '-k', world.path('consenter.pem'), '-p', port], 4, 'NotTerminal'],
    ['deliver, what the device asks', () => ['deliver', world.path('asks.suit'), '-p', port, '--wait', '1'], 30, ''],
    ['tree exec', () => ['tree', 'exec', 'Update', '-p', port, '--wait', '1'], 30, ''],
    ['console', () => ['console', '-p', port, '--for', '0.5'], 0, ''],
  ])('%s', async (_, words, code, name) => {
    const before = await place.listing();
    const ended = await place.runWith({ input: false }, ...words(), ...common, '--json');
    expect(ended.code, ended.stderr).toBe(code);
    if (name) expect(ended.json().error.reason.name).toBe(name);
    expect(await place.listing()).toEqual(before);
  });

  it('board: runs until it is stopped', async () => {
    const board = place.start('board', 'virtual', '--flash', 'out/board.flash', ...common);
    await board.said('running until Ctrl-C');
    expect((await board.stop()).code).toBe(130);
  });
});
