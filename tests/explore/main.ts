// npm run explore: the exploration as a command; HELP says how.
//
// Prints states, transitions, depth and violations of each policy; ends 1 if anything was found, if a walk shows that the
// canonical form is unsound, if build/agent.wasm does another thing than the explored agent, or if a plant survives.

import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { type Agent, buildAgent } from './build.js';
import type { Device, State } from './device.js';
import { Explorer, RULES, type Rules } from './explorer.js';
import { identityOf, isDone, readLedger, smallestFirst, writeLedger } from './ledger.js';
import { PLANTS } from './plants.js';
import { BASIC, POLICIES, type Row } from './policies.js';
import { honestClient } from './recover.js';
import { replay } from './replay.js';
import { roam } from './roam.js';
import { type Finding, type Outcome, type Progress, pathOf, search } from './search.js';
import { seek } from './seek.js';
import { spreadOf } from './spread.js';
import { unclassified } from './table.js';
import { walk } from './walks.js';

const HELP = `npm run explore [-- OPTIONS]: takes the real agent through every state that peers, people, time and resets can
bring about, and asks an oracle at each decision whether that package may run

  --seconds N       time for each policy (60; with --write: 60, then 600, then 6000 for those that need more)
  --policy NAME     of the list (--list); may be repeated
  --rules JSON      a policy of your own, on top of "prompt": {"unapproved":0,"topics":["clock"]}
  --all             every policy of the list, N seconds each, the smallest first
  --write           notes each result in tests/explore/fixed-points.json, and the sum in docs/testing.md; a policy that
                    reached its fixed point there, with this agent and this exploration, is left out: stop it, go on later
  --list            their names
  --recovery N      an honest client from every Nth new state (20); 0: never
  --walks N         N random walks of canonical and untouched device side by side, instead of a search
  --roam            long ways at random under all policies instead, with power cuts and calls of the flash that fail
  --seed K          of the walks, of roaming (1)
  --plants          searches for each planted fault instead
  --only REGEX      of the alphabet
  --spread          also says which parts of the states make them many
  --json FILE       also writes what was found

ends 0 only if nothing was found`;

export async function main(root: string, argv: string[]): Promise<number> {
  const { values } = parseArgs({
    args: argv,
    options: {
      seconds: { type: 'string' },
      policy: { type: 'string', multiple: true },
      rules: { type: 'string' },
      all: { type: 'boolean', default: false },
      write: { type: 'boolean', default: false },
      list: { type: 'boolean', default: false },
      recovery: { type: 'string', default: '20' },
      walks: { type: 'string' },
      roam: { type: 'boolean', default: false },
      seed: { type: 'string', default: '1' },
      plants: { type: 'boolean', default: false },
      only: { type: 'string' },
      spread: { type: 'boolean', default: false },
      json: { type: 'string' },
      help: { type: 'boolean', short: 'h', default: false },
    },
  });
  if (values.help) return say(HELP);
  if (values.list) return say(POLICIES.map(({ name }) => name).join('\n'));
  const rows = chosen(values);
  if (rows.length === 0) throw new Error('explore: no such policy; --list names them');
  const agent = await buildAgent(root);
  new Explorer(agent, RULES);
  for (const name of unclassified()) console.log(`not in tests/explore/table.ts, counts as state: ${name}`);
  const seconds = Number(values.seconds ?? 60);
  if (values.plants) return plants(agent, seconds);
  if (values.walks !== undefined) {
    return Math.max(...rows.map((row) => walks(agent, row, Number(values.walks), Number(values.seed))));
  }
  const shipped = new WebAssembly.Module(readFileSync(join(root, 'build/agent.wasm')));
  if (values.roam) return roaming(agent, shipped, values.policy ? rows : POLICIES, Number(values.seed), seconds);
  const only = values.only === undefined ? undefined : new RegExp(values.only);
  const options = { seconds, recovery: Number(values.recovery), only, spread: values.spread };
  if (values.write) {
    if (only || values.rules !== undefined) throw new Error('explore: only whole policies of the list are noted');
    const rounds = values.seconds === undefined ? ROUNDS : [seconds];
    return noted(root, rows, rounds, (row, seconds) => explore(agent, shipped, row, { ...options, seconds }));
  }
  const results = smallestFirst(rows, readLedger(root)).map((row) => explore(agent, shipped, row, options));
  if (values.json) writeFileSync(values.json, `${JSON.stringify(results, null, 2)}\n`);
  const failed = results.filter(({ outcome, astray }) => outcome.findings.length > 0 || astray > 0).length;
  const closed = results.filter(({ outcome }) => outcome.closed).length;
  console.log(`${results.length} policies, ${closed} with a fixed point, ${failed} with violations`);
  return failed > 0 ? 1 : 0;
}

const ROUNDS = [60, 600, 6000]; // seconds for each policy

/** Each policy that is not done yet, with more time from round to round; after each one it is noted. */
function noted(
  root: string,
  rows: readonly Row[],
  rounds: readonly number[],
  run: (row: Row, seconds: number) => { outcome: Outcome; astray: number },
): number {
  const of = identityOf(root);
  const ledger = readLedger(root);
  const isLeft = ({ name }: Row) => !isDone(ledger[name], of);
  let astrays = 0;
  for (const seconds of rounds) {
    for (const row of smallestFirst(rows, ledger).filter(isLeft)) {
      const { outcome, astray } = run(row, seconds);
      const { closed, states, transitions, depth, recovered, findings } = outcome;
      astrays += astray;
      const known = ledger[row.name];
      if (known?.of === of && known.transitions > transitions && findings.length === 0) continue; // it came further
      ledger[row.name] = { of, closed, states, transitions, depth, violations: findings.length, recovered };
      const names = POLICIES.map(({ name }) => name);
      writeLedger(root, ledger, names);
    }
  }
  const now = rows.map(({ name }) => ledger[name]).filter((entry) => entry?.of === of);
  const violated = now.filter((entry) => entry!.violations > 0).length;
  console.log(
    `${rows.length} policies, ${rows.length - rows.filter(isLeft).length} with a fixed point, ${violated} with violations`,
  );
  return violated > 0 || astrays > 0 ? 1 : 0;
}

