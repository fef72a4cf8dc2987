// How results look to a person: rows of name and value, and the same words for the same things everywhere.

import type { ApprovalView, Claims, Entry } from '../formats/approval.js';
import { hex, uuidText } from '../formats/bytes.js';
import { algorithmName } from '../formats/cose.js';
import { momentText as momentOf } from '../formats/moment.js';
import { claimsRows, entryText, rows } from '../formats/wording.js';
import { printable, shellWord } from '../printable.js';

export { claimsRows, entryText, printable, rows, shellWord };

/** As moment.ts writes it; undefined stays undefined. */
export function momentText(seconds: number): string;
export function momentText(seconds: number | undefined): string | undefined;
export function momentText(seconds: number | undefined): string | undefined {
  return seconds === undefined ? undefined : momentOf(seconds);
}

export function entryData(entry: Entry): Record<string, unknown> {
  const { classId, ...rest } = entry;
  return { ...rest, classId: classId && uuidText(classId) };
}

export function claimsData(claims: Claims): Record<string, unknown> {
  const { issuedAt, notBefore, expires, entries, ...rest } = claims;
  return {
    ...rest,
    issuedAt: momentText(issuedAt),
    notBefore: momentText(notBefore),
    expires: momentText(expires),
    entries: entries.map(entryData),
  };
}

/** "Ed25519, key 0011…": what a signature claims. */
export function signatureText({ algorithm, kid }: Pick<ApprovalView, 'algorithm' | 'kid'>): string {
  return `${algorithmName(algorithm)}, key ${kid ? hex(kid) : 'not named'}`;
}

export function approvalData(view: ApprovalView): Record<string, unknown> {
  return { ...claimsData(view.claims), algorithm: view.algorithm, kid: view.kid };
}
