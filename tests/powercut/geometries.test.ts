// The loop of power cuts on flash as chips have it: a thin subset of npm run powercut -- --geometries.

import { fileURLToPath } from 'node:url';
import { beforeAll, describe, expect, it } from 'vitest';
import { buildSectors, CASES } from './geometries.js';
import { work } from './work.js';

const MINUTES = 60_000;
const JOB = { plan: 'sparse', pairs: false, part: 0, parts: 1 } as const;

let agent: string;
beforeAll(async () => {
  agent = await buildSectors(fileURLToPath(new URL('../..', import.meta.url)));
}, 5 * MINUTES);

it.each(CASES)('$map: $scenario', { timeout: 5 * MINUTES }, (each) => {
  const { failures, counts, singles } = work({ ...JOB, ...each, agent });
  expect(failures).toEqual([]);
  expect(counts).toEqual({ lost: 0, bricked: 0, unapproved: 0 });
  expect(singles).toBeGreaterThan(4);
});

// What is written in units is damaged in them, and turned over where erased flash is 0.
describe.each(['stm32l4', 'stm32l1', 'stm32h7'] as const)('damage in the state region of %s', (map) => {
  it('is mended, or said', { timeout: 5 * MINUTES }, () => {
    const { failures, damages } = work({ ...JOB, scenario: 'approval update', map, damage: 'some', agent });
    expect(failures).toEqual([]);
    for (const sort of ['flips', 'unreadable', 'reads', 'pairs'] as const) {
      expect(damages![sort]).toMatchObject({ older: 0, blank: 0 });
    }
    expect(damages!.flips.healed).toBeGreaterThan(10);
  });
});
