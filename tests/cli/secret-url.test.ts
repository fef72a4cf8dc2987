// A broker's password is shown by nothing: no error, no warning of Node's, no result, no JSON, no trace.

import { inspect } from 'node:util';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { CountersignError } from '../../host/errors.js';
import { toJson } from '../../host/json.js';
import { type Broker, startBroker } from '../../host/links/broker.js';
import { brokerSchema, placeSchema, placeText } from '../../host/links/broker-place.js';
import { connectBroker } from '../../host/links/mqtt.js';
import { readBroker } from '../../host/links/mqtt-url.js';
import { SecretUrl, withoutPassword } from '../../host/secret-url.js';
import { makePlace, type Place } from '../support/command.js';

let place: Place;
let broker: Broker;
beforeAll(async () => {
  place = await makePlace();
  broker = await startBroker();
  await place.given('keygen', 'operator');
});
afterAll(async () => {
  await broker.close();
  await place.remove();
});

const url = (text: string): SecretUrl => {
  const read = readBroker(text);
  if (!(read instanceof SecretUrl)) throw new Error(read.fault);
  return read;
};

describe('a URL with a secret cannot print itself', () => {
  const secret = url('mqtts://dev:HUSH@broker:8883/plant?token=HUSH');
  it.each([
    ['text', () => `${secret}`],
    ['JSON', () => JSON.stringify({ secret })],
    ['our JSON', () => toJson({ secret, list: [secret] })],
    ['inspected', () => inspect({ secret, deep: { secret } }, { depth: 9, showHidden: true })],
    [
      'an error that quotes the text it came from',
      () => new CountersignError('Fault', 'x: mqtts://dev:HUSH@broker').message,
    ],
    ['its hint', () => new CountersignError('Fault', 'x', { hint: '--broker mqtts://dev:HUSH@broker' }).hint],
    ['a key URI', () => new CountersignError('Fault', 'x: pkcs11:object=a?pin-value=HUSH&module-path=/b').message],
  ])('%s', (_, shown) => {
    expect(shown()).not.toContain('HUSH');
    expect(shown()).toContain('***');
  });
  it('but is what it was for the connection', () => {
    expect(secret.reveal()).toEqual({ username: 'dev', password: 'HUSH', search: '?token=HUSH' });
    expect(url('mqtt://a%40b:p%2Fw%23%3F@h').reveal()).toMatchObject({ username: 'a@b', password: 'p/w#?' });
    expect(url('mqtt://u:p@ss:w%rd@h').reveal()).toMatchObject({ username: 'u', password: 'p@ss:w%rd' });
    expect([url('mqtt://[::1]:1884').host, url('mqtt://[::1]:1884').port]).toEqual(['::1', 1884]);
  });
  it.each([
    ['mqtt://dev:HU/SH@h', 'mqtt://dev:***@h'],
    ['mqtt://dev:HU#S@H@h', 'mqtt://dev:***@h'],
    ['mqtt://dev:HU\nSH@h', 'mqtt://dev:***@h'],
    ['dev:HUSH@h:1883', 'dev:***@h:1883'],
    ['mqtt://dev@h', 'mqtt://dev@h'],
    ['mqtt://h:1883/fleet', 'mqtt://h:1883/fleet'],
    ['/keys/me@work.pem', '/keys/me@work.pem'],
    ['pkcs11:token=a@b', 'pkcs11:token=a@b'],
  ])('%j is shown as %j', (text, shown) => expect(withoutPassword(text)).toBe(shown));
});

describe('a password that would end the name of the host', () => {
  it.each([
    ['/', '%2F'],
    ['#', '%23'],
    ['?', '%3F'],
    ['\\', '%5C'],
  ])('%s: refused with how to write it', async (letter, code) => {
    const text = `mqtt://dev:HUSH${letter}HUSH@127.0.0.1:1/plant`;
    for (const schema of [brokerSchema, placeSchema]) {
      const said = schema.safeParse(text).error!.issues[0]!.message;
      expect(said).toContain(`write ${letter} as ${code}`);
      expect(said).not.toContain('HUSH');
    }
    const error = await connectBroker(text).catch((thrown) => thrown);
    expect(error).toMatchObject({ reason: { name: 'BadArgument' } });
    expect(inspect(error)).not.toContain('HUSH');
  });
  it('a fleet behind it is read, and shown', () => {
    expect(placeText(placeSchema.parse('mqtt://dev:HUSH@h/plant'))).toBe('mqtt://dev:***@h/plant');
    expect(placeSchema.safeParse('wss://h/plant').success).toBe(false);
    expect(placeSchema.safeParse('mqtt://h/a/b').success).toBe(false);
  });
});

const COMMANDS: [string, (at: string) => string[]][] = [
  ['devices', (at) => ['devices', '--broker', at]],
  ['tree', (at) => ['tree', 'get', '.', '--broker', at, '--device', 'one']],
  ['log, as a port', (at) => ['log', '--port', at]],
  ['board', (at) => ['board', 'virtual', '--broker', at]],
  ['check', (at) => ['check', 'none.suit', '-b', 'none.yaml', '--approvals-from', at]],
  ['publish', (at) => ['publish', 'none.cose', '--to', at]],
  ['revoke', (at) => ['revoke', 'none.suit', '-k', 'operator.pem', '--publish', at]],
];

describe('no command shows it', () => {
  it.each(COMMANDS)('%s', async (_, words) => {
    for (const password of ['HUSH', 'HU/SH', 'HUSH#HUSH']) {
      const at = `mqtt://dev:${password}@127.0.0.1:1/plant`;
      const ended = await place.run(...words(at), '-vv', '--json');
      expect(ended.code).not.toBe(0);
      const said = (ended.stdout + ended.stderr).replace(/-[\w-]{8}\.js/g, '.js'); // any letters may be in a name of a part
      for (const part of password.split(/[/#]/)) expect(said).not.toContain(part);
      expect(said).not.toContain('Warning');
    }
  });

  it('config show', async () => {
    for (const value of ['mqtt://dev:HUSH@h', 'mqtt://dev:HU/SH@h', 'dev:HUSH@h']) {
      const environment = { COUNTERSIGN_BROKER: value, COUNTERSIGN_PUBLISH: value };
      for (const more of [[], ['--json'], ['--origin']]) {
        const { stdout, stderr } = await place.runWith({ environment }, 'config', 'show', ...more);
        expect(stdout).toContain('dev:***@h');
        expect(stdout + stderr).not.toMatch(/HU|SH@/);
      }
    }
  });

  it('board virtual that is on a broker, and who looks at it', async () => {
    const at = broker.url.replace('//', '//dev:HUSH@');
    const board = place.start('board', 'virtual', '--broker', at, '--json');
    await board.said('"port"');
    const seen = await place.must('devices', '--broker', at, '-v');
    expect(seen.stdout).toContain('demo/virtual  online');
    const { stdout, stderr } = await board.stop();
    expect(stdout).toContain('dev:***@127.0.0.1');
    expect(stdout + stderr + seen.stdout + seen.stderr).not.toContain('HUSH');
  });
});