function say(text: string): number {
  console.log(text);
  return 0;
}

function chosen(values: { all?: boolean; policy?: string[]; rules?: string }): readonly Row[] {
  if (values.all) return POLICIES;
  if (values.policy) return POLICIES.filter(({ name }) => values.policy!.includes(name));
  if (values.rules === undefined) return [BASIC];
  const { cuts, ...rules } = JSON.parse(values.rules);
  return [{ name: values.rules, rules: { ...RULES, ...rules, ...(cuts ? { cuts: new RegExp(cuts) } : {}) } }];
}

const count = (number: number) => number.toLocaleString('en');

function line(outcome: Progress): string {
  const { states, expanded, transitions, depth, seconds, recovered } = outcome;
  return [
    `${outcome.closed ? 'fixed point' : `stopped, ${count(expanded)} expanded`}: ${count(states)} states`,
    `${count(transitions)} transitions (${count(Math.round(transitions / seconds))} a second), depth ${depth}`,
    `an honest client from ${count(recovered)}, ${seconds.toFixed(0)} s`,
  ].join(', ');
}

function explore(
  agent: Agent,
  shipped: WebAssembly.Module,
  { name, rules }: Row,
  { seconds, recovery, only, spread }: { seconds: number; recovery: number; only: RegExp | undefined; spread: boolean },
) {
  console.log(`\n${name}`);
  const explorer = new Explorer(agent, rules, { only });
  const recover = recovery > 0 && !only ? honestClient(explorer, 'A') : undefined;
  const progress = (now: Progress) => console.log(`  ${line(now)}`);
  const outcome = search(explorer, {
    ...{ seconds, recovery, progress, ...(recover ? { recover } : {}) },
    ...(spread ? { look: (states) => spreads(explorer.device, states) } : {}),
  });
  console.log(`${line(outcome)}, violations: ${outcome.findings.length}`);
  const astray = show(agent, shipped, rules, outcome.findings);
  return { name, outcome, astray };
}

function spreads(device: Device, states: Iterable<State>): void {
  for (const { field, values, factor } of spreadOf(device, states).slice(0, SPREADS_SHOWN)) {
    console.log(`  times ${factor.toFixed(2)} by ${field} (${count(values)} values)`);
  }
}

const SPREADS_SHOWN = 30;
const SHOWN_OF_A_KIND = 4;

// Each kind of finding with its shortest paths, each taken once more on the agent as it ships.
function show(agent: Agent, shipped: WebAssembly.Module, rules: Rules, findings: readonly Finding[]): number {
  const kinds = new Map<string, Finding[]>();
  for (const finding of findings) kinds.set(finding.kind, [...(kinds.get(finding.kind) ?? []), finding]);
  let astray = 0;
  for (const [kind, all] of kinds) {
    console.log(`== ${kind}: ${count(all.reduce((sum, { times }) => sum + times, 0))}`);
    for (const finding of all.sort((a, b) => a.path.length - b.path.length).slice(0, SHOWN_OF_A_KIND)) {
      console.log(`   ${finding.detail} (${count(finding.times)}): ${pathOf(finding)}`);
      if (kind.startsWith('recovery')) continue;
      const { again, same, runs } = replay(agent, shipped, rules, finding.path, finding);
      const there = `build/agent.wasm ${same ? 'says the same bytes and has the same flash' : 'DOES ANOTHER THING'}`;
      console.log(
        `      ${again ? 'again from the first boot on' : 'NOT from the first boot on'}; ${there}; runs: ${runs}`,
      );
      if (!again || !same) astray++;
    }
  }
  return astray;
}

function walks(agent: Agent, { name, rules }: Row, number: number, seed: number): number {
  const { steps, differing } = walk(agent, rules, { walks: number, seed });
  console.log(`${name}: ${count(number)} walks, ${count(steps)} steps, ${differing.length} kinds of difference`);
  for (const { what, path } of differing.slice(0, 12)) console.log(`  ${what}: ${path.join(' > ')}`);
  return differing.length > 0 ? 1 : 0;
}

function roaming(
  agent: Agent,
  shipped: WebAssembly.Module,
  policies: readonly Row[],
  seed: number,
  seconds: number,
): number {
  const { ways, steps, cuts, failures, findings } = roam(agent, policies, { seed, seconds });
  console.log(
    `${policies.length} policies: ${count(ways)} ways, ${count(steps)} events, ${count(cuts)} power cuts, ${count(failures)} failures of the flash, violations: ${findings.length}`,
  );
  for (const finding of findings) {
    console.log(finding.policy.name);
    show(agent, shipped, finding.policy.rules, [finding]);
  }
  return findings.length > 0 ? 1 : 0;
}

function plants(agent: Agent, seconds: number): number {
  const survivors = PLANTS.filter((plant) => {
    const { seen, transitions } = seek(agent, plant, { seconds });
    console.log(
      `${seen ? 'seen    ' : 'SURVIVES'} ${plant.name}: ${count(transitions)} transitions${seen ? `, ${pathOf(seen)}` : ''}`,
    );
    return !seen;
  });
  console.log(`${PLANTS.length} planted faults, ${survivors.length} survive`);
  return survivors.length > 0 ? 1 : 0;
}
