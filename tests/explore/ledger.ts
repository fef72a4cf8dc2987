// What is known of each policy, in fixed-points.json beside this file: how far it was explored, and of which agent. A policy
// at its fixed point is not explored again before the agent or the exploration is another one, so that all of them can be
// explored over several evenings: npm run explore -- --all --write.

import { createHash } from 'node:crypto';
import { existsSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

export interface Entry {
  of: string; // identityOf() the agent and the exploration
  closed: boolean; // a fixed point
  states: number;
  transitions: number;
  depth: number;
  violations: number;
  recovered: number; // states from which an honest client was tried
}
export type Ledger = Record<string, Entry>;

const FILE = 'tests/explore/fixed-points.json';
const PAGE = 'docs/testing.md';
const BEGIN = '<!-- written by npm run explore -- --all --write -->\n';
const END = '<!-- end -->';
const FOLDERS = ['tests/explore', 'tests/model'];

/** What a result depends on: build/agent.wasm, the alphabet, the canonical form and the oracle. */
export function identityOf(root: string): string {
  const hash = createHash('sha256').update(readFileSync(join(root, 'build/agent.wasm')));
  for (const folder of FOLDERS) {
    const names = readdirSync(join(root, folder)).filter((name) => /(?<!\.test)\.ts$/.test(name));
    for (const name of names.sort()) hash.update(readFileSync(join(root, folder, name)));
  }
  return hash.digest('hex').slice(0, 16);
}

export function readLedger(root: string): Ledger {
  const file = join(root, FILE);
  return existsSync(file) ? (JSON.parse(readFileSync(file, 'utf8')) as Ledger) : {};
}

export const isDone = (entry: Entry | undefined, identity: string): boolean =>
  entry?.of === identity && entry.closed && entry.violations === 0;

/** Those with the fewest transitions first, as far as that is known of any agent. */
export const smallestFirst = <Row extends { name: string }>(rows: readonly Row[], ledger: Ledger): Row[] =>
  [...rows].sort((a, b) => (ledger[a.name]?.transitions ?? Infinity) - (ledger[b.name]?.transitions ?? Infinity) || 0);

const count = (number: number) => number.toLocaleString('en');

/** What docs/testing.md says of it. Only what was found of one agent, the one that most is known of, is added up. */
export function summary(ledger: Ledger, policies: number): string {
  const known = Object.values(ledger);
  const of = [...new Set(known.map((entry) => entry.of))];
  const sets = of.map((identity) => known.filter((entry) => entry.of === identity));
  const [most = []] = sets.sort((a, b) => b.length - a.length);
  const closed = most.filter((entry) => entry.closed);
  const sum = (field: 'states' | 'transitions' | 'violations') =>
    count(most.reduce((all, entry) => all + entry[field], 0));
  return [
    `${closed.length} of ${policies} policies at a fixed point, ${most.length - closed.length} explored as far as time went;`,
    `${sum('states')} states, ${sum('transitions')} transitions, violations: ${sum('violations')}.`,
  ].join('\n');
}

/** Notes it, in the order of the policies, and writes the sum into docs/testing.md. */
export function writeLedger(root: string, ledger: Ledger, policies: readonly string[]): void {
  const rows = policies.filter((name) => ledger[name]).map((name) => [name, ledger[name]]);
  writeFileSync(join(root, FILE), `${JSON.stringify(Object.fromEntries(rows), null, 2)}\n`);
  const page = join(root, PAGE);
  const text = readFileSync(page, 'utf8');
  const from = text.indexOf(BEGIN) + BEGIN.length;
  const to = text.indexOf(END, from);
  if (from < BEGIN.length || to < 0) throw new Error(`explore: ${PAGE} has no place for the sum`);
  writeFileSync(page, `${text.slice(0, from)}${summary(ledger, policies.length)}\n${text.slice(to)}`);
}
