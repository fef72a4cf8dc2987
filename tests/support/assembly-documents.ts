// The signed documents that the suites of assembly/ read: as-pect runs without a signer, so they stand as hex in
// tests/assembly/support/documents.ts, and tests/core/assembly-documents.test.ts holds that file to this recipe.

import { CLASS_ID, makeApproval, makeBootstrap, makeConsent, makeEnvelope, makeKey, NOW, ROLE } from './make.js';

const vendor = makeKey('ed25519', 'vendor');
const operatorA = makeKey('ed25519', 'operator-a');
const operatorB = makeKey('p256', 'operator-b');
const consenter = makeKey('ed25519', 'consenter');
const stranger = makeKey('ed25519', 'stranger', 'operator-a');

const approve = { verdict: 1, classId: CLASS_ID };
const deny = { verdict: 2, classId: CLASS_ID };
const other = { verdict: 1, classId: new Uint8Array(16) };
const window = { notBefore: NOW + 10, expires: NOW + 20 };
const question = { digest: new Uint8Array(32).fill(0xaa), nonce: new Uint8Array(16).fill(0xbb) };

const anchors = [
  { role: ROLE.vendor, key: vendor },
  { role: ROLE.operator, key: operatorA, name: 'A' },
  { role: ROLE.operator, key: operatorB },
  { role: ROLE.consenter, key: consenter },
];

const A1_APPROVES = makeApproval({ key: operatorA, sequence: 1, entries: [approve] });
const FORGED = makeApproval({ key: stranger, entries: [approve] });

export const documents: Record<string, Uint8Array> = {
  BOOTSTRAP: makeBootstrap({ anchors, policy: { channels: 7, timeout: 60 } }),
  A1_APPROVES,
  A1_APPROVES_ASKING: makeApproval({ key: operatorA, sequence: 1, entries: [{ ...approve, confirm: 1 }] }),
  A1_DENIES: makeApproval({ key: operatorA, sequence: 1, entries: [deny] }),
  A2_OTHER: makeApproval({ key: operatorA, sequence: 2, issuedAt: NOW + 5, entries: [other] }),
  A2_WINDOW: makeApproval({ key: operatorA, sequence: 2, entries: [approve], ...window }),
  A2_DENIES_FOR_A_TIME: makeApproval({ key: operatorA, sequence: 2, entries: [deny], ...window }),
  A3_MALFORMED: makeApproval({ key: operatorA, sequence: 3, entries: [{ ...approve, more: [[9, 0]] }] }),
  B1_APPROVES: makeApproval({ key: operatorB, sequence: 1, entries: [approve] }),
  B1_DENIES: makeApproval({ key: operatorB, sequence: 1, entries: [deny] }),
  FORGED,
  UNKNOWN: makeApproval({ key: stranger, kid: null, entries: [approve] }),
  PACKAGE: makeEnvelope({ signers: [vendor], sequence: 7 }).bytes,
  COUNTERSIGNED: makeEnvelope({ signers: [stranger, operatorB, vendor], sequence: 7, ask: 0 }).bytes,
  EMBEDDING: makeEnvelope({ signers: [vendor], sequence: 7, approvals: [FORGED, A1_APPROVES] }).bytes,
  FIVE_EMBEDDED: makeEnvelope({ signers: [vendor], approvals: [...Array(4).fill(FORGED), A1_APPROVES] }).bytes,
  BY_STRANGER: makeEnvelope({ signers: [stranger, operatorA], sequence: 7 }).bytes,
  YES: makeConsent({ key: consenter, answer: 1, ...question }),
  NO: makeConsent({ key: consenter, answer: 2, ...question }),
  YES_BY_OPERATOR: makeConsent({ key: operatorA, answer: 1, ...question }),
  YES_ELSEWHERE: makeConsent({ key: consenter, answer: 1, ...question, deviceId: new Uint8Array(8) }),
  YES_OTHER_PACKAGE: makeConsent({ key: consenter, answer: 1, ...question, digest: new Uint8Array(32) }),
  YES_OLD_NONCE: makeConsent({ key: consenter, answer: 1, ...question, nonce: new Uint8Array(16) }),
};

/** What tests/assembly/support/documents.ts must read. */
export function documentsFile(): string {
  const lines = Object.entries(documents).map(
    ([name, bytes]) => `export const ${name}: string =\n  '${Buffer.from(bytes).toString('hex')}';\n`,
  );
  const head = [
    '// Signed documents for the suites of assembly/. Written by tests/support/assembly-documents.ts, which is their recipe:',
    '// `UPDATE_DOCUMENTS=1 npx vitest run --config tests/vitest.config.ts tests/core/assembly-documents.test.ts`.',
  ];
  return `${head.join('\n')}\n\n${lines.join('')}`;
}
