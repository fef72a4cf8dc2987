// Damage, which is not a cut: a bit that flipped, a word that cannot be read, a read that fails once, anywhere in the state
// region, and two of them at once. The device is started on what stood in flash when it had acknowledged something.
//
//   healed    it stands by all that it acknowledged, and comes to the end of the scenario (tried for TRIALS of the cases)
//   damaged   it says so, runs what it ran, takes no bootstrap document and no approval
//   older     it believes something undone       blank   it believes that nothing was ever stored      both are failures
//
// Of two at once, a damaged device need not find what it ran.

import { type BenchFlash, ERASE } from '../support/flash.js';
import type { Failure, Trace, World } from './engine.js';
import type { Need } from './witness.js';

export type Outcome = 'healed' | 'damaged' | 'older' | 'blank';
export type Counts = Record<Outcome, number>;
export const none = (): Counts => ({ healed: 0, damaged: 0, older: 0, blank: 0 });

export interface Damages {
  flips: Counts;
  unreadable: Counts;
  reads: Counts;
  pairs: Counts;
}
const SORTS = ['flips', 'unreadable', 'reads', 'pairs'] as const;
export const noDamages = (): Damages => ({ flips: none(), unreadable: none(), reads: none(), pairs: none() });

/** How many of each sort for each moment; Infinity: all there are. */
export interface Amount {
  moments: number;
  flips: number;
  unreadable: number;
  reads: number;
  pairs: number;
}
export const SOME: Amount = { moments: 2, flips: 60, unreadable: 45, reads: 25, pairs: 60 };
export const ALL: Amount = { moments: 1, flips: Infinity, unreadable: Infinity, reads: Infinity, pairs: 7_000 };
const LAST = 2;
const TRIALS = 8; // one in so many goes on to the end of the scenario

export type Damage = { flip: number } | { word: number } | { read: number };

export function inflict(flash: BenchFlash, ...damages: Damage[]): void {
  for (const damage of damages) {
    if ('flip' in damage) flash.flip(damage.flip);
    else if ('word' in damage) flash.unreadable.add(damage.word);
    else flash.failAt = flash.reads + damage.read;
  }
}

const told = (damage: Damage) => Object.entries(damage)[0]!.join(' ');

// The same numbers each time.
function dice(seed: number) {
  let state = seed;
  return (below: number) => {
    state = (Math.imul(state, 1664525) + 1013904223) | 0;
    return Math.floor(((state >>> 0) / 2 ** 32) * below);
  };
}

/** `count` of `from` .. `from + all`, evenly spread, beginning elsewhere for each `turn`. */
function spread(from: number, all: number, count: number, turn: number): number[] {
  if (count >= all) return Array.from({ length: all }, (_, i) => from + i);
  const step = all / count;
  return Array.from({ length: count }, (_, i) => from + Math.floor((i + ((turn * 0.618) % 1)) * step));
}

/** `last`: where the last words were written, whose bits say that all is acknowledged. */
export function* damagesOf(flash: BenchFlash, reads: number, amount: Amount, turn: number, last: number[]) {
  const { state, stateBytes } = flash.map;
  for (const at of last) for (let bit = 0; bit < 32; bit++) yield ['flips', { flip: 8 * at + bit }] as const;
  for (const at of last) yield ['unreadable', { word: at >>> 2 }] as const;
  for (const flip of spread(state * 8, stateBytes * 8, amount.flips, turn)) yield ['flips', { flip }] as const;
  for (const word of spread(state >>> 2, stateBytes >>> 2, amount.unreadable, turn))
    yield ['unreadable', { word }] as const;
  for (const read of spread(1, reads, amount.reads, turn)) yield ['reads', { read }] as const;
  const roll = dice(turn + 1);
  const one = (near?: number): Damage => {
    // Half of the second ones hit where the first did: in one record, mostly.
    const word = near === undefined ? (state >>> 2) + roll(stateBytes >>> 2) : near + roll(12) - 6;
    const inside = Math.min(Math.max(word, state >>> 2), ((state + stateBytes) >>> 2) - 1);
    return roll(4) === 0 ? { word: inside } : { flip: inside * 32 + roll(32) };
  };
  for (let i = 0; i < amount.pairs; i++) {
    const first = one();
    const near = 'word' in first ? first.word : 'flip' in first ? first.flip >>> 5 : 0;
    yield ['pairs', first, one(i & 1 ? near : undefined)] as const;
  }
}

export interface Damaged {
  damages: Damages;
  failures: (Failure & { where: string })[];
}

/** `enough`: stop after so many failures. */
export function damageAll(world: World, amount: Amount, part: [number, number], enough = Infinity): Damaged {
  const result: Damaged = { damages: noDamages(), failures: [] };
  let cases = 0;
  momentsOf(world.base, amount.moments).forEach(({ at, need }, turn) => {
    const flash = world.blank();
    flash.restore(world.base.begin);
    for (const { at: place, value } of world.base.operations.slice(0, at)) flash.apply(place, value);
    const snapshot = flash.snapshot();
    const again = () => {
      flash.restore(snapshot);
      flash.unreadable.clear();
      flash.failAt = 0;
    };
    const last = world.base.operations
      .slice(0, at)
      .filter((each) => each.at >= flash.map.state && each.value !== ERASE)
      .slice(-LAST)
      .map((each) => each.at);
    const before = flash.reads;
    world.boot(flash, 3);
    const reads = flash.reads - before;
    for (const [sort, ...damages] of damagesOf(flash, reads, amount, turn, last)) {
      if (cases++ % part[1] !== part[0] || result.failures.length >= enough) continue;
      again();
      inflict(flash, ...damages);
      const outcome = world.damaged(flash, need, sort !== 'pairs', cases % (TRIALS * part[1]) < part[1]);
      const where = `${world.scenario.name}: after ${at} operations, ${damages.map(told).join(' and ')}`;
      if (typeof outcome === 'string') result.damages[sort][outcome]++;
      else {
        result.damages[sort][outcome.what.includes('bootstrap') ? 'blank' : 'older']++;
        result.failures.push({ ...outcome, where });
      }
    }
  });
  return result;
}

// The last thing acknowledged, and others before it.
function momentsOf({ marks, operations }: Trace, count: number): { at: number; need: Need }[] {
  const last = marks.at(-1)!;
  const some = Array.from({ length: count - 1 }, (_, i) => marks[Math.floor((marks.length * (i + 1)) / count)]!);
  return [...some, last].map(({ at, need }) => ({ at: Math.min(at, operations.length), need }));
}

export function addDamages(to: Damages, more: Damages): void {
  for (const sort of SORTS)
    for (const outcome of Object.keys(none()) as Outcome[]) to[sort][outcome] += more[sort][outcome];
}
