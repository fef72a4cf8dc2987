// A device and what it finds: a vendor, the operators A and B, a trusted clock at NOW, and approval data placed where it
// is found in life: `package` as "#approval" in the envelope, `bootstrap` inside the bootstrap document, `card` and
// `tree` handed in. `judge` is one device's verdict on one package.

import type { reasons } from '../../host/reasons.js';
import {
  type EnvelopeOptions,
  makeBootstrap,
  makeEnvelope,
  makeKey,
  makeManifest,
  NOW,
  type PolicyOptions,
  ROLE,
} from './make.js';
import {
  ASK,
  type Delivery,
  type Facts,
  INSTALL,
  nameOf,
  type Outcome,
  REJECT,
  rawCore,
  type SourceName,
} from './rawcore.js';

export type ReasonName = keyof typeof reasons | 'Ok';
export type Cell = readonly [verdict: 'install' | 'ask' | 'reject', reason: ReasonName];

export const yes: Cell = ['install', 'Ok'];
export const no = (reason: ReasonName): Cell => ['reject', reason];
export const ask = (reason: ReasonName): Cell => ['ask', reason];

export const SOURCES = ['package', 'card', 'bootstrap', 'tree'] as const;
export const POLICIES = ['reject', 'prompt'] as const;

export const vendor = makeKey('p256', 'vendor');
export const operatorA = makeKey('ed25519', 'operator-a');
export const operatorB = makeKey('p256', 'operator-b');
export const stranger = makeKey('ed25519', 'stranger');
export const manifest = makeManifest({ sequence: 7 });
export const byDigest = { verdict: 1, digest: manifest.digest };
export const DAY = 86_400;
/** Index of operator A among the anchors. */
export const A = 1;

export interface World {
  /** Approval documents, by where they are found. */
  documents?: readonly (readonly [SourceName, Uint8Array])[];
  unreachable?: readonly SourceName[];
  /** Blocks beside the vendor's. */
  blocks?: readonly Uint8Array[];
  policy?: PolicyOptions;
  facts?: Facts;
  envelope?: Partial<EnvelopeOptions>;
}

export const core = rawCore();

export const bootstrapOf = (policy: PolicyOptions = {}, approvals: readonly Uint8Array[] = []): Uint8Array =>
  makeBootstrap({
    anchors: [
      { role: ROLE.vendor, key: vendor },
      { role: ROLE.operator, key: operatorA },
      { role: ROLE.operator, key: operatorB },
    ],
    policy,
    ...(approvals.length > 0 && { approvals }),
  });

export function deliveryOf({
  documents = [],
  unreachable = [],
  blocks = [],
  policy,
  facts,
  envelope,
}: World): Delivery {
  const from = (source: SourceName) => documents.filter(([where]) => where === source).map(([, bytes]) => bytes);
  const inPackage = from('package');
  return {
    bootstrap: bootstrapOf(policy, from('bootstrap')),
    facts: { time: NOW, ...facts },
    package: makeEnvelope({
      manifest,
      signers: [vendor, ...blocks],
      ...(inPackage.length > 0 && { approvals: inPackage }),
      ...envelope,
    }).bytes,
    evidence: [
      ...(['card', 'tree'] as const).flatMap((source) => from(source).map((bytes) => ({ source, bytes }))),
      ...unreachable.map((source) => ({ source, unreachable: true }) as const),
    ],
  };
}

export const judge = (world: World): Outcome => core.deliver(deliveryOf(world));

const NAMES = { [INSTALL]: 'install', [ASK]: 'ask', [REJECT]: 'reject' } as const;

export const cellOf = ({ verdict, reason }: Outcome): [string, string] => [
  NAMES[verdict as keyof typeof NAMES],
  nameOf(reason),
];
