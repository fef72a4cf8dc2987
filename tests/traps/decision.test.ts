// The traps of the field that concern who may say yes: each has cost somebody real devices, and each is a named test here.

import { describe, expect, it } from 'vitest';
import { reasonOf, reasons } from '../../host/reasons.js';
import {
  CLASS_ID,
  type EnvelopeOptions,
  flipBit,
  makeApproval,
  makeBlock,
  makeBootstrap,
  makeEnvelope,
  makeKey,
  makeManifest,
  NOW,
  ROLE,
  unhex,
  utf8,
} from '../support/make.js';
import { nameOf, REJECT, rawCore } from '../support/rawcore.js';
import {
  bootstrapOf,
  byDigest,
  cellOf,
  core,
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

describe('trap 1: two documents disagree on "no list"', () => {
  // No list, an empty list, and a list of nothing that fits are all "not approved".
  const worlds: [name: string, world: World, reason: string][] = [
    ['no approvals anywhere', {}, 'NotApproved'],
    ['an empty list in the package', { envelope: { approvals: [] } }, 'NotApproved'],
    ['a document without entries', { documents: inTree(approvalOf([])) }, 'ApprovalMalformed'],
    ['an entry for no devices', { documents: inTree(approvalOf([{ ...byDigest, devices: [] }])) }, 'ApprovalMalformed'],
    ['no source is allowed', { documents: inTree(approval), policy: { sources: 0 } }, 'SourceNotAllowed'],
  ];
  it.each(worlds)('%s', (_, world, reason) => expect(cellOf(judge(world))).toEqual(['reject', reason]));
  it('an empty list in the bootstrap document', () => {
    const anchors = [
      { role: ROLE.vendor, key: vendor },
      { role: ROLE.operator, key: operatorA },
    ];
    const bootstrap = makeBootstrap({ anchors, approvals: [] });
    const bytes = makeEnvelope({ manifest, signers: [vendor] }).bytes;
    expect(cellOf(core.deliver({ bootstrap, package: bytes }))).toEqual(['reject', 'NotApproved']);
  });
});

describe('trap 2: the default answer is yes, and a refusal lasts for one read only', () => {
  it('an empty policy rejects', () => {
    expect(cellOf(judge({ policy: {} }))).toEqual(['reject', 'NotApproved']);
  });
  it('a denial holds however often one asks', () => {
    const world = { blocks: [countersignature], documents: inTree(denial) };
    expect(cellOf(judge(world))).toEqual(['reject', 'Denied']);
    for (let again = 0; again < 5; again++) {
      expect([core.exports.decide!(), nameOf(core.exports.verdictReason!())]).toEqual([REJECT, 'Denied']);
    }
    expect(core.exports.offerAccept!()).toBe(reasons.WrongState.code);
    expect(cellOf(judge(world))).toEqual(['reject', 'Denied']);
  });
  it('a number that nobody knows is never success', () => {
    for (let code = 1; code < 256; code++) expect(reasonOf(code).exit, `reason ${code}`).not.toBe(0);
  });
});

describe('trap 3: a signed flag that is not bound to the body', () => {
  it('a countersignature of another package does not move over', () => {
    const other = makeManifest({ sequence: 8 });
    const moved = makeBlock(operatorA, other.digest);
    expect(cellOf(delivered(packageOf({ signers: [vendor, moved] })))).toEqual(['reject', 'ApprovalInvalid']);
  });
  it("a vendor's signature does not move over either", () => {
    const block = makeBlock(vendor, makeManifest({ sequence: 8 }).digest);
    const outcome = delivered(packageOf({ signers: [block, countersignature] }));
    expect(cellOf(outcome)).toEqual(['reject', 'VendorSignature']);
  });
  it('an approval is about the class that was checked, not one that is named afterwards', () => {
    const elsewhere = utf8('another class id');
    // The shared sequence checks the device's own class; install then names another one and checks nothing.
    const rename = [20, new Map([[2, elsewhere]]), 20, new Map([[21, '#firmware']]), 21, 2, 3, 15];
    const { bytes, digest } = makeEnvelope({ signers: [vendor], commands: { 20: rename } });
    const found = (entries: Parameters<typeof approvalOf>[0]) =>
      cellOf(
        core.deliver({
          bootstrap: bootstrapOf(),
          package: bytes,
          evidence: [{ source: 'tree', bytes: approvalOf(entries) }],
        }),
      );
    expect(found([{ verdict: 1, classId: elsewhere }])).not.toEqual(['install', 'Ok']);
    expect(
      found([
        { verdict: 1, digest },
        { verdict: 2, classId: CLASS_ID },
      ]),
    ).not.toEqual(['install', 'Ok']);
  });
  it('what is shown to people is what was signed', () => {
    const spoilText: EnvelopeOptions['arrange'] = (members) =>
      members.map(([key, value]) => [key, key === 23 ? flipBit(value as Uint8Array, 8 * 12) : value]);
    const text = { name: 'lamp', version: '1.2.0' };
    const said = makeManifest({ text });
    const signers = [vendor, operatorA];
    expect(cellOf(delivered(makeEnvelope({ manifest: said, signers }).bytes))).toEqual(['install', 'Ok']);
    expect(cellOf(delivered(makeEnvelope({ manifest: said, signers, arrange: spoilText }).bytes))).toEqual([
      'reject',
      'SeveredDigest',
    ]);
    const stray = makeEnvelope({ manifest: { ...makeManifest(), severed: said.severed }, signers });
    expect(cellOf(delivered(stray.bytes))).toEqual(['reject', 'SeveredDigest']);
  });
  it('what decides stands in the signed part: claims in an unprotected header are nothing', () => {
    const expired = makeApproval({
      key: operatorA,
      entries: [byDigest],
      expires: NOW,
      unprotectedMore: [[15, new Map([[4, NOW + 9]])]],
    });
    expect(cellOf(judge({ documents: inTree(expired) }))).toEqual(['reject', 'ApprovalExpired']);
  });
});

describe('trap 4: one key counted twice', () => {
  const two = { policy: { threshold: 2 } };
  const worlds: [name: string, world: World][] = [
    ['the same block twice', { ...two, blocks: [countersignature, countersignature] }],
    [
      'two blocks with different headers',
      { ...two, blocks: [countersignature, makeBlock(operatorA, manifest.digest, { alg: -8, kid: null })] },
    ],
    ['block and document', { ...two, blocks: [countersignature], documents: inTree(approval) }],
    ['two documents', { ...two, documents: inTree(approval, approvalOf([byDigest], operatorA, 1)) }],
    [
      'one document from every source',
      { ...two, documents: (['package', 'card', 'bootstrap', 'tree'] as const).map((source) => [source, approval]) },
    ],
    [
      'two entries of one document',
      { ...two, documents: inTree(approvalOf([byDigest, { verdict: 1, classId: CLASS_ID }])) },
    ],
  ];
  it.each(worlds)('%s', (_, world) => expect(cellOf(judge(world))).toEqual(['reject', 'TooFewOperators']));
  it('two keys do count', () => {
    const world = { ...two, documents: inTree(approval, approvalOf([byDigest], operatorB)) };
    expect(cellOf(judge(world))).toEqual(['install', 'Ok']);
  });

  const anchor = (role: number, key = operatorA) => ({ role, key });
  const bootstraps: [name: string, anchors: Parameters<typeof makeBootstrap>[0]['anchors']][] = [
    ['one key as two operators', [anchor(1, vendor), anchor(2), anchor(2)]],
    ['under two kids', [anchor(1, vendor), anchor(2), anchor(2, makeKey('ed25519', 'operator-a', 'operator-z'))]],
    ['as vendor and operator', [anchor(1), anchor(2)]],
    ['as operator and consenter', [anchor(1, vendor), anchor(2), anchor(3)]],
  ];
  it.each(bootstraps)('a bootstrap document with %s is refused', (_, anchors) => {
    expect(nameOf(rawCore().provision(makeBootstrap({ anchors })))).toBe('AnchorDuplicate');
  });
});

describe('trap 12: stand-in owner keys for "nobody enrolled"', () => {
  const anchors = {
    vendor: { role: 1, key: vendor },
    operator: { role: 2, key: operatorA },
    other: { role: 2, key: operatorB },
  };
  const refused: [name: string, bootstrap: Uint8Array, reason: string][] = [
    ['no operator', makeBootstrap({ anchors: [anchors.vendor] }), 'AnchorsTooFew'],
    ['no vendor', makeBootstrap({ anchors: [anchors.operator] }), 'AnchorsTooFew'],
    ['no anchors at all', makeBootstrap({ anchors: [] }), 'AnchorsTooFew'],
    [
      'fewer operators than the threshold',
      makeBootstrap({ anchors: [anchors.vendor, anchors.operator], policy: { threshold: 2 } }),
      'AnchorsTooFew',
    ],
    [
      'a threshold of 0',
      makeBootstrap({ anchors: [anchors.vendor, anchors.operator], policy: { threshold: 0 } }),
      'PolicyMalformed',
    ],
    [
      'no policy',
      makeBootstrap({ anchors: [anchors.vendor, anchors.operator], members: [[6, undefined]] }),
      'MissingMember',
    ],
    [
      'an unknown policy',
      makeBootstrap({ anchors: [anchors.vendor, anchors.operator], policy: { more: [[9, 0]] } }),
      'PolicyMalformed',
    ],
    [
      'unapproved: 2',
      makeBootstrap({ anchors: [anchors.vendor, anchors.operator], policy: { unapproved: 2 } }),
      'PolicyMalformed',
    ],
    [
      'a role that is not known',
      makeBootstrap({ anchors: [anchors.vendor, anchors.operator, { role: 4, key: operatorB }] }),
      'AnchorRole',
    ],
    [
      'another version',
      makeBootstrap({ anchors: [anchors.vendor, anchors.operator], members: [[1, 2]] }),
      'BootstrapVersion',
    ],
    [
      'a key of zeros',
      makeBootstrap({ anchors: [anchors.vendor, { ...anchors.operator, keyMore: [[-2, new Uint8Array(32)]] }] }),
      'KeyInvalid',
    ],
    [
      'a private key in it',
      makeBootstrap({ anchors: [anchors.vendor, { ...anchors.operator, keyMore: [[-4, new Uint8Array(32)]] }] }),
      'KeyUnsupported',
    ],
    ['nothing', new Uint8Array(), 'Truncated'],
    ['an empty map', unhex('a0'), 'MissingMember'],
  ];
  it.each(refused)("%s: refused, and the device stays nobody's", (_, bootstrap, reason) => {
    const blank = rawCore();
    expect(nameOf(blank.provision(bootstrap))).toBe(reason);
    expect(cellOf(blank.deliver({ package: packageOf() }))).toEqual(['reject', 'NotProvisioned']);
  });
  it('a blank device asks nobody and installs nothing, whoever signed', () => {
    const signers = [vendor, operatorA, operatorB, stranger];
    expect(cellOf(rawCore().deliver({ package: packageOf({ signers }) }))).toEqual(['reject', 'NotProvisioned']);
  });
});
