// Brokers as they are run in earnest: with TLS, certificates of clients, WebSockets, passwords, and MQTT 5. What hinders is said,
// with what to do about it.

import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { commands } from '../../host/cli/commands/index.js';
import { connectBroker, listDevices, openMqtt } from '../../host/links/mqtt.js';
import { brokerOf } from '../../host/links/mqtt-url.js';
import { publishPackage } from '../../host/links/packages.js';
import { type Access, SecretUrl } from '../../host/secret-url.js';
import { createClient } from '../../host/smp/client.js';
import { echo } from '../../host/smp/commands.js';
import { makePlace, type Place } from '../support/command.js';
import { makeDeviceWorld } from '../support/device-world.js';
import { type Mosquitto, makeAuthority, makeCertificate, startMosquitto } from '../support/mosquitto.js';
import { have } from '../support/need.js';

const open = async (url: string, access: Access = {}) => {
  const client = await connectBroker(brokerOf(url).with(access));
  await client.endAsync(true);
};

describe.skipIf(!have('mosquitto', 'openssl'))('a broker that asks for certificates', () => {
  let broker: Mosquitto;
  let strangers: string;
  let cert: string;
  let certKey: string;
  const url = () => broker.secure.url;
  const ca = () => broker.secure.authority;
  const fault = (name: string, hint: RegExp) => ({ reason: { name }, hint: expect.stringMatching(hint) });

  beforeAll(async () => {
    broker = await startMosquitto({ tls: { asking: true }, web: true });
    [cert, certKey] = broker.certificate('sensor-7');
    strangers = mkdtempSync(join(tmpdir(), 'countersign-strangers-'));
    makeAuthority(strangers);
  });
  afterAll(async () => {
    await broker?.close();
    rmSync(strangers, { recursive: true });
  });

  it('lets in who has one, over TLS and over WebSockets, with MQTT 3.1.1 and 5', async () => {
    for (const where of [url(), url().replace('mqtts', 'ssl'), broker.secure.web]) {
      for (const mqtt of ['3.1.1', '5'] as const) await open(where, { ca: ca(), cert, certKey, mqtt });
    }
    await open(broker.web);
    const both = join(strangers, 'both.pem');
    writeFileSync(both, execFileSync('cat', [cert, certKey]));
    await open(url(), { ca: ca(), cert: both });
  });

  it('keeps out who has none, one of somebody else, or one that is over', async () => {
    await expect(open(url(), { ca: ca() })).rejects.toMatchObject(fault('LinkUnavailable', /--cert/));
    const [of, key] = makeCertificate(strangers, 'stranger');
    await expect(open(url(), { ca: ca(), cert: of, certKey: key })).rejects.toMatchObject(
      fault('LinkUnavailable', /--cert/),
    );
    const [late, lateKey] = broker.certificate('late', -1);
    await expect(open(url(), { ca: ca(), cert: late, certKey: lateKey })).rejects.toMatchObject(
      fault('LinkUnavailable', /in date/),
    );
  });

  it('is not believed without its authority, by another one, by another name, or when its own is over', async () => {
    const mine = { cert, certKey };
    await expect(open(url(), mine)).rejects.toMatchObject(fault('LinkUnavailable', /--ca/));
    const other = join(strangers, 'authority.pem');
    await expect(open(url(), { ...mine, ca: other })).rejects.toMatchObject(fault('LinkUnavailable', /--ca/));
    await expect(open(url().replace('127.0.0.1', 'localhost'), { ...mine, ca: ca() })).rejects.toMatchObject(
      fault('LinkUnavailable', /name of the broker/),
    );
    const old = await startMosquitto({ tls: { days: -1 } });
    await expect(open(old.secure.url, { ca: old.secure.authority })).rejects.toMatchObject(
      fault('LinkUnavailable', /expired/),
    );
    await old.close();
  });

  it('is not asked with files that are none, and never without TLS', async () => {
    const no = join(strangers, 'no.pem');
    await expect(open(url(), { ca: no })).rejects.toMatchObject({ reason: { name: 'FileNotFound' } });
    writeFileSync(no, 'nothing\n');
    await expect(open(url(), { ca: no })).rejects.toMatchObject(fault('FileMalformed', /PEM/));
    await expect(open(url(), { cert, certKey: no })).rejects.toMatchObject(fault('FileMalformed', /--cert-key/));
    await expect(open(url(), { cert })).rejects.toMatchObject(fault('FileMalformed', /--cert-key/));
    await expect(open(url(), { certKey })).rejects.toMatchObject({ reason: { name: 'BadArgument' } });
    writeFileSync(no, '-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n');
    await expect(open(url(), { cert: no, certKey })).rejects.toMatchObject({ reason: { name: 'FileMalformed' } });
    const [, otherKey] = makeCertificate(strangers, 'other');
    await expect(open(url(), { ca: ca(), cert, certKey: otherKey })).rejects.toMatchObject(
      fault('KeyWrong', /made for/),
    );
    const closed = join(strangers, 'closed.key');
    execFileSync('openssl', ['pkey', '-in', certKey, '-aes256', '-passout', 'pass:secret', '-out', closed]);
    await expect(open(url(), { ca: ca(), cert, certKey: closed })).rejects.toMatchObject(
      fault('PassphraseNeeded', /unencrypted/),
    );
    await expect(open(broker.url, { ca: ca() })).rejects.toMatchObject(fault('BadArgument', /mqtts:/));
    await expect(open(url().replace(/\d+$/, new URL(broker.url).port), { ca: ca() })).rejects.toMatchObject(
      fault('LinkUnavailable', /may have no TLS/),
    );
  });

  it('is reached by commands, by options or by what a file of settings says, and by a board', async () => {
    const place: Place = await makePlace();
    const world = makeDeviceWorld();
    try {
      await world.board({}, { broker: brokerOf(url()).with({ ca: ca(), cert, certKey, mqtt: '5' }), name: 'one' });
      const options = ['--broker', url(), '--ca', ca(), '--cert', cert, '--cert-key', certKey];
      const listed = await place.run('devices', ...options, '--json');
      expect(listed.json().devices).toMatchObject([{ name: 'one', online: true }]);
      const settings = { broker: url(), ca: ca(), cert, 'cert-key': certKey, mqtt: 5 };
      writeFileSync(
        place.path('countersign.yaml'),
        Object.entries(settings)
          .map(([name, value]) => `${name}: "${value}"\n`)
          .join(''),
      );
      const got = await place.run('tree', 'get', 'State', '--device', 'one');
      expect([got.code, got.stdout]).toEqual([0, '10 idle\n']);
      const missing = await place.run('devices', '--ca', 'no.pem', '--json');
      expect([missing.code, missing.json().error.reason.name]).toEqual([3, 'FileNotFound']);
    } finally {
      await world.close();
      await place.remove();
    }
  });
});

