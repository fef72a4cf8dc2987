// The device's policy: what it does with a package that no operator approved, and whose word counts.
//
// { 1: unapproved, 2: ask before download, 3: prompt timeout s, 4: threshold, 5: sources mask, 6: consent channels mask,
//   7: when an installed package is denied, 8: trial boots }. What is left out has the default of the core, which is the
// cautious one; this file names members and values and decides nothing.

import * as z from 'zod';
import { type Cbor, cborMap } from './cbor.js';
import { yamlWords } from './yaml-text.js';

/** In the order of their numbers, from 1; bit of the mask: 1 << (number - 1). */
export const SOURCES = ['package', 'card', 'bootstrap', 'tree'] as const;
export type SourceName = (typeof SOURCES)[number];

/** Bit by bit: the device's own button or panel; a consenter's signed answer; the line that delivers the package. */
export const CHANNELS = ['local', 'remote', 'delivering'] as const;

const UNAPPROVED = ['reject', 'prompt'] as const;
const WHEN_DENIED = ['report', 'revert'] as const;

export const policySchema = z.lazy(() =>
  z.strictObject({
    unapproved: z.enum(UNAPPROVED).optional(),
    'ask-before-download': z.boolean().optional(),
    'prompt-timeout': z.number().int().min(1).optional(),
    threshold: z.number().int().min(1).optional(),
    sources: yamlWords(SOURCES).optional(),
    'consent-channels': yamlWords(CHANNELS).optional(),
    'when-denied': z.enum(WHEN_DENIED).optional(),
    'trial-boots': z.number().int().min(0).optional(),
  }),
);

/** A policy in words, as in a bootstrap file. */
export type Policy = z.infer<typeof policySchema>;

export function policyToCbor(policy: Policy): Map<number | string, unknown> {
  const { 'ask-before-download': ask, 'when-denied': denied } = policy;
  return cborMap([
    [1, policy.unapproved && UNAPPROVED.indexOf(policy.unapproved)],
    [2, ask === undefined ? undefined : Number(ask)],
    [3, policy['prompt-timeout']],
    [4, policy.threshold],
    [5, maskOf(policy.sources, SOURCES)],
    [6, maskOf(policy['consent-channels'], CHANNELS)],
    [7, denied && WHEN_DENIED.indexOf(denied)],
    [8, policy['trial-boots']],
  ]);
}

/** For showing. A number that has no word is shown as it is. */
export function policyFromCbor(value: Cbor): Record<string, unknown> {
  if (!(value instanceof Map)) return { malformed: true };
  const word = (words: readonly string[], number: Cbor) =>
    (typeof number === 'number' ? words[number] : undefined) ?? number;
  const shown: Record<number, [name: string, read: (member: Cbor) => unknown]> = {
    1: ['unapproved', (member) => word(UNAPPROVED, member)],
    2: ['ask-before-download', (member) => (member === 0 || member === 1 ? member === 1 : member)],
    3: ['prompt-timeout', (member) => member],
    4: ['threshold', (member) => member],
    5: ['sources', (member) => wordsOf(member, SOURCES)],
    6: ['consent-channels', (member) => wordsOf(member, CHANNELS)],
    7: ['when-denied', (member) => word(WHEN_DENIED, member)],
    8: ['trial-boots', (member) => member],
  };
  const rows = [...value].map(([key, member]) => {
    const row = shown[Number(key)];
    return row ? [row[0], row[1](member)] : [`member ${String(key)}`, member];
  });
  return Object.fromEntries(rows);
}

function maskOf<T extends string>(names: readonly T[] | undefined, all: readonly T[]): number | undefined {
  return names?.reduce((mask, name) => mask | (1 << all.indexOf(name)), 0);
}

function wordsOf(mask: Cbor, all: readonly string[]): unknown {
  if (typeof mask !== 'number' || mask >> all.length !== 0) return mask;
  return all.filter((_, bit) => mask & (1 << bit));
}
