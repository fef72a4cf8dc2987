// What an operator should know before its next document is signed or published: which denials that would end, and whether
// the clock that dates it agrees with what was dated before.
//
// Devices heed the newest document alone, so a denial ends when the next one does not repeat it: that has to be meant. It is
// where the next document approves the very thing that was denied, which is told; any other needs --lift. Devices without a clock take the newest date that they see for the time; one from a clock that runs ahead makes
// every approval that expires earlier worthless to them, for good.

import { CountersignError } from '../errors.js';
import { type Claims, entryKey } from '../formats/approval.js';
import { momentText } from '../formats/moment.js';
import { deniedNoMore } from '../formats/record.js';
import { entryText } from './show.js';

/**
 * Throws unless all that the operator has denied stays denied, is approved by name now, or `lift`. Returns what ends, for a
 * person. `where`: which document denies it.
 */
export function requireLift(earlier: Claims | undefined, claims: Claims, lift: boolean, where: string): string[] {
  const named = new Set(claims.entries.map(entryKey));
  const lifted = deniedNoMore(earlier, claims.entries);
  const unnamed = lift ? [] : lifted.filter((entry) => !named.has(entryKey(entry)));
  if (unnamed.length === 0) return lifted.map((entry) => `warning: this ends a denial: ${entryText(entry)}`);
  const said = unnamed.map(entryText).join('; ');
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
