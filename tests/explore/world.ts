// What there is in the explored world: keys, three packages (two of them also with an operator's approval inside),
// approval documents, changes. The oracle reads from the tables here what each of them says.

import type { Ghost } from '../model/ghost.js';
import { type Policy, type Statement, type Words, wordsOf } from '../model/oracle.js';
import {
  type Entry,
  makeApproval,
  makeBootstrap,
  makeChange,
  makeConsent,
  makeEnvelope,
  makeKey,
  NOW,
  type Package,
  ROLE,
  sha256,
} from '../support/make.js';
import { PAGE } from './board.js';

const vendor = makeKey('ed25519', 'vendor');
const operators = [makeKey('ed25519', 'operator'), makeKey('ed25519', 'second operator')] as const;
const consenter = makeKey('p256', 'consenter');

// --- Packages ---

export interface Offer extends Package {
  name: string; // of the package; the same for each of its offers
  file: Uint8Array; // SHA-256 of the whole
  sequence: number;
  embeds: number; // an approval document, 0 none
  countersigned: boolean; // by the first operator
}

const image = (bytes: number, seed: number) =>
  Uint8Array.from({ length: bytes }, (_, i) => (i * 37 + seed * 101 + (i >> 4) * seed) & 255);
const BASE = {
  A: { sequence: 2, image: image(PAGE + 64, 2) }, // a whole page, so that its upload can be resumed
  B: { sequence: 3, image: image(PAGE, 3) }, // exactly a page: its end is the end of a page
  C: { sequence: 1, image: image(64, 1) },
  L: { sequence: 2, image: image(4 * PAGE + 64, 4) }, // long: two blocks of what is fetched, and a part of one
} as const;
export const NAMES = ['A', 'B', 'C', 'L'] as const;
export type Name = (typeof NAMES)[number];

function offer(name: Name, more: { embeds?: number; countersigned?: boolean } = {}): Offer {
  const { embeds = 0, countersigned = false } = more;
  const made = makeEnvelope({
    ...plain(name),
    signers: countersigned ? [vendor, operators[0]] : [vendor],
    ...(embeds ? { approvals: [document(embeds)] } : {}),
  });
  return { ...made, name, file: sha256(made.bytes), sequence: BASE[name].sequence, embeds, countersigned };
}

// --- Approval documents ---

interface Document {
  title: string;
  operator: 0 | 1;
  sequence: number;
  says: Partial<Record<Name, Statement>>;
  issuedAt?: number;
}

const LATER = NOW + 2000;
const EXPIRES = NOW + 1000;
export const CLOCKS = { none: 0, fallen: 946_684_800, later: LATER } as const;

/** By number; there is no document 0. */
export const DOCUMENTS: readonly Document[] = [
  { title: 'nothing', operator: 0, sequence: 0, says: {} },
  { title: 'approves A B', operator: 0, sequence: 1, says: { A: { says: 'approve' }, B: { says: 'approve' } } },
  { title: 'denies A', operator: 0, sequence: 2, says: { A: { says: 'deny' } } },
  { title: 'approves A, ask', operator: 0, sequence: 3, says: { A: { says: 'confirm' } } },
  { title: 'denies A and B', operator: 0, sequence: 4, says: { A: { says: 'deny' }, B: { says: 'deny' } } },
  { title: 'also approves A B', operator: 1, sequence: 1, says: { A: { says: 'approve' }, B: { says: 'approve' } } },
  { title: 'also denies A', operator: 1, sequence: 2, says: { A: { says: 'deny' } } },
  { title: 'approves A for a while', operator: 0, sequence: 5, says: { A: { says: 'approve', expires: EXPIRES } } },
  { title: 'of a later time', operator: 1, sequence: 3, says: { C: { says: 'approve' } }, issuedAt: LATER },
];

const VERDICT = { approve: 1, confirm: 1, deny: 2 } as const;
const manifestDigests = Object.fromEntries(
  NAMES.map((name) => [name, makeEnvelope({ ...plain(name), signers: [vendor] }).digest]),
) as Record<Name, Uint8Array>;

function plain(name: Name) {
  const { sequence, image } = BASE[name];
  return { sequence, image, setVersion: [1, sequence, 0] };
}

