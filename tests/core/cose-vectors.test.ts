// COSE_Sign1 (RFC 9052 section 4) with ES256 and EdDSA: the working group's examples (tests/vectors/cose).
//
// Each case takes two ways. As a message beside its key, all in the window: the reason must be the expected one. And as
// approval data embedded in a package, which arrives whole, split in two at every byte, and byte by byte: none of the
// examples is an approval document, so the authentic ones end in `ApprovalMalformed` (authentic, but not an approval
// document) and the others in their own reason. Nothing of ours has an external_aad: there the one case with it fails.

import { readFileSync } from 'node:fs';
import { afterAll, describe, expect, it } from 'vitest';
import type { reasons } from '../../host/reasons.js';
import {
  cbor,
  concat,
  coseKey,
  keyOf,
  makeBootstrap,
  makeEnvelope,
  makeKey,
  ROLE,
  type Sign1Options,
  sign1,
  type TestKey,
  unhex,
  utf8,
} from '../support/make.js';
import { nameOf, rawCore } from '../support/rawcore.js';

interface Vector {
  name: string;
  title: string;
  fail: boolean;
  key: { x: string; y?: string; d: string };
  kid: string;
  external_aad: string;
  cose: string;
}

const { vectors } = JSON.parse(readFileSync(new URL('../vectors/cose/sign1.json', import.meta.url), 'utf8')) as {
  vectors: Vector[];
};

type Name = keyof typeof reasons | 'Ok';
// What the core says of the message beside its key, and of the same bytes as approval data.
const EXPECTED: Record<string, [alone: Name, embedded: Name]> = {
  'ecdsa-sig-01': ['Ok', 'ApprovalMalformed'],
  'eddsa-sig-01': ['Ok', 'ApprovalMalformed'],
  'sign-pass-01': ['AlgorithmMissing', 'AlgorithmMissing'], // legal COSE: alg only unprotected; refused by this project
  'sign-pass-02': ['Ok', 'SignatureInvalid'], // external_aad
  'sign-pass-03': ['CoseTag', 'CoseTag'], // legal COSE: untagged; our formats want the tag
  'sign-fail-01': ['CoseTag', 'CoseTag'],
  'sign-fail-02': ['SignatureInvalid', 'SignatureInvalid'],
  'sign-fail-03': ['AlgorithmUnsupported', 'AlgorithmUnsupported'],
  'sign-fail-04': ['AlgorithmUnsupported', 'AlgorithmUnsupported'],
  'sign-fail-06': ['SignatureInvalid', 'SignatureInvalid'],
  'sign-fail-07': ['SignatureInvalid', 'SignatureInvalid'],
};

const EMPTY = new Uint8Array();
const core = rawCore();
let fed = 0;
afterAll(() =>
  console.log(`cose vectors: ${vectors.length} messages, ${fed} feedings, ${SPOILT.length} further cases`),
);

/** The core's word on a message, with key, detached payload and external_aad beside it. */
function verify(key: Uint8Array, message: Uint8Array, payload: Uint8Array = EMPTY, aad: Uint8Array = EMPTY): string {
  core.put(concat(key, message, payload, aad));
  return nameOf(core.exports.sign1Verify!(key.length, message.length, payload.length, aad.length));
}

const keyOfVector = ({ key, kid }: Vector): TestKey => keyOf(key.y ? 'p256' : 'ed25519', unhex(key.d), utf8(kid));
const vendor = makeKey('p256', 'vendor');

/** Reason of the one finding about the embedded message, the same for every way to cut the package. */
function embedded(operator: TestKey, message: Uint8Array): string {
  const bootstrap = makeBootstrap({
    anchors: [
      { role: ROLE.vendor, key: vendor },
      { role: ROLE.operator, key: operator },
    ],
  });
  expect(core.provision(bootstrap)).toBe(0);
  const { bytes } = makeEnvelope({ signers: [vendor], approvals: [message], detached: true });
  const splits = Array.from({ length: bytes.length - 1 }, (_, at) => [at + 1, bytes.length - at - 1]);
  const found = [[bytes.length], ...splits, [1]].map((pieces) => {
    fed++;
    return core.deliver({ package: bytes, pieces }).findings.map(({ reason }) => nameOf(reason));
  });
  expect(found.filter((each) => each.length !== 1 || each[0] !== found[0]![0])).toEqual([]);
  return found[0]![0]!;
}

describe('COSE_Sign1 examples', () => {
  it('are those of the table', () => expect(vectors.map(({ name }) => name)).toEqual(Object.keys(EXPECTED)));

  it.each(vectors.map((vector) => [vector.name, vector.title, vector] as const))('%s: %s', (name, _, vector) => {
    const key = keyOfVector(vector);
    const message = unhex(vector.cose);
    const [alone, inside] = EXPECTED[name]!;
    expect(verify(cbor(coseKey(key)), message, undefined, unhex(vector.external_aad))).toBe(alone);
    expect(embedded(key, message)).toBe(inside);
    if (vector.fail) expect(alone).not.toBe('Ok');
  });
});

