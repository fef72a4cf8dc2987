// What a person reads of a document or a package before they sign it, and of what was signed: the same words everywhere.
//
// Rows of a name and a value, taken from the very bytes that are signed. `rows` lays them out as lines of text without
// control characters: for a terminal, and for the comments of a signing request, which a line break would end.

import { printable } from '../printable.js';
import type { Claims, Entry } from './approval.js';
import type { Bytes } from './byte-source.js';
import { hex, uuidText } from './bytes.js';
import { componentText } from './components.js';
import type { Envelope } from './envelope.js';
import { type ManifestView, viewManifest } from './manifest.js';
import { momentText } from './moment.js';

/** A list stands for several values under one name; undefined: there is none. */
export type Row = readonly [name: string, value: unknown];

const NAME_WIDTH = 13;

/** "  name          value", for each that has one; a list takes one line per element. */
export function rows(members: readonly Row[], indent = '  '): string[] {
  return members.flatMap(([name, value]) => {
    if (value === undefined) return [];
    const values = Array.isArray(value) ? value.map(String) : [String(value)];
    return values.map((one, index) => `${indent}${(index === 0 ? name : '').padEnd(NAME_WIDTH)} ${printable(one)}`);
  });
}

/** "approve package 0011…, for 2 devices, ask the user": all of an entry, in one line. */
export function entryText(entry: Entry): string {
  const parts = [
    entry.digest && `package ${hex(entry.digest)}`,
    entry.imageHash && `image ${hex(entry.imageHash)}`,
    entry.classId && `class ${uuidText(entry.classId)}`,
    entry.range && `sequence ${entry.range.join(' to ')}`,
    entry.vendorKid && `vendor key ${hex(entry.vendorKid)}`,
    entry.devices && `on device ${entry.devices.map(hex).join(', ')}`,
    entry.confirm && (entry.confirm === 'ask' ? 'asking the user all the same' : 'without asking the user'),
  ];
  return `${entry.verdict} ${parts.filter((part) => part !== undefined).join(', ')}`;
}

/** All that an approval document says. */
export function claimsRows(claims: Claims): [string, unknown][] {
  const moment = (seconds: number | undefined) => (seconds === undefined ? undefined : momentText(seconds));
  return [
    ['issuer', claims.issuer],
    ['sequence', claims.sequence],
    ['issued', momentText(claims.issuedAt)],
    ['not before', moment(claims.notBefore)],
    ['expires', moment(claims.expires)],
    ['id', hex(claims.id)],
    ['says', claims.entries.map(entryText)],
  ];
}

/** One row, or one for each component. */
function imageRows({ images }: ManifestView): [string, unknown][] {
  return images.map(({ id, digest, bytes }) => [
    images.length > 1 ? `image ${componentText(id)}` : 'image',
    digest && `${bytes} bytes, sha-256 ${hex(digest)}`,
  ]);
}

/** All that identifies a package, from its own bytes. `what` names it in errors. */
export function packageRows(envelope: Envelope<Bytes>, what: string): [string, unknown][] {
  const view = viewManifest(envelope, what);
  return [
    ['package', hex(envelope.digest)],
    ['name', view.text.name],
    ['version', view.text.version],
    ['description', view.text.description],
    ['sequence', view.sequence],
    ['vendor', view.vendorId && uuidText(view.vendorId)],
    ['class', view.classId && uuidText(view.classId)],
    ...imageRows(view),
  ];
}
