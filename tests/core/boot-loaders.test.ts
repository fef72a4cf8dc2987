// What boot loaders ask of a verifier that already have the image: of core.ts whether it is the one that the manifest names, and
// whether what was refused may still be approved; and of core-image.ts, which knows no packages, what operators say about a hash.
// The builds for P-256 alone know no other key.

import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { reasons } from '../../host/reasons.js';
import {
  CLASS_ID,
  DEVICE_ID,
  makeApproval,
  makeBootstrap,
  makeEnvelope,
  makeKey,
  NOW,
  ROLE,
  sha256,
} from '../support/make.js';
import { SLOT_BYTES } from '../support/rawcore.js';
import { operatorA, operatorB, vendor } from '../support/world.js';

const [INSTALL, ASK, REJECT] = [1, 2, 3];
const TREE = 4;

type Exports = { memory: WebAssembly.Memory } & Record<string, (...args: (number | bigint)[]) => number & bigint>;

function load(name: string) {
  const file = readFileSync(new URL(`../../build/${name}.wasm`, import.meta.url));
  const exports = new WebAssembly.Instance(new WebAssembly.Module(file)).exports as unknown as Exports;
  const put = (bytes: Uint8Array) => {
    new Uint8Array(exports.memory.buffer).set(bytes, Number(exports.input!()));
    return bytes.length;
  };
  return { exports, put, consider: (bytes: Uint8Array) => exports.consider!(TREE, put(bytes)) };
}

const image = sha256(new TextEncoder().encode('image'));
const other = sha256(new TextEncoder().encode('other'));
const anchors = [
  { role: ROLE.vendor, key: vendor },
  { role: ROLE.operator, key: operatorB },
];
const bootstrap = makeBootstrap({ anchors, policy: {} });
let sequence = 0;
const approval = (verdict: number, about: object, more: object = {}) =>
  makeApproval({ key: operatorB, sequence: ++sequence, issuedAt: NOW, entries: [{ verdict, ...about }], ...more });
const byHash = (hash: Uint8Array) => ({ more: [[8, hash]] as const });

describe.each(['core', 'core-small-p256'])('%s', (name) => {
  const made = makeEnvelope({
    signers: [vendor],
    sequence: 7,
    imageDigest: image,
    detached: true,
    uri: 'https://v.example',
  });
  const judged = (...documents: Uint8Array[]) => {
    const { exports, put, consider } = load(name);
    expect(exports.provision!(put(bootstrap))).toBe(0);
    exports.setSlotBytes!(SLOT_BYTES);
    exports.offerBegin!();
    expect(exports.mayCome!()).toBe(0);
    expect([exports.sequence!(), exports.imageIs!(put(image))]).toEqual([0n, 0]); // nothing is judged yet
    exports.offerPush!(put(made.bytes));
    exports.judge!();
    for (const document of documents) consider(document);
    const verdict = exports.decide!();
    const [is, isNot] = [image, other].map((hash) => exports.imageIs!(put(hash)));
    return { verdict, mayCome: exports.mayCome!(), sequence: exports.sequence!(), is, isNot };
  };
  const said = { sequence: 7n, is: 1, isNot: 0 };

  it('says which image the manifest names, and its sequence number', () => {
    expect(judged(approval(1, { digest: made.digest }))).toEqual({ verdict: INSTALL, mayCome: 0, ...said });
  });
  it('an approval may come, unless an operator has denied', () => {
    expect(judged()).toEqual({ verdict: REJECT, mayCome: 1, ...said });
    expect(judged(approval(1, { digest: other }))).toEqual({ verdict: REJECT, mayCome: 1, ...said });
    expect(judged(approval(1, { digest: made.digest }, { expires: NOW }))).toMatchObject({
      verdict: REJECT,
      mayCome: 1,
    });
    expect(judged(approval(2, { digest: made.digest }))).toEqual({ verdict: REJECT, mayCome: 0, ...said });
    expect(judged(approval(1, { digest: made.digest, confirm: 1 }))).toMatchObject({ verdict: ASK, mayCome: 1 });
  });
  it('nothing can come that makes a package of somebody else approved', () => {
    const { exports, put } = load(name);
    exports.provision!(put(makeBootstrap({ anchors, policy: {}, classId: other.slice(0, 16) })));
    exports.setSlotBytes!(SLOT_BYTES);
    exports.offerBegin!();
    exports.offerPush!(put(made.bytes));
    expect(exports.judge!()).toBe(reasons.ClassId.code);
    expect([exports.decide!(), exports.mayCome!()]).toEqual([REJECT, 0]);
  });
  it('a document about an image is none about a package', () => {
    const { exports, put, consider } = load(name);
    exports.provision!(put(bootstrap));
    exports.setSlotBytes!(SLOT_BYTES);
    exports.offerBegin!();
    exports.offerPush!(put(made.bytes));
    exports.judge!();
    expect(consider(approval(1, byHash(image)))).toBe(reasons.ApprovalMalformed.code);
    expect(exports.decide!()).toBe(REJECT);
  });
  it('keeps what is installed', () => {
    const { exports } = load(name);
    exports.setInstalled!(12n);
    expect(exports.installed!()).toBe(12n);
  });
});

