// What is doubtful about approvals, seen together: warnings for the operator, never a verdict.
//
//   matches-nothing      an entry fits none of the packages that were given
//   superseded           a newer document of the same operator is there: devices heed that one alone
//   same-sequence        two documents of one operator with one number: a device keeps the one that came first
//   expired, expires-soon
//   far-ahead            its number is so high that the operator's next documents would not count for long
//   issued-ahead         it was issued in the future: a device without a clock then takes that for the time, and all that
//                        expires before it for expired
//   lifts-denial         a newer document of the same operator says nothing of what this one denies
//   wide                 an entry names neither package nor class: it holds for every class of that vendor key
//   open-ended           an entry approves packages of a class that nobody has seen yet: its range has no upper end
//   other-class          an entry is about another class, or other devices, than the bootstrap document
//   signer-is-vendor     who approves is who made it: the operator's word adds nothing
//   signer-unknown, signature-invalid   by the anchors of the bootstrap document
//   malformed            it is no approval document
//
// An entry that denies is never too wide, and one that fits nothing may still be wanted: only approvals are looked at for
// these two.

import { type ApprovalView, type Claims, type Entry, viewApproval } from './approval.js';
import type { BootstrapView } from './bootstrap.js';
import type { Bytes } from './byte-source.js';
import { hex, same } from './bytes.js';
import { encode } from './cbor.js';
import { viewSign1 } from './cose.js';
import type { Envelope } from './envelope.js';
import { publicKeyToCose } from './keys.js';
import { viewManifest } from './manifest.js';
import { momentText } from './moment.js';
import { deniedNoMore } from './record.js';
import { isFarAhead, SEQUENCE_MAX } from './sequence.js';

/** Clocks of two machines differ by so much without a fault, seconds. */
const CLOCKS_DIFFER_MAX = 300;

export const LINT_RULES = [
  'matches-nothing',
  'superseded',
  'same-sequence',
  'expired',
  'expires-soon',
  'far-ahead',
  'issued-ahead',
  'lifts-denial',
  'wide',
  'open-ended',
  'other-class',
  'signer-is-vendor',
  'signer-unknown',
  'signature-invalid',
  'malformed',
] as const;
export type LintRule = (typeof LINT_RULES)[number];

export interface Warning {
  document: string; // as it was named
  entry: number | undefined; // from 0
  rule: LintRule;
  text: string;
}

export interface LintDocument {
  name: string;
  bytes: Uint8Array;
}

export interface LintPackage {
  name: string;
  envelope: Envelope<Bytes>;
}

export interface LintInput {
  documents: LintDocument[];
  packages: LintPackage[];
  bootstrap: BootstrapView | undefined;
  /** Unix seconds */
  now: number;
  /** Expiry before this moment is soon. */
  soon: number;
  /** The core's check of a COSE_Sign1 by an encoded COSE_Key: 0 if that key made it. */
  verify(key: Uint8Array, document: Uint8Array): number;
}

interface Known {
  name: string;
  digest: Uint8Array;
  classId: Uint8Array | undefined;
  sequence: bigint | undefined;
  vendorKid: Uint8Array | undefined;
}

type Seen = LintDocument & ApprovalView;
type Found = Omit<Warning, 'document'>;

export function lintApprovals(input: LintInput): Warning[] {
  const packages = input.packages.map(known);
  const warnings: Warning[] = [];
  const seen: Seen[] = [];
  for (const document of input.documents) {
    try {
      seen.push({ ...document, ...viewApproval(document.bytes, document.name) });
    } catch (error) {
      warnings.push({ document: document.name, entry: undefined, rule: 'malformed', text: (error as Error).message });
    }
  }
  for (const document of seen) {
    const found: Found[] = [
      ...signature(document, input),
      ...order(document, seen),
      ...ahead(document.claims, input),
      ...time(document.claims, input),
      ...lifted(document, seen),
      ...vendor(document, packages, input.bootstrap),
      ...document.claims.entries.flatMap((entry, at) =>
        aboutEntry(entry, packages, input.bootstrap).map((one) => ({ ...one, entry: at })),
      ),
    ];
    warnings.push(...found.map((one) => ({ document: document.name, ...one })));
  }
  return warnings;
}

function known({ name, envelope }: LintPackage): Known {
  const { classId, sequence } = viewManifest(envelope, name);
  const [block] = envelope.blocks;
  return { name, digest: envelope.digest, classId, sequence, vendorKid: block && viewSign1(block, name).kid };
}

const warn = (rule: LintRule, text: string): Found => ({ entry: undefined, rule, text });
const equal = (a: Uint8Array | undefined, b: Uint8Array | undefined): boolean => !!a && !!b && same(a, b);

