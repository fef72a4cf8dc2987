// Is what the canonical form overwrites really without meaning? Random walks of two devices side by side: one is put into
// its canonical form after each event, the other is never touched. After each event both must be in the same canonical
// state, and the oracle must say the same of both. Where they differ, the table is wrong.

import type { Agent } from './build.js';
import type { State } from './device.js';
import { Explorer, type Rules } from './explorer.js';

const STEPS_MAX = 40;

export interface Walks {
  steps: number;
  differing: { what: string; path: string[] }[]; // each kind once, by its shortest path
}

export function walk(agent: Agent, rules: Rules, { walks, seed }: { walks: number; seed: number }): Walks {
  const canonical = new Explorer(agent, rules);
  const raw = new Explorer(agent, rules, { like: canonical });
  const first = canonical.provision();
  raw.provision();
  const draw = randomFrom(seed);
  const kinds = new Map<string, string[]>();
  let steps = 0;

  for (let i = 0; i < walks; i++) {
    let state: State = first.slice();
    let ghost = raw.device.load(first);
    raw.device.loaded = undefined;
    const path: string[] = [];
    for (let k = 0; k < STEPS_MAX; k++) {
      const number = draw(canonical.events.length);
      const name = canonical.events[number]!.name;
      const step = canonical.step(state, canonical.events[number]!);
      if (!step) continue;
      steps++;
      path.push(name);
      state = step.state.slice();
      const said = JSON.stringify(step.violations);

      raw.watch.begin(ghost);
      raw.happen(raw.events[number]!);
      ghost = structuredClone(raw.watch.ghost);
      const back = standing(raw);
      const other = raw.take();
      const fields = canonical.device.fields.filter((_, f) => other.state[f] !== state[f]);
      const differs = JSON.stringify(other.violations) !== said;
      back();
      if (fields.length > 0 || differs) {
        const what = [...fields, ...(differs ? [`${said} and ${JSON.stringify(other.violations)}`] : [])].join(', ');
        const known = kinds.get(what);
        if (!known || known.length > path.length) kinds.set(what, [...path]);
        break;
      }
      // What is wrong is a finding of the search; what follows from it is not asked for.
      if (step.violations.length > 0 || canonical.inspect().length > 0) break;
    }
  }
  const differing = [...kinds].map(([what, path]) => ({ what, path }));
  return { steps, differing: differing.sort((a, b) => a.path.length - b.path.length) };
}

// Taking a state overwrites; this puts the device back as it was.
export function standing({ device }: Explorer): () => void {
  const { bytes, writable, from, memory } = device;
  const kept = [bytes, writable, from, memory].map((array) => [array, array.slice()] as const);
  const globals = device.allGlobals().map((global) => [global, global.value] as const);
  return () => {
    for (const [array, was] of kept) array.set(was);
    for (const [global, was] of globals) global.value = was;
  };
}

/** The same numbers for the same seed: below `bound`. */
export function randomFrom(seed: number): (bound: number) => number {
  let x = seed | 1;
  return (bound) => {
    x ^= x << 13;
    x ^= x >>> 17;
    x ^= x << 5;
    return (x >>> 0) % bound;
  };
}
