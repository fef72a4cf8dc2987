// The device's own card slot: the virtual board's agent reads the operator's approval off a card in a real PC/SC reader,
// and installs by it; without the card, or with one that is pulled out while it is read, it does not.

import { type ChildProcess, spawn } from 'node:child_process';
import { readFile, writeFile } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { makePlace, type Place } from '../support/command.js';
import { createCard, type IsoCard } from '../support/iso-card.js';
import { haveReader, READER, startReader, type VirtualReader } from '../support/reader.js';

const PROGRAM = fileURLToPath(new URL('../../dist/bin/countersign.js', import.meta.url));
const TIMEOUT_MS = 300_000;

describe.skipIf(!haveReader())('a board with a card slot', { timeout: TIMEOUT_MS }, () => {
  let place: Place;
  let reader: VirtualReader;
  let board: ChildProcess;
  let port: string;
  let card: IsoCard;

  beforeAll(async () => {
    place = await makePlace();
    for (const name of ['vendor', 'operator']) await place.given('keygen', name);
    await writeFile(place.path('app.bin'), Buffer.alloc(400, 3));
    const vendor = ['--vendor', 'example.com', '--class', 'sensor', '-s', '1', '--version', '1.0.0', '-o', 'app.suit'];
    await place.given('package', 'app.bin', '-k', 'vendor.pem', ...vendor);
    await place.given('approve', 'app.suit', '-k', 'operator.pem');
    const bootstrap = [
      'device: "0a0b"',
      'vendor: example.com',
      'class: sensor',
      'anchors:',
      '  - { role: vendor, key: vendor.pub.pem }',
      '  - { role: operator, key: operator.pub.pem }',
      'policy: { unapproved: reject, trial-boots: 0 }',
    ];
    await writeFile(place.path('device.yaml'), `${bootstrap.join('\n')}\n`);
    reader = await startReader();
    card = createCard();
    await reader.insert(card);
    await place.must('card', 'write', 'app.cose', '--create');
    await reader.remove();
    board = spawn(process.execPath, [PROGRAM, 'board', 'virtual', '--json', '--card', READER], {
      cwd: place.folder,
      env: { ...process.env, HOME: place.folder },
      stdio: ['ignore', 'pipe', 'ignore'],
    });
    port = await new Promise((resolve) => board.stdout!.once('data', (line) => resolve(JSON.parse(String(line)).port)));
    await place.must('provision', 'device.yaml', '-p', port);
  }, TIMEOUT_MS);
  afterAll(async () => {
    const ended = board && new Promise((resolve) => board.once('exit', resolve));
    board?.kill('SIGINT');
    await ended;
    await reader?.stop();
    await place.remove();
  }, TIMEOUT_MS);

  const deliver = () => place.run('deliver', 'app.suit', '-p', port, '--no-input');

  it('refuses without the card, and says that the source could not be read', async () => {
    expect(await deliver()).toMatchObject({ code: 20, stdout: expect.stringContaining('SourceUnreachable') });
  });

  it('refuses when the card is pulled out while it is read, wherever that happens', async () => {
    await reader.insert(card);
    const before = card.commands;
    await place.must('card', 'read', '-o', 'back.cose');
    expect(await readFile(place.path('back.cose'))).toEqual(await readFile(place.path('app.cose')));
    expect(card.commands).toBeGreaterThan(before);
    for (const after of [0, 3, 6]) {
      await reader.insert(card, after);
      const ended = await deliver();
      expect(ended, `after ${after}`).toMatchObject({ code: 20, stdout: expect.stringContaining('SourceUnreachable') });
    }
  });

  it('installs by the approval on the card', async () => {
    await reader.insert(card);
    expect(await deliver()).toMatchObject({ code: 0 });
  });

  it('knows no reader of another name', async () => {
    const ended = await place.run('board', 'virtual', '--flash', 'other.flash', '--card', 'Omnikey');
    expect(ended).toMatchObject({ code: 3, stderr: expect.stringContaining(`there are: ${READER}`) });
  });
});
