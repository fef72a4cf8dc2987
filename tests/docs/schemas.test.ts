// Public JSON is as published: docs/schemas/ is what the code says, every command has its schema, and what the commands print and
// what the pages show is valid by a validator that is not ours. (All other tests that run a command with --json check the
// same: tests/support/documents.ts.)

import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { Ajv2020, type ValidateFunction } from 'ajv/dist/2020.js';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { commands } from '../../host/cli/commands/index.js';
import { jsonSchema, schemas } from '../../host/describe/schemas/index.js';
import { documentJson, reasonData } from '../../host/json.js';
import { type Broker, startBroker } from '../../host/links/broker.js';
import { stateDocument } from '../../host/links/topics.js';
import { makePlace, type Place } from '../support/command.js';
import { type DeviceWorld, makeDeviceWorld } from '../support/device-world.js';
import { splitCode } from './markdown.js';

const NAMES = Object.keys(schemas);
const published = (name: string) => JSON.parse(readFileSync(`docs/schemas/${name}.json`, 'utf8'));
const validators = new Map<string, ValidateFunction>();

/** What is wrong with a document by its published schema. */
function faults(name: string, document: unknown): unknown {
  const known =
    validators.get(name) ?? new Ajv2020({ allErrors: true, formats: { 'date-time': true } }).compile(published(name));
  validators.set(name, known);
  return known(document) ? [] : known.errors;
}

describe('the parts that the code makes', () => {
  it.each(NAMES)('schemas/%s.json is what it makes now', async (name) => {
    await expect(`${JSON.stringify(jsonSchema(name), null, 2)}\n`).toMatchFileSnapshot(
      `../../docs/schemas/${name}.json`,
    );
  });
});

it('no other file is in docs/schemas, and every command has one', () => {
  expect(readdirSync('docs/schemas').sort()).toEqual(NAMES.map((name) => `${name}.json`).sort());
  expect(commands.map(({ name }) => name).filter((name) => !NAMES.includes(name))).toEqual([]);
});

