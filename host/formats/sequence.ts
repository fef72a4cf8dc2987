// Sequence numbers before they are signed: one that is far ahead shuts the door behind it.
//
// Devices never take a lower number again, of packages, of an operator's documents or of changes. The numbers that this tool
// gives follow Unix seconds; one that is more than a year ahead of both the last number and the time is a slip more often
// than a wish, so it wants --force. The way back from one that was signed all the same: for an operator, another key, which
// a change document puts in the place of the old one (its numbers start anew); for packages and changes there is none but a
// new bootstrap.

import { CountersignError } from '../errors.js';
import { momentText } from './moment.js';

export const SEQUENCE_MAX = 2n ** 64n - 1n;

/** Room for numbers to run ahead of the clock: 366 days, in seconds. */
const AHEAD_MAX = 366n * 86_400n;

/** Whether nothing that follows would count for long. `now` in Unix seconds; `last`: the newest number so far, if known. */
export const isFarAhead = (sequence: bigint, now: number, last = 0n): boolean =>
  sequence > (last > BigInt(now) ? last : BigInt(now)) + AHEAD_MAX;

/** Throws FarAhead, unless `force`. `what` names what carries the number. */
export function requireNear(
  what: string,
  sequence: bigint,
  { now, last, force }: { now: number; last?: bigint | undefined; force?: boolean | undefined },
): void {
  if (force || !isFarAhead(sequence, now, last)) return;
  const seen = last === undefined ? `the time, ${now}` : `the last one, ${last}, and of the time, ${now}`;
  throw new CountersignError('FarAhead', `${what}: sequence ${sequence} is far ahead of ${seen}`);
}

/** A machine whose clock is off by less is no reason to speak, seconds. */
const ISSUED_AHEAD_MAX = 86_400;

/** Why a date of issue may harm: devices without a clock take the newest one for the time. */
export function issuedDoubt(issuedAt: number, now: number): string | undefined {
  if (issuedAt <= now + ISSUED_AHEAD_MAX) return undefined;
  return `issued ${momentText(issuedAt)} is ahead of the time: devices without a clock believe it, for good`;
}

/** One more than the last. */
export function sequenceAfter(what: string, last: bigint): bigint {
  if (last < SEQUENCE_MAX) return last + 1n;
  throw new CountersignError('SequenceExhausted', `${what}: ${last} was used, and there is no higher number`);
}
