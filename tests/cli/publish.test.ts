// Approvals brought to a broker: what stands there afterwards, who reads it, and every way in which it can fail. The
// broker is mosquitto, with passwords and an ACL where that is the point.

import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { createServer, type Server } from 'node:net';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { openShelf, readKeptApprovals } from '../../host/links/approvals.js';
import { startBroker } from '../../host/links/broker.js';
import { makePlace, type Place } from '../support/command.js';
import { type Mosquitto, startMosquitto } from '../support/mosquitto.js';
import { have } from '../support/need.js';

let place: Place;
beforeAll(async () => {
  place = await makePlace();
  for (const name of ['vendor', 'operator', 'other']) await place.given('keygen', name);
  writeFileSync(place.path('app.bin'), new Uint8Array(100));
  const words = ['-k', 'vendor.pem', '--vendor', 'example.com', '--class', 'sensor', '-s', '5'];
  await place.given('package', 'app.bin', ...words);
  const anchors = '[{role: vendor, key: vendor.pub.pem}, {role: operator, key: operator.pub.pem}]';
  writeFileSync(
    place.path('device.yaml'),
    `device: "aa"\nvendor: example.com\nclass: sensor\nanchors: ${anchors}\npolicy: {unapproved: reject}\n`,
  );
});
afterAll(() => place.remove());

const bytes = (name: string) => new Uint8Array(readFileSync(place.path(name)));
const approve = (name: string, ...words: string[]) =>
  place.run('approve', 'app.suit', '-k', `${name}.pem`, '--record', 'none', '--json', ...words);
const check = (from: string) => place.run('check', 'app.suit', '--bootstrap', 'device.yaml', '--approvals-from', from);

