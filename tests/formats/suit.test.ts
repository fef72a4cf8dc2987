// Packages: byte for byte what the independent maker of the tests builds from the specification; and editing one leaves
// everything that is signed as it was.

import { createPublicKey, verify } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import { FILE_BYTES_MAX } from '../../host/formats/byte-source.js';
import { fromHex, hex, join, utf8, uuidText } from '../../host/formats/bytes.js';
import { encode } from '../../host/formats/cbor.js';
import { sign1, sigStructure, viewSign1 } from '../../host/formats/cose.js';
import {
  addApproval,
  addBlock,
  approvalsIn,
  contentOf,
  detachPayload,
  type Envelope,
  payloadIn,
  splitEnvelope,
} from '../../host/formats/envelope.js';
import { publicKeyToPem, type SigningKey } from '../../host/formats/keys.js';
import { viewManifest } from '../../host/formats/manifest.js';
import { buildPackage, type PackageOptions, versionNumbers } from '../../host/formats/suit.js';
import { generateKey, readSigningKey } from '../../host/keys/read.js';
import { CLASS_ID, flipBit, IMAGE, keyOf, makeApproval, makeEnvelope, sha256, VENDOR_ID } from '../support/make.js';

const SEED = sha256(utf8('a vendor'));
const vendor = await readSigningKey(SEED, 'vendor', () => Promise.reject(new Error('none')), 'seed');
const makersVendor = keyOf('ed25519', SEED, vendor.public.kid);
const operator = generateKey('p256');

const base: PackageOptions = { image: IMAGE, vendorId: VENDOR_ID, classId: CLASS_ID, sequence: 5n, key: vendor };
const makersBase = { sequence: 5, signers: [makersVendor] };
const TEXT = { name: 'Sensor', version: '1.2.3', description: 'Fixes the clock' };

describe('a package is what the specification says, byte for byte', () => {
  it.each<[string, Partial<PackageOptions>, object]>([
    ['plain', {}, {}],
    ['with the largest sequence number', { sequence: 2n ** 64n - 1n }, { sequence: 2n ** 64n - 1n }],
    ['with text and version', TEXT, { text: TEXT, setVersion: [1, 2, 3] }],
    ['with a version that is free text', { version: 'spring' }, { text: { version: 'spring' } }],
    ['with a vendor name', { vendorName: 'ACME' }, { text: { vendor: 'ACME' } }],
    ['asking for authorization', { askAuthorization: 1 }, { ask: 1 }],
    ['detached', { detached: true }, { detached: true }],
    [
      'detached with a uri',
      { detached: true, uri: 'https://x.example/f' },
      { detached: true, uri: 'https://x.example/f' },
    ],
    ['with a larger image', { image: new Uint8Array(70000).fill(7) }, { image: new Uint8Array(70000).fill(7) }],
  ])('%s', (_, options, makers) => {
    const built = buildPackage({ ...base, ...options });
    const expected = makeEnvelope({ ...makersBase, ...makers });
    expect(hex(built.envelope)).toBe(hex(expected.bytes));
    expect(hex(built.digest)).toBe(hex(expected.digest));
    expect(built.headBytes).toBe(expected.head.length);
  });

  it('signed with P-256 differs in the block alone, which verifies', () => {
    const { envelope } = buildPackage({ ...base, key: operator });
    const split = splitEnvelope(envelope, 'it');
    expect(split.manifest).toEqual(splitEnvelope(buildPackage(base).envelope, 'it').manifest);
    expect(verifies(operator, split)).toBe(true);
  });

  it('refuses text that would not leave room for the rest', () => {
    expect(() => buildPackage({ ...base, description: 'x'.repeat(600) })).toThrow(expect.objectContaining({ code: 5 }));
  });
});

function verifies(key: SigningKey, envelope: Envelope, block = 0): boolean {
  const { protected: header, signature, payload } = viewSign1(envelope.blocks[block]!, 'block');
  expect(payload).toBeUndefined();
  const open = createPublicKey(publicKeyToPem(key.public));
  const message = sigStructure(header, envelope.suitDigest);
  const algorithm = key.public.kind === 'ed25519' ? null : 'sha256';
  return verify(algorithm, message, { key: open, dsaEncoding: 'ieee-p1363' }, signature);
}

