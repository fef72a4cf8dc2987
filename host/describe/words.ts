// The same words, and the same members, for the same things: keys, signatures, moments, approval documents.

import type { ApprovalView, Claims } from '../formats/approval.js';
import type { AnchorView } from '../formats/bootstrap.js';
import { hex, uuidText } from '../formats/bytes.js';
import { algorithmName } from '../formats/cose.js';
import { type PublicKey, thumbprint } from '../formats/keys.js';
import { momentText as momentOf } from '../formats/moment.js';

/** What a file or a decision says: members of a document (see ../json.ts), and lines for a person. */
export interface Described {
  data: Record<string, unknown>;
  lines: string[];
}

/** As moment.ts writes it; undefined stays undefined. */
export function momentText(seconds: number): string;
export function momentText(seconds: number | undefined): string | undefined;
export function momentText(seconds: number | undefined): string | undefined {
  return seconds === undefined ? undefined : momentOf(seconds);
}

export const uuidOf = (id: Uint8Array | undefined): string | undefined => id && uuidText(id);

/** "Ed25519, key 0011…": what a signature claims. */
export const signatureText = ({ algorithm, kid }: Pick<ApprovalView, 'algorithm' | 'kid'>): string =>
  `${algorithmName(algorithm)}, key ${kid ? hex(kid) : 'not named'}`;

/** "threshold: 2", a line for each member. */
export const policyTexts = (policy: Record<string, unknown>): string[] =>
  Object.entries(policy).map(([key, value]) => `${key}: ${[value].flat().join(', ')}`);

/** "pilot, building-7" */
export const groupsText = (groups: readonly string[]): string => (groups.length > 0 ? groups.join(', ') : 'none');

export const claimsData = ({ issuedAt, notBefore, expires, entries, ...rest }: Claims): Record<string, unknown> => ({
  ...rest,
  issuedAt: momentText(issuedAt),
  notBefore: momentText(notBefore),
  expires: momentText(expires),
  entries: entries.map((entry) => ({ ...entry, classId: uuidOf(entry.classId) })),
});

export const approvalData = ({ claims, algorithm, kid }: ApprovalView): Record<string, unknown> => ({
  ...claimsData(claims),
  algorithm,
  kid,
});

export const keyData = ({ kind, kid, bytes }: PublicKey): Record<string, unknown> => ({
  kind,
  kid,
  thumbprint: thumbprint(kind, bytes),
  public: bytes,
});

export const anchorData = ({ role, name, key }: AnchorView): Record<string, unknown> => ({ role, name, kid: key.kid });

/** "operator key 0011… (ed25519), Net One" */
export const anchorText = ({ role, name, key }: AnchorView): string =>
  `${role} key ${hex(key.kid)} (${key.kind})${name ? `, ${name}` : ''}`;
