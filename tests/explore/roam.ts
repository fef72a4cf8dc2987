// Long ways at random: where the search (search.ts) sees all that is near, this goes far. Any policy of the list, some sixty
// events in a row on a device that is never put into canonical form; at one in four of them the power may go, or a call of
// the flash fail. The same oracle and the same invariants object. The same seed goes the same ways.

import { newborn } from '../model/ghost.js';
import type { Agent } from './build.js';
import { put } from './client.js';
import { Explorer } from './explorer.js';
import type { Row } from './policies.js';
import { honestClient } from './recover.js';
import type { Bound, Finding, Step } from './search.js';
import { randomFrom, standing } from './walks.js';
import type { Violation } from './watch.js';
import { bootstrap } from './world.js';

const STEPS_MAX = 60;
const TROUBLE = 4; // one in so many events
const CALLS = 80; // of the flash, among which one is chosen
const RECOVERY = 8; // one in so many ways ends with an honest client

export interface Roamed {
  ways: number;
  steps: number;
  cuts: number;
  failures: number; // of a call of the flash
  findings: (Finding & { policy: Row })[];
}

export interface RoamOptions extends Bound {
  seed: number;
  plant?: number; // number of the planted fault in force
}

export function roam(agent: Agent, policies: readonly Row[], { seed, plant = 0, ...bound }: RoamOptions): Roamed {
  const { seconds = Number.POSITIVE_INFINITY, transitions = Number.POSITIVE_INFINITY } = bound;
  const began = Date.now();
  const draw = randomFrom(seed);
  const found = new Map<string, Roamed['findings'][number]>();
  const sum = { ways: 0, steps: 0, cuts: 0, failures: 0 };

  while (sum.steps < transitions && Date.now() - began < seconds * 1000) {
    const policy = policies[draw(policies.length)]!;
    const explorer = new Explorer(agent, policy.rules, { plant });
    const { path, violations, failed } = way(explorer, draw, sum);
    const report = ({ kind, detail }: Violation) => {
      const key = `${kind}|${detail}`;
      const known = found.get(key);
      const times = (known?.times ?? 0) + 1;
      if (known && known.path.length <= path.length) known.times = times;
      else found.set(key, { kind, detail, path, policy, times });
    };
    for (const violation of violations) report(violation);
    // On a flash that fails now and then an honest client may have to try again.
    if (violations.length > 0 || failed || draw(RECOVERY) !== 0) continue;
    const lost = honestClient(explorer, 'A')(explorer.take().state.slice());
    if (lost) report(lost);
  }
  return { ...sum, findings: [...found.values()] };
}

// One way, from a newly provisioned device to the first violation.
function way(explorer: Explorer, draw: (bound: number) => number, sum: Omit<Roamed, 'findings'>) {
  const { device, watch, events } = explorer;
  const path: Step[] = [];
  let failed = false;
  sum.ways++;
  watch.begin(newborn());
  device.boot();
  put(watch, 'Bootstrap', bootstrap(explorer.rules));
  watch.attach();
  for (let k = 0; k < STEPS_MAX; k++) {
    const event = events[draw(events.length)]!;
    const how = draw(2) === 0 ? 'cut' : 'fail';
    // What is not acknowledged may be in force or not: the witness would have to guess. npm run powercut looks at that.
    const uncertain = how === 'cut' && /^(document|change) /.test(event.name);
    const at = draw(TROUBLE) === 0 && !uncertain ? 1 + draw(CALLS) : 0;
    watch.begin(watch.ghost);
    if (!explorer.happen(event, at, how)) continue;
    sum.steps++;
    const cut = at <= device.calls ? at : 0;
    path.push({ event: event.name, cut, way: how });
    if (cut && how === 'cut') sum.cuts++;
    if (cut && how === 'fail') sum.failures++;
    failed ||= cut !== 0 && how === 'fail';
    const ghost = structuredClone(watch.ghost);
    const back = standing(explorer);
    const { violations } = explorer.take();
    const all = [...violations, ...(violations.length > 0 ? [] : explorer.inspect())];
    if (all.length > 0) return { path, violations: all, failed };
    back();
    watch.ghost = ghost;
  }
  return { path, violations: [], failed };
}
