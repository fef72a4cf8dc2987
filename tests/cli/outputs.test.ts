// What a command writes is none of the files that it reads, whatever they are called, and no two results go to one file. Nothing
// is changed then.

import { copyFileSync, linkSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { commands } from '../../host/cli/commands/index.js';
import { reasons } from '../../host/reasons.js';
import { makePlace, type Place } from '../support/command.js';

let place: Place;
const NAMES = ['--vendor', 'example.com', '--class', 'sensor', '-s', '5'];

beforeAll(async () => {
  place = await makePlace();
  for (const name of ['vendor', 'operator', 'second']) await place.must('keygen', name);
  writeFileSync(place.path('app.bin'), 'x'.repeat(1000));
  await place.must('package', 'app.bin', '-k', 'vendor.pem', ...NAMES);
  await place.must('approve', 'app.suit', '-k', 'operator.pem', '-o', 'app.cose');
  await place.must('approve', 'app.suit', '-k', 'operator.pub.pem', '--prepare');
  copyFileSync(place.path('app.cose'), place.path('b.cose'));
  copyFileSync(place.path('app.suit'), place.path('hard.suit'));
  linkSync(place.path('app.suit'), place.path('other-name.suit'));
  symlinkSync('app.suit', place.path('link.suit'));
  const anchors = '[{role: vendor, key: vendor.pub.pem}, {role: operator, key: operator.pub.pem}]';
  writeFileSync(place.path('d.yaml'), `device: "0a"\nvendor: example.com\nclass: sensor\nanchors: ${anchors}\n`);
  writeFileSync(place.path('rotate.yaml'), 'policy: { unapproved: prompt }\n');
  writeFileSync(place.path('pass.txt'), 'a passphrase\n');
  writeFileSync(place.path('rule.yaml'), (await place.must('inspect', 'app.cose', '--yaml')).stdout);
});
afterAll(() => place.remove());

const CASES: string[] = [
  'check app.suit -b d.yaml --junit app.suit',
  'check app.suit -b d.yaml --junit d.yaml',
  'check app.suit -b d.yaml -a app.cose --junit app.cose',
  'check app.suit -b d.yaml --junit vendor.pub.pem', // named by d.yaml
  'check nothing.suit -b d.yaml --junit d.yaml', // never opened: the package comes first
  'lint nothing.cose b.cose --junit b.cose',
  'lint app.cose --package app.suit --junit app.suit',
  'approve app.suit -k operator.pem -o app.suit',
  'approve app.suit -k operator.pem -o ./app.suit',
  'approve app.suit -k operator.pem -o link.suit',
  'approve app.suit -k operator.pem -o other-name.suit',
  'approve app.suit -k operator.pem -o operator.record.yaml',
  'approve app.suit -k operator.pem --countersign -o app.suit',
  'approve app.suit -k operator.pem --embed -o app.suit',
  'approve --from rule.yaml -k operator.pem --record none -o rule.yaml',
  'approve app.suit --vendor-key vendor.pub.pem -k operator.pem -o vendor.pub.pem',
  'approve app.suit --passphrase-file pass.txt -k operator.pem -o pass.txt',
  'approve --sign app.request.yaml -k operator.pem -o app.request.yaml',
  'approve app.suit -k operator.pub.pem --prepare -o new.yaml --raw app.suit',
  'revoke app.suit -k operator.pem -o app.suit',
  `package app.bin -k vendor.pem ${NAMES.join(' ')} -o app.bin`,
  `package app.bin -k vendor.pub.pem ${NAMES.join(' ')} --prepare -o app.bin`,
  'bootstrap d.yaml -o d.yaml',
  'bootstrap d.yaml -o vendor.pub.pem',
  'inspect app.suit --payload app.suit',
  'inspect app.suit --sever app.suit',
  'inspect vendor.pub.pem --public vendor.pub.pem',
  'change rotate.yaml -k operator.pem -o rotate.yaml',
  'change rotate.yaml -k operator.pem --bootstrap d.yaml -o d.yaml',
];

describe('an output that is an input is refused', () => {
  it.each(CASES)('%s', async (line) => {
    const before = await place.listing();
    const ended = await place.run(...line.split(' '), '--json');
    const missing = line.includes('nothing.');
    expect(ended.json().error.reason.name).toBe(missing ? 'FileNotFound' : 'OutputIsInput');
    expect(ended.code).toBe(missing ? reasons.FileNotFound.exit : 4);
    expect(await place.listing()).toEqual(before);
  });
});

it.each([
  'approve app.suit -k operator.pub.pem --prepare -o one --raw ./one',
  'inspect app.suit --payload one --sever one',
  'approve app.suit -k second.pem -o second.record.yaml', // its record, of which there is none yet
])('two results do not go to one file: %s', async (line) => {
  const before = await place.listing();
  const twice = await place.run(...line.split(' '), '--json');
  expect([twice.code, twice.json().error.reason.name]).toEqual([4, 'OutputIsInput']);
  expect(await place.listing()).toEqual(before);
});

describe('what is added to is written where it was read', () => {
  it('the record of an operator', async () => {
    await place.must('approve', 'app.suit', '-k', 'second.pem', '-o', 's1.cose');
    await place.must('approve', 'app.suit', '-k', 'second.pem', '-o', 's2.cose', '--record', 'second.record.yaml');
    expect(readFileSync(place.path('second.record.yaml'), 'utf8')).toContain('approve');
  });

  it('a change that another operator signs', async () => {
    await place.must('change', 'rotate.yaml', '-k', 'operator.pem', '-o', 'rotate.change');
    await place.must('change', 'rotate.change', '-k', 'second.pem');
    expect((await place.must('inspect', 'rotate.change', '--json')).json().signers).toHaveLength(2);
  });

  it('an output of the run before', async () => {
    for (const _ of [1, 2]) await place.must('bootstrap', 'd.yaml', '-o', 'boot.cbor');
  });
});

it('every option and argument that names a file says whether it is read or written', () => {
  const named = commands.flatMap(({ name, options }) =>
    Object.entries(options).map(([key, { value, file }]) => ({ what: `${name} ${key}`, value, file })),
  );
  const silent = named.filter(({ value, file }) => /file|request|signature/.test(value ?? '') && file === undefined);
  expect(silent.map(({ what }) => what)).toEqual([]);
  const written = named.filter(({ file }) => file === 'written').map(({ what }) => what);
  expect(written).toEqual(expect.arrayContaining(['check junit', 'approve output', 'inspect payload', 'log remember']));
});