function signature({ kid, bytes }: Seen, { bootstrap, verify }: LintInput): Found[] {
  if (!bootstrap) return [];
  const operators = bootstrap.anchors.filter(({ role }) => role === 'operator');
  const named = operators.filter(({ key }) => kid === undefined || equal(key.kid, kid));
  const by = kid ? `key ${hex(kid)}` : 'its key';
  if (named.length === 0)
    return [warn('signer-unknown', `${by} is not an operator of this device, so the document does not count there`)];
  const made = named.some(({ key }) => verify(encode(publicKeyToCose(key)), bytes) === 0);
  return made ? [] : [warn('signature-invalid', `the signature is not by ${by}`)];
}

const operatorOf = ({ kid, claims }: Seen): string => (kid ? hex(kid) : claims.issuer);

function order(document: Seen, all: Seen[]): Found[] {
  const { sequence } = document.claims;
  const others = all.filter((other) => other !== document && operatorOf(other) === operatorOf(document));
  const newer = others.filter((other) => other.claims.sequence > sequence);
  const twin = others.find((other) => other.claims.sequence === sequence && !same(other.bytes, document.bytes));
  return [
    ...newer
      .slice(0, 1)
      .map(({ name, claims }) => warn('superseded', `${name} is newer (sequence ${claims.sequence} > ${sequence})`)),
    ...(twin ? [warn('same-sequence', `${twin.name} has the same sequence ${sequence}, and says something else`)] : []),
  ];
}

function time({ expires }: Claims, { now, soon }: LintInput): Found[] {
  if (expires === undefined) return [];
  const when = momentText(expires);
  if (expires <= now) return [warn('expired', `expired ${when}`)];
  return expires <= soon
    ? [warn('expires-soon', `expires ${when}, in ${Math.ceil((expires - now) / 86_400)} days`)]
    : [];
}

function ahead({ sequence, issuedAt }: Claims, { now }: LintInput): Found[] {
  const days = Math.ceil((issuedAt - now) / 86_400);
  return [
    ...(isFarAhead(sequence, now) ? [warn('far-ahead', `sequence ${sequence} is far ahead of the time, ${now}`)] : []),
    ...(issuedAt > now + CLOCKS_DIFFER_MAX
      ? [warn('issued-ahead', `issued ${momentText(issuedAt)}, ${days} days ahead: devices without a clock believe it`)]
      : []),
  ];
}

/** What it denies, and the newest document of the operator does not: that one alone is heeded. */
function lifted(document: Seen, all: Seen[]): Found[] {
  const own = all.filter((other) => operatorOf(other) === operatorOf(document));
  const newest = own.reduce((best, one) => (one.claims.sequence > best.claims.sequence ? one : best), document);
  if (newest.claims.sequence === document.claims.sequence) return [];
  return deniedNoMore(document.claims, newest.claims.entries).map((entry) => ({
    ...warn('lifts-denial', `${newest.name} lifts this denial: it does not repeat it`),
    entry: document.claims.entries.indexOf(entry),
  }));
}

function vendor({ kid, claims }: Seen, packages: Known[], bootstrap: BootstrapView | undefined): Found[] {
  const made = packages.find(({ vendorKid }) => equal(vendorKid, kid));
  if (made) return [warn('signer-is-vendor', `its signer also signed ${made.name} as the vendor`)];
  const anchor = bootstrap?.anchors.find(({ role, key }) => role === 'vendor' && equal(key.kid, kid));
  if (anchor) return [warn('signer-is-vendor', 'its signer is a vendor of this device too')];
  const own = claims.entries.some(({ vendorKid }) => equal(vendorKid, kid));
  return own ? [warn('signer-is-vendor', 'it approves what its own signer makes')] : [];
}

function aboutEntry(entry: Entry, packages: Known[], bootstrap: BootstrapView | undefined): Found[] {
  const { verdict, digest, classId, range, devices } = entry;
  const found: Found[] = [];
  if (bootstrap && classId && !same(classId, bootstrap.classId)) {
    found.push(warn('other-class', 'is about another class than this device'));
  }
  if (bootstrap && devices && !devices.some((device) => same(device, bootstrap.device))) {
    found.push(warn('other-class', 'is about other devices than this one'));
  }
  if (verdict !== 'approve') return found;
  if (packages.length > 0 && !packages.some((one) => matches(entry, one))) {
    found.push(warn('matches-nothing', `fits none of ${packages.length} packages`));
  }
  if (digest || entry.imageHash) return found;
  if (!classId) found.push(warn('wide', 'names no class: it holds for every class that this vendor key signs for'));
  if (!range || range[1] === SEQUENCE_MAX)
    found.push(warn('open-ended', 'approves every later package, whatever it is'));
  return found;
}

function matches({ digest, classId, range, vendorKid, imageHash }: Entry, one: Known): boolean {
  if (imageHash) return true; // of an image, which none of these packages is
  if (digest && !same(digest, one.digest)) return false;
  if (classId && !equal(classId, one.classId)) return false;
  if (vendorKid && !equal(vendorKid, one.vendorKid)) return false;
  return !range || (one.sequence !== undefined && one.sequence >= range[0] && one.sequence <= range[1]);
}