describe('versions as numbers', () => {
  it.each([
    ['1.2.3', [1, 2, 3]],
    ['1.2', [1, 2]],
    ['1.2.3+4', [1, 2, 3]],
    ['1.2.3-rc.1', [1, 2, 3, -1, 1]],
    ['2.0.0-beta', [2, 0, 0, -2]],
    ['2.0.0-alpha2', [2, 0, 0, -3, 2]],
    ['spring', undefined],
    ['v1.2.3', undefined],
    ['1', undefined],
    ['1.2.3.4', undefined],
    ['1.2.3-wild', undefined],
  ])('%s', (text, numbers) => expect(versionNumbers(text)).toEqual(numbers));
});

describe('editing a package', () => {
  const original = buildPackage({ ...base, ...TEXT });
  const envelope = splitEnvelope(original.envelope, 'it');
  const block = sign1(operator, envelope.suitDigest, { detached: true });

  it('taken apart and joined is the same', () => {
    expect(join([Uint8Array.of(0xd8, 0x6b, 0xa4), ...envelope.members.map(({ raw }) => raw)])).toEqual(
      original.envelope,
    );
  });

  it('a countersignature changes the wrapper alone', () => {
    const after = splitEnvelope(addBlock(envelope, block, 'it'), 'it');
    expect(after.blocks).toEqual([envelope.blocks[0], block]);
    expect(after.suitDigest).toEqual(envelope.suitDigest);
    const others = (one: Envelope) => one.members.slice(1).map(({ raw }) => hex(raw));
    expect(others(after)).toEqual(others(envelope));
    expect(verifies(vendor, after, 0) && verifies(operator, after, 1)).toBe(true);
  });

  it('an approval document stands before the payload, and up to four fit', () => {
    const document = makeApproval({ key: makersVendor, entries: [{ verdict: 1, digest: original.digest }] });
    let after = envelope;
    for (let count = 1; count <= 4; count++) {
      after = splitEnvelope(addApproval(after, document, 'it'), 'it');
      expect(approvalsIn(after, 'it')).toEqual(new Array(count).fill(document));
      expect(after.members.map(({ key }) => key)).toEqual([2, 3, 23, '#approval', '#firmware']);
    }
    expect(after.blocks).toEqual(envelope.blocks);
    expect(after.manifest).toEqual(envelope.manifest);
    expect(() => addApproval(after, document, 'it')).toThrow(expect.objectContaining({ code: 5 }));
    const expected = makeEnvelope({
      ...makersBase,
      text: TEXT,
      setVersion: [1, 2, 3],
      approvals: new Array(4).fill(document),
    });
    expect(hex(encodeBack(after))).toBe(hex(expected.bytes));
  });

  it('detached, it is the package that was made detached', () => {
    expect(detachPayload(envelope)).toEqual(buildPackage({ ...base, ...TEXT, detached: true }).envelope);
    expect(payloadIn(envelope)?.value).toEqual(IMAGE);
  });

  it.each(['countersignature', 'approval'])('nothing is added (%s) when the manifest is not the signed one', (what) => {
    const manifest = envelope.members[1]!;
    for (let bit = 0; bit < manifest.value.length * 8; bit += 41) {
      const spoiled = { ...envelope, manifest: flipBit(envelope.manifest, bit) };
      const add = what === 'approval' ? addApproval : addBlock;
      expect(() => add(spoiled, block, 'it')).toThrow(expect.objectContaining({ code: 47 }));
    }
  });

  it('one that is cut off anywhere is refused with a number', () => {
    for (let length = 0; length < original.headBytes; length++) {
      expect(() => splitEnvelope(original.envelope.slice(0, length), 'it')).toThrow(
        expect.objectContaining({ name: 'CountersignError' }),
      );
    }
    expect(() => splitEnvelope(join([original.envelope, Uint8Array.of(0)]), 'it')).toThrow(
      expect.objectContaining({ code: 6 }),
    );
  });
});