// What the examples leave out. `payload` is attached unless the case says otherwise.
const payload = utf8('This is the content.');
const ed25519 = makeKey('ed25519', 'signer');
const p256 = makeKey('p256', 'signer');
const other = makeKey('ed25519', 'other');
const message = (more: Partial<Sign1Options> = {}) => sign1({ key: ed25519, payload, ...more });
const halves = (bytes: Uint8Array, which: 0 | 1, value: Uint8Array) =>
  which === 0 ? concat(value, bytes.slice(32)) : concat(bytes.slice(0, 32), value);
// RFC 8032 section 5.1: the order of the base point, little-endian; NIST P-256: n, big-endian.
const L = unhex('edd3f55c1a631258d69cf7a2def9de1400000000000000000000000000000010');
const N = unhex('ffffffff00000000ffffffffffffffffbce6faada7179e84f3b9cac2fc632551');
const littleEndianSum = (a: Uint8Array, b: Uint8Array): Uint8Array => {
  let carry = 0;
  return a.map((byte, i) => {
    carry += byte + b[i]!;
    const low = carry & 0xff;
    carry >>= 8;
    return low;
  });
};
const bigEndianDifference = (a: Uint8Array, b: Uint8Array) =>
  unhex(
    (BigInt(`0x${Buffer.from(a).toString('hex')}`) - BigInt(`0x${Buffer.from(b).toString('hex')}`))
      .toString(16)
      .padStart(64, '0'),
  );

const SPOILT: [name: string, key: TestKey, message: Uint8Array, expected: Name][] = [
  ['EdDSA with an Ed25519 key', ed25519, message({ alg: -8 }), 'Ok'],
  ['Ed25519', ed25519, message(), 'Ok'],
  ['ES256 with a P-256 key', p256, message({ key: p256, alg: -7 }), 'Ok'],
  ['ESP256', p256, message({ key: p256 }), 'Ok'],
  ['kid of somebody else: a hint, and there is one key', ed25519, message({ kid: utf8('nobody') }), 'Ok'],
  ['kid protected', ed25519, message({ kidIn: 'protected' }), 'Ok'],
  [
    'unknown labels, protected and not',
    ed25519,
    message({ protectedMore: [[3, 0]], unprotectedMore: [[33, utf8('x')]] }),
    'Ok',
  ],
  ['crit names alg and kid', ed25519, message({ kidIn: 'protected', protectedMore: [[2, [1, 4]]] }), 'Ok'],
  ['another key', other, message(), 'SignatureInvalid'],
  ['algorithm of the other curve', ed25519, message({ alg: -9 }), 'AlgorithmMismatch'],
  ['algorithm of the other curve', p256, message({ key: p256, alg: -8 }), 'AlgorithmMismatch'],
  ['Ed448', ed25519, message({ alg: -53 }), 'AlgorithmUnsupported'],
  ['algorithm by name', ed25519, message({ alg: 'EdDSA' }), 'AlgorithmUnsupported'],
  ['algorithm -19 + 2^32', ed25519, message({ alg: 2 ** 32 - 19 }), 'AlgorithmUnsupported'],
  ['no algorithm', ed25519, message({ algIn: 'nowhere' }), 'AlgorithmMissing'],
  ["no algorithm, empty header as h'a0'", ed25519, message({ algIn: 'nowhere', emptyAsMap: true }), 'AlgorithmMissing'],
  ['algorithm in both headers', ed25519, message({ algIn: 'both' }), 'CoseHeader'],
  ['a label in both headers', ed25519, message({ protectedMore: [[3, 0]], unprotectedMore: [[3, 0]] }), 'CoseHeader'],
  [
    'crit names content type',
    ed25519,
    message({
      protectedMore: [
        [2, [3]],
        [3, 0],
      ],
    }),
    'CoseCritical',
  ],
  ['crit names what is not there', ed25519, message({ protectedMore: [[2, [-70000]]] }), 'CoseCritical'],
  ['crit is empty', ed25519, message({ protectedMore: [[2, []]] }), 'CoseHeader'],
  ['crit unprotected', ed25519, message({ unprotectedMore: [[2, [1]]] }), 'CoseHeader'],
  ['tag of COSE_Sign', ed25519, message({ tag: 98 }), 'CoseTag'],
  ['signed with external_aad', ed25519, message({ aad: utf8('x') }), 'SignatureInvalid'],
  ['signature one byte short', ed25519, message({ spoil: (s) => s.slice(1) }), 'SignatureLength'],
  [
    'signature one byte long',
    p256,
    message({ key: p256, spoil: (s) => concat(s, new Uint8Array(1)) }),
    'SignatureLength',
  ],
  ['signature of zeros', ed25519, message({ spoil: () => new Uint8Array(64) }), 'SignatureInvalid'],
  ['signature of zeros', p256, message({ key: p256, spoil: () => new Uint8Array(64) }), 'SignatureInvalid'],
  [
    'Ed25519: S + L, the malleable twin',
    ed25519,
    message({ spoil: (s) => halves(s, 1, littleEndianSum(s.slice(32), L)) }),
    'SignatureInvalid',
  ],
  [
    'P-256: n - s, which COSE allows',
    p256,
    message({ key: p256, spoil: (s) => halves(s, 1, bigEndianDifference(N, s.slice(32))) }),
    'Ok',
  ],
  ['P-256: r = n', p256, message({ key: p256, spoil: (s) => halves(s, 0, N) }), 'SignatureInvalid'],
  ['P-256: s = n', p256, message({ key: p256, spoil: (s) => halves(s, 1, N) }), 'SignatureInvalid'],
  ['a byte behind it', ed25519, concat(message(), new Uint8Array(1)), 'TrailingBytes'],
  ['nothing', ed25519, new Uint8Array(), 'Truncated'],
];

