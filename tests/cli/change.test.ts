// An operator rotates keys on devices in the field: signed, foretold, brought to one device and to a fleet.

import { type ChildProcess, spawn } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { startBroker } from '../../host/links/broker.js';
import { connectBroker } from '../../host/links/mqtt.js';
import { topicsOf } from '../../host/links/topics.js';
import { makePlace, type Place } from '../support/command.js';

const PROGRAM = fileURLToPath(new URL('../../dist/bin/countersign.js', import.meta.url));
const FLEET = ['one', 'two', 'blank'];

let place: Place;
let broker: Awaited<ReturnType<typeof startBroker>>;
const boards: { child: ChildProcess; ended: Promise<unknown> }[] = [];

const anchors = (...operators: string[]) =>
  ['{role: vendor, key: vendor.pub.pem}', ...operators.map((key) => `{role: operator, key: ${key}.pub.pem}`)].join(
    ', ',
  );

async function startBoard(name: string): Promise<void> {
  const words = ['board', 'virtual', '--flash', `${name}.flash`, '--broker', broker.url, '--device', name];
  const child = spawn(process.execPath, [PROGRAM, ...words], {
    cwd: place.folder,
    env: { ...process.env, HOME: place.folder, XDG_STATE_HOME: '' },
    stdio: ['ignore', 'ignore', 'pipe'],
  });
  const ended = new Promise((resolve) => child.on('exit', resolve));
  boards.push({ child, ended });
  let said = '';
  await new Promise<void>((resolve, reject) => {
    child.stderr!.setEncoding('utf8').on('data', (text: string) => {
      said += text;
      if (said.includes('running until')) resolve();
    });
    child.on('exit', () => reject(new Error(said)));
  });
}

beforeAll(async () => {
  place = await makePlace();
  broker = await startBroker(0);
  for (const key of ['vendor', 'old', 'new', 'stranger']) await place.given('keygen', key);
  writeFileSync(place.path('rotate.yaml'), `anchors: [${anchors('new', 'old')}]\npolicy: {threshold: 2}\n`);
  for (const name of FLEET) await startBoard(name);
  for (const [name, device] of [
    ['one', '0a01'],
    ['two', '0a02'],
  ] as const) {
    const document = `device: "${device}"\nvendor: v.example\nclass: c\nanchors: [${anchors('old')}]\n`;
    writeFileSync(place.path(`${name}.yaml`), document);
    await place.must('provision', `${name}.yaml`, '--broker', broker.url, '--device', name);
  }
}, 200_000);
afterAll(async () => {
  for (const { child } of boards) child.kill('SIGINT');
  await Promise.all(boards.map(({ ended }) => ended));
  await broker.close();
  await place.remove();
});