function encodeBack(envelope: Envelope): Uint8Array {
  const head = encode(envelope.members.length);
  head[0]! |= 0xa0;
  return join([Uint8Array.of(0xd8, 0x6b), head, ...envelope.members.map(({ raw }) => raw)]);
}

describe('a manifest for people', () => {
  it('shows what was put in', () => {
    const { envelope, imageDigest } = buildPackage({ ...base, ...TEXT, askAuthorization: 1 });
    expect(viewManifest(splitEnvelope(envelope, 'it'), 'it')).toEqual({
      sequence: 5n,
      vendorId: VENDOR_ID,
      classId: CLASS_ID,
      image: { digest: imageDigest, bytes: IMAGE.length },
      uri: '#firmware',
      setVersion: [1, 2, 3],
      text: TEXT,
      sections: {
        shared: ['override-parameters', 'vendor-identifier', 'class-identifier'],
        'payload-fetch': ['override-parameters', 'update-authorized'],
        install: ['override-parameters', 'fetch', 'image-match'],
        validate: ['image-match'],
      },
      components: 1,
      images: [{ id: [Uint8Array.of(0)], digest: imageDigest, bytes: IMAGE.length, uri: '#firmware' }],
      intact: { manifest: true, text: true, payload: true },
    });
  });

  it('shows damage', () => {
    const split = splitEnvelope(buildPackage({ ...base, ...TEXT }).envelope, 'it');
    const spoil = (key: number | string) =>
      split.members.map((one) =>
        one.key === key ? { ...one, value: flipBit(one.value, one.value.length * 8 - 8) } : one,
      );
    expect(viewManifest({ ...split, members: spoil('#firmware') }, 'it').intact.payload).toBe(false);
    expect(viewManifest({ ...split, members: spoil(23) }, 'it').intact.text).toBe(false);
    expect(contentOf(spoil(23), 23)).not.toEqual(contentOf(split.members, 23));
  });
});

describe('identifiers', () => {
  it('are the UUIDs of the draft', async () => {
    const { classIdOf, vendorIdOf } = await import('../../host/formats/bytes.js');
    expect(uuidText(vendorIdOf('arm.com'))).toBe('fa6b4a53-d5ad-5fdf-be9d-e663e4d41ffe');
    const vendorId = fromHex('fa6b4a53d5ad5fdfbe9de663e4d41ffe');
    expect(vendorIdOf('fa6b4a53-d5ad-5fdf-be9d-e663e4d41ffe')).toEqual(vendorId);
    expect(classIdOf(vendorId, '1492af14-2569-5e48-bf42-9b2d51f2ab45')).toEqual(CLASS_ID);
    // RFC 9562 appendix A.4
    expect(uuidText(vendorIdOf('www.example.com'))).toBe('2ed6657d-e927-568b-95e1-2665a8aea6a2');
  });
});

describe('one limit for what is written and what is read', () => {
  const fits = FILE_BYTES_MAX - 1000;
  const sizeOf = (bytes: number) => buildPackage({ ...base, image: new Uint8Array(bytes) }).envelope.length;
  it('a package that no command would read is not made', () => {
    expect(sizeOf(fits)).toBeLessThanOrEqual(FILE_BYTES_MAX);
    expect(() => sizeOf(FILE_BYTES_MAX)).toThrow(expect.objectContaining({ code: 209 }));
    const room = FILE_BYTES_MAX - (sizeOf(fits) - fits);
    expect(sizeOf(room)).toBe(FILE_BYTES_MAX);
    expect(() => sizeOf(room + 1)).toThrow(expect.objectContaining({ code: 209 }));
  });
  it('nor made of one by adding to it', () => {
    const room = FILE_BYTES_MAX - (sizeOf(fits) - fits);
    const { envelope } = buildPackage({ ...base, image: new Uint8Array(room) });
    const split = splitEnvelope(envelope, 'it');
    expect(() => addBlock(split, new Uint8Array(100), 'it')).toThrow(expect.objectContaining({ code: 209 }));
  });
});
