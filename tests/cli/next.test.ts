// "next:" is one line on stderr that can be copied: the program's own parser takes it, file names are those that were written,
// and what neither the line nor a setting gives stands in capitals. Never with --json, -q or --dry-run, nor beside -o -.

import { execFileSync } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { commands } from '../../host/cli/commands/index.js';
import { connectionWords } from '../../host/cli/connection.js';
import { nextLine } from '../../host/cli/next.js';
import { connectionOptions } from '../../host/cli/options.js';
import { parse } from '../../host/cli/parse.js';
import { makePlace, type Place } from '../support/command.js';

const none = () => ({ lookup: () => undefined });
/** What `init` writes down. */
const folder = () => ({
  lookup: (name: string) =>
    ['vendor', 'class', 'vendor-key', 'operator-key'].includes(name) ? all().lookup(name) : undefined,
});
const all = () => ({
  lookup: (name: string) => ({ value: name, place: 'project', origin: 'here', folder: '/' }) as const,
});

let place: Place;
const NAMES = ['--vendor', 'vendor.example', '--class', 'c'];
beforeAll(async () => {
  place = await makePlace();
  writeFileSync(place.path("it's.bin"), new Uint8Array(3000).fill(0xa5));
});
afterAll(() => place.remove());

/** In their order: each leaves the files of the next. */
const STEPS: [words: string[], next: string][] = [
  [['keygen', 'vendor'], 'init --vendor-key vendor.pub.pem'],
  [['keygen', 'operator'], 'init --operator-key operator.pub.pem'],
  [['keygen', 'owner'], 'init'],
  [['init', ...NAMES, '--device', '0a', '--yes'], 'package IMAGE -s NUMBER'],
  [['keygen', 'vendor2'], 'package IMAGE -k vendor2.pem -s NUMBER'],
  [['keygen', 'operator2'], 'approve PACKAGE -k operator2.pem'],
  [['keygen', 'owner2'], 'inspect owner2.pub.pem'],
  [['package', "it's.bin", '-s', '1'], `approve 'it'\\''s.suit'`],
  [['approve', "it's.suit"], `deliver 'it'\\''s.suit' --approval 'it'\\''s.cose' --port PORT`],
  [['approve', "it's.suit", '--embed', '-o', 'e.suit'], 'deliver e.suit --port PORT'],
  [['approve', "it's.suit", '--countersign', '-o', 'c.suit'], 'deliver c.suit --port PORT'],
  [['approve', '--class', 'c', '--range', '1..2', '-o', 'rule.cose'], 'publish rule.cose --to URL'],
  [['revoke', "it's.suit"], `tree set +Approvals --file 'it'\\''s.denied.cose' --port PORT`],
  [['bootstrap', 'device.yaml', '-o', 'boot.cbor'], 'provision boot.cbor --port PORT'],
];

it.each(STEPS)('%j', async (words, next) => {
  const { stdout, stderr } = await place.must(...words);
  expect(stderr.trimEnd().split('\n').at(-1)).toBe(`next: countersign ${next}`);
  expect(stdout).not.toContain('next:');
});

it.each(STEPS)('%j: a shell and the parser take the line', (_, next) => {
  const words = execFileSync('sh', ['-c', `printf '%s\\n' ${next}`], { encoding: 'utf8' })
    .trimEnd()
    .split('\n');
  const filled = words.map((word) => ({ NUMBER: '1', URL: 'mqtt://h/f' })[word] ?? word);
  expect(parse(commands, filled, folder).kind).toBe('run');
});

it.each(['--json', '-q', '--dry-run'])('%s: no such line', async (silent) => {
  const { stderr } = await place.must('package', "it's.bin", '-s', '1', silent);
  expect(stderr).not.toContain('next:');
});

it('after -o - there is no file to go on with', async () => {
  expect((await place.must('bootstrap', 'device.yaml', '-o', '-')).stderr).not.toContain('next:');
});

describe('what the command requires is there', () => {
  it.each([
    [['package'], 'package IMAGE -k VENDOR_KEY --vendor DOMAIN --class NAME -s NUMBER'],
    [['package', 'app.bin', '-s', '4'], 'package app.bin -s 4 -k VENDOR_KEY --vendor DOMAIN --class NAME'],
    [['package', '--sign', 'r.yaml'], 'package --sign r.yaml -k VENDOR_KEY'],
    [['approve', 'app.suit'], 'approve app.suit -k OPERATOR_KEY'],
    [['deliver', '--port', '/dev/ttyACM0'], 'deliver PACKAGE --port /dev/ttyACM0'],
    [['deliver', 'app.suit'], 'deliver app.suit --port PORT'],
    [['deliver', 'app.suit', '--broker', 'mqtt://h', '--device', 'd'], 'deliver app.suit --broker mqtt://h --device d'],
  ])('%j', (words, line) => expect(nextLine(commands, words, none, { board: false })).toBe(`countersign ${line}`));

  it('the port, unless a board runs here or a setting names one', () => {
    expect(nextLine(commands, ['deliver', 'app.suit'], none, { board: true })).toBe('countersign deliver app.suit');
    expect(nextLine(commands, ['deliver', 'app.suit'], all, { board: false })).toBe('countersign deliver app.suit');
  });

  it('but for what a setting gives', () =>
    expect(nextLine(commands, ['package'], all, { board: false })).toBe('countersign package IMAGE -s NUMBER'));
});

it('the same device is reached again, and no password repeated', () => {
  const read = (given: Record<string, string>) =>
    connectionWords(
      Object.fromEntries(
        Object.entries(connectionOptions).map(([key, { schema }]) => [key, schema.parse(given[key])]),
      ) as Parameters<typeof connectionWords>[0],
    );
  expect(read({ port: '/dev/ttyUSB0', baud: '9600' })).toEqual(['--port', '/dev/ttyUSB0', '--baud', '9600']);
  expect(read({ broker: 'mqtt://h', device: 'd' })).toEqual(['--broker', 'mqtt://h', '--device', 'd']);
  expect(read({ broker: 'mqtt://u:secret@h', fleet: 'plant' })).toEqual(['--broker', 'URL', '--fleet', 'plant']);
});
