// check: the core's verdict, its chain and its exit code. Packages and approvals are made by the commands themselves, so
// this is also the proof that what host/formats builds is what the core accepts.

import { readFile, writeFile } from 'node:fs/promises';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { reasonData } from '../../host/json.js';
import { makePlace, type Place, runHere } from '../support/command.js';

let place: Place;
const make = async (...words: string[]) => {
  const { code, json } = await runHere(place, ...words);
  if (code !== 0) throw new Error(`${words.join(' ')}: ${JSON.stringify(json())}`);
};
const put = (name: string, content: string | Uint8Array) => writeFile(place.path(name), content);
const approve = (key: string, output: string, ...more: string[]) =>
  make('approve', '-k', `${key}.pem`, '-o', output, '--record', 'none', ...more);

function deviceYaml(policy: string, more = ''): string {
  return `
device: "0011"
vendor: example.com
class: sensor
anchors:
  - {role: vendor, key: vendor.pub.pem, name: ACME}
  - {role: operator, key: one.pub.cose, name: Net One}
  - {role: operator, key: two.pub.pem}
policy: ${policy}
${more}`;
}

beforeAll(async () => {
  place = await makePlace();
  for (const name of ['vendor', 'one', 'stranger']) await place.given('keygen', name);
  await place.given('keygen', 'two', '-t', 'p256');
  await put(
    'app.bin',
    Uint8Array.from({ length: 3000 }, (_, i) => i & 0xff),
  );
  const pack = (output: string, ...more: string[]) =>
    make(
      'package',
      'app.bin',
      '-k',
      'vendor.pem',
      '--vendor',
      'example.com',
      '--class',
      'sensor',
      '--name',
      'Sensor',
      '--version',
      '1.2.0',
      '-o',
      output,
      ...more,
    );
  await pack('app.suit', '-s', '5');
  await pack('detached.suit', '-s', '5', '--detached');
  await pack('asking.suit', '-s', '5', '--ask-authorization');
  await make(
    'package',
    'app.bin',
    '-k',
    'stranger.pem',
    '--vendor',
    'example.com',
    '--class',
    'sensor',
    '-s',
    '5',
    '-o',
    'stranger.suit',
  );
  await make(
    'package',
    'app.bin',
    '-k',
    'vendor.pem',
    '--vendor',
    'example.com',
    '--class',
    'toaster',
    '-s',
    '5',
    '-o',
    'toaster.suit',
  );
  await approve('one', 'one.cose', 'app.suit', '--sequence', '10');
  await approve('two', 'two.cose', 'app.suit');
  await approve('stranger', 'stranger.cose', 'app.suit');
  await approve('one', 'old.cose', 'app.suit', '--sequence', '9');
  await approve('one', 'brief.cose', 'app.suit', '--expires', '2030-01-01', '--not-before', '2029-01-01');
  await approve('one', 'other-device.cose', 'app.suit', '-d', '0022');
  await approve('one', 'other-range.cose', '--class', 'sensor', '--vendor', 'example.com', '--range', '6..9');
  await approve('one', 'rule.cose', '--class', 'sensor', '--vendor', 'example.com', '--range', '5..9');
  await approve('one', 'ask.cose', 'app.suit', '--confirm', 'ask');
  await approve('one', 'embedded.suit', 'app.suit', '--embed');
  await approve('two', 'countersigned.suit', 'app.suit', '--countersign');
  await make('revoke', 'app.suit', '-k', 'one.pem', '--record', 'none', '--sequence', '11', '-o', 'denied.cose');
  await make(
    'revoke',
    '--vendor-kid',
    '0011',
    '-k',
    'one.pem',
    '--record',
    'none',
    '--sequence',
    '12',
    '-o',
    'newer.cose',
  );
  await put('device.yaml', deviceYaml('{}'));
  await put('prompt.yaml', deviceYaml('{unapproved: prompt}'));
  await put('two-of-two.yaml', deviceYaml('{threshold: 2}'));
  await put('tree-only.yaml', deviceYaml('{sources: [tree]}'));
  await put('with-approval.yaml', deviceYaml('{}', 'approvals: [one.cose]'));
  await put('same-key-twice.yaml', deviceYaml('{}').replace('two.pub.pem', 'one.pub.pem'));
  await put('no-operator.yaml', deviceYaml('{}').replaceAll('role: operator', 'role: consenter'));
  const whole = new Uint8Array(await readFile(place.path('embedded.suit')));
  whole[whole.length - 1]! ^= 1;
  await put('spoiled.suit', whole);
});
afterAll(() => place.remove());

type Row = [what: string, words: string[], verdict: string, reason: string, exit: number];