export function document(number: number): Uint8Array {
  const { operator, sequence, says, issuedAt = NOW } = DOCUMENTS[number]!;
  const entries: Entry[] = [];
  let expires: number | undefined;
  for (const [name, statement] of Object.entries(says)) {
    if (statement.says === 'nothing') continue;
    const confirm = statement.says === 'confirm' ? { confirm: 1 } : {};
    entries.push({ verdict: VERDICT[statement.says], digest: manifestDigests[name as Name], ...confirm });
    expires ??= statement.expires;
  }
  return makeApproval({ key: operators[operator], sequence, entries, issuedAt, ...(expires ? { expires } : {}) });
}

export const OFFERS = {
  A: offer('A'),
  B: offer('B'),
  C: offer('C'),
  L: offer('L'),
  'A embedding approval': offer('A', { embeds: 1 }),
  'A countersigned': offer('A', { countersigned: true }),
} as const satisfies Record<string, Offer>;
export type OfferName = keyof typeof OFFERS;
const ALL = Object.values(OFFERS) as Offer[];

const byDigest = new Map(ALL.map((each) => [Buffer.from(each.digest).readUInt32LE(0), each.name]));

/** The package with this manifest digest: its name, '-' for zeros, '?' for anything else. */
export function who(digest: Buffer): string {
  const first = digest.readUInt32LE(0);
  const name = byDigest.get(first);
  if (name && digest.equals(Buffer.from(OFFERS[name as Name].digest))) return name;
  return first === 0 && digest.every((byte) => byte === 0) ? '-' : '?';
}

/** Which offer stands in flash there, head and image; undefined: none of ours, whole. */
export function offerAt(flash: Uint8Array, at: number, imageBytesMax: number): Offer | undefined {
  const holds = (from: number, bytes: Uint8Array) =>
    Buffer.compare(flash.subarray(from, from + bytes.length), bytes) === 0;
  return ALL.find((each) => holds(at + imageBytesMax, each.head) && holds(at, each.image));
}

// --- What operators say, for the oracle ---

/** All words about an offer, by what the device was given. Time is never below what is known. */
export function wordsAbout(offered: Offer, ghost: Ghost, clock: number, policy: Policy): Words {
  const taken = ghost.documents.map((number) => DOCUMENTS[number]!);
  const now = Math.max(clock, NOW, ...taken.map(({ issuedAt = 0 }) => issuedAt));
  const own = offered.embeds ? DOCUMENTS[offered.embeds]! : undefined;
  const said = taken.map((newest, operator) => {
    const inside = own?.operator === operator && own.sequence >= newest.sequence;
    const statement = (inside ? own : newest).says[offered.name as Name] ?? { says: 'nothing' as const };
    return { statement, countersigned: offered.countersigned && operator === 0 };
  });
  return wordsOf(
    said.filter((_, operator) => anchored(operator, ghost, policy)),
    now,
  );
}

const anchored = (operator: number, ghost: Ghost, policy: Policy & World) =>
  operator === 0 ? !(ghost.changes & 2) : policy.operators === 2 || (ghost.changes & 2) !== 0;

/** The policy that is in force. */
export const policyNow = <P extends Policy>(policy: P, ghost: Ghost): P =>
  ghost.changes & 1 ? { ...policy, unapproved: 0 } : policy;

// --- What makes a device, and changes it ---

export interface World {
  operators?: number; // anchors from the start: 1, or 2
}

const numbers = (policy: Policy) => ({
  unapproved: policy.unapproved,
  askBeforeDownload: policy.askBeforeDownload,
  threshold: policy.threshold,
  channels: policy.channels,
  denied: policy.denied,
  trialBoots: policy.trialBoots,
  timeout: 300,
});
const anchors = (who: readonly number[]) => [
  { role: ROLE.vendor, key: vendor },
  ...who.map((operator) => ({ role: ROLE.operator, key: operators[operator]! })),
  { role: ROLE.consenter, key: consenter },
];

export const bootstrap = (policy: Policy & World) =>
  makeBootstrap({ anchors: anchors(policy.operators === 2 ? [0, 1] : [0]), policy: numbers(policy) });

export const changes = (policy: Policy) => ({
  1: makeChange({ sequence: 1, signers: [operators[0]], policy: numbers({ ...policy, unapproved: 0 }) }),
  2: makeChange({ sequence: 2, signers: [operators[0]], anchors: anchors([1]) }),
});

export const consent = (name: Name, answer: 1 | 2, nonce: Uint8Array) =>
  makeConsent({ key: consenter, answer, digest: OFFERS[name].digest, nonce });