describe.each(['image-m4', 'image-small-p256'])('%s', (name) => {
  const judged = (number: bigint, documents: Uint8Array[], { policy = {}, installed = 0n } = {}) => {
    const { exports, put, consider } = load(name);
    expect(exports.provision!(put(makeBootstrap({ anchors, policy })))).toBe(0);
    exports.setInstalled!(installed);
    expect([exports.decide!(), exports.mayCome!()]).toEqual([REJECT, 0]); // about nothing
    put(image);
    const fault = exports.image!(number);
    const considered = documents.map(consider);
    const verdict = exports.decide!();
    return { fault, considered, verdict, reason: exports.verdictReason!(), mayCome: exports.mayCome!() };
  };

  it.each([
    ['its hash', byHash(image)],
    ['its hash, on this device', { ...byHash(image), devices: [DEVICE_ID] }],
    ['its class and number', { classId: CLASS_ID, range: [3, 5] as const }],
  ])('is approved by %s', (_, about) => {
    expect(judged(5n, [approval(1, about)])).toEqual({
      ...{ fault: 0, considered: [0], verdict: INSTALL, reason: 0, mayCome: 0 },
    });
  });
  it.each([
    ['another hash', byHash(other), 'ApprovalOtherPackage'],
    ['the digest of a manifest', { digest: image }, 'ApprovalOtherPackage'],
    ['a vendor', { vendorKid: vendor.kid! }, 'ApprovalOtherPackage'],
    ['a number it has not', { classId: CLASS_ID, range: [6, 9] as const }, 'ApprovalOtherPackage'],
    ['another device', { ...byHash(image), devices: [other] }, 'ApprovalOtherDevice'],
    ['nothing', {}, 'ApprovalMalformed'],
    ['a hash of 31 bytes', byHash(image.slice(1)), 'ApprovalMalformed'],
  ] as const)('is not approved by %s', (_, about, reason) => {
    const { verdict, considered, mayCome } = judged(5n, [approval(1, about)]);
    expect([verdict, considered, mayCome]).toEqual([REJECT, [reasons[reason].code], 1]);
  });
  it('one denial weighs more than any approval, and nothing may come', () => {
    const documents = [approval(1, byHash(image)), approval(2, byHash(image))];
    expect(judged(5n, documents)).toMatchObject({ verdict: REJECT, reason: reasons.Denied.code, mayCome: 0 });
  });
  it('an older one than what is installed is refused for good', () => {
    const outcome = judged(5n, [approval(1, byHash(image))], { installed: 6n });
    expect(outcome).toMatchObject({
      fault: reasons.Rollback.code,
      verdict: REJECT,
      reason: reasons.Rollback.code,
      mayCome: 0,
    });
  });
  it('a question is for a person', () => {
    expect(judged(5n, [], { policy: { unapproved: 1 } })).toMatchObject({ verdict: ASK, mayCome: 1 });
    expect(judged(5n, [approval(1, { ...byHash(image), confirm: 1 })])).toMatchObject({ verdict: ASK, mayCome: 1 });
  });
  it('a verdict is about the image that was asked about last', () => {
    const { exports, put, consider } = load(name);
    exports.provision!(put(bootstrap));
    put(image);
    exports.image!(5n);
    consider(approval(1, byHash(image)));
    expect(exports.decide!()).toBe(INSTALL);
    expect([exports.sequence!(), exports.imageIs!(put(image)), exports.imageIs!(put(other))]).toEqual([5n, 1, 0]);
    put(other);
    exports.image!(6n);
    expect([exports.decide!(), exports.imageIs!(put(image))]).toEqual([REJECT, 0]);
  });
  it('without a device nothing is approved', () => {
    const { exports, put } = load(name);
    put(image);
    expect(exports.image!(5n)).toBe(reasons.NotProvisioned.code);
    expect([exports.decide!(), exports.verdictReason!(), exports.mayCome!()]).toEqual([
      REJECT,
      reasons.NotProvisioned.code,
      0,
    ]);
  });
  it('a policy that asks for two operators is content with no less', () => {
    const two = [...anchors, { role: ROLE.operator, key: makeKey('p256', 'third') }];
    const { exports, put, consider } = load(name);
    expect(exports.provision!(put(makeBootstrap({ anchors: two, policy: { threshold: 2 } })))).toBe(0);
    put(image);
    exports.image!(5n);
    consider(approval(1, byHash(image)));
    expect([exports.decide!(), exports.verdictReason!()]).toEqual([REJECT, reasons.TooFewOperators.code]);
    consider(makeApproval({ key: two[2]!.key, entries: [{ verdict: 1, ...byHash(image) }] }));
    expect(exports.decide!()).toBe(INSTALL);
  });
  it('approvals of the bootstrap document count', () => {
    const { exports, put } = load(name);
    exports.provision!(put(makeBootstrap({ anchors, policy: {}, approvals: [approval(1, byHash(image))] })));
    put(image);
    exports.image!(5n);
    expect(exports.decide!()).toBe(INSTALL);
  });
});

it.each(['core-small-p256', 'core-m4-p256', 'image-small-p256', 'image-m4-p256'])('%s has no Ed25519', (name) => {
  const { exports, put } = load(name);
  const mixed = [...anchors, { role: ROLE.operator, key: operatorA }];
  expect(exports.provision!(put(makeBootstrap({ anchors: mixed, policy: {} })))).not.toBe(0);
  expect(exports.provision!(put(bootstrap))).toBe(0);
  expect([exports.ed25519Begin!(), exports.ed25519Finish!()]).toEqual([0, 0]);
});

it('the larger builds have it', () => {
  for (const name of ['core-small', 'core-m4', 'image-small', 'image-m4']) {
    const { exports, put } = load(name);
    const mixed = [...anchors, { role: ROLE.operator, key: operatorA }];
    expect(exports.provision!(put(makeBootstrap({ anchors: mixed, policy: {} })))).toBe(0);
  }
});
