// Missing, late, foreign, denied or too little never means yes: every kind of approval, from every source, under both
// policies, has its verdict in the one table below, and each cell is tried on the core.
//
// "k-1 of k" and only that asks for two operators. What is in force for "older sequence" is a newer document of the same
// operator that the device has seen before.

import { afterAll, describe, expect, it } from 'vitest';
import { type ApprovalOptions, makeApproval, NOW, utf8 } from '../support/make.js';
import { type Facts, REJECT, type SourceName } from '../support/rawcore.js';
import {
  ask,
  byDigest,
  type Cell,
  cellOf,
  DAY,
  judge,
  no,
  operatorA,
  POLICIES,
  SOURCES,
  stranger,
  yes,
} from '../support/world.js';

const APPROVALS = [
  'none',
  'valid',
  'expired',
  'not yet valid',
  'denied',
  'older sequence',
  'wrong class',
  'wrong device',
  'wrong operator',
  'k-1 of k',
] as const;
type Approval = (typeof APPROVALS)[number];
type Policy = (typeof POLICIES)[number];

// One line is one row.
// biome-ignore format: a table
const TABLE: Record<Policy, Record<Approval, Record<SourceName, Cell>>> = {
  reject: {
    'none':           { package: no('NotApproved'),          card: no('NotApproved'),          bootstrap: no('NotApproved'),          tree: no('NotApproved') },
    'valid':          { package: yes,                        card: yes,                        bootstrap: yes,                        tree: yes },
    'expired':        { package: no('ApprovalExpired'),      card: no('ApprovalExpired'),      bootstrap: no('ApprovalExpired'),      tree: no('ApprovalExpired') },
    'not yet valid':  { package: no('ApprovalNotYetValid'),  card: no('ApprovalNotYetValid'),  bootstrap: no('ApprovalNotYetValid'),  tree: no('ApprovalNotYetValid') },
    'denied':         { package: no('Denied'),               card: no('Denied'),               bootstrap: no('Denied'),               tree: no('Denied') },
    'older sequence': { package: no('Superseded'),           card: no('Superseded'),           bootstrap: no('Superseded'),           tree: no('Superseded') },
    'wrong class':    { package: no('ApprovalOtherPackage'), card: no('ApprovalOtherPackage'), bootstrap: no('ApprovalOtherPackage'), tree: no('ApprovalOtherPackage') },
    'wrong device':   { package: no('ApprovalOtherDevice'),  card: no('ApprovalOtherDevice'),  bootstrap: no('ApprovalOtherDevice'),  tree: no('ApprovalOtherDevice') },
    'wrong operator': { package: no('ApprovalInvalid'),      card: no('ApprovalInvalid'),      bootstrap: no('ApprovalInvalid'),      tree: no('ApprovalInvalid') },
    'k-1 of k':       { package: no('TooFewOperators'),      card: no('TooFewOperators'),      bootstrap: no('TooFewOperators'),      tree: no('TooFewOperators') },
  },
  prompt: {
    'none':           { package: ask('NotApproved'),          card: ask('NotApproved'),          bootstrap: ask('NotApproved'),          tree: ask('NotApproved') },
    'valid':          { package: yes,                         card: yes,                         bootstrap: yes,                         tree: yes },
    'expired':        { package: ask('ApprovalExpired'),      card: ask('ApprovalExpired'),      bootstrap: ask('ApprovalExpired'),      tree: ask('ApprovalExpired') },
    'not yet valid':  { package: ask('ApprovalNotYetValid'),  card: ask('ApprovalNotYetValid'),  bootstrap: ask('ApprovalNotYetValid'),  tree: ask('ApprovalNotYetValid') },
    'denied':         { package: no('Denied'),                card: no('Denied'),                bootstrap: no('Denied'),                tree: no('Denied') },
    'older sequence': { package: ask('Superseded'),           card: ask('Superseded'),           bootstrap: ask('Superseded'),           tree: ask('Superseded') },
    'wrong class':    { package: ask('ApprovalOtherPackage'), card: ask('ApprovalOtherPackage'), bootstrap: ask('ApprovalOtherPackage'), tree: ask('ApprovalOtherPackage') },
    'wrong device':   { package: ask('ApprovalOtherDevice'),  card: ask('ApprovalOtherDevice'),  bootstrap: ask('ApprovalOtherDevice'),  tree: ask('ApprovalOtherDevice') },
    'wrong operator': { package: ask('ApprovalInvalid'),      card: ask('ApprovalInvalid'),      bootstrap: ask('ApprovalInvalid'),      tree: ask('ApprovalInvalid') },
    'k-1 of k':       { package: ask('TooFewOperators'),      card: ask('TooFewOperators'),      bootstrap: ask('TooFewOperators'),      tree: ask('TooFewOperators') },
  },
};

const OTHER_CLASS = utf8('sixteen bytes...');

// The document of each row, and what the device has seen before.
const DOCUMENTS: Record<Approval, { document?: ApprovalOptions; facts?: Facts; threshold?: number }> = {
  none: {},
  valid: { document: { key: operatorA, entries: [byDigest], notBefore: NOW - DAY, expires: NOW + DAY } },
  expired: { document: { key: operatorA, entries: [byDigest], issuedAt: NOW - 2 * DAY, expires: NOW } },
  'not yet valid': { document: { key: operatorA, entries: [byDigest], notBefore: NOW + 1 } },
  denied: { document: { key: operatorA, entries: [{ ...byDigest, verdict: 2 }] } },
  'older sequence': { document: { key: operatorA, entries: [byDigest], sequence: 8 }, facts: { floors: [0, 9] } },
  'wrong class': { document: { key: operatorA, entries: [{ verdict: 1, classId: OTHER_CLASS, range: [0, 100] }] } },
  'wrong device': { document: { key: operatorA, entries: [{ ...byDigest, devices: [utf8('device-2')] }] } },
  'wrong operator': { document: { key: stranger, entries: [byDigest] } },
  'k-1 of k': { document: { key: operatorA, entries: [byDigest] }, threshold: 2 },
};

let tried = 0;
afterAll(() => console.log(`fail closed: ${tried} of ${CELLS.length} cells`));

const CELLS = POLICIES.flatMap((policy) =>
  APPROVALS.flatMap((approval) => SOURCES.map((source) => ({ policy, approval, source }))),
);

describe('every approval from every source under every policy', () => {
  it('is 80 cells, and the table has them all', () => {
    expect(CELLS).toHaveLength(80);
    const cells = POLICIES.flatMap((policy) =>
      Object.values(TABLE[policy]).flatMap((row) => Object.values(row).filter((cell) => cell.length === 2)),
    );
    expect(cells).toHaveLength(80);
    for (const policy of POLICIES) expect(Object.keys(TABLE[policy])).toEqual([...APPROVALS]);
  });

  it.each(CELLS)('$policy, $approval, $source', ({ policy, approval, source }) => {
    const { document, facts, threshold = 1 } = DOCUMENTS[approval];
    tried++;
    const outcome = judge({
      documents: document ? [[source, makeApproval(document)]] : [],
      policy: { unapproved: policy === 'prompt' ? 1 : 0, threshold },
      ...(facts && { facts }),
    });
    expect(cellOf(outcome)).toEqual(TABLE[policy][approval][source]);
    expect(outcome.findings.length).toBe(document ? 1 : 0);
    // Whatever was pushed after the verdict is the firmware that was judged, or nothing was pushed.
    expect(outcome.phase).toBe(outcome.verdict === REJECT ? 2 : 4);
  });
});
