// The typed core (host/core.ts): it hands bytes in whatever pieces they come, and adds nothing to what the wasm says.

import { createHash, generateKeyPairSync, sign } from 'node:crypto';
import { beforeAll, describe, expect, it } from 'vitest';
import type { Core } from '../../host/core.js';
import { reasons } from '../../host/reasons.js';
import { loadCore } from '../../host/wasm.js';
import {
  CLASS_ID,
  cbor,
  concat,
  coseKey,
  IMAGE,
  makeApproval,
  makeBootstrap,
  makeEnvelope,
  makeKey,
  NOW,
  ROLE,
  sha256,
  sign1,
  utf8,
} from '../support/make.js';

const vendor = makeKey('p256', 'vendor');
const operator = makeKey('ed25519', 'operator');
const second = makeKey('p256', 'second');
const anchors = [
  { role: ROLE.vendor, key: vendor },
  { role: ROLE.operator, key: operator },
  { role: ROLE.operator, key: second },
];
const plain = makeEnvelope({ signers: [vendor], text: { name: 'lamp', version: '1.2', description: 'dims' }, ask: 1 });
const approval = makeApproval({ key: operator, sequence: 5, entries: [{ verdict: 1, digest: plain.digest }] });

async function* inPieces(bytes: Uint8Array, length: number): AsyncGenerator<Uint8Array> {
  for (let at = 0; at < bytes.length; at += length) yield bytes.subarray(at, at + length);
}

let core: Core;
beforeAll(async () => {
  core = await loadCore();
  expect(core.provision(makeBootstrap({ anchors }))).toBe(0);
});

