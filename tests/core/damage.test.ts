// Damaged data: a package, an approval document and a bootstrap document, cut off at every byte and with every single bit
// flipped. Thousands of cases on one core, which afterwards judges the intact package as before.
//
// Packages and approval documents. Nothing is installed: the outcome is a rejection with a number of the table, or the
// firmware is not taken. There is one exception, which is exact: a bit of an *unprotected* COSE header (the kid and its
// label) is signed by nobody and is a hint only. There the damage may change nothing, and then the very same manifest
// digest and firmware are installed; it may never approve anything else. Nor is the count of the list around embedded
// approval documents signed: each document stands for itself. A damaged document raises no floor either.
//
// Bootstrap documents are not signed: a flipped bit can make another legal one (another device id, another key). So:
// either it is refused with a number and the device stays blank, which rejects everything; or what it makes of the device
// still rejects a package that no operator approved and one that a stranger made, except for the one bit that is the
// policy's own "prompt".

import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import {
  cbor,
  flipBit,
  makeApproval,
  makeBootstrap,
  makeEnvelope,
  makeKey,
  NOW,
  ROLE,
  type TestKey,
  unhex,
} from '../support/make.js';
import { ASK, type Delivery, INSTALL, nameOf, type Outcome, PHASE, REJECT, rawCore } from '../support/rawcore.js';

const vendor = makeKey('ed25519', 'vendor');
const operator = makeKey('ed25519', 'operator');
const stranger = makeKey('ed25519', 'stranger');
const OPERATOR = 1; // anchor index
const anchors = [
  { role: ROLE.vendor, key: vendor, name: 'vendor' },
  { role: ROLE.operator, key: operator, name: 'operator' },
];
const policy = { unapproved: 0, threshold: 1, sources: 15 };
const bootstrap = makeBootstrap({ anchors, policy });
const about = { text: { name: 'lamp', version: '1.2.0', description: 'dims' }, setVersion: [1, 2, 0], sequence: 3 };

const unapproved = makeEnvelope({ ...about, signers: [vendor] });
const countersigned = makeEnvelope({ ...about, signers: [vendor, operator] });
const byStranger = makeEnvelope({ ...about, signers: [stranger, operator] });
const approval = makeApproval({
  key: operator,
  sequence: 4,
  expires: NOW + 9,
  entries: [{ verdict: 1, digest: unapproved.digest }],
});
const embedding = makeEnvelope({ ...about, signers: [vendor], approvals: [approval] });

const core = rawCore();
const counts: string[] = [];
afterAll(() => console.log(`damage: ${counts.join('; ')}`));

const deliver = (delivery: Omit<Delivery, 'facts'>): Outcome => core.deliver({ ...delivery, facts: { time: NOW } });
const installs = ({ verdict, phase, payloadFault }: Outcome) =>
  verdict === INSTALL && phase === PHASE.complete && payloadFault === 0;
const numbered = (reason: number) => reason !== 0 && !nameOf(reason).startsWith('number');

/** Every prefix, then every copy with one bit flipped (`bit` says which). */
function* damaged(bytes: Uint8Array): Generator<{ spoilt: Uint8Array; bit?: number }> {
  for (let length = 0; length < bytes.length; length++) yield { spoilt: bytes.slice(0, length) };
  for (let bit = 0; bit < bytes.length * 8; bit++) yield { spoilt: flipBit(bytes, bit), bit };
}

/** The bits of every unprotected header in `bytes`: they stand behind the protected header {1: -19}, as a bstr. */
function unprotectedBits(bytes: Uint8Array, signers: readonly TestKey[]): Set<number> {
  const bits = new Set<number>();
  for (const { kid } of signers) {
    const header = cbor(new Map([[4, kid]]));
    const before = unhex('d28443a10132');
    const at = Buffer.from(bytes).indexOf(Buffer.concat([before, header]));
    expect(at).toBeGreaterThanOrEqual(0);
    for (let bit = 0; bit < header.length * 8; bit++) bits.add((at + before.length) * 8 + bit);
  }
  return bits;
}

// "#approval", then the bstr around the list: the list's own head comes after 2 bytes of bstr head.
const listHeadBits = (bytes: Uint8Array): number[] => {
  const at = Buffer.from(bytes).indexOf('#approval') + '#approval'.length + 2;
  return Array.from({ length: 8 }, (_, bit) => at * 8 + bit);
};

interface Example {
  name: string;
  bytes: Uint8Array;
  /** Whose unprotected headers are in it. */
  signers: readonly TestKey[];
  /** How a device meets these bytes. */
  delivery: (bytes: Uint8Array) => Omit<Delivery, 'facts'>;
  /** What is installed with the intact bytes; everything else is rejected. */
  baseline: 'installs' | 'rejects';
}

