// Cards in a reader: the real PC/SC daemon and reader driver, a card of the tests in it, our command on one side and
// OpenSC's tools on the other. Only the card itself is ours (tests/support/iso-card.ts says why).

import { execFile } from 'node:child_process';
import { existsSync } from 'node:fs';
import { readFile, writeFile } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { makePlace, type Place } from '../support/command.js';
import { createCard } from '../support/iso-card.js';
import { have } from '../support/need.js';
import { haveReader, READER, startReader, type VirtualReader } from '../support/reader.js';
import { runOnTerminal } from '../support/terminal.js';

const TIMEOUT_MS = 240_000;
const PIN = '271828';
const PROGRAM = fileURLToPath(new URL('../../dist/bin/countersign.js', import.meta.url));

// OpenSC's driver for cards that it does not know by name, which it has switched off by default.
const OPENSC_CONF = 'app default { enable_default_driver = true; card_drivers = default; }';

describe.skipIf(!haveReader())('a card in a PC/SC reader', { timeout: TIMEOUT_MS }, () => {
  let place: Place;
  let reader: VirtualReader;
  let document: Uint8Array;
  const opensc = (...words: string[]) =>
    promisify(execFile)('pkcs15-tool', words, { env: { ...process.env, OPENSC_CONF: place.path('opensc.conf') } });
  const bytesOf = async (name: string) => new Uint8Array(await readFile(place.path(name)));

  beforeAll(async () => {
    place = await makePlace();
    await place.given('keygen', 'operator');
    const approve = (...more: string[]) =>
      place.must('approve', '-k', 'operator.pem', '--vendor-kid', '00112233', '--record', 'none', ...more);
    await approve('-o', 'release.cose');
    await approve('--issuer', 'a longer document than the first one', '-o', 'second.cose');
    document = await bytesOf('release.cose');
    reader = await startReader();
  }, TIMEOUT_MS);
  afterAll(async () => {
    await reader?.stop();
    await place.remove();
  }, TIMEOUT_MS);

  it('is written, listed, read byte for byte, replaced and removed', async () => {
    await reader.insert(createCard());
    expect(await place.run('card', 'read')).toMatchObject({ code: 3, stderr: expect.stringContaining('no PKCS#15') });
    expect(await place.run('card', 'write', 'release.cose')).toMatchObject({ code: 3 });
    await place.must('card', 'write', 'release.cose', '--create');
    const [{ objects }] = (await place.must('card', 'list', '--json')).json().readers;
    expect(objects).toMatchObject([{ label: 'Countersign approval', application: 'Countersign', private: false }]);
    await place.must('card', 'read', '-o', 'back.cose');
    expect(await bytesOf('back.cose')).toEqual(document);

    const replaced = (await place.must('card', 'write', 'second.cose', '--json')).json();
    expect(replaced).toMatchObject({ written: true, replaced: true, reader: READER });
    await place.must('card', 'read', '-o', 'back.cose');
    expect(await bytesOf('back.cose')).toEqual(await bytesOf('second.cose'));

    await place.must('card', 'remove');
    expect(await place.run('card', 'read')).toMatchObject({ code: 3, stderr: expect.stringContaining('no approval') });
    await place.must('card', 'write', 'release.cose');
    await place.must('card', 'read', '-o', 'back.cose');
    expect(await bytesOf('back.cose')).toEqual(document);
  });

  it.skipIf(!have('pkcs15-tool'))('is listed and read by pkcs15-tool', async () => {
    await writeFile(place.path('opensc.conf'), OPENSC_CONF);
    await reader.insert(createCard());
    await place.must('card', 'write', 'second.cose', '--create');
    await place.must('card', 'write', 'release.cose');
    const { stdout } = await opensc('--list-data-objects');
    expect(stdout).toContain('applicationName: Countersign');
    expect(stdout).toContain('1.3.6.1.4.1.32473.107.1');
    const target = place.path('opensc.cose');
    await opensc('--read-data-object', 'Countersign approval', '--raw', '--output', target);
    expect(await bytesOf('opensc.cose')).toEqual(document);
    await opensc('--read-data-object', '1.3.6.1.4.1.32473.107.1', '--raw', '--output', target);
    expect(await bytesOf('opensc.cose')).toEqual(document);
  });

  it('asks for the PIN of the card when the card wants it, and says how many tries are left', async () => {
    const card = createCard({ pin: PIN, guarded: { read: [0x4410], update: [0x4410] } });
    await reader.insert(card);
    const withPin = (pin: string, ...words: string[]) =>
      place.runWith({ environment: { COUNTERSIGN_PIN: pin } }, 'card', ...words);
    expect(await withPin(PIN, 'write', 'release.cose', '--create')).toMatchObject({ code: 0 });
    expect(await place.run('card', 'read')).toMatchObject({ code: 4, stderr: expect.stringContaining('PinNeeded') });
    expect(await withPin('0000', 'read')).toMatchObject({ code: 1, stderr: expect.stringContaining('2 tries left') });
    await writeFile(place.path('pin'), `${PIN}\n`);
    await place.must('card', 'read', '--pin-file', 'pin', '-o', 'back.cose');
    expect(await bytesOf('back.cose')).toEqual(document);
  });

  it('asks for it on a terminal', async () => {
    // The card of the test before: it has forgotten the PIN, since another program has it now.
    const words = [PROGRAM, 'card', 'read', '-o', place.path('asked.cose')];
    const { text, status } = await runOnTerminal(words, [['PIN of the card', `${PIN}\r`]]);
    expect(text).not.toContain(PIN);
    expect(status).toBe(0);
    expect(await bytesOf('asked.cose')).toEqual(document);
  });

  it('says that the card was pulled out, wherever that happens, and writes nothing', async () => {
    const card = createCard();
    await reader.insert(card);
    await place.must('card', 'write', 'release.cose', '--create');
    const before = card.commands;
    await place.must('card', 'read', '-o', 'back.cose');
    const all = card.commands - before;
    // Before the first command, in the directory, and in the middle of the document.
    for (const after of [0, Math.floor(all / 2), all - 1]) {
      await reader.insert(card, after);
      const ended = await place.run('card', 'read', '-o', 'never.cose');
      expect(ended, `after ${after} of ${all}`).toMatchObject({
        code: 40,
        stderr: expect.stringContaining('CardRemoved'),
      });
      expect(existsSync(place.path('never.cose'))).toBe(false);
    }
    await reader.remove();
    expect(await place.run('card', 'read')).toMatchObject({ code: 41, stderr: expect.stringContaining('CardAbsent') });
    const list = (await place.must('card', 'list', '--json')).json();
    expect(list.readers).toMatchObject([{ reader: READER }, {}]);
    expect(list.readers[0]).not.toHaveProperty('atr');
  });

  it('knows no reader of another name', async () => {
    const ended = await place.run('card', 'read', '--reader', 'Omnikey');
    expect(ended).toMatchObject({ code: 3, stderr: expect.stringContaining(`there are: ${READER}`) });
  });
});