describe('COSE_Sign1 spoilt', () => {
  it.each(SPOILT.map(([name, key, bytes, expected]) => [name, key.kind, expected, key, bytes] as const))(
    '%s, %s: %s',
    (_name, _kind, expected, key, bytes) => expect(verify(cbor(coseKey(key)), bytes)).toBe(expected),
  );

  it('a detached payload is the one beside it', () => {
    const detached = message({ detached: true });
    const key = cbor(coseKey(ed25519));
    expect(verify(key, detached, payload)).toBe('Ok');
    expect(verify(key, detached, payload.slice(1))).toBe('SignatureInvalid');
    expect(verify(key, detached)).toBe('SignatureInvalid');
  });
});

// Keys are public, whole and of a curve that we verify with; the message has no say in it.
const ZERO = new Uint8Array(32);
const KEYS: [name: string, key: Uint8Array, expected: Name][] = [
  [
    'with alg and key_ops verify',
    cbor(
      coseKey(ed25519, [
        [3, -19],
        [4, [2]],
      ]),
    ),
    'Ok',
  ],
  ['alg of the other curve', cbor(coseKey(ed25519, [[3, -9]])), 'KeyUnsupported'],
  ['key_ops without verify', cbor(coseKey(ed25519, [[4, [1]]])), 'KeyUnsupported'],
  ['with its private part', cbor(coseKey(ed25519, [[-4, ZERO]])), 'KeyUnsupported'],
  [
    'symmetric: -1 is no curve there',
    cbor(
      new Map<number, unknown>([
        [1, 4],
        [-1, ZERO],
      ]),
    ),
    'WrongType',
  ],
  ['X25519', cbor(coseKey(ed25519, [[-1, 4]])), 'KeyUnsupported'],
  ['Ed448', cbor(coseKey(ed25519, [[-1, 7]])), 'KeyUnsupported'],
  ['P-384', cbor(coseKey(p256, [[-1, 2]])), 'KeyUnsupported'],
  ['OKP on P-256', cbor(coseKey(ed25519, [[-1, 1]])), 'KeyUnsupported'],
  ['P-256 compressed', cbor(coseKey(p256, [[-3, true]])), 'KeyUnsupported'],
  ['P-256 off the curve', cbor(coseKey(p256, [[-3, p256.x]])), 'KeyInvalid'],
  [
    'P-256 zero',
    cbor(
      coseKey(p256, [
        [-2, ZERO],
        [-3, ZERO],
      ]),
    ),
    'KeyInvalid',
  ],
  ['Ed25519 of small order: zero', cbor(coseKey(ed25519, [[-2, ZERO]])), 'KeyInvalid'],
  ['Ed25519 of small order: one', cbor(coseKey(ed25519, [[-2, unhex('01'.padEnd(64, '0'))]])), 'KeyInvalid'],
  ['Ed25519 not canonical: p + 1', cbor(coseKey(ed25519, [[-2, unhex(`ee${'ff'.repeat(30)}7f`)]])), 'KeyInvalid'],
  ['x too short', cbor(coseKey(ed25519, [[-2, ZERO.slice(1)]])), 'OutOfRange'],
  ['x missing', cbor(coseKey(ed25519, [[-2, undefined]])), 'MissingMember'],
];

describe('COSE_Key', () => {
  it.each(KEYS)('%s', (_, key, expected) => expect(verify(key, message())).toBe(expected));
});