const asPackage = (bytes: Uint8Array) => ({ package: bytes });
const fromTree = (bytes: Uint8Array) => ({
  package: unapproved.bytes,
  evidence: [{ source: 'tree', bytes } as const],
});

const EXAMPLES: Example[] = [
  {
    name: 'countersigned package',
    bytes: countersigned.bytes,
    signers: [vendor, operator],
    delivery: asPackage,
    baseline: 'installs',
  },
  {
    name: 'package with an approval in it',
    bytes: embedding.bytes,
    signers: [vendor, operator],
    delivery: asPackage,
    baseline: 'installs',
  },
  {
    name: 'package that nobody approved',
    bytes: unapproved.bytes,
    signers: [vendor],
    delivery: asPackage,
    baseline: 'rejects',
  },
  { name: 'approval document', bytes: approval, signers: [operator], delivery: fromTree, baseline: 'installs' },
];

describe('a package or an approval document, damaged', () => {
  beforeAll(() => expect(core.provision(bootstrap)).toBe(0));

  it.each(EXAMPLES)('$name', ({ name, bytes, signers, delivery, baseline }) => {
    const intact = deliver(delivery(bytes));
    expect(installs(intact)).toBe(baseline === 'installs');
    const as = JSON.stringify(intact);
    const hints = unprotectedBits(bytes, signers);
    if (bytes === embedding.bytes) for (const bit of listHeadBits(bytes)) hints.add(bit);
    const wrong: string[] = [];
    let cases = 0;
    let same = 0;
    for (const { spoilt, bit } of damaged(bytes)) {
      cases++;
      const outcome = deliver(delivery(spoilt));
      const where = bit === undefined ? `cut to ${spoilt.length}` : `bit ${bit % 8} of byte ${bit >> 3}`;
      if (installs(outcome)) {
        same++;
        if (bit === undefined || !hints.has(bit) || outcome.digest !== intact.digest) wrong.push(`installed: ${where}`);
      } else {
        const why = outcome.verdict === REJECT ? outcome.reason : outcome.payloadFault;
        if (!numbered(why)) wrong.push(`${nameOf(why)}: ${where}`);
        if (outcome.verdict === ASK) wrong.push(`asks: ${where}`);
        if (delivery === fromTree && BigInt(core.exports.operatorFloor!(OPERATOR)) !== 0n)
          wrong.push(`raised a floor: ${where}`);
      }
      if (JSON.stringify(deliver(delivery(bytes))) !== as)
        wrong.push(`the intact one is judged otherwise after ${where}`);
    }
    counts.push(`${name} ${cases} cases, ${same} of them in ${hints.size} unsigned bits and without effect`);
    expect(wrong).toEqual([]);
    expect(cases).toBe(bytes.length * 9);
  });
});

describe('a bootstrap document, damaged', () => {
  const promptBit = (Buffer.from(bootstrap).indexOf(unhex('a301000401050f')) + 2) * 8;

  it('is refused, or makes a device that installs nothing it should not', () => {
    const wrong: string[] = [];
    let [cases, refused] = [0, 0];
    for (const { spoilt, bit } of damaged(bootstrap)) {
      cases++;
      const where = bit === undefined ? `cut to ${spoilt.length}` : `bit ${bit % 8} of byte ${bit >> 3}`;
      const reason = core.provision(spoilt);
      if (reason !== 0) {
        refused++;
        if (!numbered(reason)) wrong.push(`number ${reason}: ${where}`);
        const blank = deliver({ package: countersigned.bytes });
        if (nameOf(blank.reason) !== 'NotProvisioned') wrong.push(`not blank: ${where}`);
      } else {
        if (bit === undefined) wrong.push(`taken: ${where}`);
        const unasked = deliver({ package: unapproved.bytes }).verdict;
        if (unasked !== (bit === promptBit ? ASK : REJECT)) wrong.push(`verdict ${unasked}, not approved: ${where}`);
        if (deliver({ package: byStranger.bytes }).verdict !== REJECT) wrong.push(`takes a stranger's: ${where}`);
      }
      expect(core.provision(bootstrap)).toBe(0);
      if (!installs(deliver({ package: countersigned.bytes }))) wrong.push(`not as before after ${where}`);
    }
    counts.push(`bootstrap document ${cases} cases, ${refused} refused, ${cases - refused} other legal documents`);
    expect(wrong).toEqual([]);
    expect(cases).toBe(bootstrap.length * 9);
  });

  it('nothing is taken from it when it is refused', () => {
    const blank = rawCore();
    expect(blank.provision(bootstrap.slice(0, -1))).not.toBe(0);
    expect(nameOf(blank.deliver({ package: countersigned.bytes }).reason)).toBe('NotProvisioned');
  });
});
