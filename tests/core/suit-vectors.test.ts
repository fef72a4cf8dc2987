// The SUIT drafts' own examples and the envelopes derived from them (tests/vectors/suit): each gives its expected
// outcome whole, split in two at every byte, and byte by byte.
//
// The drafts' manifests do more than our profile. Such an example must first be found authentic and then be refused for
// what it asks, by that fault's own number. Authentic means here: the record names the manifest's digest, the operator
// blocks that verify are among the findings, and the same envelope with one bit of the vendor's signature flipped is
// refused for its signature instead. Examples 1 and 2 lie inside the profile: they are judged to the end.

import { readFileSync } from 'node:fs';
import { decode } from 'cborg';
import { afterAll, describe, expect, it } from 'vitest';
import type { reasons } from '../../host/reasons.js';
import {
  concat,
  der,
  type EnvelopeOptions,
  flipBit,
  hex,
  keyOf,
  type Manifest,
  makeBlock,
  makeBootstrap,
  makeEnvelope,
  ROLE,
  type Sign1Options,
  sha256,
  unhex,
  utf8,
} from '../support/make.js';
import { INSTALL, nameOf, type Outcome, PHASE, REJECT, rawCore } from '../support/rawcore.js';

interface Vector {
  file: string;
  sha256_of_file_bytes: string;
  digest_in_wrapper?: string;
  auth_blocks?: { kid: string | null }[];
  description: string;
  expect: 'accept-signature' | 'accept-both' | 'vendor-only' | 'operator-only' | 'reject' | 'policy';
}

const folder = new URL('../vectors/suit/', import.meta.url);
const index = JSON.parse(readFileSync(new URL('index.json', folder), 'utf8')) as {
  keys: Record<string, { private_d?: string; private_seed?: string; kid?: string }>;
  vectors: Vector[];
};
const envelopeOf = (file: string): Uint8Array => unhex(readFileSync(new URL(file, folder), 'utf8'));

const key = (kind: 'p256' | 'ed25519', name: string) => {
  const { private_d, private_seed, kid } = index.keys[name]!;
  return keyOf(kind, unhex(private_d ?? private_seed!), kid === undefined ? undefined : unhex(kid));
};
const vendor = key('p256', 'vendor-p256');
const operator = key('ed25519', 'operator-ed25519');
const operatorP256 = key('p256', 'operator-p256');
const bootstrap = makeBootstrap({
  anchors: [
    { role: ROLE.vendor, key: vendor },
    { role: ROLE.operator, key: operator },
    { role: ROLE.operator, key: operatorP256 },
  ],
});

// Why the core refuses each file, and who countersigned it. A manifest outside the profile has often several faults;
// the number is that of the first one in the order in which a manifest is read.
const EXPECTED: Record<string, [reason: keyof typeof reasons, countersigned?: string]> = {
  'manifest37-example0-unsigned.hex': ['Unsigned'],
  'manifest37-example0-signed.hex': ['NothingToInstall'], // validate and invoke only
  'manifest37-example1-unsigned.hex': ['Unsigned'],
  'manifest37-example1-signed.hex': ['NotApproved'],
  'manifest37-example2-unsigned-severed.hex': ['Unsigned'],
  'manifest37-example2-signed-severed.hex': ['SeveredMissing'], // install; that text is missing would be fine
  'manifest37-example2-signed.hex': ['NotApproved'],
  'manifest37-example3-unsigned.hex': ['Unsigned'],
  'manifest37-example3-signed.hex': ['CommandUnsupported'], // 15, try-each
  'manifest37-example4-unsigned.hex': ['Unsigned'],
  'manifest37-example4-signed.hex': ['Components'], // three
  'manifest37-example5-unsigned.hex': ['Unsigned'],
  'manifest37-example5-signed.hex': ['Components'], // two
  'trust-domains-example0-dependent.hex': ['SharedSequenceMissing'],
  'trust-domains-example1-process.hex': ['ManifestMember'], // common 1, dependencies
  'trust-domains-example2-integrated.hex': ['ManifestMember'], // common 1, dependencies
  'derived-ex0-vendor-plus-operator-ed25519.hex': ['NothingToInstall', 'operator-1'],
  'derived-ex0-operator-first.hex': ['NothingToInstall', 'operator-1'],
  'derived-ex0-vendor-plus-operator-eddsa-old-id.hex': ['NothingToInstall', 'operator-1'],
  'derived-ex0-vendor-plus-operator-esp256.hex': ['NothingToInstall', 'operator-p256'],
  'derived-ex0-operator-esp256-der-signature.hex': ['NothingToInstall'],
  'derived-ex0-operator-only.hex': ['VendorSignature', 'operator-1'],
  'derived-ex0-vendor-twice.hex': ['NothingToInstall'],
  'derived-ex0-vendor-plus-untrusted-operator.hex': ['NothingToInstall'],
  'derived-ex0-operator-sig-flipped.hex': ['NothingToInstall'],
  'derived-ex0-vendor-sig-flipped.hex': ['VendorSignature'],
  'derived-ex0-manifest-sequence-changed.hex': ['ManifestDigest'],
  'derived-ex0-digest-without-bstr-header.hex': ['ManifestDigest'],
  'derived-ex0-alg-unknown.hex': ['VendorSignature'],
  'derived-ex0-alg-unprotected.hex': ['VendorSignature'],
  'derived-ex2-install-altered.hex': ['SeveredDigest'],
  'derived-ex0-manifest-before-wrapper.hex': ['EnvelopeOrder'],
  'derived-ex0-truncated.hex': ['Truncated'],
  'derived-ex0-trailing-byte.hex': ['NothingToInstall'], // the byte is never taken; in the profile: below
};

