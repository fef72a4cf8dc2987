// What an operator has said so far, and what its next document says.
//
// A device heeds the newest document of an operator alone, so the next one repeats what shall stay in force:
//
//   earlier entry                                  | in the next document
//   -----------------------------------------------|--------------------------------
//   about the same packages and devices as the new | replaced by the new one
//   deny                                           | repeated: a denial does not lapse
//   approve, and the earlier document has expired  | left out
//   approve otherwise                              | repeated
//
// Times belong to a whole document. A bound of the earlier one that still lies ahead is kept unless a new one is given.
// The sequence number is one more than the last, and never below the time of issue: so it also grows when the record of
// what was issued is lost, or when two machines share a key.

import { CountersignError } from '../errors.js';
import { type Claims, type Entry, entryKey, newDocumentId } from './approval.js';
import { same } from './bytes.js';
import { requireNear, sequenceAfter } from './sequence.js';

export interface NextOptions {
  /** The newest document so far; undefined: none is known. */
  previous: Claims | undefined;
  issuer: string;
  entries: Entry[];
  /** Repeat nothing. */
  only?: boolean;
  notBefore?: number | undefined;
  expires?: number | undefined;
  sequence?: bigint | undefined;
  /** Take a number that is far ahead all the same. */
  force?: boolean | undefined;
  /** Unix seconds */
  now: number;
}

export interface NextDocument {
  claims: Claims;
  /** Entries of the earlier document that were repeated, and those of which nothing is left. */
  repeated: Entry[];
  dropped: Entry[];
}

/** The next document of an operator: the new entries, and what the previous one said and is not replaced by them. */
export function nextDocument(options: NextOptions): NextDocument {
  const { previous, now } = options;
  const fresh = new Set(options.entries.map(entryKey));
  const expired = previous?.expires !== undefined && previous.expires <= now;
  const stays = (entry: Entry) =>
    !options.only && !fresh.has(entryKey(entry)) && !(expired && entry.verdict === 'approve');
  const earlier = previous?.entries ?? [];
  const repeated = earlier.filter(stays);
  const ahead = (seconds: number | undefined) => (seconds !== undefined && seconds > now ? seconds : undefined);
  const inherit = options.only ? undefined : previous;
  const claims: Claims = {
    issuer: options.issuer,
    issuedAt: now,
    notBefore: options.notBefore ?? ahead(inherit?.notBefore),
    expires: options.expires ?? ahead(inherit?.expires),
    id: newDocumentId(),
    sequence: nextSequence(previous, options.sequence, now, options.force),
    entries: [...options.entries, ...repeated],
  };
  if (claims.expires !== undefined && claims.expires <= Math.max(now, claims.notBefore ?? 0)) {
    throw new CountersignError('BadArgument', 'approval: it would expire before it is valid');
  }
  return { claims, repeated, dropped: earlier.filter((entry) => !stays(entry) && !fresh.has(entryKey(entry))) };
}

/** Entries of an earlier document that deny, and that a document with these entries denies no more. */
export function deniedNoMore(earlier: Pick<Claims, 'entries'> | undefined, entries: readonly Entry[]): Entry[] {
  const denials = entries.filter(({ verdict }) => verdict === 'deny');
  const lifted = (entry: Entry) => entry.verdict === 'deny' && !denials.some((denial) => covers(denial, entry));
  return (earlier?.entries ?? []).filter(lifted);
}

/** Whether all that `narrow` is about, `wide` is about: it names no condition that the other does not name as strictly. */
export function covers(wide: Entry, narrow: Entry): boolean {
  const equal = (a: Uint8Array | undefined, b: Uint8Array | undefined) =>
    a === undefined || (b !== undefined && same(a, b));
  const inRange = ([low, high]: [bigint, bigint]) =>
    narrow.range !== undefined && low <= narrow.range[0] && narrow.range[1] <= high;
  const listed = (devices: Uint8Array[]) =>
    narrow.devices?.every((device) => devices.some((one) => same(one, device))) === true;
  return (
    equal(wide.digest, narrow.digest) &&
    equal(wide.imageHash, narrow.imageHash) &&
    equal(wide.classId, narrow.classId) &&
    equal(wide.vendorKid, narrow.vendorKid) &&
    (wide.range === undefined || inRange(wide.range)) &&
    (wide.devices === undefined || listed(wide.devices))
  );
}

/** A number above the last one, or the one that was asked for if it is, and not far ahead (sequence.ts). */
export function nextSequence(
  previous: Claims | undefined,
  wanted: bigint | undefined,
  now: number,
  force = false,
): bigint {
  const last = previous?.sequence;
  if (wanted === undefined) {
    const time = BigInt(now);
    return last === undefined || time > last ? time : sequenceAfter('approval', last);
  }
  if (last === undefined || wanted > last) {
    requireNear('approval', wanted, { now, last, force });
    return wanted;
  }
  throw new CountersignError('BadArgument', `approval: sequence ${wanted} is not above ${last}, the last one issued`, {
    hint: 'devices would ignore it: leave --sequence out to take the next number, or --prepare it anew',
  });
}
