// Which cuts are tried.
//
//   full    every operation in every way, and behind every operation, cut in one way, at least PAIRS_MIN second cuts (all
//           where a recovery has no more than PAIRS_ALL operations); besides, PAIRS_FEW second cuts behind each of several
//           readings of a last word that reads differently each time; second cuts on the small map only
//   quick   the first and last operation of each call of the HAL and every QUICK_STRIDEth between, in every way; about
//           QUICK_PAIRS second cuts behind 2 * QUICK_FIRSTS first ones
//   turns   as quick, but each operation is cut in one way only, every way in its turn: for a scenario that is another one
//           with a small difference
//   sparse  one in SPARSE of those
//   unstable   pairs that begin with a last word that reads differently each time
//   unstableLate   the same, in the last two fifths of the scenario: where an installation is turned round

import { CUTS, type Cut, ERASE, type Operation } from '../support/flash.js';

export interface Plan {
  cuts(operations: readonly Operation[]): number[];
  /** Ways of the cuts that stay alone, at operation k. */
  ways(k: number): readonly Cut[];
  /** First cuts that get second ones. */
  firsts(operations: readonly Operation[]): First[];
  /** Where a recovery is cut, of so many operations and one more. */
  seconds(operations: number, first: First): number[];
}

export interface First {
  k: number;
  cut: Cut;
  again?: number | undefined; // the same once more, what is unstable reads in another order
  extra?: boolean; // beyond what has to be shown
}

const PAIRS_MIN = 200;
const PAIRS_ALL = 300; // so few operations of a recovery are all cut
const PAIRS_FEW = 25;
const QUICK_STRIDE = 61;
const QUICK_ALL = 150; // so few operations are all cut
const QUICK_PAIRS = 12;
const READINGS = 8; // of one unstable word
const QUICK_FIRSTS = 10;
const SPARSE = 6;

const upTo = (n: number) => Array.from({ length: n }, (_, i) => i + 1);

// `count` of 1..n, evenly spread, beginning elsewhere for each k, and the last one; all when there are not more.
function spread(n: number, count: number, k: number): number[] {
  if (n <= count) return upTo(n);
  const step = n / count;
  const some = Array.from({ length: count }, (_, i) => 1 + Math.floor((((k * 0.618) % 1) + i) * step));
  return some.at(-1) === n ? some : [...some, n];
}

/** Every way gets its turn. */
export const turn = (k: number): Cut => CUTS[k % CUTS.length]!;
const turns = (cuts: readonly number[]): First[] => cuts.map((k) => ({ k, cut: turn(k) }));

// The last word of a call may be what makes a record count: where it reads differently each time, it hurts most.
const unstableEnds = (operations: readonly Operation[]): First[] =>
  upTo(operations.length)
    .filter((k) => operations[k - 1]!.edge && operations[k - 1]!.value !== ERASE)
    .flatMap((k) => upTo(READINGS).map((again) => ({ k, cut: 'unstable' as const, again })));

const edges = (operations: readonly Operation[]): number[] => {
  const all = upTo(operations.length + 1);
  if (operations.length <= QUICK_ALL) return all;
  return all.filter((k) => (operations[k - 1]?.edge ?? true) || k % QUICK_STRIDE === 0);
};

const inOrder = (firsts: First[]): First[] => firsts.sort((a, b) => a.k - b.k);

const QUICK: Plan = {
  cuts: edges,
  ways: () => CUTS,
  firsts(operations) {
    const some = edges(operations);
    const ends = unstableEnds(operations);
    const pick = <T>(of: T[]) => spread(of.length, QUICK_FIRSTS, 1).map((n) => of[n - 1]!);
    return inOrder([...turns(pick(some)), ...pick(ends)]);
  },
  seconds: (operations, { k }) => spread(operations + 1, QUICK_PAIRS, k),
};

export const PLANS = {
  full: {
    cuts: (operations) => upTo(operations.length + 1),
    ways: () => CUTS,
    firsts(operations) {
      const extra = unstableEnds(operations).map((first) => ({ ...first, extra: true }));
      return inOrder([...turns(upTo(operations.length)), ...extra]);
    },
    seconds(operations, { k, extra }) {
      if (operations <= PAIRS_ALL && !extra) return upTo(operations + 1);
      return spread(operations + 1, extra ? PAIRS_FEW : PAIRS_MIN, k);
    },
  },
  quick: QUICK,
  turns: { ...QUICK, ways: (k) => [turn(k)] },
  sparse: {
    ...QUICK,
    cuts: (operations) => edges(operations).filter((_, i) => i % SPARSE === 0),
    ways: (k) => [turn(k)],
  },
  unstable: {
    cuts: () => [],
    ways: () => [],
    firsts: unstableEnds,
    seconds: (operations, { k }) => spread(operations + 1, QUICK_PAIRS, k),
  },
  unstableLate: {
    cuts: () => [],
    ways: () => [],
    firsts: (operations) => unstableEnds(operations).filter(({ k }) => k > 0.6 * operations.length),
    seconds: (operations, { k }) => spread(operations + 1, QUICK_PAIRS, k),
  },
} satisfies Record<string, Plan>;
export type PlanName = keyof typeof PLANS;
