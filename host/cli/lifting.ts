// What an operator should know before its next document is signed or published: which denials that would end, and whether
// the clock that dates it agrees with what was dated before.
//
// Devices heed the newest document alone, so a denial ends when the next one does not repeat it: that has to be meant
// (--lift). Devices without a clock take the newest date that they see for the time; one from a clock that runs ahead makes
// every approval that expires earlier worthless to them, for good.

import { CountersignError } from '../errors.js';
import type { Claims } from '../formats/approval.js';
import { momentText } from '../formats/moment.js';
import { deniedNoMore } from '../formats/record.js';
import { entryText } from './show.js';

/** Throws unless all that the operator has denied stays denied, or `lift`. `where`: which document says so. */
export function requireLift(earlier: Claims | undefined, claims: Claims, lift: boolean, where: string): void {
  const lifted = lift ? [] : deniedNoMore(earlier, claims.entries);
  if (lifted.length === 0) return;
  const said = lifted.map(entryText).join('; ');
  throw new CountersignError('WouldLift', `approval: it would lift what ${where} of this operator says: ${said}`);
}

/** Clocks of two machines differ by so much without a fault, seconds. */
const DIFFER_MAX = 300;
/** Between two documents of a fleet that is looked after, seconds. */
const PAUSE_MAX = 366 * 86_400;

/** Why the clock that dated `claims` may be wrong, by the newest of some other documents. */
export function clockDoubt(claims: Claims, others: readonly Claims[], where: string): string | undefined {
  const newest = Math.max(...others.map(({ issuedAt }) => issuedAt));
  if (newest === Number.NEGATIVE_INFINITY) return undefined;
  const [now, then] = [momentText(claims.issuedAt), momentText(newest)];
  if (newest > claims.issuedAt + DIFFER_MAX) {
    return `warning: dated ${now}, but ${where} is dated ${then}: one of the two clocks is wrong`;
  }
  if (claims.issuedAt <= newest + PAUSE_MAX) return undefined;
  return `warning: dated ${now}, more than a year after ${where} (${then}): if this clock runs ahead, devices without a clock will believe it`;
}
