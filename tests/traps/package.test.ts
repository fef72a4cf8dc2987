// Traps that others fell into, each of which has cost a real project real devices: a named regression test for each one
// that concerns packages on their way into a device (6, 11, 13, 14, 20). Those of the decision stand in
// decision.test.ts, those of links, flash and the agent beside their suites.

import { readFileSync } from 'node:fs';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { reasons } from '../../host/reasons.js';
import { loadCore } from '../../host/wasm.js';
import { makePlace, type Place } from '../support/command.js';
import {
  CLASS_ID,
  concat,
  type EnvelopeOptions,
  hex,
  IMAGE,
  makeApproval,
  makeBlock,
  makeBootstrap,
  makeEnvelope,
  makeManifest,
  mapAsGiven,
  NOW,
  sha256,
  unhex,
  utf8,
} from '../support/make.js';
import { INSTALL, nameOf, PHASE, REJECT, SLOT_BYTES } from '../support/rawcore.js';
import {
  bootstrapOf,
  byDigest,
  cellOf,
  core,
  deliveryOf,
  judge,
  manifest,
  operatorA,
  operatorB,
  stranger,
  vendor,
  type World,
} from '../support/world.js';

const approvalOf = (entries: Parameters<typeof makeApproval>[0]['entries'], key = operatorA, sequence = 1) =>
  makeApproval({ key, entries, sequence });
const approval = approvalOf([byDigest]);
const denial = approvalOf([{ ...byDigest, verdict: 2 }]);
const inTree = (...documents: Uint8Array[]) => documents.map((bytes) => ['tree', bytes] as const);
const countersignature = makeBlock(operatorA, manifest.digest);
const packageOf = (options: Partial<EnvelopeOptions> = {}) =>
  makeEnvelope({ manifest, signers: [vendor, countersignature], ...options }).bytes;
const delivered = (bytes: Uint8Array) =>
  core.deliver({ bootstrap: bootstrapOf(), facts: { time: NOW }, package: bytes });

describe('trap 6: size fields trusted before the signature is checked', () => {
  const sizes = [SLOT_BYTES + 1, 2 ** 32 - 1];
  it.each(sizes)('an image of %i bytes that no vendor signed is refused for its signature', (imageBytes) => {
    const forged = makeManifest({ imageBytes });
    expect(cellOf(delivered(makeEnvelope({ manifest: forged, signers: [stranger] }).bytes))).toEqual([
      'reject',
      'VendorSignature',
    ]);
    expect(cellOf(delivered(makeEnvelope({ manifest: forged, signers: [vendor] }).bytes))).toEqual([
      'reject',
      'PayloadSize',
    ]);
    const apart = makeEnvelope({ manifest: forged, signers: [vendor], detached: true });
    expect(cellOf(delivered(apart.bytes))).toEqual(['reject', 'SlotTooSmall']);
  });
  it('2^32 bytes and no bytes are no sizes', () => {
    for (const imageBytes of [2 ** 32, 0]) {
      const { bytes } = makeEnvelope({ manifest: makeManifest({ imageBytes }), signers: [vendor], detached: true });
      expect(cellOf(delivered(bytes))).toEqual(['reject', 'OutOfRange']);
    }
  });

  // Lengths in the envelope are nobody's word: 2^16, 2^32 and 2^64 - 1, in every place where a length can stand.
  const lengths = ['5a00010000', '5a7fffffff', '5affffffff', '5b0000000100000000', '5bffffffffffffffff'];
  const tag = unhex('d86b');
  const { bytes: sound, head } = makeEnvelope({ manifest, signers: [vendor, countersignature] });
  const manifestHeadAt = Buffer.from(sound).indexOf(manifest.bytes) - 2; // 58 xx
  const payloadHeadAt = head.length - 2; // 58 40
  it.each(lengths)('a length of %s', (length) => {
    const places: Record<string, Uint8Array> = {
      wrapper: concat(tag, unhex(`a202${length}`), new Uint8Array(16)),
      manifest: concat(sound.slice(0, manifestHeadAt), unhex(length), new Uint8Array(16)),
      'first element': concat(
        tag,
        mapAsGiven([
          [2, concat(unhex(`82${length}`), new Uint8Array(16))],
          [3, manifest.bytes],
        ]),
      ),
    };
    for (const [place, bytes] of Object.entries(places)) {
      const outcome = delivered(bytes);
      expect([place, outcome.verdict, outcome.phase === PHASE.payload]).toEqual([place, REJECT, false]);
      expect(['TooLarge', 'Truncated', 'EnvelopeMember', 'ManifestMissing']).toContain(nameOf(outcome.reason));
    }
    const outcome = delivered(concat(sound.slice(0, payloadHeadAt), unhex(length), IMAGE));
    expect(outcome.verdict).toBe(REJECT);
    expect(['PayloadSize', 'TooLarge']).toContain(nameOf(outcome.reason));
  });
  it('counts of members and blocks', () => {
    for (const count of ['bb00000000ffffffff', 'bbffffffffffffffff', 'ba00010000']) {
      expect(delivered(concat(tag, unhex(`${count}02`), new Uint8Array(32))).verdict).toBe(REJECT);
    }
    const many = Array.from({ length: 9 }, () => countersignature);
    expect(cellOf(delivered(packageOf({ signers: many })))).toEqual(['reject', 'BlocksTooMany']);
  });
  it('a head that does not fit is refused as soon as that is known', () => {
    const text = { description: 'x'.repeat(3000) };
    const { bytes } = makeEnvelope({ manifest: makeManifest({ text }), signers: [vendor, operatorA] });
    expect(cellOf(delivered(bytes))).toEqual(['reject', 'TooLarge']);
  });
});