describe('judge', () => {
  it('tells what the manifest says, and why it is rejected', async () => {
    const judgement = await core.judge({ envelope: plain.bytes });
    expect(judgement).toEqual({
      verdict: 'reject',
      reason: reasons.NotApproved.code,
      row: 8,
      findings: [],
      threshold: 1,
      approvals: 0,
      now: 0n,
      manifestDigest: plain.digest,
      sequence: 1n,
      vendorKid: utf8('vendor'),
      asks: { download: true, install: false },
      text: { name: 'lamp', version: '1.2', description: 'dims' },
      image: { digest: sha256(IMAGE), bytes: IMAGE.length, uri: '#firmware' },
      headBytes: plain.head.length,
      raised: { timeFloor: 0n, operatorFloors: [0n, 0n, 0n, 0n, 0n, 0n, 0n, 0n] },
    });
  });

  it('tells who approved, from where, and that the firmware is whole', async () => {
    const judgement = await core.judge({ envelope: plain.bytes, evidence: [{ source: 'card', bytes: approval }] });
    expect(judgement).toMatchObject({ verdict: 'install', reason: 0, row: 6, approvals: 1, now: BigInt(NOW) });
    expect(judgement.findings).toEqual([
      { source: 'card', reason: 0, operatorKid: utf8('operator'), sequence: 5n, entry: 0 },
    ]);
    expect(judgement.payload).toEqual({ reason: 0, bytes: IMAGE.length });
    expect(judgement.raised).toEqual({ timeFloor: BigInt(NOW), operatorFloors: [0n, 5n, 0n, 0n, 0n, 0n, 0n, 0n] });
  });

  it('says the same of pieces of any length, from any iterable', async () => {
    const envelope = makeEnvelope({ signers: [vendor, operator] }).bytes;
    const whole = await core.judge({ envelope });
    expect(whole.verdict).toBe('install');
    for (const length of [1, 7, 333, 5000]) {
      expect(await core.judge({ envelope: inPieces(envelope, length) })).toEqual(whole);
    }
    expect(await core.judge({ envelope: [envelope.subarray(0, 9), envelope.subarray(9)] })).toEqual(whole);
  });

  it('reads a firmware that is larger than the window', async () => {
    const image = Uint8Array.from({ length: 5000 }, (_, i) => i * 7);
    const envelope = makeEnvelope({ signers: [vendor, operator], image }).bytes;
    expect((await core.judge({ envelope })).payload).toEqual({ reason: 0, bytes: 5000 });
  });

  it.each([
    ['cut', (bytes: Uint8Array) => bytes.subarray(0, -1), 'Truncated', IMAGE.length - 1],
    [
      'altered',
      (bytes: Uint8Array) => bytes.map((byte, i) => (i === bytes.length - 1 ? byte ^ 1 : byte)),
      'PayloadDigest',
      IMAGE.length,
    ],
    ['followed by more', (bytes: Uint8Array) => concat(bytes, utf8('x')), 'TrailingBytes', IMAGE.length],
  ] as const)('says when the firmware is %s', async (_, spoil, reason, bytes) => {
    const envelope = spoil(makeEnvelope({ signers: [vendor, operator] }).bytes);
    const judgement = await core.judge({ envelope });
    expect(judgement.verdict).toBe('install');
    expect(judgement.payload).toEqual({ reason: reasons[reason].code, bytes });
  });

  it('of a detached package looks at the firmware if it is given', async () => {
    const { bytes } = makeEnvelope({ signers: [vendor, operator], detached: true });
    expect((await core.judge({ envelope: bytes })).payload).toBeUndefined();
    expect((await core.judge({ envelope: concat(bytes, IMAGE) })).payload).toEqual({ reason: 0, bytes: IMAGE.length });
  });

  it('looks at no payload byte of a rejected package', async () => {
    let given = 0;
    async function* counting() {
      for await (const piece of inPieces(plain.bytes, 1)) {
        given++;
        yield piece;
      }
    }
    expect((await core.judge({ envelope: counting() })).verdict).toBe('reject');
    expect(given).toBe(plain.head.length);
  });

  it('judges by the facts that are given, each time anew', async () => {
    const evidence = [{ source: 'tree', bytes: approval }] as const;
    const verdictWith = async (facts: object) => (await core.judge({ envelope: plain.bytes, evidence, facts })).reason;
    expect(await verdictWith({ installed: 2n })).toBe(reasons.Rollback.code);
    expect(await verdictWith({ slotBytes: IMAGE.length - 1 })).toBe(reasons.SlotTooSmall.code);
    expect(await verdictWith({ operatorFloors: [0n, 6n] })).toBe(reasons.Superseded.code);
    expect(await verdictWith({ installed: 1n, slotBytes: IMAGE.length, operatorFloors: [0n, 5n] })).toBe(0);
    expect(await verdictWith({})).toBe(0);
  });

  it('carries 64-bit numbers whole', async () => {
    const most = 2n ** 64n - 1n;
    const envelope = makeEnvelope({ signers: [vendor], sequence: most });
    const rule = makeApproval({
      key: operator,
      sequence: most,
      issuedAt: most,
      entries: [{ verdict: 1, classId: CLASS_ID }],
    });
    const judgement = await core.judge({ envelope: envelope.bytes, evidence: [{ source: 'tree', bytes: rule }] });
    expect(judgement).toMatchObject({ sequence: most, now: most, verdict: 'install' });
    expect(judgement.raised.operatorFloors[1]).toBe(most);
  });

  it('notes what could not be read', async () => {
    const unreachable = { source: 'card', unreachable: true } as const;
    expect((await core.judge({ envelope: plain.bytes, evidence: [unreachable] })).reason).toBe(
      reasons.SourceUnreachable.code,
    );
    const huge = { source: 'tree', bytes: new Uint8Array(5000) } as const;
    expect((await core.judge({ envelope: plain.bytes, evidence: [huge] })).verdict).toBe('reject');
  });

  it('of nothing, or half of a head, is a rejection', async () => {
    expect(await core.judge({ envelope: new Uint8Array(0) })).toMatchObject({ verdict: 'reject', reason: 1, row: 2 });
    expect(await core.judge({ envelope: [] })).toMatchObject({ verdict: 'reject', reason: 1 });
    expect(await core.judge({ envelope: plain.head.subarray(0, -1) })).toMatchObject({ verdict: 'reject', reason: 1 });
  });
});