describe.skipIf(!have('mosquitto', 'mosquitto_passwd'))('MQTT 5 and accounts', () => {
  it('a password, a client name, and rights that are missing', async () => {
    const acl = 'user reader\ntopic read cs/#\nuser ops\ntopic readwrite cs/#\n';
    const broker = await startMosquitto({ guarded: { users: { ops: 'o', reader: 'r' }, acl } });
    const five = (url: string) => brokerOf(url).with({ mqtt: '5' });
    try {
      for (const mqtt of ['3.1.1', '5'] as const) {
        await expect(open(broker.as('ops', 'wrong'), { mqtt })).rejects.toMatchObject({
          reason: { name: 'LinkUnavailable' },
          hint: expect.stringContaining('password'),
        });
      }
      const digest = new Uint8Array(32);
      const file = new Uint8Array(2000);
      const refused = publishPackage({ url: five(broker.as('reader', 'r')), fleet: 'plant' }, digest, file);
      await expect(refused).rejects.toMatchObject({ reason: { name: 'NotPublished' } });
      const done = await publishPackage({ url: five(broker.as('ops', 'o')), fleet: 'plant' }, digest, file);
      expect(done.published).toBe(true);
    } finally {
      await broker.close();
    }
  });

  it('two connections with one client name do not end each other', async () => {
    const names: string[] = [];
    const broker = await startMosquitto({
      log: (line) => names.push(...(/New client connected from \S+ as (\S+)/.exec(line)?.slice(1) ?? [])),
    });
    const world = makeDeviceWorld();
    const url = `${broker.url}?clientId=bench`;
    try {
      await world.board({}, { broker: brokerOf(url).with({ mqtt: '5' }), name: 'one', fleet: 'demo' });
      const client = createClient(await openMqtt({ url, fleet: 'demo', device: 'one' }));
      expect(await echo(client, 'both')).toBe('both');
      expect(await listDevices(url, 'demo')).toMatchObject([{ name: 'one', state: { online: true } }]);
      await client.close();
      expect(names).toEqual(expect.arrayContaining(['bench', 'bench-2', 'bench-3']));
      await open(url);
      expect(names.at(-1)).toMatch(/^bench-[23]$/);
    } finally {
      await world.close();
      await broker.close();
    }
  });
});

it('a broker that is not there ends the command', async () => {
  const place = await makePlace();
  const began = Date.now();
  const { code } = await place.run('devices', '--broker', 'mqtt://127.0.0.1:1');
  expect([code, Date.now() - began < 30_000]).toEqual([41, true]);
  await place.remove();
});

it('every command that takes a broker takes what opens it', () => {
  const takesBroker = ({ schema }: { schema: { safeParse(value: unknown): { data?: unknown } } }) => {
    const { data } = schema.safeParse('mqtts://host/fleet');
    return data instanceof SecretUrl || (data as { url?: unknown } | undefined)?.url instanceof SecretUrl;
  };
  const without = commands.filter(({ options }) => {
    const takes = Object.values(options).some(takesBroker);
    return takes !== ['ca', 'cert', 'certKey', 'mqtt'].every((key) => key in options);
  });
  expect(without.map(({ name }) => name)).toEqual([]);
});