const core = rawCore();
let fed = 0;
afterAll(() => console.log(`suit vectors: ${index.vectors.length} envelopes, ${fed} feedings`));

// Whole, split in two at every byte, byte by byte: one outcome, or the test fails.
function onEveryRoad(bytes: Uint8Array): Outcome {
  const splits = Array.from({ length: bytes.length - 1 }, (_, at) => [at + 1, bytes.length - at - 1]);
  const outcomes = [[bytes.length], ...splits, [1]].map((pieces) => {
    fed++;
    return core.deliver({ bootstrap, package: bytes, pieces });
  });
  for (const outcome of outcomes) expect(outcome).toEqual(outcomes[0]);
  return outcomes[0]!;
}

const countersigners = (outcome: Outcome) =>
  outcome.findings.filter(({ reason, sequence }) => reason === 0 && sequence === null).map(({ kid }) => kid);

/** The envelope with a bit of its vendor's signatures (the blocks without kid) flipped. */
function spoilVendor(envelope: Uint8Array): Uint8Array {
  const blocks = (decode(membersOf(envelope).get(2)!) as Uint8Array[]).slice(1);
  let spoilt = envelope;
  for (const block of blocks) {
    const header = (decode(block.subarray(1), { useMaps: true }) as [unknown, Map<number, unknown>])[1];
    if (header.size > 0) continue;
    for (let at = find(spoilt, block, 0); at >= 0; at = find(spoilt, block, at + 1)) {
      spoilt = flipBit(spoilt, (at + block.length - 1) * 8);
    }
  }
  return spoilt;
}

const find = (bytes: Uint8Array, wanted: Uint8Array, from: number) => Buffer.from(bytes).indexOf(wanted, from);
const TAG_107_BYTES = 2;
const membersOf = (envelope: Uint8Array) =>
  decode(envelope.subarray(TAG_107_BYTES), { useMaps: true }) as Map<number, Uint8Array>;

describe('SUIT vectors', () => {
  it('has an expected outcome for every file, and the files are those of the index', () => {
    expect(Object.keys(EXPECTED).sort()).toEqual(index.vectors.map(({ file }) => file).sort());
    for (const { file, sha256_of_file_bytes } of index.vectors) {
      expect(hex(sha256(envelopeOf(file)))).toBe(sha256_of_file_bytes);
    }
  });

  it.each(index.vectors.map((vector) => [vector.file, vector.expect, vector] as const))('%s: %s', (file, _, vector) => {
    const envelope = envelopeOf(file);
    const outcome = onEveryRoad(envelope);
    const [reason, countersigner] = EXPECTED[file]!;
    expect(outcome.verdict).toBe(REJECT);
    expect(nameOf(outcome.reason)).toBe(reason);

    const authentic = ['accept-signature', 'accept-both', 'vendor-only'].includes(vector.expect);
    const countersigned = ['accept-both', 'operator-only'].includes(vector.expect);
    expect(countersigners(outcome)).toEqual(countersigned ? [countersigner] : []);
    if (authentic) {
      expect(outcome.digest).toBe(vector.digest_in_wrapper);
      expect(nameOf(core.deliver({ bootstrap, package: spoilVendor(envelope) }).reason)).toBe('VendorSignature');
    }
    if (vector.expect === 'operator-only') expect(outcome.digest).toBeUndefined();
  });
});