describe('a core', () => {
  it('that is not provisioned installs nothing', async () => {
    const blank = await loadCore();
    const envelope = makeEnvelope({ signers: [vendor, operator] }).bytes;
    expect(await blank.judge({ envelope })).toMatchObject({
      verdict: 'reject',
      reason: reasons.NotProvisioned.code,
      row: 1,
    });
    expect(blank.provision(new Uint8Array(5000))).toBe(reasons.TooLarge.code);
    expect(blank.provision(new Uint8Array(0))).toBe(reasons.Truncated.code);
    expect((await blank.judge({ envelope })).row).toBe(1);
  });

  it('shares nothing with another one', async () => {
    const other = await loadCore();
    expect(other.provision(makeBootstrap({ anchors, policy: { threshold: 2 } }))).toBe(0);
    const envelope = makeEnvelope({ signers: [vendor, operator] }).bytes;
    expect((await other.judge({ envelope })).reason).toBe(reasons.TooFewOperators.code);
    expect((await core.judge({ envelope })).verdict).toBe('install');
  });
});

describe('primitives', () => {
  const message = Uint8Array.from({ length: 3000 }, (_, i) => i);

  it('hash as node:crypto does', () => {
    for (const length of [0, 1, 63, 64, 1024, 1025, 3000]) {
      const bytes = message.subarray(0, length);
      expect(Buffer.from(core.sha256(bytes))).toEqual(createHash('sha256').update(bytes).digest());
      expect(Buffer.from(core.sha512(bytes))).toEqual(createHash('sha512').update(bytes).digest());
    }
  });

  it('verify what node:crypto signs, and nothing else', () => {
    const ed25519 = generateKeyPairSync('ed25519');
    const edKey = ed25519.publicKey.export({ format: 'der', type: 'spki' }).subarray(-32);
    const edSignature = sign(null, message, ed25519.privateKey);
    expect(core.ed25519Verify(edKey, edSignature, message)).toBe(true);
    expect(core.ed25519Verify(edKey, edSignature, message.subarray(1))).toBe(false);
    expect(core.ed25519Verify(edKey.subarray(1), edSignature, message)).toBe(false);

    const p256 = generateKeyPairSync('ec', { namedCurve: 'P-256' });
    const ecKey = p256.publicKey.export({ format: 'der', type: 'spki' }).subarray(-64);
    const ecSignature = sign('sha256', message, { key: p256.privateKey, dsaEncoding: 'ieee-p1363' });
    expect(core.p256Verify(ecKey, ecSignature, message)).toBe(true);
    expect(core.p256Verify(ecKey, ecSignature, message.subarray(1))).toBe(false);
    expect(core.p256Verify(ecKey, ecSignature.subarray(1), message)).toBe(false);
  });

  it('verify a COSE_Sign1, with a payload inside or beside it', () => {
    const key = cbor(coseKey(second));
    const payload = utf8('hello');
    expect(core.sign1Verify(key, sign1({ key: second, payload }))).toBe(0);
    const detached = sign1({ key: second, payload, detached: true });
    expect(core.sign1Verify(key, detached, { payload })).toBe(0);
    expect(core.sign1Verify(key, detached)).toBe(reasons.SignatureInvalid.code);
    expect(core.sign1Verify(cbor(coseKey(operator)), detached, { payload })).toBe(reasons.AlgorithmMismatch.code);
    expect(core.sign1Verify(key, new Uint8Array(2000))).toBe(reasons.TooLarge.code);
    expect(core.sign1Verify(key, detached, { payload: new Uint8Array(1700) })).toBe(reasons.TooLarge.code);
  });
});
