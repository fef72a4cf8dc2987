// Every rule of lint, one approval that breaks it and one that does not.

import { writeFileSync } from 'node:fs';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type Claims, type Entry, newDocumentId, signApproval } from '../../host/formats/approval.js';
import type { LintRule } from '../../host/formats/approval-lint.js';
import { encodeBootstrap } from '../../host/formats/bootstrap.js';
import { classIdOf, vendorIdOf } from '../../host/formats/bytes.js';
import { addApproval, splitEnvelope } from '../../host/formats/envelope.js';
import type { SigningKey } from '../../host/formats/keys.js';
import { generateKey } from '../../host/keys/read.js';
import { makePlace, type Place, runHere } from '../support/command.js';
import { type DeviceWorld, makeDeviceWorld } from '../support/device-world.js';

const NOW = 1_800_000_000;
const DAY = 86_400;
const vendorId = vendorIdOf('vendor.example');
const classId = classIdOf(vendorId, 'virtual');
const otherClass = classIdOf(vendorId, 'toaster');

let world: DeviceWorld;
let place: Place;
let digest: Uint8Array;
const stranger = generateKey('ed25519');
beforeAll(async () => {
  world = makeDeviceWorld();
  place = await makePlace();
  const file = world.package('release.suit', 5n);
  writeFileSync(place.path('release.suit'), file);
  digest = splitEnvelope(file, 'release').digest;
  const { vendor, operator } = world.keys;
  writeFileSync(
    place.path('device.cbor'),
    encodeBootstrap({
      device: Uint8Array.of(0x0a, 0x0b),
      vendorId,
      classId,
      anchors: [
        { role: 'vendor', key: vendor.public },
        { role: 'operator', key: operator.public },
      ],
      policy: {},
      approvals: [],
    }),
  );
});
afterAll(async () => {
  await world.close();
  await place.remove();
});

let count = 0;
function document(entry: Partial<Entry>, more: Partial<Claims> = {}, key: SigningKey = world.keys.operator): string {
  count += 1;
  const name = `a${count}.cose`;
  const claims = { issuer: 'op', issuedAt: NOW, id: newDocumentId(), sequence: 1n, ...more };
  const entries = [{ verdict: 'approve', ...entry } as Entry];
  writeFileSync(place.path(name), signApproval(key, { ...claims, entries }));
  return name;
}
async function lint(...words: string[]): Promise<{ code: number | null; rules: LintRule[] }> {
  const { code, json } = await runHere(place, 'lint', ...words, '--now', String(NOW));
  return { code, rules: json().warnings?.map(({ rule }: { rule: LintRule }) => rule) };
}
const PACKAGE = ['--package', 'release.suit'];
const DEVICE = ['-b', 'device.cbor'];