// What the derived envelopes are about, on a manifest inside the profile: example 1, with the same keys. Its firmware
// does not exist, so these are verdicts on the head.
describe('their twins inside the profile', () => {
  const example1 = membersOf(envelopeOf('manifest37-example1-signed.hex'));
  const suitDigest = (decode(example1.get(2)!) as Uint8Array[])[0]!;
  const manifest: Manifest = {
    bytes: example1.get(3)!,
    digest: (decode(suitDigest) as [number, Uint8Array])[1],
    severed: [],
  };
  const stranger = keyOf('ed25519', unhex(index.keys['untrusted-ed25519']!.private_seed!), utf8('operator-1'));
  const block = (by: typeof vendor, more: Partial<Sign1Options> = {}) => makeBlock(by, manifest.digest, more);
  const lastBit = (signature: Uint8Array) => flipBit(signature, 63 * 8);
  const install = (sever: boolean, arrange: EnvelopeOptions['arrange'] = (same) => same) =>
    makeEnvelope({ signers: [vendor, operator], sever: sever ? [20] : [], arrange });

  const TWINS: [name: string, make: () => Uint8Array, verdict: number, reason: keyof typeof reasons | 'Ok'][] = [
    ['vendor alone', () => of(block(vendor)), REJECT, 'NotApproved'],
    ['vendor plus operator, Ed25519', () => of(block(vendor), block(operator)), INSTALL, 'Ok'],
    ['vendor plus operator, EdDSA', () => of(block(vendor), block(operator, { alg: -8 })), INSTALL, 'Ok'],
    ['vendor plus operator, ESP256', () => of(block(vendor), block(operatorP256)), INSTALL, 'Ok'],
    ['vendor plus operator, ES256', () => of(block(vendor), block(operatorP256, { alg: -7 })), INSTALL, 'Ok'],
    ['operator first', () => of(block(operator), block(vendor)), INSTALL, 'Ok'],
    ['operator without kid', () => of(block(vendor), block(operator, { kid: null })), INSTALL, 'Ok'],
    [
      'operator with a DER signature',
      () => of(block(vendor), block(operatorP256, { spoil: der })),
      REJECT,
      'NotApproved',
    ],
    [
      "both under kids that are nobody's",
      () => of(block(vendor, { kid: utf8('v') }), block(operator, { kid: utf8('o') })),
      INSTALL,
      'Ok',
    ],
    [
      "the vendor under the operator's kid",
      () => of(block(vendor, { kid: operator.kid }), block(operator)),
      INSTALL,
      'Ok',
    ],
    ['operator only', () => of(block(operator)), REJECT, 'VendorSignature'],
    ['vendor twice', () => of(block(vendor), block(vendor)), REJECT, 'NotApproved'],
    ["a stranger under the operator's kid", () => of(block(vendor), block(stranger)), REJECT, 'ApprovalInvalid'],
    ['a stranger without kid', () => of(block(vendor), block(stranger, { kid: null })), REJECT, 'NotApproved'],
    [
      'operator signature flipped',
      () => of(block(vendor), block(operator, { spoil: lastBit })),
      REJECT,
      'ApprovalInvalid',
    ],
    [
      "operator under another operator's kid: a hint, the others are tried too",
      () => of(block(vendor), block(operator, { kid: operatorP256.kid })),
      INSTALL,
      'Ok',
    ],
    [
      "vendor's algorithm unknown",
      () => of(block(vendor, { alg: -40000 }), block(operator)),
      REJECT,
      'VendorSignature',
    ],
    [
      "vendor's algorithm of the other curve",
      () => of(block(vendor, { alg: -19 }), block(operator)),
      REJECT,
      'VendorSignature',
    ],
    [
      "vendor's algorithm unprotected",
      () => of(block(vendor, { algIn: 'unprotected' }), block(operator)),
      REJECT,
      'VendorSignature',
    ],
    [
      'payload attached in the block',
      () => of(block(vendor, { detached: false }), block(operator)),
      REJECT,
      'VendorSignature',
    ],
    ['severed install, carried', () => install(true).bytes, INSTALL, 'Ok'],
    ['severed install, altered', () => install(true, alterLast(20)).bytes, REJECT, 'SeveredDigest'],
    [
      'severed install, missing',
      () => install(true, (all) => all.filter(([key]) => key !== 20)).bytes,
      REJECT,
      'SeveredMissing',
    ],
    [
      'manifest before wrapper',
      () => install(false, ([a, b, ...more]) => [b!, a!, ...more]).bytes,
      REJECT,
      'EnvelopeOrder',
    ],
    ['payload before install', () => install(true, ([a, b, c, d]) => [a!, b!, d!, c!]).bytes, REJECT, 'EnvelopeOrder'],
    ['no tag', () => makeEnvelope({ signers: [vendor, operator], tag: null }).bytes, REJECT, 'EnvelopeTag'],
    [
      'tag of a bare manifest',
      () => makeEnvelope({ signers: [vendor, operator], tag: 1070 }).bytes,
      REJECT,
      'EnvelopeTag',
    ],
  ];
  const of = (...signers: Uint8Array[]) => makeEnvelope({ manifest, signers, detached: true }).bytes;
  const alterLast =
    (wanted: number): EnvelopeOptions['arrange'] =>
    (all) =>
      all.map(([key, value]) => {
        const bytes = value as Uint8Array;
        return [key, key === wanted ? flipBit(bytes, (bytes.length - 1) * 8) : bytes];
      });

  it.each(TWINS)('%s', (_, make, verdict, reason) => {
    const outcome = onEveryRoad(make());
    expect([outcome.verdict, nameOf(outcome.reason)]).toEqual([verdict, reason]);
  });

  it('one byte after the envelope: the head is sound, the firmware is not taken', () => {
    const { bytes } = install(false);
    expect(onEveryRoad(bytes)).toMatchObject({ verdict: INSTALL, phase: PHASE.complete, payloadFault: 0 });
    const longer = onEveryRoad(concat(bytes, new Uint8Array(1)));
    expect([longer.verdict, nameOf(longer.payloadFault)]).toEqual([INSTALL, 'TrailingBytes']);
  });
});
