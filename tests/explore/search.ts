// Breadth first from the first state through all that is reachable, until nothing new appears or a bound is reached. With
// a bound of transitions, and none of time, it does the same on every machine.
//
// States are vectors in one growing array; which state led where by what event is kept, so that every finding comes with
// a shortest path. What was found wrong on the way into a state ends that way; what is wrong with a state does not.

import type { State } from './device.js';
import type { Explorer } from './explorer.js';
import type { Violation } from './watch.js';

const CUT = 64; // an event's number, and CUT times the call of the flash before which the power goes
const CUTS_MAX = 1000;
const STATES_MAX = 6_000_000;

export interface Step {
  event: string;
  cut: number; // the call of the flash, 0 none,
  way?: 'cut' | 'fail'; // at which the power goes, or which fails
}
export interface Finding extends Violation {
  path: Step[];
  times: number;
}
export const pathOf = ({ path }: { path: readonly Step[] }): string =>
  path
    .map(({ event, cut, way }) => {
      if (!cut) return event;
      return way === 'fail' ? `${event} [flash call ${cut} fails]` : `${event} [power cut before flash call ${cut}]`;
    })
    .join(' > ');

export interface Outcome {
  closed: boolean; // a fixed point: nothing new appears
  states: number;
  expanded: number;
  depth: number;
  transitions: number;
  seconds: number;
  findings: Finding[];
  recovered: number; // states from which an honest client was tried
}

/** Whichever is reached first. */
export interface Bound {
  seconds?: number;
  transitions?: number;
}

export interface SearchOptions extends Bound {
  /** Tries an honest client from every n-th new state; 0: from none. */
  recovery?: number;
  /** What an honest client does not get done from a state: a violation, or undefined. */
  recover?: (state: State) => Violation | undefined;
  stopAt?: RegExp; // a violation that is enough
  progress?: (outcome: Progress) => void;
  /** Takes a look at all states, at the end. */
  look?: (states: Iterable<State>) => void;
}

export type Progress = Omit<Outcome, 'findings'>;

export function search(explorer: Explorer, options: SearchOptions): Outcome {
  const { recovery = 0, recover, stopAt, progress, look } = options;
  const { seconds = Infinity, transitions: most = Infinity } = options;
  const { events, rules } = explorer;
  const pool = createPool(explorer.device.width);
  const findings = new Map<string, Finding>();
  const began = Date.now();
  let [head, transitions, recovered, enough, shown] = [0, 0, 0, false, began];

  const report = ({ kind, detail }: Violation, from: number, code: number) => {
    const key = `${kind}|${detail}`;
    const known = findings.get(key);
    if (known) known.times++;
    else findings.set(key, { kind, detail, path: pathTo(from, code), times: 1 });
    if (stopAt?.test(kind)) enough = true;
  };
  const pathTo = (state: number, last: number): Step[] => {
    const codes = [last];
    for (let at = state; pool.parent(at) >= 0; at = pool.parent(at)) codes.unshift(pool.event(at));
    return codes.map((code) => ({ event: events[code % CUT]!.name, cut: Math.floor(code / CUT) }));
  };
  const now = (): Progress => {
    const depth = pool.depth(pool.count() - 1);
    const closed = head >= pool.count();
    const spent = (Date.now() - began) / 1000;
    return { closed, states: pool.count(), expanded: head, depth, transitions, seconds: spent, recovered };
  };

  if (events.length > CUT) throw new Error(`explore: more than ${CUT} events`);
  pool.add(explorer.provision(), -1, 0);
  for (; head < pool.count() && !enough; head++) {
    for (let number = 0; number < events.length && !enough; number++) {
      const event = events[number]!;
      for (let cut = 0, calls = 0; cut <= calls && cut < CUTS_MAX; cut++) {
        const step = explorer.step(pool.state(head), event, cut);
        if (!step) continue;
        if (cut === 0 && rules.cuts?.test(event.name)) calls = explorer.device.calls;
        transitions++;
        const code = number + CUT * cut;
        if (step.violations.length > 0) {
          for (const violation of step.violations) report(violation, head, code);
          continue;
        }
        const added = pool.add(step.state, head, code);
        if (added < 0) continue;
        for (const violation of explorer.inspect()) report(violation, head, code);
        if (!recover || !recovery || added % recovery !== 0) continue;
        const failed = recover(pool.state(added));
        recovered++;
        if (failed) report(failed, head, code);
      }
    }
    const time = Date.now();
    if (progress && time - shown > 10_000) {
      shown = time;
      progress(now());
    }
    if (transitions > most || time - began > seconds * 1000 || pool.count() > STATES_MAX) break;
  }
  look?.(Array.from({ length: pool.count() }, (_, state) => pool.state(state)));
  return { ...now(), closed: head >= pool.count(), findings: [...findings.values()] };
}

function createPool(width: number) {
  let [capacity, slots, count] = [1 << 14, 1 << 16, 0];
  let states = new Uint16Array(capacity * width);
  let parents = new Int32Array(capacity);
  let events = new Uint32Array(capacity);
  let depths = new Uint16Array(capacity);
  let table = new Int32Array(slots).fill(-1);

  const hash = (from: State, at: number) => {
    let h = 0x811c9dc5;
    for (let i = 0; i < width; i++) {
      h = Math.imul(h ^ from[at + i]!, 0x01000193);
      h ^= h >>> 13;
    }
    return h >>> 0;
  };
  const grow = () => {
    capacity *= 2;
    const bigger = <T extends Uint16Array | Int32Array | Uint32Array>(to: T, from: T): T => {
      to.set(from);
      return to;
    };
    states = bigger(new Uint16Array(capacity * width), states);
    parents = bigger(new Int32Array(capacity), parents);
    events = bigger(new Uint32Array(capacity), events);
    depths = bigger(new Uint16Array(capacity), depths);
  };
  const spread = () => {
    slots *= 2;
    table = new Int32Array(slots).fill(-1);
    for (let state = 0; state < count; state++) {
      let slot = hash(states, state * width) & (slots - 1);
      while (table[slot]! >= 0) slot = (slot + 1) & (slots - 1);
      table[slot] = state;
    }
  };
  const equal = (state: number, other: State) => {
    const at = state * width;
    for (let i = 0; i < width; i++) if (states[at + i] !== other[i]) return false;
    return true;
  };

  return {
    count: () => count,
    parent: (state: number) => parents[state]!,
    event: (state: number) => events[state]!,
    depth: (state: number) => depths[state]!,
    /** A view: valid until the next state is added. */
    state: (state: number): State => states.subarray(state * width, (state + 1) * width),
    /** The number of a new state, -1 of a known one. */
    add(state: State, parent: number, event: number): number {
      if (count * 2 > slots) spread();
      let slot = hash(state, 0) & (slots - 1);
      for (; table[slot]! >= 0; slot = (slot + 1) & (slots - 1)) if (equal(table[slot]!, state)) return -1;
      if (count === capacity) grow();
      states.set(state, count * width);
      parents[count] = parent;
      events[count] = event;
      depths[count] = parent < 0 ? 0 : depths[parent]! + 1;
      table[slot] = count;
      return count++;
    },
  };
}
