// Worlds beside the 80 cells of tests/core/fail-closed.test.ts: countersignatures, thresholds, which document is in force, time
// without a clock, what an entry matches, malformed documents, sources, and asking although approved.
//
// Each world states its verdict under `reject`; under `prompt`, what is not approved becomes a question with the same
// reason, except what is final.

import {
  type ApprovalOptions,
  CLASS_ID,
  cbor,
  DEVICE_ID,
  makeApproval,
  makeBlock,
  makeManifest,
  NOW,
  sign1,
  utf8,
} from './make.js';
import type { SourceName } from './rawcore.js';
import {
  ask,
  byDigest,
  type Cell,
  DAY,
  manifest,
  no,
  operatorA,
  operatorB,
  type ReasonName,
  SOURCES,
  stranger,
  vendor,
  type World,
  yes,
} from './world.js';

export const byA = (more: Partial<ApprovalOptions> = {}) =>
  makeApproval({ key: operatorA, entries: [byDigest], ...more });
const byB = (more: Partial<ApprovalOptions> = {}) => makeApproval({ key: operatorB, entries: [byDigest], ...more });
const entry = (more: object) => byA({ entries: [{ ...byDigest, ...more }] });
const rule = (more: object) => byA({ entries: [{ verdict: 1, ...more }] });
const deny = { entries: [{ verdict: 2, digest: manifest.digest }] };
export const blockA = makeBlock(operatorA, manifest.digest);
const blockB = makeBlock(operatorB, manifest.digest);
export const tree = (...all: Uint8Array[]) => all.map((bytes) => ['tree', bytes] as const);
const maskWithout = (source: SourceName) => 15 & ~(1 << SOURCES.indexOf(source));
const claims = (fields: ApprovalOptions['claims'] & object) => byA({ claims: fields });

