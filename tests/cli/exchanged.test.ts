// A package of which somebody on the way exchanged what the vendor did not sign: a severed text, for one. Whoever signs sees
// nothing of it, and signs nothing.

import { readFile, writeFile } from 'node:fs/promises';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { joinEnvelope, MEMBER, makeMember, splitEnvelope } from '../../host/formats/envelope.js';
import { makePlace, type Place } from '../support/command.js';

let place: Place;
const opened = async (name: string) => splitEnvelope(new Uint8Array(await readFile(place.path(name))), name);

beforeAll(async () => {
  place = await makePlace();
  for (const name of ['vendor', 'operator']) await place.given('keygen', name);
  await writeFile(place.path('app.bin'), new Uint8Array(1000));
  const words = ['-k', 'vendor.pem', '--vendor', 'example.com', '--class', 'sensor', '--name', 'Pump'];
  const known = ['-s', '1', '--version', '1.0.0', '--description', 'has a known hole', '-o', 'v1.suit'];
  const mended = ['-s', '2', '--version', '2.0.0', '--description', 'mends the hole', '-o', 'v2.suit'];
  await place.given('package', 'app.bin', ...words, ...known);
  await place.given('package', 'app.bin', ...words, ...mended);
  const [old, fresh] = [await opened('v1.suit'), await opened('v2.suit')];
  const text = fresh.members.find(({ key }) => key === MEMBER.text)!;
  await writeFile(
    place.path('spliced.suit'),
    joinEnvelope(old.members.map((member) => (member.key === MEMBER.text ? text : member))),
  );
});
afterAll(() => place.remove());

describe('a package whose text is another’s', () => {
  it.each([
    ['approve', ['--vendor-key', 'vendor.pub.pem']],
    ['approve', ['--countersign']],
    ['revoke', []],
  ])('%s %j signs nothing, and shows nothing of the text', async (command, more) => {
    const words = ['-k', 'operator.pem', '-o', 'out', ...more];
    const ended = await place.run(command, 'spliced.suit', ...words);
    expect(ended.code).not.toBe(0);
    expect(ended.stderr).toContain('a text that its manifest does not name');
    expect(ended.stdout + ended.stderr).not.toContain('mends the hole');
    await expect(readFile(place.path('out'))).rejects.toThrow();
  });

  it('inspect says so, and shows what is signed', async () => {
    const { stdout } = await place.must('inspect', 'spliced.suit');
    expect(stdout).toContain('NOT the text that the manifest names');
    expect(stdout).not.toContain('mends the hole');
  });
});

describe('an envelope that nobody makes', () => {
  it.each([
    ['a million members', Buffer.from('d86bba000f4240', 'hex'), 'at most 16 are read'],
    ['a key that is no integer', Buffer.from('d86ba1f9400040', 'hex'), 'a member that is not a byte string'],
  ])('of %s is refused at its first bytes', async (_, bytes, why) => {
    await writeFile(place.path('odd.suit'), bytes);
    const ended = await place.run('inspect', 'odd.suit');
    expect([ended.code !== 0, ended.stderr.includes(why)]).toEqual([true, true]);
  });

  it('holds more members than a device takes, but few', () => {
    const members = Array.from({ length: 17 }, (_, i) => makeMember(`#${i}`, new Uint8Array(1)));
    expect(() => splitEnvelope(joinEnvelope(members), 'it')).toThrow('at most 16');
  });
});
