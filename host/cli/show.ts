// How results look to a person: rows of name and value, and the same words for the same things everywhere.

import type { ApprovalView, Claims, Entry } from '../formats/approval.js';
import { hex, uuidText } from '../formats/bytes.js';
import { algorithmName } from '../formats/cose.js';
import { momentText as momentOf } from '../formats/moment.js';
import { printable } from './printable.js';

export { printable };

const NAME_WIDTH = 13;

/** A word of a command line that somebody may copy into a shell. */
export const shellWord = (text: string): string =>
  /^[\w@%+=:,./-]+$/.test(text) ? text : `'${text.replaceAll("'", "'\\''")}'`;

/** "  name          value", for each that has one; a list takes one line per element. */
export function rows(members: readonly (readonly [name: string, value: unknown])[], indent = '  '): string[] {
  return members.flatMap(([name, value]) => {
    if (value === undefined) return [];
    const values = Array.isArray(value) ? value.map(String) : [String(value)];
    return values.map((one, index) => `${indent}${(index === 0 ? name : '').padEnd(NAME_WIDTH)} ${printable(one)}`);
  });
}

/** As moment.ts writes it; undefined stays undefined. */
export function momentText(seconds: number): string;
export function momentText(seconds: number | undefined): string | undefined;
export function momentText(seconds: number | undefined): string | undefined {
  return seconds === undefined ? undefined : momentOf(seconds);
}

/** "approve package 0011…, for 2 devices, ask the user": all of an entry, in one line. */
export function entryText(entry: Entry): string {
  const parts = [
    entry.digest && `package ${hex(entry.digest)}`,
    entry.classId && `class ${uuidText(entry.classId)}`,
    entry.range && `sequence ${entry.range.join(' to ')}`,
    entry.vendorKid && `vendor key ${hex(entry.vendorKid)}`,
    entry.devices && `on device ${entry.devices.map(hex).join(', ')}`,
    entry.confirm && (entry.confirm === 'ask' ? 'asking the user all the same' : 'without asking the user'),
  ];
  return `${entry.verdict} ${parts.filter((part) => part !== undefined).join(', ')}`;
}

export function entryData(entry: Entry): Record<string, unknown> {
  const { classId, ...rest } = entry;
  return { ...rest, classId: classId && uuidText(classId) };
}

export function claimsRows(claims: Claims): [string, unknown][] {
  return [
    ['issuer', claims.issuer],
    ['sequence', claims.sequence],
    ['issued', momentText(claims.issuedAt)],
    ['not before', momentText(claims.notBefore)],
    ['expires', momentText(claims.expires)],
    ['id', hex(claims.id)],
    ['says', claims.entries.map(entryText)],
  ];
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