describe('trap 11: something left over from earlier fires later', () => {
  it('a verdict is about the package that is offered now', () => {
    expect(judge({ documents: inTree(approval) }).verdict).toBe(INSTALL);
    core.exports.offerBegin!();
    expect(core.exports.decide!()).toBe(REJECT);
    expect(core.exports.offerAccept!()).toBe(reasons.WrongState.code);
  });
  it('approval data of an earlier offer is not evidence for a later one', () => {
    expect(judge({ documents: inTree(approval) }).verdict).toBe(INSTALL);
    expect(cellOf(judge({}))).toEqual(['reject', 'NotApproved']);
    expect(judge({ blocks: [countersignature] }).verdict).toBe(INSTALL);
    expect(cellOf(judge({}))).toEqual(['reject', 'NotApproved']);
  });
  it('a new bootstrap document takes the verdict back', () => {
    core.deliver({ ...deliveryOf({ blocks: [countersignature] }), package: packageOf().slice(0, -IMAGE.length) });
    const again = packageOf();
    core.exports.offerBegin!();
    core.exports.offerPush!(core.put(again.subarray(0, again.length - IMAGE.length)));
    core.exports.judge!();
    expect(core.exports.decide!()).toBe(INSTALL);
    core.provision(
      makeBootstrap({
        anchors: [
          { role: 1, key: stranger },
          { role: 2, key: operatorB },
        ],
      }),
    );
    expect(core.exports.offerAccept!()).toBe(reasons.WrongState.code);
  });
});

describe('trap 13: a callback that informs but cannot stop', () => {
  it('a manifest that asks for authorization does not go on when it is not given', () => {
    const asking = makeManifest({ ask: 1 });
    const rejected = delivered(makeEnvelope({ manifest: asking, signers: [vendor] }).bytes);
    expect(cellOf(rejected)).toEqual(['reject', 'NotApproved']);
    expect(rejected.phase).toBe(PHASE.judging);
    expect(delivered(makeEnvelope({ manifest: asking, signers: [vendor, operatorA] }).bytes).verdict).toBe(INSTALL);
  });
  it('nothing is taken between the head and the go-ahead, nor after a rejection', () => {
    const bytes = packageOf({ signers: [vendor] });
    const rejected = delivered(bytes);
    expect(rejected.verdict).toBe(REJECT);
    expect(core.exports.offerPush!(core.put(IMAGE))).toBe(0);
    expect(core.exports.offerAccept!()).toBe(reasons.WrongState.code);
    expect(core.exports.offerPush!(core.put(IMAGE))).toBe(0);
    expect(core.exports.payloadBytes!()).toBe(0);
  });
  it('evidence after the verdict needs a new verdict', () => {
    const head = packageOf().slice(0, -IMAGE.length);
    core.provision(bootstrapOf());
    core.exports.offerBegin!();
    core.exports.offerPush!(core.put(head));
    core.exports.judge!();
    expect(core.exports.decide!()).toBe(INSTALL);
    core.exports.consider!(4, core.put(denial));
    expect(core.exports.offerAccept!()).toBe(reasons.WrongState.code);
    expect(core.exports.decide!()).toBe(REJECT);
  });
});

