// Keys in a token: SoftHSM as the token, used through PKCS#11 as any other would be; what it signs is judged by the core.

import { execFileSync } from 'node:child_process';
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { parseKeyUri } from '../../host/pkcs11/uri.js';
import { makePlace, type Place } from '../support/command.js';
import { have } from '../support/need.js';

const MODULE = '/usr/lib/softhsm/libsofthsm2.so';
const PIN = '12345678';
const TIMEOUT_MS = 240_000;

describe('a pkcs11: URI', () => {
  it('is taken apart', () => {
    expect(parseKeyUri('pkcs11:token=My%20HSM;object=op;id=%01a?module-path=/m.so&pin-source=file:/run/pin')).toEqual({
      text: 'pkcs11:token=My%20HSM;object=op;id=%01a',
      token: { token: 'My HSM' },
      slotId: undefined,
      object: 'op',
      id: Uint8Array.of(1, 0x61),
      modulePath: '/m.so',
      pinSource: '/run/pin',
    });
    expect(parseKeyUri('pkcs11:').token).toEqual({});
  });

  it.each([
    ['pkcs11:object=a?pin-value=1234', 'pin-value would show'],
    ['pkcs11:colour=red', 'colour'],
    ['pkcs11:object', 'object'],
    ['pkcs11:token=%zz', 'percent-encoded'],
    ['pkcs11:id=%1', 'percent-encoded'],
    ['pkcs11:type=cert', 'a private key is needed'],
    ['pkcs11:slot-id=one', 'not a number'],
  ])('%s is refused', (text, why) => {
    expect(() => parseKeyUri(text)).toThrow(why);
  });
});

