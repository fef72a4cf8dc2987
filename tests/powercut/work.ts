// One piece of the loop: a part of the first cuts of one scenario on one flash map, each in every way, then pairs.

import { readFileSync } from 'node:fs';
import { agentModule, type BenchOptions } from '../support/bench-hal.js';
import { nodesCrypto } from './build.js';
import { ALL, type Damages, damageAll, SOME } from './damage.js';
import { type Failure, type Kind, World } from './engine.js';
import { type First, PLANS, type PlanName, turn } from './plan.js';
import { type MapName, SCENARIOS } from './scenarios.js';

export interface Job {
  scenario: string;
  map: MapName;
  plan: PlanName;
  part: number;
  parts: number;
  agent?: string; // what build.ts made; otherwise build/agent.wasm
  bug?: number; // of its planted bugs, the one in force
  pairs: boolean; // second cuts too
  enough?: number; // stop after so many failures
  damage?: 'some' | 'all'; // instead of cuts
  from?: number; // the share of the operations behind which cuts are tried first; those before it come last
}

export interface Result {
  scenario: string;
  map: MapName;
  operations: number;
  tried: number; // operations that were cut
  ways: number; // in each of which
  singles: number;
  firsts: number; // cuts that got second ones
  exhausted: number; // of these, with one at each operation of the recovery
  pairs: number;
  runs: number; // cases that were not known from another one
  cpuMs: number;
  failures: (Failure & { where: string })[];
  counts: Record<Kind, number>;
  damages?: Damages;
}

const FAILURES_SHOWN = 5;

function agentOf({ agent, bug = 0 }: Job): BenchOptions {
  if (!agent) return {};
  return { module: agentModule(agent), more: (memory) => ({ crypto: nodesCrypto(memory, bug) }) };
}

export function work(job: Job): Result {
  const began = threadMs();
  const result = run(job);
  return { ...result, cpuMs: threadMs() - began };
}

// What this thread has had of a processor, where the system tells (Linux); else the time.
function threadMs(): number {
  try {
    return Number(readFileSync('/proc/thread-self/schedstat', 'utf8').split(' ')[0]) / 1e6;
  } catch {
    return performance.now();
  }
}

function run(job: Job): Result {
  const scenario = SCENARIOS.find(({ name }) => name === job.scenario);
  if (!scenario) throw new Error(`powercut: no scenario ${job.scenario}`);
  const plan = PLANS[job.plan];
  const result: Result = {
    scenario: job.scenario,
    map: job.map,
    operations: 0,
    tried: 0,
    ways: plan.ways(1).length,
    singles: 0,
    firsts: 0,
    exhausted: 0,
    pairs: 0,
    runs: 0,
    cpuMs: 0,
    failures: [],
    counts: { lost: 0, bricked: 0, unapproved: 0 },
  };
  const note = (failure: Failure | undefined, where: string) => {
    if (!failure) return;
    result.counts[failure.kind]++;
    if (result.failures.length < FAILURES_SHOWN) result.failures.push({ ...failure, where });
  };
  const failed = () => Object.values(result.counts).reduce((sum, count) => sum + count, 0);
  const enough = () => failed() >= (job.enough ?? Number.POSITIVE_INFINITY);

  let world: World;
  try {
    world = new World(scenario, job.map, agentOf(job));
  } catch (error) {
    note({ kind: 'bricked', what: `without any cut: ${(error as Error).message.split('\n')[0]}` }, job.scenario);
    return result;
  }
  const { base } = world;
  if (job.damage) {
    const part: [number, number] = [job.part, job.parts];
    const { damages, failures } = damageAll(world, job.damage === 'all' ? ALL : SOME, part, job.enough);
    for (const { where, ...failure } of failures) note(failure, where);
    return { ...result, operations: base.operations.length, damages };
  }
  result.operations = base.operations.length;
  const share = <T>(all: readonly T[]) =>
    all.slice(Math.floor((all.length * job.part) / job.parts), Math.floor((all.length * (job.part + 1)) / job.parts));
  const cuts = share(plan.cuts(base.operations));
  result.tried = cuts.length;
  const begin = (job.from ?? 0) * base.operations.length;
  function* forks(all: readonly First[]) {
    yield* world.forks(
      base,
      all.filter(({ k }) => k >= begin),
    );
    yield* world.forks(
      base,
      all.filter(({ k }) => k < begin),
    );
  }
  const singles = cuts.flatMap((k) => plan.ways(k).map((cut): First => ({ k, cut })));
  for (const { flash, need, k, cut } of forks(singles)) {
    note(world.judge(flash, need), `${job.scenario}: ${cut} ${k}`);
    result.singles++;
    result.runs = world.runs;
    if (enough()) return result;
  }
  const firsts = job.pairs ? share(plan.firsts(base.operations)) : [];
  for (const one of forks(firsts)) {
    const recovery = world.recovery(one.flash, one.need, one.again);
    if ('kind' in recovery) {
      note(recovery, `${job.scenario}: ${one.cut} ${one.k}, reading ${one.again ?? 0}`);
      continue;
    }
    const operations = recovery.operations.length;
    const places = plan.seconds(operations, one);
    result.firsts++;
    if (places.length > operations) result.exhausted++;
    const seconds = places.map((k) => ({ k, cut: turn(k + one.k), again: one.again }));
    for (const { flash, need, k, cut } of world.forks(recovery, seconds)) {
      note(world.judge(flash, need), `${job.scenario}: ${one.cut} ${one.k}, then ${cut} ${k}`);
      result.pairs++;
      result.runs = world.runs;
      if (enough()) return result;
    }
  }
  return result;
}
