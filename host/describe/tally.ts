// Many devices at once, as one line: how many there are, in which states, and which versions they run.

import type { DeviceState } from '../links/topics.js';
import { stateText } from './node.js';

const SHOWN_MAX = 4; // of each kind: it is one line

/** "100 devices: 96 in 10 idle, 4 in 30 download progressing; 60 run 1.1.0". */
export function tallyLine(states: readonly DeviceState[]): string {
  const count = states.length === 1 ? '1 device' : `${states.length} devices`;
  const inState = most(
    states.map(({ state }) => (state === undefined ? undefined : stateText(state))),
    'in',
  );
  const run = most(
    states.map(({ firmwareVersion }) => firmwareVersion),
    'run',
  );
  return `${count}${inState && `: ${inState}`}${run && `; ${run}`}`;
}

/** What most of them have first. */
function most(words: readonly (string | undefined)[], verb: string): string {
  const counts = new Map<string, number>();
  for (const word of words) if (word !== undefined) counts.set(word, (counts.get(word) ?? 0) + 1);
  const sorted = [...counts].sort(([a, x], [b, y]) => y - x || (a < b ? -1 : 1));
  const shown = sorted.slice(0, SHOWN_MAX).map(([word, count]) => `${count} ${verb} ${word}`);
  const more = sorted.slice(SHOWN_MAX).reduce((sum, [, count]) => sum + count, 0);
  return [...shown, ...(more > 0 ? [`${more} others`] : [])].join(', ');
}
