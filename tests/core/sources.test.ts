// The rule of sources, enumerated: each of the four sources holds each kind of approval data of one operator, or none, and
// the verdict is held against the rule in plain words. What decided is named with its source.
//
// The words (design, section 5): the newest document of an operator is in force; of equals both are, and deny wins. Old
// approvals give way to any newer authentic document, old denials only to a newer one that can be read. What expired,
// cannot be read, was not signed by an operator or could not be fetched approves nothing.

import { afterAll, describe, expect, it } from 'vitest';
import { makeApproval, NOW } from '../support/make.js';
import { nameOf, SOURCE } from '../support/rawcore.js';
import { byDigest, cellOf, judge, operatorA, POLICIES, SOURCES, stranger } from '../support/world.js';

const NEW = 2;
const OLD = 1;
const of = (sequence: number, more: object = {}) =>
  makeApproval({ key: operatorA, sequence, entries: [byDigest], ...more });
const deny = { entries: [{ ...byDigest, verdict: 2 }] };

const KINDS = {
  absent: undefined,
  approve: of(NEW),
  deny: of(NEW, deny),
  expired: of(NEW, { expires: NOW }),
  'old approve': of(OLD),
  'old deny': of(OLD, deny),
  malformed: of(NEW, { entries: [] }), // its number can be read
  foreign: makeApproval({ key: stranger, sequence: NEW, entries: [byDigest] }),
  unreachable: undefined,
} as const;
type Kind = keyof typeof KINDS;
const kinds = Object.keys(KINDS) as Kind[];

/** What each source's data counts for when all of them are on the table: the rule, in words. */
function judgedByWords(table: readonly Kind[]): { reasons: (string | undefined)[]; verdict: string } {
  const has = (...some: Kind[]) => some.some((kind) => table.includes(kind));
  const newerAuthentic = has('approve', 'deny', 'expired', 'malformed');
  const newerReadable = has('approve', 'deny', 'expired');
  const counts: Record<Kind, string | undefined> = {
    absent: undefined,
    approve: 'Ok',
    deny: 'Denied',
    expired: 'ApprovalExpired',
    'old approve': newerAuthentic ? 'Superseded' : 'Ok',
    'old deny': newerReadable ? 'Superseded' : 'Denied',
    malformed: 'ApprovalMalformed',
    foreign: 'SignerUnknown',
    unreachable: 'SourceUnreachable',
  };
  const reasons = table.map((kind) => counts[kind]);
  if (reasons.includes('Denied')) return { reasons, verdict: 'Denied' };
  if (reasons.includes('Ok')) return { reasons, verdict: 'Ok' };
  const telling = ['ApprovalExpired', 'Superseded', 'ApprovalMalformed', 'SignerUnknown', 'SourceUnreachable'];
  const first = telling.find((reason) => reasons.includes(reason)) ?? 'NotApproved';
  return { reasons, verdict: first === 'SignerUnknown' ? 'ApprovalInvalid' : first };
}

function* tables(): Generator<Kind[]> {
  for (let n = 0; n < kinds.length ** SOURCES.length; n++) {
    yield SOURCES.map((_, at) => kinds[Math.floor(n / kinds.length ** at) % kinds.length]!);
  }
}

describe('all combinations of four sources', () => {
  let cells = 0;
  const ends = new Map<string, number>();
  afterAll(() => {
    const tally = [...ends].map(([reason, count]) => `${count} ${reason}`).join(', ');
    console.log(`rule of sources: ${cells} tables: ${tally}`);
  });

  it(`of ${Object.keys(KINDS).length} kinds each: the verdict is that of the words, and each finding names its source`, {
    timeout: 600_000,
  }, () => {
    for (const table of tables()) {
      const documents = SOURCES.flatMap((source, at) => {
        const bytes = KINDS[table[at]!];
        return bytes ? [[source, bytes] as const] : [];
      });
      const unreachable = SOURCES.filter((_, at) => table[at] === 'unreachable');
      // Under prompt every other table: what is not approved is asked then, and a denial is not.
      const policy = POLICIES[cells % 2]!;
      const outcome = judge({ documents, unreachable, policy: { unapproved: policy === 'prompt' ? 1 : 0 } });
      const { reasons, verdict } = judgedByWords(table);
      const what = SOURCES.map((source, at) => `${source}: ${table[at]}`).join(', ');
      const otherwise = policy === 'prompt' && verdict !== 'Denied' ? 'ask' : 'reject';
      expect(cellOf(outcome), what).toEqual([verdict === 'Ok' ? 'install' : otherwise, verdict]);
      const found = SOURCES.map((source) => {
        const [finding] = outcome.findings.filter((one) => one.source === SOURCE[source]);
        return finding && nameOf(finding.reason);
      });
      expect(found, what).toEqual(reasons);
      ends.set(verdict, (ends.get(verdict) ?? 0) + 1);
      cells++;
    }
    expect(cells).toBe(kinds.length ** SOURCES.length);
    expect(ends.size).toBe(8);
  });
});
