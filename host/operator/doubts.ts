// What an operator should know before its next document is signed or published: which denials that would end, and whether
// the clock that dates it agrees with what was dated before.
//
// Devices heed the newest document alone, so a denial ends when the next one does not repeat it: that has to be meant. It is
// where the next document approves the very thing that was denied, which is told; any other needs `lift`. Devices without a
// clock take the newest date that they see for the time; one from a clock that runs ahead makes every approval that expires
// earlier worthless to them, for good.

import { CountersignError } from '../errors.js';
import { type Claims, entryKey } from '../formats/approval.js';
import { momentText } from '../formats/moment.js';
import { covers, deniedNoMore, type NextDocument } from '../formats/record.js';
import { issuedDoubt } from '../formats/sequence.js';
import { entryText } from '../formats/wording.js';

/** What the record holds, in messages. */
export const LAST_DOCUMENT = 'the last document';

export type DoubtRule =
  /** The document approves what the last one denied, or `lift` was given. */
  | 'ends-denial'
  /** The clock of this machine and the date of an earlier document do not agree. */
  | 'clock'
  /** It is dated in the future: devices without a clock will take that for the time. */
  | 'issued-ahead'
  /** What the last document approves is repeated, and its time is another one now. */
  | 'moves-bounds'
  /** It approves something more narrowly than what it repeats, which stays in force. */
  | 'not-narrower'
  /** Its number is so high that nothing which follows would count for long. */
  | 'far-ahead';

/** Why something may not be what its signer meant. It hinders nothing. */
export interface Doubt {
  rule: DoubtRule;
  /** One sentence, without a full stop. */
  text: string;
}

/**
 * Throws WouldLift unless all that the operator has denied stays denied, is approved by name now, or `lift`. Returns what
 * ends. `where`: which document denies it, for the message.
 */
export function requireLift(earlier: Claims | undefined, claims: Claims, lift: boolean, where: string): Doubt[] {
  const named = new Set(claims.entries.map(entryKey));
  const lifted = deniedNoMore(earlier, claims.entries);
  const unnamed = lift ? [] : lifted.filter((entry) => !named.has(entryKey(entry)));
  if (unnamed.length === 0) {
    return lifted.map((entry) => ({ rule: 'ends-denial', text: `this ends a denial: ${entryText(entry)}` }));
  }
  const said = unnamed.map(entryText).join('; ');
  throw new CountersignError('WouldLift', `approval: it would lift what ${where} of this operator says: ${said}`);
}

/**
 * What the next document does to approvals that it repeats. Times belong to a whole document, and entries add up: neither may be
 * what was meant by whoever looked at the new entry alone.
 */
export function repeatDoubts({ claims, repeated }: NextDocument, previous: Claims | undefined): Doubt[] {
  const approvals = repeated.filter(({ verdict }) => verdict === 'approve');
  if (previous === undefined || approvals.length === 0) return [];
  const those = approvals.length === 1 ? '1 repeated approval' : `${approvals.length} repeated approvals`;
  const moved = (what: string, from: number | undefined, to: number | undefined): Doubt[] => {
    if (from === to) return [];
    const [then, now] = [from, to].map((at) => (at === undefined ? 'none' : momentText(at)));
    return [{ rule: 'moves-bounds', text: `the ${what} of ${those} moves from ${then} to ${now}` }];
  };
  const late = claims.notBefore !== undefined && claims.notBefore > claims.issuedAt;
  const wider = claims.entries
    .filter((entry) => entry.verdict === 'approve' && !repeated.includes(entry))
    .flatMap((entry) => approvals.filter((earlier) => covers(earlier, entry)));
  return [
    ...moved('end', previous.expires, claims.expires),
    ...(late ? moved('begin', previous.notBefore, claims.notBefore) : []),
    ...[...new Set(wider)].map(
      (entry): Doubt => ({
        rule: 'not-narrower',
        text: `what is repeated approves more, and stays in force (--only leaves it out): ${entryText(entry)}`,
      }),
    ),
  ];
}

/** Clocks of two machines differ by so much without a fault, seconds. */
const DIFFER_MAX = 300;
/** Between two documents of a fleet that is looked after, seconds. */
const PAUSE_MAX = 366 * 86_400;

/** Why the clock that dated `claims` may be wrong, by the newest of some other documents. */
export function clockDoubts(claims: Claims, others: readonly Claims[], where: string): Doubt[] {
  const newest = Math.max(...others.map(({ issuedAt }) => issuedAt));
  if (newest === Number.NEGATIVE_INFINITY) return [];
  const [now, then] = [momentText(claims.issuedAt), momentText(newest)];
  const doubt = (text: string): Doubt[] => [{ rule: 'clock', text: `dated ${now}, ${text}` }];
  if (newest > claims.issuedAt + DIFFER_MAX) {
    return doubt(`but ${where} is dated ${then}: one of the two clocks is wrong`);
  }
  if (claims.issuedAt <= newest + PAUSE_MAX) return [];
  return doubt(
    `more than a year after ${where} (${then}): if this clock runs ahead, devices without a clock will believe it`,
  );
}

/** Why a date of issue that a person wrote may harm. `now` in Unix seconds. */
export function dateDoubts(issuedAt: number, now: number): Doubt[] {
  const text = issuedDoubt(issuedAt, now);
  return text === undefined ? [] : [{ rule: 'issued-ahead', text }];
}