describe('countersign change', { timeout: 200_000 }, () => {
  const all = (...words: string[]) => place.run('provision', ...words, '--broker', broker.url, '--all', '--json');

  it('signs, says whether a device would take it, and writes nothing on a dry run', async () => {
    const before = await place.listing();
    const dry = await place.must('change', 'rotate.yaml', '-k', 'old.pem', '--bootstrap', 'one.yaml', '--dry-run');
    expect(dry.stdout).toMatch(/would write rotate.change[\s\S]*would pass +yes/);
    expect(await place.listing()).toEqual(before);
    const wrong = await place.run('change', 'rotate.yaml', '-k', 'stranger.pem', '--bootstrap', 'one.yaml', '--json');
    expect([wrong.code, wrong.json().error.reason.name]).toEqual([22, 'SignerUnknown']);
    const made = await place.must('change', 'rotate.yaml', '-k', 'old.pem', '--json');
    expect(made.json()).toMatchObject({ output: 'rotate.change', written: true, policy: { threshold: 2 } });
    const shown = await place.must('inspect', 'rotate.change');
    expect(shown.stdout).toMatch(
      /change of anchors, policy or groups[\s\S]*operator key [0-9a-f]{16}[\s\S]*threshold: 2/,
    );
  });

  it('reaches one device, once; again is nothing to do', async () => {
    const one = ['--broker', broker.url, '--device', 'one', '--json'];
    const dry = await place.must('provision', 'rotate.change', ...one, '--dry-run');
    expect(dry.json()).toMatchObject({ outcome: 'acceptable' });
    expect((await place.must('provision', 'rotate.change', ...one)).json()).toMatchObject({ outcome: 'taken' });
    const again = await place.run('provision', 'rotate.change', ...one);
    expect([again.code, again.json().outcome]).toEqual([2, 'in-force']);
  });

  it('reaches a fleet: each device says how it went, and those that did not go can be tried again', async () => {
    const run = await all('rotate.change');
    expect(run.json().devices).toMatchObject([
      { device: 'blank', reason: { code: 87 } },
      { device: 'one', outcome: 'in-force', reason: { code: 0 } },
      { device: 'two', outcome: 'taken', reason: { code: 0 } },
    ]);
    expect([run.code, run.json().online, run.json().failed]).toEqual([26, 3, 1]);
  });

  it('is not done while devices of the fleet are away: it names them, and ends with 41; a refusal is worse', async () => {
    const client = await connectBroker(broker.url);
    const leave = (fleet: string, name: string, online: boolean) =>
      client.publishAsync(topicsOf(fleet, name).online, online ? 'online' : 'offline', { qos: 1, retain: true });
    await leave('demo', 'cellar', false);
    const worse = await all('rotate.change');
    expect([worse.code, worse.json().away]).toEqual([26, ['cellar']]);
    await client.publishAsync(topicsOf('demo', 'cellar').online, '', { qos: 1, retain: true });

    // More than ten at a time share one signal.
    const crowd = Array.from({ length: 12 }, (_, at) => `n${at}`);
    for (const name of crowd) await leave('crowd', name, true);
    for (const name of ['attic', 'cellar']) await leave('crowd', name, false);
    await client.endAsync(true);
    const where = ['--broker', broker.url, '--fleet', 'crowd', '--all', '--timeout', '0.3', '--retries', '0'];
    const silent = await place.run('provision', 'rotate.change', ...where);
    expect(silent.code).toBe(41);
    expect(silent.stdout).toContain('crowd/attic: offline\ncrowd/cellar: offline\n');
    expect(silent.stdout).toContain('0 of 14 devices have the change; 12 failed, 2 offline');
    expect(silent.stderr).not.toContain('MaxListeners');
  });

  it('from then on two have to sign: the file goes round', async () => {
    writeFileSync(place.path('policy.yaml'), `sequence: 3000000000\npolicy: {threshold: 1}\n`);
    await place.must('change', 'policy.yaml', '-k', 'old.pem', '-o', 'p.change');
    const alone = await place.run('provision', 'p.change', '--broker', broker.url, '--device', 'two', '--json');
    expect([alone.code, alone.json().error.reason.name]).toEqual([20, 'TooFewOperators']);
    expect((await place.run('change', 'p.change', '-k', 'old.pem')).code).toBe(2);
    expect((await place.must('change', 'p.change', '-k', 'new.pem', '--json')).json().signers).toHaveLength(2);
    expect((await all('p.change')).json().devices.map(({ outcome }: { outcome: string }) => outcome)).toEqual([
      expect.stringContaining('failed'),
      'taken',
      'taken',
    ]);
    const old = await place.run('provision', 'rotate.change', '--broker', broker.url, '--device', 'two', '--json');
    expect([old.code, old.json().error.reason.name]).toEqual([23, 'ChangeSuperseded']);
  });

  it('--all is for changes, and for a broker', async () => {
    expect((await all('one.yaml')).code).toBe(4);
    expect((await place.run('provision', 'p.change', '--all', '--port', 'none')).code).toBe(4);
  });
});