describe("trap 14: the server's check differs from the device's", () => {
  const tampered = packageOf().with(-1, 0);
  const worlds: [name: string, world: World, bytes?: Uint8Array][] = [
    ['not approved', {}],
    ['countersigned', { blocks: [countersignature] }],
    ['approved in the tree', { documents: inTree(approval) }],
    ['denied', { blocks: [countersignature], documents: inTree(denial) }],
    ['asked', { policy: { unapproved: 1 } }],
    ['rolled back', { blocks: [countersignature], facts: { installed: 8 } }],
    ['too few', { blocks: [countersignature], policy: { threshold: 2 } }],
    ['payload tampered', { blocks: [countersignature] }, tampered],
    ['cut off', { blocks: [countersignature] }, packageOf().slice(0, 200)],
    ['no package', {}, utf8('not a package')],
  ];
  it.each(worlds)('%s: the host library answers with the verdict of the core', async (_, world, bytes) => {
    const delivery = deliveryOf(world);
    const device = core.deliver({ ...delivery, ...(bytes && { package: bytes }) });
    const host = await loadCore();
    expect(host.provision(delivery.bootstrap!)).toBe(0);
    const judgement = await host.judge({
      envelope: bytes ?? delivery.package,
      evidence: delivery.evidence ?? [],
      facts: { time: BigInt(NOW), slotBytes: SLOT_BYTES, installed: BigInt(world.facts?.installed ?? 0) },
    });
    expect([judgement.verdict, nameOf(judgement.reason)]).toEqual(cellOf(device));
    expect(judgement.manifestDigest && hex(judgement.manifestDigest)).toBe(device.digest);
    expect(judgement.findings.map(({ reason }) => reason)).toEqual(device.findings.map(({ reason }) => reason));
    if (device.verdict !== REJECT) expect(judgement.payload?.reason ?? 0).toBe(device.payloadFault);
  });
});

describe('trap 20: a version in two places that drift', () => {
  let place: Place;
  beforeAll(async () => {
    place = await makePlace();
    await place.given('keygen', 'vendor.pem');
  });
  afterAll(() => place.remove());

  it('the header of an MCUboot image and --version must agree', async () => {
    const { writeFile } = await import('node:fs/promises');
    const vector = new URL('../vectors/mcuboot/ed25519-pure-sha512.hex', import.meta.url);
    await writeFile(place.path('signed.bin'), unhex(readFileSync(vector, 'utf8')));
    const words = [
      'package',
      'signed.bin',
      '--key',
      'vendor.pem',
      '--vendor',
      'example.org',
      '--class',
      'lamp',
      '--sequence',
      '1',
    ];
    const refused = await place.run(...words, '--version', '77.0.0');
    expect([refused.code, refused.stderr]).toEqual([reasons.VersionMismatch.exit, expect.stringContaining('77.0.0')]);
    await place.must(...words);
  });
  it('ranges compare the sequence number of the signed manifest, never a version text', () => {
    const digest = (sequence: number) => makeManifest({ sequence, text: { version: '7.0.0' }, setVersion: [7] });
    const rule = approvalOf([{ verdict: 1, classId: CLASS_ID, range: [7, 7] }]);
    const found = (sequence: number) =>
      cellOf(
        core.deliver({
          bootstrap: bootstrapOf(),
          package: makeEnvelope({ manifest: digest(sequence), signers: [vendor] }).bytes,
          evidence: [{ source: 'tree', bytes: rule }],
        }),
      );
    expect(found(7)).toEqual(['install', 'Ok']);
    expect(found(6)).toEqual(['reject', 'ApprovalOtherPackage']);
    expect(found(70)).toEqual(['reject', 'ApprovalOtherPackage']);
  });
  it('the image that is named is the image that is taken', () => {
    const other = IMAGE.with(0, 99);
    const outcome = delivered(packageOf({ payload: other }));
    expect([outcome.verdict, outcome.phase, nameOf(outcome.payloadFault)]).toEqual([
      INSTALL,
      PHASE.failed,
      'PayloadDigest',
    ]);
    expect(hex(sha256(other))).not.toBe(hex(sha256(IMAGE)));
  });
});
