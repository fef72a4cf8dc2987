// What one update costs in erases: an image of the same size over a running one, on the map of the micro:bit.
//
// A page has to be erased once for each new content it takes. In the primary slot that is one: the new image. In the
// secondary slot it is two: the new image while it is staged, and the old one that is put aside in its place.

import { ERASE } from '../support/flash.js';
import type { Trace } from './engine.js';
import { MAPS } from './scenarios.js';

export interface Wear {
  erases: number;
  minimum: number;
  ratio: number;
  stateRegion: number; // most erases of one of its pages
}

export function wearOf({ operations }: Trace): Wear {
  const { primary, secondary, state } = MAPS.microbit;
  const counts = new Map<number, number>();
  for (const { at, value } of operations) if (value === ERASE) counts.set(at, (counts.get(at) ?? 0) + 1);
  const of = (from: number, to: number) => [...counts].filter(([at]) => at >= from && at < to);
  const sum = (pages: [number, number][]) => pages.reduce((total, [, count]) => total + count, 0);
  const inPrimary = of(primary, secondary);
  const inSecondary = of(secondary, state);
  const erases = sum(inPrimary) + sum(inSecondary);
  // Staged one page further up than what is put aside: each of both is as many pages as the primary slot's part.
  const minimum = 3 * inPrimary.length;
  const stateRegion = Math.max(...of(state, Number.POSITIVE_INFINITY).map(([, count]) => count));
  return { erases, minimum, ratio: erases / minimum, stateRegion };
}
