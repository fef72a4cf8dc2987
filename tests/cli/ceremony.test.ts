// Signing in three steps: what is prepared here, signed there and attached here is what one step would have made; what
// does not belong together is refused, and leaves no trace.

import { execFileSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { copyFile, mkdir, readFile, writeFile } from 'node:fs/promises';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { makePlace, type Place, runHere } from '../support/command.js';
import { have } from '../support/need.js';

const TIMEOUT_MS = 120_000;

let place: Place;
const text = (name: string) => readFile(place.path(name), 'utf8');
/** The machine without a network: it has the private keys, and what is carried to it. */
const offline = (...words: string[]) => place.runWith({ folder: place.path('vault') }, ...words);
const carry = (from: string, to: string) => copyFile(place.path(from), place.path(to));
const approve = (...words: string[]) => place.must('approve', ...words);
const verdict = (file: string, ...words: string[]) => place.run('check', file, '-b', 'device.yaml', ...words);

beforeAll(async () => {
  place = await makePlace();
  await mkdir(place.path('vault'));
  for (const name of ['vendor', 'other']) await place.given('keygen', name);
  await offline('keygen', 'operator');
  await offline('keygen', 'second', '--type', 'p256');
  for (const name of ['operator', 'second']) await carry(`vault/${name}.pub.pem`, `${name}.pub.pem`);
  for (const [name, sequence] of [
    ['app', '1'],
    ['next', '2'],
  ] as const) {
    await writeFile(place.path(`${name}.bin`), Buffer.alloc(300, Number(sequence)));
    const vendor = ['--vendor', 'example.com', '--class', 'sensor', '-s', sequence, '-o', `${name}.suit`];
    await place.given('package', `${name}.bin`, '-k', 'vendor.pem', ...vendor);
  }
  const bootstrap = [
    'device: "00e1d2c3b4a59687"',
    'vendor: example.com',
    'class: sensor',
    'anchors:',
    ...['vendor', 'operator', 'second'].map(
      (name) => `  - { role: ${name === 'vendor' ? name : 'operator'}, key: ${name}.pub.pem }`,
    ),
    'policy: { unapproved: reject }',
  ];
  await writeFile(place.path('device.yaml'), `${bootstrap.join('\n')}\n`);
}, TIMEOUT_MS);
afterAll(() => place.remove());

describe('an approval in three steps', { timeout: TIMEOUT_MS }, () => {
  it('is prepared without the private key, signed elsewhere, and attached', async () => {
    const prepared = await approve('app.suit', '-k', 'operator.pub.pem', '--prepare', '--issuer', 'Operator');
    const { digest } = (await place.must('inspect', 'app.suit', '--json')).json();
    expect(prepared.stdout).toContain(`approve package ${digest}`);
    expect(await text('app.request.yaml')).toContain(`# ${' '.repeat(2)}says          approve package ${digest}`);
    expect(existsSync(place.path('operator.record.yaml'))).toBe(false);

    await carry('app.request.yaml', 'vault/app.request.yaml');
    const signed = await offline('approve', '--sign', 'app.request.yaml', '-k', 'operator.pem');
    expect(signed).toMatchObject({ code: 0, stdout: expect.stringContaining(`approve package ${digest}`) });
    expect((await readFile(place.path('vault/app.sig'))).length).toBe(64);

    await carry('vault/app.sig', 'app.sig');
    const attached = await approve('--attach', 'app.sig', '-k', 'operator.pub.pem');
    expect(attached.stdout).toContain(`approve package ${digest}`);
    expect(await verdict('app.suit', '-a', 'app.cose')).toMatchObject({ code: 0 });
    expect(await text('operator.record.yaml')).toContain('Operator');
  });

  it('repeats what the last one said, and is refused once a newer one was issued', async () => {
    await approve('next.suit', '-k', 'operator.pub.pem', '--prepare');
    expect(await text('next.request.yaml')).toMatch(/(approve package [0-9a-f]{64}[\s\S]*){2}/);
    await carry('next.request.yaml', 'vault/next.request.yaml');
    await offline('approve', '--sign', 'next.request.yaml', '-k', 'operator.pem');
    await carry('vault/next.sig', 'next.sig');
    await approve('--attach', 'next.sig', '-k', 'operator.pub.pem', 'app.suit', '--embed');
    expect(await verdict('app.approved.suit')).toMatchObject({ code: 0 });
    expect(await place.run('approve', '--attach', 'app.sig', '-k', 'operator.pub.pem')).toMatchObject({
      code: 4,
      stderr: expect.stringContaining('not above'),
    });
  });

  it('works for a countersignature and for a denial, too', async () => {
    await approve('app.suit', '-k', 'second.pub.pem', '--prepare', '--countersign', '-o', 'counter.request.yaml');
    await carry('counter.request.yaml', 'vault/counter.request.yaml');
    await offline('approve', '--sign', 'counter.request.yaml', '-k', 'second.pem');
    await carry('vault/counter.sig', 'counter.sig');
    await approve('app.suit', '--attach', 'counter.sig', '-k', 'second.pub.pem', '-o', 'counter.suit');
    expect(await verdict('counter.suit')).toMatchObject({ code: 0 });
    const other = await place.run('approve', 'next.suit', '--attach', 'counter.sig', '-k', 'second.pub.pem');
    expect(other).toMatchObject({ code: 1, stderr: expect.stringContaining('another package') });

    await place.must('revoke', 'app.suit', '-k', 'second.pub.pem', '--prepare');
    await carry('app.denied.request.yaml', 'vault/app.denied.request.yaml');
    const shown = await offline('revoke', '--sign', 'app.denied.request.yaml', '-k', 'second.pem');
    expect(shown.stdout).toContain('deny package');
    await carry('vault/app.denied.sig', 'app.denied.sig');
    await place.must('revoke', '--attach', 'app.denied.sig', '-k', 'second.pub.pem');
    expect(await verdict('counter.suit', '-a', 'app.denied.cose')).toMatchObject({ code: 23 });
  });

  it.skipIf(!have('openssl'))('takes signatures that openssl made of the raw bytes', async () => {
    const openssl = (...words: string[]) => execFileSync('openssl', words, { cwd: place.path('vault'), stdio: 'pipe' });
    for (const [name, words] of [
      ['operator', ['pkeyutl', '-sign', '-rawin', '-inkey', 'operator.pem', '-in', 'tbs', '-out', 'raw.sig']],
      ['second', ['dgst', '-sha256', '-sign', 'second.pem', '-out', 'raw.sig', 'tbs']], // DER
    ] as const) {
      const options = ['--prepare', '--raw', 'vault/tbs', '--record', 'none', '-o', 'raw.request.yaml'];
      await approve('next.suit', '-k', `${name}.pub.pem`, ...options);
      openssl(...words);
      await carry('vault/raw.sig', 'raw.sig');
      await approve('--attach', 'raw.sig', '-k', `${name}.pub.pem`, '--record', 'none', '-o', `${name}.cose`);
      expect(await verdict('next.suit', '-a', `${name}.cose`), name).toMatchObject({ code: 0 });
    }
  });
});

describe('what does not belong together is refused', { timeout: TIMEOUT_MS }, () => {
  const prepared = ['--request', 'app.request.yaml'];
  const attach = ['approve', '--attach', 'app.sig', '--record', 'none'];
  beforeAll(async () => {
    const request = await text('app.request.yaml');
    const digit = (line: RegExp) =>
      request.replace(line, (found) => found.replace(/.(?="$)/, (last) => (last === '0' ? '1' : '0')));
    await writeFile(place.path('bytes.yaml'), digit(/^bytes: ".*"/m));
    await writeFile(place.path('payload.yaml'), digit(/^payload: ".*"/m));
    await writeFile(place.path('kid.yaml'), digit(/^kid: ".*"/m));
    await writeFile(place.path('form.yaml'), request.replace('"document"', '"anything"'));
    await writeFile(
      place.path('flipped.sig'),
      (await readFile(place.path('app.sig'))).map((byte, at) => (at === 9 ? byte ^ 1 : byte)),
    );
    await writeFile(place.path('short.sig'), new Uint8Array(63));
  });

  it.each<[string, string[], number]>([
    ['signing with another key', ['approve', '--sign', 'app.request.yaml', '-k', 'other.pem'], 210],
    ['attaching for another key', [...attach, '-k', 'other.pub.pem'], 210],
    ['a signature of another request', ['approve', '--attach', 'next.sig', ...prepared, '-k', 'operator.pub.pem'], 238],
    [
      'a signature that was changed',
      ['approve', '--attach', 'flipped.sig', ...prepared, '-k', 'operator.pub.pem'],
      238,
    ],
    ['a signature that is none', ['approve', '--attach', 'short.sig', ...prepared, '-k', 'operator.pub.pem'], 26],
    ['a request whose bytes were changed', [...attach, '--request', 'bytes.yaml', '-k', 'operator.pub.pem'], 238],
    ['a request whose payload was changed', ['approve', '--sign', 'payload.yaml', '-k', 'operator.pub.pem'], 238],
    ['a request of an unknown form', ['approve', '--sign', 'form.yaml', '-k', 'operator.pub.pem'], 208],
    ['a request with another kid', [...attach, '--request', 'kid.yaml', '-k', 'operator.pub.pem'], 238],
    ['a countersignature as a denial', ['revoke', '--attach', 'counter.sig', '-k', 'second.pub.pem'], 238],
    ['a countersignature without its package', ['approve', '--attach', 'counter.sig', '-k', 'second.pub.pem'], 202],
    ['two steps at once', ['approve', '--prepare', '--sign', 'app.request.yaml', '-k', 'operator.pub.pem'], 202],
    ['raw bytes of nothing prepared', ['approve', 'app.suit', '--raw', 'x', '-k', 'other.pem'], 202],
    ['a request with nothing to attach', ['approve', 'app.suit', ...prepared, '-k', 'other.pem'], 202],
    ['to embed what is not signed yet', ['approve', 'app.suit', '--prepare', '--embed', '-k', 'other.pem'], 202],
    ['a rule beside what was prepared', [...attach, '--vendor-kid', '00', '-k', 'operator.pub.pem'], 202],
  ])('%s', async (_, words, code) => {
    const before = await place.listing();
    const ended = await runHere(place, ...words);
    expect(ended.json()).toMatchObject({ error: { reason: { code } } });
    expect(await place.listing()).toEqual(before);
  });
});