describe.skipIf(!have('mosquitto'))('a broker', () => {
  let mosquitto: Mosquitto;
  beforeAll(async () => {
    mosquitto = await startMosquitto();
  });
  afterAll(() => mosquitto.close());
  const kept = async (fleet: string) => (await readKeptApprovals(mosquitto.url, fleet)).map((one) => one.operator);
  const keep = async (fleet: string, name: string, document: Uint8Array) => {
    const shelf = await openShelf(mosquitto.url, fleet);
    await shelf.put(name, document).finally(() => shelf.close());
  };

  it('keeps what approve publishes, and then what revoke does: a verdict follows both', async () => {
    const there = `${mosquitto.url}/plant`;
    expect((await check(there)).code).toBe(20);
    const words = ['app.suit', '-k', 'operator.pem', '--publish', there, '--json'];
    const done = (await place.must('approve', ...words, '--issuer', 'acme')).json();
    const topic = 'cs/plant/approvals/acme';
    expect(done.published).toEqual({ broker: mosquitto.url, fleet: 'plant', topic, published: true });
    expect(await readKeptApprovals(mosquitto.url, 'plant')).toEqual([{ operator: 'acme', bytes: bytes('app.cose') }]);
    expect((await check(there)).code).toBe(0);
    const denied = (await place.must('revoke', ...words)).json();
    expect(denied.published).toMatchObject({ topic, published: true, replaced: done.document.sequence });
    expect((await check(there)).code).toBe(23);
    expect(await kept('plant')).toEqual(['acme']);
  });

  it('--dry-run looks, says what it would do, and leaves it', async () => {
    const ended = await approve(
      'operator',
      '--publish',
      mosquitto.url,
      '--fleet',
      'dry',
      '--dry-run',
      '-o',
      'dry.cose',
    );
    expect([ended.code, ended.json().published.published]).toEqual([0, false]);
    expect([await kept('dry'), existsSync(place.path('dry.cose'))]).toEqual([[], false]);
    const { stdout } = await place.run('publish', 'app.cose', '--to', mosquitto.url, '--fleet', 'dry', '--dry-run');
    expect(stdout).toContain('would publish cs/dry/approvals/acme on mqtt://127.0.0.1');
    expect(await kept('dry')).toEqual([]);
  });

  it('gets a document that was signed elsewhere, once; the name is the issuer, the key id, or what one says', async () => {
    await place.given(
      'approve',
      'app.suit',
      '-k',
      'operator.pub.pem',
      '--record',
      'none',
      '--prepare',
      '-o',
      'r.request.yaml',
    );
    await place.given('approve', '--sign', 'r.request.yaml', '-k', 'operator.pem');
    const attach = [
      'approve',
      '--attach',
      'r.sig',
      '-k',
      'operator.pub.pem',
      '--record',
      'none',
      '-o',
      'r.cose',
      '--json',
    ];
    const done = (await place.must(...attach, '--publish', `${mosquitto.url}/far`)).json();
    expect(done.published.topic).toBe(`cs/far/approvals/${done.signer}`);
    const again = await place.run('publish', 'r.cose', '--to', `${mosquitto.url}/far`, '--json');
    expect([again.code, again.json().published]).toEqual([2, false]);
    const named = await place.must('publish', 'r.cose', '--to', `${mosquitto.url}/far`, '--as', 'north', '--json');
    expect(named.json()).toMatchObject({ topic: 'cs/far/approvals/north', published: true });
    expect((await kept('far')).sort()).toEqual([done.signer, 'north'].sort());
  });

  it('an older document never replaces a newer one, nor one that of another key, unless by force', async () => {
    const to = ['--publish', `${mosquitto.url}/order`, '--publish-as', 'ops'];
    const newest = await approve('operator', ...to, '-s', '9', '-o', 'nine.cose');
    expect(newest.code).toBe(0);
    const older = await approve('operator', ...to, '-s', '8', '-o', 'eight.cose');
    expect([older.code, older.json().error.reason.code]).toEqual([23, 88]);
    const stranger = await approve('other', ...to, '-s', '99', '-o', 'ten.cose');
    expect([stranger.code, stranger.json().error.reason.name]).toEqual([1, 'KeyWrong']);
    expect([existsSync(place.path('eight.cose')), existsSync(place.path('ten.cose'))]).toEqual([false, false]);
    expect(await readKeptApprovals(mosquitto.url, 'order')).toEqual([{ operator: 'ops', bytes: bytes('nine.cose') }]);
    await approve('operator', '-s', '8', '-o', 'eight.cose');
    const publish = ['publish', 'eight.cose', '--to', `${mosquitto.url}/order`, '--as', 'ops', '--json'];
    expect((await place.run(...publish)).code).toBe(23);
    expect((await place.must(...publish, '--force')).json()).toMatchObject({ published: true, replaced: '9' });
  });

  it('junk in its place is replaced', async () => {
    await keep('junk', 'ops', Uint8Array.of(1, 2, 3));
    await place.must('publish', 'app.cose', '--to', `${mosquitto.url}/junk`, '--as', 'ops');
    expect(await readKeptApprovals(mosquitto.url, 'junk')).toEqual([{ operator: 'ops', bytes: bytes('app.cose') }]);
  });

  it.each([
    ['firmware', ['publish', 'app.bin'], 1],
    ['a key', ['publish', 'vendor.pem'], 1],
    ['nothing that is there', ['publish', 'no.cose'], 3],
    ['a countersignature', ['approve', 'app.suit', '-k', 'operator.pem', '--countersign', '-o', 'c.suit'], 4],
    ['what is put into the package', ['approve', 'app.suit', '-k', 'operator.pem', '--embed', '-o', 'c.suit'], 4],
  ])('is not given %s', async (_, words, exit) => {
    const flag = words[0] === 'publish' ? '--to' : '--publish';
    const ended = await place.run(...words, flag, `${mosquitto.url}/wrong`);
    expect([ended.code, await kept('wrong'), existsSync(place.path('c.suit'))]).toEqual([exit, [], false]);
  });
});

describe.skipIf(!have('mosquitto', 'openssl'))('a broker with TLS', () => {
  it('whose authority nobody knows: 41, and how to name it; named, the document is there', async () => {
    const mosquitto = await startMosquitto({ tls: true });
    const { url, authority } = mosquitto.secure;
    const words = ['publish', 'tls.cose', '--to', `${url}/plant`, '--json'];
    await approve('operator', '-o', 'tls.cose');
    const stranger = await place.run(...words);
    expect([stranger.code, stranger.json().error.reason.name]).toEqual([41, 'LinkUnavailable']);
    expect(stranger.json().error.hint).toContain('--ca');
    const known = await place.run(...words, '--ca', authority);
    expect([known.code, known.json().published]).toEqual([0, true]);
    const ofNode = await place.runWith({ environment: { NODE_EXTRA_CA_CERTS: authority } }, ...words, '--force');
    expect([ofNode.code, ofNode.json().error]).toEqual([2, undefined]);
    await mosquitto.close();
  });
});

