// Packages of several components: byte for byte what the independent maker of the tests builds from the draft; edited, they keep
// what is signed, and come apart again.

import { describe, expect, it } from 'vitest';
import { hex, utf8 } from '../../host/formats/bytes.js';
import { componentText } from '../../host/formats/components.js';
import { addApproval, detachPayload, headBytesOf, payloadsIn, splitEnvelope } from '../../host/formats/envelope.js';
import { viewManifest } from '../../host/formats/manifest.js';
import { buildPackage, type PackageOptions } from '../../host/formats/suit.js';
import { readSigningKey } from '../../host/keys/read.js';
import { bundle, IMAGES, imageOf, uriOf } from '../support/components.js';
import { CLASS_ID, keyOf, sha256, VENDOR_ID } from '../support/make.js';

const SEED = sha256(utf8('a vendor'));
const vendor = await readSigningKey(SEED, 'vendor', () => Promise.reject(new Error('none')), 'seed');
const signers = [keyOf('ed25519', SEED, vendor.public.kid)];
const build = (count: number, more: Partial<PackageOptions> = {}) =>
  buildPackage({
    ...{ image: imageOf(0), others: IMAGES.slice(1, count), vendorId: VENDOR_ID, classId: CLASS_ID },
    ...{ sequence: 1n, key: vendor, ...more },
  });

describe.each([1, 2, 3, 4])('%i components', (count) => {
  const { envelope, digest, headBytes } = build(count);
  const payloadBytes = IMAGES.slice(0, count).map((image) => image.length);

  it('come apart again', () => {
    const split = splitEnvelope(envelope, 'it');
    expect(payloadsIn(split).map(({ key, value }) => [key, value.length])).toEqual(
      payloadBytes.map((bytes, at) => [uriOf(at), bytes]),
    );
    expect(headBytes).toBe(Buffer.from(envelope).indexOf(imageOf(0)));
    expect(headBytesOf(split, envelope.length)).toBe(headBytes);
    const { images, intact, components } = viewManifest(split, 'it');
    expect([components, intact]).toEqual([count, { manifest: true, text: undefined, payload: true }]);
    expect(images.map(({ id, digest, bytes, uri }) => [componentText(id), hex(digest!), bytes, uri])).toEqual(
      payloadBytes.map((bytes, at) => [String(at), hex(sha256(imageOf(at))), bytes, uriOf(at)]),
    );
  });

  it('edited, keep what is signed; detached, lose every image', () => {
    const added = splitEnvelope(addApproval(splitEnvelope(envelope, 'it'), utf8('document'), 'it'), 'it');
    expect([hex(added.digest), payloadsIn(added).length]).toEqual([hex(digest), count]);
    expect(added.members.findIndex(({ key }) => key === '#approval')).toBeLessThan(added.members.length - count);
    const bare = splitEnvelope(detachPayload(added), 'it');
    expect([hex(bare.digest), payloadsIn(bare)]).toEqual([hex(digest), []]);
    expect(viewManifest(bare, 'it').intact.payload).toBeUndefined();
  });

  it('a bit of any image is seen', () => {
    for (let at = 0; at < count; at++) {
      const spoilt = envelope.slice();
      spoilt[Buffer.from(envelope).indexOf(imageOf(at)) + 5]! ^= 1;
      expect(viewManifest(splitEnvelope(spoilt, 'it'), 'it').intact.payload).toBe(false);
    }
  });
});

it.each([2, 3, 4])('%i components, as the draft says, byte for byte', (count) => {
  expect(hex(build(count).envelope)).toBe(hex(bundle({ count, signers })));
  expect(hex(build(count, { detached: true }).envelope)).toBe(hex(bundle({ count, signers, carried: [], cut: true })));
});

it('images that changed places are seen', () => {
  const exchanged = bundle({ count: 2, payloads: [imageOf(1), imageOf(0)] });
  expect(viewManifest(splitEnvelope(exchanged, 'it'), 'it').intact.payload).toBe(false);
});

it('five are refused', () => {
  expect(() => build(4, { others: [...IMAGES.slice(1), imageOf(0)] })).toThrow('at most 4');
});