describe.skipIf(!have('softhsm2-util'))('a key in SoftHSM', { timeout: TIMEOUT_MS }, () => {
  let place: Place;
  let environment: Record<string, string>;
  const uri = (object: string, token = 'Operators') => `pkcs11:token=${token};object=${object}`;
  const run = (words: string[], more: Record<string, string> = {}) =>
    place.runWith({ environment: { ...environment, ...more } }, ...words);
  const must = async (...words: string[]) => {
    const ended = await run(words, { COUNTERSIGN_PIN: PIN });
    if (ended.code !== 0) throw new Error(`countersign ${words.join(' ')}: exit ${ended.code}\n${ended.stderr}`);
    return ended;
  };

  beforeAll(async () => {
    place = await makePlace();
    mkdirSync(place.path('tokens'));
    writeFileSync(place.path('softhsm.conf'), `directories.tokendir = ${place.path('tokens')}\nlog.level = ERROR\n`);
    environment = { SOFTHSM2_CONF: place.path('softhsm.conf'), COUNTERSIGN_PKCS11_MODULE: MODULE };
    for (const label of ['Operators', 'Vendors']) {
      const words = ['--init-token', '--free', '--label', label, '--pin', PIN, '--so-pin', '87654321'];
      execFileSync('softhsm2-util', words, { env: { ...process.env, ...environment }, stdio: 'pipe' });
    }
    writeFileSync(place.path('app.bin'), Buffer.alloc(500, 7));
    await must('keygen', 'vendor', '--key', uri('release', 'Vendors'));
    for (const type of ['ed25519', 'p256']) await must('keygen', type, '--type', type, '--key', uri(type));
    const bootstrap = [
      'device: "00e1d2c3b4a59687"',
      'vendor: example.com',
      'class: sensor',
      'anchors:',
      '  - { role: vendor, key: vendor.pub.pem }',
      '  - { role: operator, key: ed25519.pub.pem }',
      '  - { role: operator, key: p256.pub.cose }',
      'policy: { unapproved: reject, threshold: 2 }',
    ];
    writeFileSync(place.path('device.yaml'), `${bootstrap.join('\n')}\n`);
    const vendor = ['--vendor', 'example.com', '--class', 'sensor', '-s', '1', '-o', 'app.suit'];
    await must('package', 'app.bin', '-k', uri('release', 'Vendors'), ...vendor);
  }, TIMEOUT_MS);
  afterAll(() => place.remove());

  it('signs packages and approvals of both kinds that the core takes, and denials', async () => {
    for (const type of ['ed25519', 'p256']) {
      await must('approve', 'app.suit', '-k', uri(type), '-o', `${type}.cose`, '--record', `${type}.yaml`);
    }
    const verdict = (...approvals: string[]) =>
      run(['check', 'app.suit', '-b', 'device.yaml', ...approvals.flatMap((file) => ['-a', file])]);
    expect(await verdict('ed25519.cose')).toMatchObject({ code: 20 });
    expect(await verdict('ed25519.cose', 'p256.cose')).toMatchObject({ code: 0 });
    await must('revoke', 'app.suit', '-k', uri('p256'), '-o', 'denied.cose', '--record', 'p256.yaml');
    expect(await verdict('ed25519.cose', 'denied.cose')).toMatchObject({ code: 23 });
    await must('approve', 'app.suit', '-k', uri('p256'), '--countersign', '-o', 'counter.suit');
    expect(await run(['check', 'counter.suit', '-b', 'device.yaml', '-a', 'ed25519.cose'])).toMatchObject({ code: 0 });
  });

  it('keeps the record of its documents in the working folder, under its key id', async () => {
    const { kid } = (await must('inspect', uri('ed25519'), '--json')).json();
    await must('approve', 'app.suit', '-k', uri('ed25519'), '-o', 'first.cose');
    expect(readFileSync(place.path(`${kid}.record.yaml`), 'utf8')).toContain('sequence');
  });

  it('is shown by inspect, without a PIN, as its public files are', async () => {
    const shown = await run(['inspect', uri('p256'), '--json']);
    const file = (await place.must('inspect', 'p256.pub.cose', '--json')).json();
    expect(shown.json()).toMatchObject({
      type: 'key',
      kind: 'p256',
      private: true,
      kid: file.kid,
      public: file.public,
    });
    await must('inspect', uri('p256'), '--public', 'again.pem');
    expect(readFileSync(place.path('again.pem'))).toEqual(readFileSync(place.path('p256.pub.pem')));
  });

  it('takes its PIN from a file, the environment or the URI, and says what is wrong with it', async () => {
    writeFileSync(place.path('pin'), `${PIN}\n`);
    const approve = (key: string, ...more: string[]) =>
      ['approve', 'app.suit', '-k', key, '--record', 'none', '-o', 'pin.cose', ...more]; // biome-ignore format: one line
    expect(await run(approve(uri('p256'), '--pin-file', 'pin'))).toMatchObject({ code: 0 });
    expect(await run(approve(`${uri('p256')}?pin-source=file:${place.path('pin')}`))).toMatchObject({ code: 0 });
    expect(await run(approve(uri('p256')))).toMatchObject({ code: 4, stderr: expect.stringContaining('PinNeeded') });
    expect(await run(approve(uri('p256')), { COUNTERSIGN_PIN: '1111' })).toMatchObject({
      code: 1,
      stderr: expect.stringContaining('PinWrong'),
    });
  });

  it.each<[string, string, number, string]>([
    ['a key that is not there', uri('nobody'), 3, 'NotFound'],
    ['a token that is not there', uri('p256', 'Elsewhere'), 3, 'there are: '],
    ['a token that is not named', 'pkcs11:object=p256', 4, 'more than one fits'],
    ['a key that is not named', 'pkcs11:token=Operators', 4, 'more than one private key'],
    ['a module that is not there', `${uri('p256')}?module-path=/nowhere.so`, 3, 'ToolMissing'],
    ['a library that is no module', `${uri('p256')}?module-path=libc.so.6`, 1, 'TokenFailed'],
  ])('%s is an error that says so', async (_, key, code, text) => {
    const ended = await run(['approve', 'app.suit', '-k', key, '--record', 'none', '-o', 'no.cose'], {
      COUNTERSIGN_PIN: PIN,
    });
    expect(ended).toMatchObject({ code, stderr: expect.stringContaining(text) });
  });

  it('is not made twice under one name', async () => {
    const ended = await run(['keygen', 'again', '--key', uri('p256')], { COUNTERSIGN_PIN: PIN });
    expect(ended).toMatchObject({ code: 1, stderr: expect.stringContaining('FileExists') });
  });
});