describe.skipIf(!have('mosquitto'))('a broker that is guarded', () => {
  const PASSWORD = 'p@ss/w:rd';
  let mosquitto: Mosquitto;
  beforeAll(async () => {
    const users = { ops: PASSWORD, reader: 'r', writer: 'w' };
    const rights = ['readwrite', 'read', 'write'];
    const acl = Object.keys(users).map((user, at) => `user ${user}\ntopic ${rights[at]} cs/plant/approvals/#\n`);
    mosquitto = await startMosquitto({ guarded: { users, acl: acl.join('\n') } });
  });
  afterAll(() => mosquitto.close());
  const publish = (url: string, name: string) =>
    place.run('publish', 'g.cose', '--to', `${url}/plant`, '--as', name, '--json');
  beforeAll(async () => {
    await approve('operator', '-o', 'g.cose');
  });

  it('a password that is refused: 41, no word of it, and nothing is written', async () => {
    const wrong = mosquitto.as('ops', 'secret');
    const ended = await approve('operator', '--publish', `${wrong}/plant`, '-o', 'refused.cose');
    expect([ended.code, ended.json().error.reason.name]).toEqual([41, 'LinkUnavailable']);
    expect(ended.json().error.hint).toContain('password');
    expect(ended.stdout + ended.stderr).not.toContain('secret');
    expect(existsSync(place.path('refused.cose'))).toBe(false);
  });

  it.each([
    ['write', 'reader', 'r'],
    ['read', 'writer', 'w'],
  ])('no right to %s is not called done, though the broker acknowledges it', async (_, user, password) => {
    const ended = await publish(mosquitto.as(user, password), user);
    expect([ended.code, ended.json().error.reason.code]).toEqual([1, 254]);
  });

  it('in another fleet, from approve: the document is there, and the error says how to go on', async () => {
    const ended = await approve('operator', '--publish', `${mosquitto.url}/office`, '-o', 'office.cose');
    expect([ended.code, ended.json().error.reason.code]).toEqual([1, 254]);
    expect(ended.json().error.hint).toContain('countersign publish office.cose');
    expect(existsSync(place.path('office.cose'))).toBe(true);
    expect(ended.stdout + ended.stderr).not.toContain(PASSWORD);
  });

  it('the right user', async () => {
    const ended = await publish(mosquitto.url, 'ops');
    expect([ended.code, ended.json().published]).toEqual([0, true]);
    expect(ended.json().broker).toContain('ops:***@');
  });
});

describe('a broker that is not there', () => {
  it('41, and nothing is written', async () => {
    const ended = await approve('operator', '--publish', 'mqtt://127.0.0.1:1/plant', '-o', 'gone.cose');
    expect([ended.code, ended.json().error.reason.name]).toEqual([41, 'LinkUnavailable']);
    expect(existsSync(place.path('gone.cose'))).toBe(false);
  });

  it('a URL that is none: 4', async () => {
    for (const url of ['plant', 'http://x/plant', 'mqtt://x/a/b']) {
      expect((await place.run('publish', 'app.cose', '--to', url)).code).toBe(4);
    }
  });

  // A way to the broker that ends when the document is on it.
  async function fragile(url: string): Promise<{ url: string; server: Server }> {
    const { connect } = await import('node:net');
    const server = createServer((socket) => {
      const there = connect(Number(new URL(url).port), '127.0.0.1');
      socket
        .on('error', () => undefined)
        .on('data', (part) => {
          if ((part[0]! & 0xf0) !== 0x30) return void there.write(part);
          server.close();
          socket.destroy();
          there.destroy();
        });
      there.on('error', () => undefined).pipe(socket);
    });
    await new Promise<void>((done) => server.listen(0, '127.0.0.1', done));
    return { url: `mqtt://127.0.0.1:${(server.address() as { port: number }).port}`, server };
  }

  it('any more: 40, in a bounded time, and the document is written', async () => {
    const broker = await startBroker();
    const way = await fragile(broker.url);
    const ended = await approve('operator', '--publish', `${way.url}/plant`, '-o', 'lost.cose');
    expect([ended.code, ended.json().error.reason.name]).toEqual([40, 'LinkLost']);
    expect(ended.json().error.hint).toContain('countersign publish lost.cose');
    expect(existsSync(place.path('lost.cose'))).toBe(true);
    await broker.close();
  });

  it('the embedded one keeps it as well', async () => {
    const broker = await startBroker();
    const done = await approve('operator', '--publish', `${broker.url}/plant`, '-o', 'aedes.cose');
    expect([done.code, done.json().published.published]).toEqual([0, true]);
    await broker.close();
  });
});