// Under `reject`; under `prompt` a reject becomes an ask with the same reason, unless the reason is of FINAL.
export const FINAL: ReasonName[] = ['Denied', 'NotProvisioned'];
// biome-ignore format: a table
export const WORLDS: [name: string, world: World, expected: Cell][] = [
  // Countersignatures
  ['countersignature of A', { blocks: [blockA] }, yes],
  ['countersignature of B, ES256', { blocks: [makeBlock(operatorB, manifest.digest, { alg: -7 })] }, yes],
  ['countersignature over another manifest', { blocks: [makeBlock(operatorA, makeManifest({ sequence: 8 }).digest)] }, no('ApprovalInvalid')],
  ['countersignature of a stranger', { blocks: [makeBlock(stranger, manifest.digest)] }, no('NotApproved')],
  ['countersignature of the vendor', { blocks: [makeBlock(vendor, manifest.digest)] }, no('NotApproved')],
  ['countersignature, denied by a document', { blocks: [blockA], documents: tree(byA(deny)) }, no('Denied')],
  ['countersignature of A, denied by B', { blocks: [blockA], documents: tree(byB(deny)) }, no('Denied')],
  ['countersignature has no age', { blocks: [blockA], facts: { floors: [0, 1000, 1000] } }, yes],

  // Threshold
  ['2 of 2: two countersignatures', { blocks: [blockA, blockB], policy: { threshold: 2 } }, yes],
  ['2 of 2: countersignature and document', { blocks: [blockA], documents: tree(byB()), policy: { threshold: 2 } }, yes],
  ['2 of 2: two documents, two sources', { documents: [['card', byA()], ['tree', byB()]], policy: { threshold: 2 } }, yes],
  ['2 of 2: both ways by the same operator', { blocks: [blockA], documents: tree(byA()), policy: { threshold: 2 } }, no('TooFewOperators')],
  ['2 of 2: one document from two sources', { documents: [['card', byA()], ['tree', byA()]], policy: { threshold: 2 } }, no('TooFewOperators')],
  ['2 of 2: one block twice', { blocks: [blockA, blockA], policy: { threshold: 2 } }, no('TooFewOperators')],
  ['2 of 2: one and an expired one', { documents: tree(byA(), byB({ expires: NOW })), policy: { threshold: 2 } }, no('TooFewOperators')],
  ['2 of 2: one and a stranger', { documents: tree(byA(), makeApproval({ key: stranger, entries: [byDigest] })), policy: { threshold: 2 } }, no('TooFewOperators')],
  ['2 of 2: both approve, one denies as well', { documents: tree(byA(), byB({ entries: [byDigest, { verdict: 2, classId: CLASS_ID }] })), policy: { threshold: 2 } }, no('Denied')],

  // Which document is in force
  ['newer document of the same operator names other packages', { documents: tree(byA({ sequence: 1 }), byA({ sequence: 2, entries: [{ verdict: 1, digest: new Uint8Array(32) }] })) }, no('Superseded')],
  ['the same, in the other order', { documents: tree(byA({ sequence: 2, entries: [{ verdict: 1, digest: new Uint8Array(32) }] }), byA({ sequence: 1 })) }, no('Superseded')],
  ['the same, from another source', { documents: [['bootstrap', byA({ sequence: 1 })], ['package', byA({ sequence: 2, entries: [{ verdict: 1, digest: new Uint8Array(32) }] })]] }, no('Superseded')],
  ['newer document approves what the older denied', { documents: tree(byA({ sequence: 1, ...deny }), byA({ sequence: 2 })) }, yes],
  ['newer document denies what the older approved', { documents: tree(byA({ sequence: 1 }), byA({ sequence: 2, ...deny })) }, no('Denied')],
  ['equal sequence: both in force, deny wins', { documents: tree(byA({ sequence: 2 }), byA({ sequence: 2, ...deny })) }, no('Denied')],
  ['equal to what was seen before', { documents: tree(byA({ sequence: 9 })), facts: { floors: [0, 9] } }, yes],
  ['a floor of another operator', { documents: tree(byA({ sequence: 1 })), facts: { floors: [9, 0, 9] } }, yes],
  ['largest sequence', { documents: tree(byA({ sequence: 2n ** 64n - 1n })), facts: { floors: [0, 2n ** 64n - 1n] } }, yes],
  ['sequences that differ above 2^32', { documents: tree(byA({ sequence: 2n ** 32n }), byA({ sequence: 1, ...deny })) }, yes],
  ['newer document is expired: the older one stays superseded', { documents: tree(byA({ sequence: 1 }), byA({ sequence: 2, expires: NOW })) }, no('ApprovalExpired')],

  // Time. Without a clock, the newest iat seen stands in.
  ['valid on its last second', { documents: tree(byA({ expires: NOW + 1 })) }, yes],
  ['valid from its first second', { documents: tree(byA({ notBefore: NOW })) }, yes],
  ['issued in the future, no bounds', { documents: tree(byA({ issuedAt: NOW + DAY })) }, yes],
  ['clock in the future of exp', { documents: tree(byA({ expires: NOW + DAY })), facts: { time: NOW + DAY } }, no('ApprovalExpired')],
  ['no clock: own iat is the time', { documents: tree(byA({ expires: NOW + 1 })), facts: { time: 0 } }, yes],
  ['no clock: nbf after everything seen', { documents: tree(byA({ notBefore: NOW + 1 })), facts: { time: 0 } }, no('ApprovalNotYetValid')],
  ['no clock: floor after exp', { documents: tree(byA({ expires: NOW + 1 })), facts: { time: 0, timeFloor: NOW + 1 } }, no('ApprovalExpired')],
  ["no clock: another operator's document says it is later", { documents: tree(byA({ expires: NOW + 1 }), byB({ issuedAt: NOW + DAY, entries: [{ verdict: 1, digest: new Uint8Array(32) }] })), facts: { time: 0 } }, no('ApprovalExpired')],
  ["no clock: a stranger's document says nothing", { documents: tree(byA({ expires: NOW + 1 }), makeApproval({ key: stranger, issuedAt: NOW + DAY, entries: [byDigest] })), facts: { time: 0 } }, yes],
  ['a clock that fell back does not beat the floor', { documents: tree(byA({ expires: NOW + 1 })), facts: { time: NOW, timeFloor: NOW + DAY } }, no('ApprovalExpired')],
  ['a denial does not expire', { documents: tree(byA({ ...deny, expires: NOW - 1 })) }, no('Denied')],
  ['a denial does not wait', { documents: tree(byA({ ...deny, notBefore: NOW + DAY })) }, no('Denied')],

  // What an entry matches
  ['rule: class and range', { documents: tree(rule({ classId: CLASS_ID, range: [7, 7] })) }, yes],
  ['rule: class alone', { documents: tree(rule({ classId: CLASS_ID })) }, yes],
  ['rule: vendor alone', { documents: tree(rule({ vendorKid: utf8('vendor') })) }, yes],
  ['rule: other vendor', { documents: tree(rule({ vendorKid: utf8('vendor-2') })) }, no('ApprovalOtherPackage')],
  ['rule: range below', { documents: tree(rule({ classId: CLASS_ID, range: [0, 6] })) }, no('ApprovalOtherPackage')],
  ['rule: range above', { documents: tree(rule({ classId: CLASS_ID, range: [8, 100] })) }, no('ApprovalOtherPackage')],
  ['rule: range that wraps at 2^32', { documents: tree(rule({ classId: CLASS_ID, range: [2 ** 32, 2 ** 32 + 7] })) }, no('ApprovalOtherPackage')],
  ['digest right, class wrong', { documents: tree(entry({ classId: utf8('sixteen bytes...') })) }, no('ApprovalOtherPackage')],
  ['this device among others', { documents: tree(entry({ devices: [utf8('device-2'), DEVICE_ID] })) }, yes],
  ['prefix of this device', { documents: tree(entry({ devices: [utf8('device-')] })) }, no('ApprovalOtherDevice')],
  ['denied on other devices only', { documents: tree(byA({ entries: [byDigest, { verdict: 2, digest: manifest.digest, devices: [utf8('device-2')] }] })) }, yes],
  ['second entry matches', { documents: tree(byA({ entries: [{ verdict: 1, digest: new Uint8Array(32) }, byDigest] })) }, yes],
  ['an entry that denies, in the same document', { documents: tree(byA({ entries: [byDigest, { verdict: 2, classId: CLASS_ID }] })) }, no('Denied')],

  // Malformed is no approval: nothing of the document counts
  ['entry without digest, class or vendor', { documents: tree(rule({})) }, no('ApprovalMalformed')],
  ['entry with a range only', { documents: tree(rule({ range: [0, 100] })) }, no('ApprovalMalformed')],
  ['entry with an unknown key', { documents: tree(entry({ more: [[8, 1]] })) }, no('ApprovalMalformed')],
  ['one sound entry, one malformed', { documents: tree(byA({ entries: [byDigest, { verdict: 1 }] })) }, no('ApprovalMalformed')],
  ['verdict 0', { documents: tree(entry({ verdict: 0 })) }, no('ApprovalMalformed')],
  ['verdict 3', { documents: tree(entry({ verdict: 3 })) }, no('ApprovalMalformed')],
  ['confirm 2', { documents: tree(entry({ confirm: 2 })) }, no('ApprovalMalformed')],
  ['range upside down', { documents: tree(entry({ range: [8, 7] })) }, no('ApprovalMalformed')],
  ['no entries', { documents: tree(byA({ entries: [] })) }, no('ApprovalMalformed')],
  ['no devices', { documents: tree(entry({ devices: [] })) }, no('ApprovalMalformed')],
  ['digest of 31 bytes', { documents: tree(entry({ digest: manifest.digest.slice(1) })) }, no('ApprovalMalformed')],
  ['unknown claim', { documents: tree(claims([[3, 'x']])) }, no('ApprovalMalformed')],
  ['no issuer', { documents: tree(claims([[1, undefined]])) }, no('ApprovalMalformed')],
  ['no iat', { documents: tree(claims([[6, undefined]])) }, no('ApprovalMalformed')],
  ['no cti', { documents: tree(claims([[7, undefined]])) }, no('ApprovalMalformed')],
  ['no sequence', { documents: tree(claims([[-70001, undefined]])) }, no('ApprovalMalformed')],
  ['no entries claim', { documents: tree(claims([[-70002, undefined]])) }, no('ApprovalMalformed')],
  ['exp as text', { documents: tree(claims([[4, 'never']])) }, no('ApprovalMalformed')],
  ['negative exp', { documents: tree(claims([[4, -1]])) }, no('ApprovalMalformed')],
  ['payload is not a map', { documents: tree(sign1({ key: operatorA, payload: cbor([1]) })) }, no('ApprovalMalformed')],
  ['payload detached', { documents: tree(byA({ detached: true })) }, no('ApprovalInvalid')],
  ['untagged', { documents: tree(byA({ tag: null })) }, no('ApprovalInvalid')],
  ['signed by the vendor', { documents: tree(makeApproval({ key: vendor, entries: [byDigest] })) }, no('ApprovalInvalid')],
  ["signed by A under B's kid: a hint, no more", { documents: tree(byA({ kid: utf8('operator-b') })) }, yes],
  ['signed by A without kid', { documents: tree(byA({ kid: null })) }, yes],
  ['empty document', { documents: tree(new Uint8Array()) }, no('ApprovalInvalid')],
  ['a malformed newer document lifts no denial', { blocks: [blockA], documents: tree(byA({ sequence: 1, ...deny }), byA({ sequence: 2, entries: [{ verdict: 9, classId: CLASS_ID }] })) }, no('Denied')],
  ['a malformed newer document replaces an approval', { documents: tree(byA({ sequence: 1 }), byA({ sequence: 2, entries: [{ verdict: 9, classId: CLASS_ID }] })) }, no('Superseded')],
  ['sound and malformed side by side', { documents: tree(new Uint8Array(), byA()) }, yes],

  // Sources
  ...SOURCES.map((source): [string, World, Cell] => [`${source} not allowed`, { documents: [[source, byA()]], policy: { sources: maskWithout(source) } }, no('SourceNotAllowed')]),
  ...SOURCES.map((source): [string, World, Cell] => [`denied from ${source}, which is not allowed`, { documents: [[source, byA(deny)]], blocks: [blockB], policy: { sources: maskWithout(source) } }, no('Denied')]),
  ['countersignature, but not from the package', { blocks: [blockA], policy: { sources: maskWithout('package') } }, no('SourceNotAllowed')],
  ['newer document from where approvals are not taken', { documents: [['tree', byA({ sequence: 1 })], ['card', byA({ sequence: 2, entries: [{ verdict: 1, digest: new Uint8Array(32) }] })]], policy: { sources: maskWithout('card') } }, no('Superseded')],
  ['card cannot be read', { unreachable: ['card'] }, no('SourceUnreachable')],
  ['card cannot be read, approved in the tree', { unreachable: ['card'], documents: tree(byA()) }, yes],

  // Asking although approved
  ['confirm 1', { documents: tree(entry({ confirm: 1 })) }, ask('AwaitingUser')],
  ['confirm 0', { documents: tree(entry({ confirm: 0 })) }, yes],
  ['confirm 1 of one beats 0 of the other', { documents: tree(entry({ confirm: 0 }), makeApproval({ key: operatorB, entries: [{ ...byDigest, confirm: 1 }] })) }, ask('AwaitingUser')],
  ['policy asks before download', { documents: tree(byA()), policy: { askBeforeDownload: 1 } }, ask('AwaitingUser')],
  ['policy asks before download, confirm 0', { documents: tree(entry({ confirm: 0 })), policy: { askBeforeDownload: 1 } }, yes],
  ['denied, although another says confirm', { documents: tree(entry({ confirm: 1 }), byB(deny)) }, no('Denied')],
];
