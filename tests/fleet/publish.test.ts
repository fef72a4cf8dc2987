// What is left on a broker for a fleet: packages in blocks, once; changes by their numbers; and who has taken what.

import { writeFileSync } from 'node:fs';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { hex } from '../../host/formats/bytes.js';
import { cosignChange, signChange } from '../../host/formats/change.js';
import { generateKey } from '../../host/keys/read.js';
import { connectBroker } from '../../host/links/mqtt.js';
import { brokerOf } from '../../host/links/mqtt-url.js';
import { publishPackage, unpublishPackage } from '../../host/links/packages.js';
import { blockTopic, topicsOf } from '../../host/links/topics.js';
import { publishChange } from '../../host/local/publish.js';
import { makePlace, type Place } from '../support/command.js';
import { have } from '../support/need.js';
import { digestOf, everything, FLEET, type Fleet, startFleet } from './fleet.js';

describe.skipIf(!have('mosquitto'))('a broker', () => {
  let fleet: Fleet;
  let place: Place;
  beforeAll(async () => {
    place = await makePlace();
    fleet = await startFleet();
  });
  afterAll(async () => {
    await fleet.close();
    await place.remove();
  });

  /** All that the broker retains below a filter, by topic. */
  async function kept(filter: string): Promise<Map<string, Buffer>> {
    const reader = await connectBroker(fleet.url);
    const found = new Map<string, Buffer>();
    reader.on('message', (topic, payload, { retain }) => retain && found.set(topic, payload));
    await reader.subscribeAsync(filter, { qos: 1 });
    await new Promise((done) => setTimeout(done, 400));
    await reader.endAsync(true);
    return found;
  }

  it('keeps a package in blocks of 512 bytes, sent once, and gives it up again', async () => {
    const file = fleet.world.package('big', 3n, 20_000);
    const digest = digestOf(file);
    const where = { url: fleet.url, fleet: FLEET };
    const blocks = Math.ceil(file.length / 512);
    const topic = blockTopic(FLEET, hex(digest), 'i');
    expect(await publishPackage(where, digest, file, { dryRun: true })).toEqual({ topic, blocks, published: false });
    expect((await kept(`cs/${FLEET}/p/#`)).size).toBe(0);
    expect(await publishPackage(where, digest, file)).toEqual({ topic, blocks, published: true });
    const found = await kept(`cs/${FLEET}/p/#`);
    expect(found.size).toBe(blocks + 1);
    expect(JSON.parse(found.get(topic)!.toString())).toEqual({
      version: 1,
      bytes: file.length,
      blockBytes: 512,
      count: blocks,
    });
    const there = Array.from({ length: blocks }, (_, block) => found.get(blockTopic(FLEET, hex(digest), block))!);
    expect(Buffer.compare(Buffer.concat(there), file)).toBe(0);
    expect(await publishPackage(where, digest, file)).toEqual({ topic, blocks, published: false });
    expect(await unpublishPackage(where, digest, { dryRun: true })).toEqual({ topic, removed: blocks + 1 });
    expect(await unpublishPackage(where, digest)).toEqual({ topic, removed: blocks + 1 });
    expect((await kept(`cs/${FLEET}/p/#`)).size).toBe(0);
    expect(await unpublishPackage(where, digest)).toEqual({ topic, removed: 0 });
  });

  it('by the command: 2 when there is nothing to do; a damaged package is not published', async () => {
    const file = fleet.world.package('small', 4n);
    const [path, to] = [fleet.world.path('small'), `${fleet.url}/cli`];
    const done = await place.must('publish', path, '--to', to, '--json');
    expect(done.json()).toMatchObject({ published: true, bytes: file.length, digest: hex(digestOf(file)) });
    expect((await place.run('publish', path, '--to', to)).code).toBe(2);
    expect((await place.must('publish', path, '--to', to, '--force')).stdout).toContain('published cs/cli/p/');
    const gone = await place.must('unpublish', hex(digestOf(file)), '--from', to, '--json');
    expect(gone.json()).toMatchObject({ unpublished: true, removed: Math.ceil(file.length / 512) + 1 });
    expect((await place.run('unpublish', path, '--from', to)).code).toBe(2);
    const damaged = Uint8Array.from(file);
    damaged[damaged.length - 1]! ^= 1;
    writeFileSync(place.path('damaged.suit'), damaged);
    expect((await place.run('publish', 'damaged.suit', '--to', to)).code).toBe(1);
    expect((await kept('cs/cli/#')).size).toBe(0);
    expect((await place.run('publish', path, '--to', to, '--wait', '1')).code).toBe(4);
  });

  it('a change goes under its number; another one with that number does not replace it, more signatures do', async () => {
    const { operator } = fleet.world.keys;
    const change = (seconds: number) =>
      signChange(operator, { sequence: 7n, issuedAt: 1_800_000_000 + seconds, policy: { unapproved: 'reject' } });
    const put = (bytes: Uint8Array, force = false) =>
      publishChange({ url: brokerOf(fleet.url), fleet: 'changing' }, 'x', bytes, { force });
    const one = change(0);
    expect(await put(one)).toMatchObject({ topic: 'cs/changing/changes/7', published: true });
    expect(await put(one)).toMatchObject({ published: false });
    await expect(put(change(1))).rejects.toMatchObject({ reason: { name: 'Superseded' } });
    const more = cosignChange(generateKey('ed25519'), one, 'it');
    expect(await put(more)).toMatchObject({ published: true });
    await expect(put(one)).rejects.toMatchObject({ reason: { name: 'Superseded' } });
    expect(await put(change(1), true)).toMatchObject({ published: true });
  });

  it('who has taken a denial is said, and waited for; who is online and has not is an exit code of its own', async () => {
    await fleet.board('one', {});
    await fleet.board('two', {});
    const approved = await fleet.approve(1, [everything('approve')]);
    await fleet.until((all) => all.length === 2 && all.every(({ approvals }) => approvals?.length === 1));
    expect(approved.length).toBeGreaterThan(0);
    const words = ['-k', fleet.world.path('operator.pem'), '--record', 'none', '--issuer', 'acme', '--json'];
    const revoke = (...more: string[]) =>
      place.run('revoke', fleet.world.path('small'), ...words, '--publish', `${fleet.url}/${FLEET}`, ...more);
    const done = await revoke('--wait', '30', '-o', 'a.cose', '--lift');
    expect([done.code, done.json().devices]).toEqual([0, { taken: ['one', 'two'], waiting: [], offline: [] }]);
    for (const [name, online] of [
      ['dumb', 'online'],
      ['cellar', 'offline'],
    ] as const) {
      await fleet.publish(topicsOf(FLEET, name).online, online);
    }
    const devices = { taken: ['one', 'two'], waiting: ['dumb'], offline: ['cellar'] };
    const late = await revoke('--wait', '1', '-o', 'b.cose', '--lift');
    expect([late.code, late.json().devices]).toEqual([41, devices]);
    const again = await place.run('publish', 'b.cose', '--to', `${fleet.url}/${FLEET}`);
    expect([again.code, again.stdout]).toEqual([
      2,
      expect.stringMatching(/2 of 4 devices[\s\S]*not yet: dumb\noffline: cellar/),
    ]);
    expect((await place.run('revoke', fleet.world.path('small'), ...words, '--wait', '1', '-o', 'c.cose')).code).toBe(
      4,
    );
  });
});
