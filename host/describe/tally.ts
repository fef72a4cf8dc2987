// Boards that run here, in words: one, with its port, or many; and many devices as one line: how many there are, in which states,
// and which versions they run.

import { rows } from '../formats/wording.js';
import type { DeviceState } from '../links/topics.js';
import { stateText } from './node.js';
import type { Described } from './words.js';

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

/** One; `reached`: where on a broker. */
export const boardRuns = (
  board: string,
  port: string,
  flash: string,
  reached: { broker: string; fleet: string; device: string } | undefined,
): Described => ({
  data: { board, port, flash, ...reached },
  lines: [
    port,
    ...rows([
      ['flash', flash],
      ['broker', reached?.broker],
      ['device', reached && `${reached.fleet}/${reached.device}`],
    ]),
  ],
});

/** So many, by the names `device`-1 and so on; `flash` undefined: in memory. */
export function boardsRun(
  board: string,
  {
    broker,
    fleet,
    device,
    count,
    flash,
  }: { broker: string; fleet: string; device: string; count: number; flash: string | undefined },
): Described {
  const [first, last] = [`${device}-1`, `${device}-${count}`];
  return {
    data: { board, count, broker, fleet, first, last, flash },
    lines: [
      `${count} devices`,
      ...rows([
        ['flash', flash ?? 'memory'],
        ['broker', broker],
        ['devices', `${fleet}/${first} to ${last}`],
      ]),
    ],
  };
}