// The words after `check`; without a bootstrap named, the plain device is meant.
const TABLE: Row[] = [
  ['nothing approves it', ['app.suit'], 'reject', 'NotApproved', 20],
  ['nothing approves it, the policy prompts', ['app.suit', '-b', 'prompt.yaml'], 'ask', 'NotApproved', 30],
  ['a document', ['app.suit', '-a', 'one.cose'], 'install', 'Ok', 0],
  ['a document from the card', ['app.suit', '-a', 'one.cose:card'], 'install', 'Ok', 0],
  ['a document that the device was born with', ['app.suit', '-b', 'with-approval.yaml'], 'install', 'Ok', 0],
  ['a rule', ['app.suit', '-a', 'rule.cose'], 'install', 'Ok', 0],
  ['a document in the package', ['embedded.suit'], 'install', 'Ok', 0],
  ['a countersignature', ['countersigned.suit'], 'install', 'Ok', 0],
  ['a document that wants the user asked', ['app.suit', '-a', 'ask.cose'], 'ask', 'AwaitingUser', 30],
  ['a manifest that asks for authorization, approved', ['asking.suit', '-a', 'rule.cose'], 'install', 'Ok', 0],
  ['a document of a stranger', ['app.suit', '-a', 'stranger.cose'], 'reject', 'ApprovalInvalid', 22],
  ['something that is no document', ['app.suit', '-a', 'vendor.pub.pem'], 'reject', 'ApprovalInvalid', 22],
  ['a document for another device', ['app.suit', '-a', 'other-device.cose'], 'reject', 'ApprovalOtherDevice', 20],
  ['a rule for other packages', ['app.suit', '-a', 'other-range.cose'], 'reject', 'ApprovalOtherPackage', 20],
  [
    'a document that has expired',
    ['app.suit', '-a', 'brief.cose', '--now', '2030-01-01'],
    'reject',
    'ApprovalExpired',
    23,
  ],
  [
    'a document before its time',
    ['app.suit', '-a', 'brief.cose', '--now', '2028-12-31'],
    'reject',
    'ApprovalNotYetValid',
    23,
  ],
  ['the same in its time', ['app.suit', '-a', 'brief.cose', '--now', '2029-06-01'], 'install', 'Ok', 0],
  ['the same without a clock', ['app.suit', '-a', 'brief.cose', '--clockless'], 'reject', 'ApprovalNotYetValid', 23],
  ['a denial', ['app.suit', '-a', 'one.cose', '-a', 'denied.cose'], 'reject', 'Denied', 23],
  ['a denial against a countersignature', ['countersigned.suit', '-a', 'denied.cose:card'], 'reject', 'Denied', 23],
  ['a denial under prompt', ['app.suit', '-a', 'denied.cose', '-b', 'prompt.yaml'], 'reject', 'Denied', 23],
  ['a newer document that is silent', ['app.suit', '-a', 'one.cose', '-a', 'newer.cose'], 'reject', 'Superseded', 23],
  ['one of two operators', ['app.suit', '-a', 'one.cose', '-b', 'two-of-two.yaml'], 'reject', 'TooFewOperators', 20],
  [
    'one operator twice',
    ['app.suit', '-a', 'one.cose', '-a', 'rule.cose', '-b', 'two-of-two.yaml'],
    'reject',
    'TooFewOperators',
    20,
  ],
  [
    'two of two operators',
    ['app.suit', '-a', 'one.cose', '-a', 'two.cose:card', '-b', 'two-of-two.yaml'],
    'install',
    'Ok',
    0,
  ],
  [
    'a source that the policy does not take',
    ['embedded.suit', '-b', 'tree-only.yaml'],
    'reject',
    'SourceNotAllowed',
    20,
  ],
  ['a card that cannot be read', ['app.suit', '--unreachable', 'card'], 'reject', 'SourceUnreachable', 20],
  ['another vendor', ['stranger.suit'], 'reject', 'VendorSignature', 21],
  ['another class', ['toaster.suit'], 'reject', 'ClassId', 25],
  ['a rollback', ['countersigned.suit', '--installed', '6'], 'reject', 'Rollback', 24],
  ['the same package again', ['countersigned.suit', '--installed', '5'], 'install', 'Ok', 0],
  ['a slot that is too small', ['countersigned.suit', '--slot', '2999'], 'reject', 'SlotTooSmall', 27],
  ['a slot that is just enough', ['countersigned.suit', '--slot', '3000'], 'install', 'Ok', 0],
  ['what is no package', ['app.bin'], 'reject', 'EnvelopeTag', 1],
];

describe('the verdict, its reason and the exit code', () => {
  it.each(TABLE)('%s', async (_, words, verdict, name, exit) => {
    const named = words.includes('-b') ? words : [...words, '-b', 'device.yaml'];
    const ended = await runHere(place, 'check', ...named);
    const result = ended.json();
    expect([result.verdict, result.reason.name, ended.code]).toEqual([verdict, name, exit]);
    expect(result.toPass.length === 0).toBe(verdict === 'install');
  });
});

