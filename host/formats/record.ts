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
  /** Unix seconds */
  now: number;
}

export interface NextDocument {
  claims: Claims;
  /** Entries of the earlier document that were repeated, and those of which nothing is left. */
  repeated: Entry[];
  dropped: Entry[];
}

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
    sequence: nextSequence(previous, options.sequence, now),
    entries: [...options.entries, ...repeated],
  };
  if (claims.expires !== undefined && claims.expires <= Math.max(now, claims.notBefore ?? 0)) {
    throw new CountersignError('BadArgument', 'approval: it would expire before it is valid');
  }
  return { claims, repeated, dropped: earlier.filter((entry) => !stays(entry) && !fresh.has(entryKey(entry))) };
}

/** A number above the last one, or the one that was asked for if it is. */
export function nextSequence(previous: Claims | undefined, wanted: bigint | undefined, now: number): bigint {
  const last = previous?.sequence;
  if (wanted === undefined) {
    const time = BigInt(now);
    return last === undefined || time > last ? time : last + 1n;
  }
  if (last === undefined || wanted > last) return wanted;
  throw new CountersignError('BadArgument', `approval: sequence ${wanted} is not above ${last}, the last one issued`, {
    hint: 'devices would ignore it: leave --sequence out to take the next number, or --prepare it anew',
  });
}
