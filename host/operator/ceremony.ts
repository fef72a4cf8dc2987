// The operator's last step of a ceremony (../ceremony.ts): a document that a key on another machine has signed.
//
//   requestDraft (issue.ts)  ->  signature  ->  assembleRequest  ->  acceptDocument

import type { Assembled } from '../ceremony.js';
import { CountersignError } from '../errors.js';
import { decodeClaims } from '../formats/approval.js';
import { nextSequence } from '../formats/record.js';
import { LAST_DOCUMENT, requireLift } from './doubts.js';
import type { Issued, IssueOptions } from './issue.js';

/**
 * The document that the request asked for, unless a newer one was issued meanwhile: BadArgument then, or WouldLift. RequestMismatch if the request is for something else than a document.
 */
export function acceptDocument(
  { request, signed }: Assembled,
  { previous, now, lift = false, force }: Pick<IssueOptions, 'previous' | 'now' | 'lift' | 'force'>,
): Issued {
  if (request.form !== 'document') {
    throw new CountersignError('RequestMismatch', `request: it is for a ${request.form}, not for a document`);
  }
  const claims = decodeClaims(request.payload, 'the request');
  const warnings = requireLift(previous, claims, lift, LAST_DOCUMENT);
  nextSequence(previous, claims.sequence, now, force);
  return { claims, repeated: [], dropped: [], warnings, document: signed, signer: request.key };
}