describe('the chain', () => {
  it('names source, signer and entry', async () => {
    const ended = await place.must(
      'check',
      'countersigned.suit',
      '-b',
      'device.yaml',
      '-a',
      'one.cose:card',
      '-a',
      'stranger.cose',
      '--json',
    );
    const { findings, vendor, payload, approvals } = ended.json();
    expect(vendor?.name).toBe('ACME');
    expect(payload).toMatchObject({ intact: true, bytes: 3000 });
    expect(approvals).toBe(2);
    const digestText = ended.json().digest;
    expect(
      findings.map(({ operator, ...rest }: Record<string, { name?: string } | undefined>) => ({
        ...rest,
        by: operator?.name,
      })),
    ).toEqual([
      { source: 'package', reason: reasonData(0), by: undefined },
      {
        source: 'card',
        reason: reasonData(0),
        sequence: '10',
        entry: 0,
        says: `approve package ${digestText}`,
        by: 'Net One',
      },
      { source: 'tree', reason: reasonData(31), by: undefined },
    ]);
  });

  it('says what would make it pass', async () => {
    const { stdout } = await place.run('check', 'app.suit', '-b', 'two-of-two.yaml', '-a', 'two.cose');
    expect(stdout).toMatch(/^would refuse: fewer operators/);
    expect(stdout).toMatch(/1 more approval, of operator [0-9a-f]{16} \(Net One\): countersign approve app\.suit/);
    expect(stdout).toContain('1 of 2 needed');
    expect(stdout).toContain('row           8: not approved');
  });

  it('a damaged firmware is found after the verdict', async () => {
    const ended = await place.run('check', 'spoiled.suit', '-b', 'device.yaml', '--json');
    expect(ended.code).toBe(1);
    expect(ended.json()).toMatchObject({
      verdict: 'install',
      payload: { intact: false, reason: { name: 'PayloadDigest' } },
    });
  });

  it('a detached firmware is looked at if it is given', async () => {
    const without = await place.must('check', 'detached.suit', '-b', 'device.yaml', '-a', 'rule.cose', '--json');
    expect(without.json().payload).toBeUndefined();
    const given = await place.must(
      'check',
      'detached.suit',
      '-b',
      'device.yaml',
      '-a',
      'rule.cose',
      '--image',
      'app.bin',
      '--json',
    );
    expect(given.json().payload?.intact).toBe(true);
  });
});

describe('the program itself', () => {
  it.each([
    ['app.suit', 20, /^would refuse: /],
    ['countersigned.suit', 0, /^would install: approved\n/],
  ])('%s ends with %i', async (file, exit, first) => {
    const { code, stdout, stderr } = await place.run('check', file, '-b', 'device.yaml');
    expect([code, stderr]).toEqual([exit, '']);
    expect(stdout).toMatch(first);
  });
});

describe('what cannot be checked', () => {
  it.each<[string, string[], number]>([
    ['a device that is not described', ['app.suit'], 4],
    ['a package that is not there', ['none.suit', '-b', 'device.yaml'], 3],
    ['a bootstrap that is not there', ['app.suit', '-b', 'none.yaml'], 3],
    ['an approval that is not there', ['app.suit', '-b', 'device.yaml', '-a', 'none.cose:card'], 3],
    ['a bootstrap with one key twice', ['app.suit', '-b', 'same-key-twice.yaml'], 1],
    ['a bootstrap without operators', ['app.suit', '-b', 'no-operator.yaml'], 1],
    ['two clocks', ['app.suit', '-b', 'device.yaml', '--clockless', '--now', '2030-01-01'], 4],
    ['a source that is none', ['app.suit', '-b', 'device.yaml', '--unreachable', 'cloud'], 4],
  ])('%s', async (_, words, code) => {
    const ended = await place.run('check', ...words);
    expect(ended.stderr).toMatch(/^error: [a-z]+: .*\nhint: /m);
    expect(ended.code).toBe(code);
    expect(ended.stdout).toBe('');
  });
});

describe('approve --vendor-key', () => {
  it('signs only what the vendor signed', async () => {
    const words = ['approve', 'app.suit', '-k', 'one.pem', '--countersign', '-o', 'again.suit', '--vendor-key'];
    expect((await place.run(...words, 'vendor.pub.pem')).code).toBe(0);
    expect(await place.run(...words, 'stranger.pub.cose')).toMatchObject({
      code: 21,
      stderr: expect.stringContaining('not signed with'),
    });
  });
});

describe('a package of the largest size', () => {
  const REPORT = 'process.on("exit",()=>console.error("peak",process.resourceUsage().maxRSS))'; // KiB
  const peak = async (name: string) => {
    const environment = { NODE_OPTIONS: `--import data:text/javascript,${encodeURIComponent(REPORT)}` };
    const { code, stderr } = await place.runWith({ environment }, 'check', name, '-b', 'device.yaml');
    return { code, kib: Number(/peak (\d+)/.exec(stderr)?.[1]) };
  };
  it('is judged as it is read, not held', async () => {
    await writeFile(place.path('huge.bin'), Buffer.alloc(60 * 1024 * 1024, 1));
    const words = ['-k', 'vendor.pem', '--vendor', 'example.com', '--class', 'sensor', '-s', '5'];
    await place.given('package', 'huge.bin', ...words, '-o', 'huge.suit');
    await place.given('approve', 'huge.suit', '-k', 'one.pem', '--countersign', '-o', 'huge.yes.suit');
    const small = await peak('countersigned.suit');
    const huge = await peak('huge.yes.suit');
    expect([small.code, huge.code]).toEqual([0, 0]);
    expect(huge.kib - small.kib).toBeLessThan(30 * 1024);
  });
});