it('every schema takes version 1 alone, and no member that it does not name', () => {
  const state = JSON.parse(stateDocument({ state: 50, reason: reasonData(120) }));
  expect(faults('device-state', state)).toEqual([]);
  for (const wrong of [{ ...state, more: 1 }, { ...state, version: 2 }, { ...state, reason: 120 }, { state: 50 }]) {
    expect(faults('device-state', wrong)).not.toEqual([]);
  }
  for (const name of NAMES) {
    const text = JSON.stringify(published(name));
    expect([name, text.match(/"type":"object"/g)?.length]).toEqual([
      name,
      // A record has its members' schema there, a document false.
      text.match(/"additionalProperties":(false|\{)/g)?.length,
    ]);
  }
});

describe('examples', () => {
  const examples = readdirSync('docs')
    .filter((name) => name.endsWith('.md'))
    .flatMap((page) =>
      splitCode(readFileSync(`docs/${page}`, 'utf8'))
        .blocks.filter(({ language }) => ['json', 'jsonl'].includes(language))
        .map(({ text, marks, line }) => [`${page}, line ${line}`, marks, text] as const),
    );

  it('are found', () => expect(examples.length).toBeGreaterThan(2));

  it.each(examples)('%s', (_, marks, text) => {
    const name = marks.find((mark) => mark.startsWith('schema='))?.slice('schema='.length);
    expect(NAMES).toContain(name);
    expect(faults(name!, JSON.parse(text))).toEqual([]);
    JSON.parse(text, (key, value) => {
      if (key === 'reason') expect(value).toEqual(reasonData(value.code));
      return value;
    });
  });
});

describe('what commands print', () => {
  let place: Place;
  let world: DeviceWorld;
  let broker: Broker;
  const at: Record<string, string> = {};

  beforeAll(async () => {
    place = await makePlace();
    world = makeDeviceWorld();
    broker = await startBroker();
    at.BROKER = broker.url;
    const policy = { unapproved: 'reject' } as const;
    at.PORT = (await world.board(policy, { broker: broker.url, name: 'one' })).port;
    world.package('p.suit', 1n);
    at.PACKAGE = world.path('p.suit');
    at.VENDOR = world.path('vendor.pem');
    at.OPERATOR = world.path('operator.pem');
    at.CONSENTER = world.path('consenter.pem');
    const put = (name: string, text: string) => writeFileSync(place.path(name), text);
    const anchors = ['vendor', 'operator', 'consenter']
      .map((role) => `{role: ${role}, key: ${world.path(`${role}.pub.pem`)}, name: ${role}}`)
      .join(', ');
    put('device.yaml', `device: "0a0b"\nvendor: vendor.example\nclass: virtual\nanchors: [${anchors}]\n`);
    put('template.yaml', `vendor: vendor.example\nclass: virtual\nanchors: [${anchors}]\n`);
    put('list.csv', 'id,name\n0a0b,one\n');
    put('change.yaml', 'policy: {unapproved: prompt}\n');
    put('app.bin', 'x'.repeat(1000));
    put('tool', 'exit 5');
  });
  afterAll(async () => {
    await world.close();
    await broker.close();
    await place.remove();
  });

  // In their order: each line may use what those before it made. Capital words stand for a place of this run.
  const LINES: [exit: number, line: string][] = [
    [0, 'keygen k'],
    [0, 'init --vendor vendor.example --class virtual --yes --force --dry-run'],
    [0, 'completion bash'],
    [0, 'inspect k.pem'],
    [0, 'package app.bin -k VENDOR --vendor vendor.example --class virtual -s 7 --version 1.7.0'],
    [0, 'package app.bin -k VENDOR --vendor vendor.example --class virtual -s 18446744073709551615 --force --prepare'],
    [0, 'inspect app.suit'],
    [0, 'inspect app.bin'],
    [0, 'bootstrap device.yaml'],
    [0, 'inspect device.cbor'],
    [20, 'check PACKAGE -b device.yaml'],
    [25, 'check app.suit -b other.yaml'],
    [0, 'approve PACKAGE -k OPERATOR -o p.cose --expires 90d --publish BROKER/shelf'],
    [0, 'approve PACKAGE -k OPERATOR --countersign -o c.suit'],
    [0, 'inspect p.cose'],
    [0, 'inspect p.cose --yaml'],
    [0, 'check PACKAGE -b device.yaml -a p.cose'],
    [2, 'publish p.cose --to BROKER/shelf'], // a fleet without devices: they would take it
    [0, 'publish PACKAGE --to BROKER/shelf'],
    [0, 'unpublish PACKAGE --from BROKER/shelf'],
    [0, 'lint p.cose --package app.suit -b device.yaml'],
    [1, 'lint p.cose --package app.suit -b device.yaml --strict'],
    [0, 'change change.yaml -k OPERATOR --bootstrap device.yaml'],
    [0, 'inspect change.change'],
    [0, 'config show'],
    [0, 'devices --broker BROKER'],
    [0, 'deliver PACKAGE -p PORT --dry-run'],
    [20, 'deliver PACKAGE -p PORT'],
    [0, 'deliver PACKAGE -p PORT --approval p.cose'],
    [2, 'deliver PACKAGE -p PORT'],
    [0, 'log -p PORT'],
    [0, 'evidence -p PORT --html e.html'],
    [3, 'log --broker BROKER --fleet empty --all'],
    [3, 'deliver PACKAGE --broker BROKER --fleet empty --group g'],
    [0, 'provision template.yaml --from list.csv --out boot'],
    [0, 'devices --broker BROKER --watch --for 1'],
    [0, 'home-assistant PACKAGE --broker BROKER --fleet demo --all'],
    [0, 'home-assistant PACKAGE --broker BROKER --fleet demo --all --watch --for 4'],
    [0, 'home-assistant --remove --broker BROKER --fleet demo'],
    [0, 'tree get . --all -p PORT'],
    [0, 'tree set Download/PkgURL http://x -p PORT'],
    [0, 'tree exec Update --detach -p PORT --dry-run'],
    [0, 'tree watch State -p PORT --count 1'],
    [2, 'consent -k CONSENTER -p PORT'],
    [0, 'console -p PORT --no-input --for 0.5'],
    [0, 'provision change.change -p PORT --dry-run'],
    [0, 'provision change.change --broker BROKER --fleet demo --all'],
    [2, 'provision change.change -p PORT'],
    [0, 'revoke PACKAGE -k OPERATOR -o d.cose'],
    [20, 'guard PACKAGE --bootstrap device.yaml --remember g.json --log g.jsonl -- true {image}'],
    [0, 'guard PACKAGE --bootstrap device.yaml --approval p.cose --remember g.json --log g.jsonl -- test -s {image}'],
    [5, 'guard PACKAGE --bootstrap device.yaml --approval p.cose --remember g.json --log g.jsonl -- sh tool {image}'],
    [0, 'export-c -o c'],
    [4, 'card read p.cose'], // with cards: tests/card/
    [130, 'board virtual --flash flash'],
    [130, 'gateway --port PORT --broker BROKER --fleet shelf'],
    [3, 'inspect nothing'],
    [4, 'nothing'],
  ];

  it.each(LINES)('%i: %s', async (exit, line) => {
    if (line.includes('other.yaml')) {
      const device = readFileSync(place.path('device.yaml'), 'utf8').replace('class: virtual', 'class: lamp');
      writeFileSync(place.path('other.yaml'), device);
    }
    const [name, ...given] = line.replace(/[A-Z]{4,}/g, (word) => at[word] ?? word).split(' ');
    const words = [name!, '--json', ...given];
    const running = place.start(...words);
    const untilStopped: Record<string, string> = { board: '"port"', gateway: '"joined"' };
    const said = untilStopped[words[0]!];
    if (said) await running.said(said);
    const { code, stdout } = await (said ? running.stop() : running.ended);
    const documents = stdout.trim().split('\n');
    expect(documents.length).toBeGreaterThan(0);
    for (const text of documents) {
      const document = JSON.parse(text);
      const schema = 'error' in document ? 'error' : name!;
      expect([text, faults(schema, document)]).toEqual([text, []]);
    }
    expect([code, stdout]).toEqual([exit, expect.anything()]);
  });

  it('are all commands', () => {
    const run = new Set(LINES.map(([, line]) => line.split(' ')[0]));
    expect(commands.map(({ name }) => name).filter((name) => !run.has(name))).toEqual([]);
  });
});

it('a document keeps every digit, and a reason is an object', () => {
  expect(documentJson({ sequence: 2n ** 64n - 1n, low: 1n, reason: reasonData(44) })).toBe(
    '{"version":1,"sequence":"18446744073709551615","low":"1","reason":{"code":44,"name":"ManifestMissing","text":' +
      `${JSON.stringify(reasonData(44).text)}}}`,
  );
});
