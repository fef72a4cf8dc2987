// An operator's next document: drafted from what it said so far, shown, and signed (RFC 8392, RFC 9052; approval.ts).
//
//   draft    what the document will say, and what a person should know before they sign it
//   issued   the signed document, and what to keep of it as the record that the next one begins with
//
// A device heeds the newest document of an operator alone. So the record of the last one is not optional here: whoever has
// none says `previous: undefined`, and knows that denials end with it. Nothing is read, written or asked.

import type { Claims, Entry } from '../formats/approval.js';
import { approvalPayload, newDocumentId, signApproval } from '../formats/approval.js';
import { claimsFromYaml, claimsToYaml } from '../formats/approval-yaml.js';
import { hex } from '../formats/bytes.js';
import type { PublicKey, SigningKey } from '../formats/keys.js';
import { type NextDocument, nextDocument, nextSequence } from '../formats/record.js';
import type { SigningRequest } from '../formats/signing-request.js';
import { clockDoubts, type Doubt, dateDoubts, LAST_DOCUMENT, repeatDoubts, requireLift } from './doubts.js';
import { entryOf, type Selection } from './selection.js';

export interface IssueOptions {
  /** The newest document so far, which the next one repeats; undefined: none is known. */
  previous: Claims | undefined;
  /** Unix seconds: the date of issue. */
  now: number;
  /** Name of the operator; default: that of `previous`, else the id of its key in hex. */
  issuer?: string | undefined;
  /** Default: one more than the last, and at least `now`. */
  sequence?: bigint | undefined;
  /** Take a `sequence` that is more than a year ahead all the same. */
  force?: boolean | undefined;
  /** Repeat nothing. */
  only?: boolean | undefined;
  /** End denials of `previous` that the document does not name. */
  lift?: boolean | undefined;
  /** Unix seconds; default: the bounds of `previous` that lie ahead. */
  expires?: number | undefined;
  notBefore?: number | undefined;
}

/** A document that nobody has signed yet. */
export interface Draft extends NextDocument {
  warnings: Doubt[];
}

export interface Issued extends Draft {
  /** COSE_Sign1 over the claims, at most 1024 bytes. */
  document: Uint8Array;
  signer: PublicKey;
}

/**
 * The next document: these entries, and what it repeats of the last one.
 * Throws WouldLift, FarAhead, SequenceExhausted, or BadArgument (a number or a bound that no device would heed).
 */
export function draftDocument(key: PublicKey, entries: Entry[], options: IssueOptions): Draft {
  const { previous, issuer, only = false, lift, ...rest } = options;
  const next = nextDocument({
    ...rest,
    previous,
    issuer: issuer ?? previous?.issuer ?? hex(key.kid),
    entries,
    only,
  });
  return { ...next, warnings: [...doubtsOf(next.claims, previous, lift), ...repeatDoubts(next, previous)] };
}

/** The document that a YAML text states (approval-yaml.ts); what it leaves open is filled in, and it repeats nothing. */
export function draftFromYaml(
  text: string,
  what: string,
  { previous, now, sequence, force, lift }: Pick<IssueOptions, 'previous' | 'now' | 'sequence' | 'force' | 'lift'>,
): Draft {
  const claims = claimsFromYaml(text, what, {
    issuedAt: now,
    id: newDocumentId(),
    sequence: nextSequence(previous, sequence, now, force),
  });
  nextSequence(previous, claims.sequence, now, force);
  const warnings = [...dateDoubts(claims.issuedAt, now), ...doubtsOf(claims, previous, lift)];
  return { claims, repeated: [], dropped: previous?.entries ?? [], warnings };
}

function doubtsOf(claims: Claims, previous: Claims | undefined, lift = false): Doubt[] {
  const earlier = previous ? [previous] : [];
  return [...requireLift(previous, claims, lift, LAST_DOCUMENT), ...clockDoubts(claims, earlier, LAST_DOCUMENT)];
}

/** Signs a draft. Throws TooLarge if no device would keep the document. */
export function signDraft(key: SigningKey, draft: Draft): Issued {
  return { ...draft, document: signApproval(key, draft.claims), signer: key.public };
}

/** What a key on another machine shall sign, see ../ceremony.ts. */
export function requestDraft(key: PublicKey, draft: Draft): SigningRequest {
  return { form: 'document', key, payload: approvalPayload(draft.claims) };
}

/** Approves one package or a rule: the operator's next document, signed. */
export function approve(key: SigningKey, selection: Selection, options: IssueOptions): Issued {
  return signDraft(key, draftDocument(key.public, [entryOf('approve', selection)], options));
}

/**
 * Denies one package or a rule: the operator's next document, signed. A device that has seen it refuses the package whoever
 * else approves it, and ignores every earlier document of this operator.
 */
export function revoke(key: SigningKey, selection: Selection, options: IssueOptions): Issued {
  return signDraft(key, draftDocument(key.public, [entryOf('deny', selection)], options));
}

/** The record of a document: YAML that `claimsFromYaml` reads, to be kept until the next one is issued. */
export function recordText(claims: Claims): string {
  return `# The newest document of this operator. Its next one repeats these entries.\n${claimsToYaml(claims)}`;
}
