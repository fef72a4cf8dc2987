// How a device ends that was seen before, without trying it again.
//
// A run is a function of the flash that it reads. While it goes on, the flash notes which chunks it had need of: read, or
// written to, before they were erased. Another flash that is equal in those, under the same need, ends in the same way
// whatever stands in the rest: mostly pages that a cut left half written, and that every recovery erases unseen.
//
// The same holds from each reset in the middle of a run. The memory of the agent is gone; what comes is a function of the
// flash, of the few words that outlive a reset, and of where the script stands, which is where its conversation with the
// board has brought it: that is heard word for word. (What a witness reads of the flash only decides whether it throws.)
// So a run ends at a reset behind which all is known.
//
// A chunk in which a word reads differently each time is equal to nothing. Equal means equal sums of 53 bits.

import type { Listener } from '../support/bench-hal.js';
import { NEEDED, UNTOUCHED } from '../support/chunks.js';
import type { BenchFlash } from '../support/flash.js';

/** Ends the run: how it would end is known. */
export class Known<Outcome> {
  readonly outcome: Outcome;
  constructor(outcome: Outcome) {
    this.outcome = outcome;
  }
}

// Chunks that some runs from one place of the script had need of, and how they ended for each contents of these.
interface Footprint<Outcome> {
  chunks: Uint16Array;
  outcomes: Map<number, Outcome>;
}

// A place of the run that goes on.
interface Point {
  place: number;
  first: Int32Array;
  second: Int32Array;
  unsteady: ReadonlySet<number>;
  uses: Uint8Array;
}

const NONE: ReadonlySet<number> = new Set();

export function createMemo<Outcome>() {
  const places = new Map<number, Footprint<Outcome>[]>();
  let points: Point[] = [];

  function place(flash: BenchFlash, place: number): { outcome: Outcome } | undefined {
    const { chunks } = flash;
    chunks.sum();
    const { unstable } = flash.standing;
    const unsteady = unstable.size > 0 ? new Set(Array.from(unstable.keys(), chunks.of)) : NONE;
    const footprints = places.get(place) ?? [];
    const { first, second } = chunks;
    for (let i = 0; i < footprints.length; i++) {
      const footprint = footprints[i]!;
      const sum = sumOf(footprint.chunks, { first, second, unsteady });
      if (sum === undefined || !footprint.outcomes.has(sum)) continue;
      if (i > 0) footprints.splice(i - (i >> 1) - 1, 0, ...footprints.splice(i, 1)); // what is found is soon found again
      follow(footprint.chunks);
      return { outcome: footprint.outcomes.get(sum)! };
    }
    const uses = new Uint8Array(chunks.count);
    points.push({ place, first: first.slice(), second: second.slice(), unsteady, uses });
    chunks.watch(uses);
    return undefined;
  }

  // The run goes on as one that is known: what that one had need of, this one has, too.
  let rest: Uint16Array = new Uint16Array();
  const follow = (chunks: Uint16Array) => {
    rest = chunks;
  };

  return {
    /** What is known of a flash under a need, or undefined: then the run begins. */
    begin(flash: BenchFlash, need: number) {
      points = [];
      rest = new Uint16Array();
      return place(flash, need);
    },

    /** Hears the run. At a reset behind which all is known it throws. */
    listen(flash: BenchFlash, need: number): Listener {
      let [a, b] = [need ^ 0x3243f6a8, need ^ 0x13198a2e];
      const mix = (value: number) => {
        a = Math.imul(a ^ value, 0x01000193) ^ (a >>> 15);
        b = Math.imul((b << 5) ^ (b >>> 27) ^ value, 0x2c1b3c6d);
      };
      let booted = false;
      return {
        hear(what, bytes) {
          mix(what);
          if (!bytes) return;
          mix(bytes.length);
          for (let i = 0; i < bytes.length; i++) mix(bytes[i]!);
        },
        reset(...left) {
          mix(left.length);
          left.forEach(mix);
          if (booted) {
            const known = place(flash, -(wide(a, b) + 1)); // apart from the numbers of needs
            if (known) throw new Known(known.outcome);
          }
          booted = true;
        },
      };
    },

    /** The run has come to its end. */
    end(outcome: Outcome): void {
      const uses = points.length > 0 ? new Uint8Array(points[0]!.uses.length) : new Uint8Array();
      for (const chunk of rest) uses[chunk] = NEEDED;
      for (const point of points.reverse()) {
        for (let i = 0; i < uses.length; i++) if (point.uses[i] !== UNTOUCHED) uses[i] = point.uses[i]!;
        keep(point, uses, outcome);
      }
      points = [];
    },
  };

  function keep(point: Point, uses: Uint8Array, outcome: Outcome) {
    const needed: number[] = [];
    for (let i = 0; i < uses.length; i++) if (uses[i] === NEEDED) needed.push(i);
    const chunks = Uint16Array.from(needed);
    const sum = sumOf(chunks, point);
    if (sum === undefined) return;
    const footprints = places.get(point.place) ?? [];
    if (footprints.length === 0) places.set(point.place, footprints);
    const found = footprints.find((each) => same(each.chunks, chunks));
    if (found) found.outcomes.set(sum, outcome);
    else footprints.push({ chunks, outcomes: new Map([[sum, outcome]]) });
  }
}

const same = (a: Uint16Array, b: Uint16Array) => a.length === b.length && a.every((each, i) => each === b[i]);
const wide = (a: number, b: number) => (a >>> 0) * 0x200000 + (b >>> 11);

function sumOf(
  chunks: Uint16Array,
  { first, second, unsteady }: Pick<Point, 'first' | 'second' | 'unsteady'>,
): number | undefined {
  let a = 0x9e3779b9;
  let b = 0x85ebca6b;
  for (let i = 0; i < chunks.length; i++) {
    const chunk = chunks[i]!;
    if (unsteady !== NONE && unsteady.has(chunk)) return undefined;
    a = Math.imul(a ^ first[chunk]!, 0x01000193) ^ (a >>> 15);
    b = Math.imul((b << 5) ^ (b >>> 27) ^ second[chunk]!, 0x2c1b3c6d);
  }
  return wide(a, b);
}