describe('lint', () => {
  it('has nothing to say of an approval that is as it should be', async () => {
    const names = [document({ digest }, { expires: NOW + 60 * DAY })];
    expect(await lint(...names, ...PACKAGE, ...DEVICE, '--strict')).toEqual({ code: 0, rules: [] });
    const ranged = document({ classId, range: [1n, 9n] });
    expect((await lint(ranged, ...PACKAGE, ...DEVICE)).rules).toEqual([]);
  });

  it.each<[LintRule, Partial<Entry>, Partial<Claims>]>([
    ['matches-nothing', { digest: new Uint8Array(32) }, {}],
    ['matches-nothing', { classId, range: [6n, 9n] }, {}],
    ['expired', {}, { expires: NOW }],
    ['expires-soon', {}, { expires: NOW + 29 * DAY }],
    ['open-ended', { classId, range: [1n, 2n ** 64n - 1n] }, {}],
    ['open-ended', { classId }, {}],
  ])('%s: %o %o', async (rule, entry, claims) => {
    const name = document(Object.keys(entry).length ? entry : { digest }, claims);
    expect(await lint(name, ...PACKAGE)).toEqual({ code: 0, rules: [rule] });
    expect((await lint(name, ...PACKAGE, '--strict')).code).toBe(1);
  });

  it('nothing to look at is a wrong argument, with --strict or without', async () => {
    for (const words of [[], ['--strict'], [...PACKAGE], [...PACKAGE, '--strict']]) {
      expect((await runHere(place, 'lint', ...words)).json().error).toMatchObject({
        reason: { name: 'BadArgument' },
        exit: 4,
      });
    }
  });

  it('wide: no class, no package', async () => {
    const { vendor } = world.keys;
    expect((await lint(document({ vendorKid: vendor.public.kid, range: [1n, 9n] }))).rules).toEqual(['wide']);
  });

  it('other-class: not for the device of the bootstrap document', async () => {
    expect((await lint(document({ classId: otherClass, range: [1n, 9n] }), ...DEVICE)).rules).toEqual(['other-class']);
    const elsewhere = document({ digest, devices: [Uint8Array.of(1)] });
    expect((await lint(elsewhere, ...DEVICE)).rules).toEqual(['other-class']);
  });

  it('superseded and same-sequence', async () => {
    const [old, young] = [document({ digest }), document({ digest }, { sequence: 2n })];
    expect((await lint(old, young)).rules).toEqual(['superseded']);
    expect((await lint(young, old)).rules).toEqual(['superseded']);
    expect((await lint(old, document({ digest }))).rules).toEqual(['same-sequence', 'same-sequence']);
    expect((await lint(old, document({ digest }, { sequence: 2n }, stranger))).rules).toEqual([]);
  });

  it('far-ahead and issued-ahead', async () => {
    for (const sequence of [2n ** 64n - 1n, BigInt(NOW + 400 * DAY)])
      expect((await lint(document({ digest }, { sequence }))).rules).toEqual(['far-ahead']);
    expect((await lint(document({ digest }, { sequence: BigInt(NOW + 300 * DAY) }))).rules).toEqual([]);
    expect((await lint(document({ digest }, { issuedAt: NOW + DAY }))).rules).toEqual(['issued-ahead']);
    expect((await lint(document({ digest }, { issuedAt: NOW + 60 }))).rules).toEqual([]);
  });

  it('lifts-denial: a newer document of the operator does not say it', async () => {
    const denied = document({ verdict: 'deny', digest });
    const other = document({ classId, range: [1n, 9n] }, { sequence: 2n });
    expect((await lint(denied, other)).rules).toEqual(['superseded', 'lifts-denial']);
    const wider = document({ verdict: 'deny', digest }, { sequence: 3n });
    expect((await lint(denied, other, wider)).rules).toEqual(['superseded', 'superseded']);
    expect((await lint(denied, document({ digest }, { sequence: 2n }, stranger))).rules).toEqual([]);
  });

  it('signer-is-vendor: by the package, by the bootstrap document, by itself', async () => {
    const { vendor } = world.keys;
    const own = document({ digest }, {}, vendor);
    expect((await lint(own, ...PACKAGE)).rules).toEqual(['signer-is-vendor']);
    expect((await lint(own, ...DEVICE)).rules).toEqual(['signer-unknown', 'signer-is-vendor']);
    const self = document({ vendorKid: stranger.public.kid, classId, range: [1n, 9n] }, {}, stranger);
    expect((await lint(self)).rules).toEqual(['signer-is-vendor']);
  });

  it('signer-unknown, signature-invalid and malformed', async () => {
    expect((await lint(document({ digest }, {}, stranger), ...DEVICE)).rules).toEqual(['signer-unknown']);
    const { operator } = world.keys;
    const disguised = { ...stranger, public: { ...stranger.public, kid: operator.public.kid } };
    expect((await lint(document({ digest }, {}, disguised), ...DEVICE)).rules).toEqual(['signature-invalid']);
    writeFileSync(place.path('junk.cose'), 'junk');
    expect((await lint('junk.cose')).rules).toEqual(['malformed']);
  });

  it('a denial may be as wide as it likes', async () => {
    expect((await lint(document({ verdict: 'deny', classId }), ...PACKAGE)).rules).toEqual([]);
  });

  it('looks into packages too, and says where in words', async () => {
    const file = world.package('with.suit', 6n);
    const claims = { issuer: 'op', issuedAt: NOW, id: newDocumentId(), sequence: 1n, expires: NOW - 1 };
    const entries: Entry[] = [{ verdict: 'approve', digest: splitEnvelope(file, 'with').digest }];
    const inside = signApproval(world.keys.operator, { ...claims, entries });
    writeFileSync(place.path('with.suit'), addApproval(splitEnvelope(file, 'with'), inside, 'with'));
    const { stdout } = await place.must('lint', '--package', 'with.suit', '--now', String(NOW));
    expect(stdout).toMatch(/^with\.suit#1: expired 2027-01-15T07:59:59Z \[expired\]\n1 document: 1 warning\n$/);
  });
});
