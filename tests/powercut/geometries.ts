// The loop on flash as chips have it (tests/support/geometries.ts), with the agent that knows it: npm run powercut -- --geometries.

import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { FlashMap } from '../support/flash.js';
import { GEOMETRIES } from '../support/geometries.js';
import { buildAgent } from './build.js';
import { runAll } from './pool.js';
import type { Job } from './work.js';

type Geometry = keyof typeof GEOMETRIES;

const NAMES = Object.keys(GEOMETRIES) as Geometry[];
/** Those that write in every way there is; the last two need a way back. */
const WITHOUT_WAY_BACK = ['bootstrap', 'approval update', 'install', 'download with resume'];
const SCENARIOS = [...WITHOUT_WAY_BACK, 'revert', 'denied once installed'];

export const CASES = NAMES.flatMap((map) => {
  const { overwrites }: FlashMap = GEOMETRIES[map];
  return (overwrites ? WITHOUT_WAY_BACK : SCENARIOS).map((scenario) => ({ map, scenario }));
});

/** Returns the path of the agent. */
export async function buildSectors(root: string): Promise<string> {
  const agent = join(root, 'build/powercut-sectors.wasm');
  mkdirSync(join(root, 'build'), { recursive: true });
  writeFileSync(agent, await buildAgent(root, [], 'PROFILE_SECTORS'));
  return agent;
}

/** Cuts at each end of a call and every QUICK_STRIDEth operation, in turn in every way, and pairs of cuts. */
export async function geometries(root: string): Promise<number> {
  const agent = await buildSectors(root);
  const jobs = CASES.map((each): Job => ({ ...each, plan: 'turns', pairs: true, part: 0, parts: 1, agent }));
  let [cases, failed] = [0, 0];
  await runAll(jobs, ({ map, scenario }, { singles, pairs, counts, failures }) => {
    cases += singles + pairs;
    failed += counts.lost + counts.bricked + counts.unapproved;
    console.log(`${map}: ${scenario}: ${singles + pairs} cases, ${JSON.stringify(counts)}`);
    for (const { kind, where, what } of failures) console.log(`  ${kind.toUpperCase()}  ${where}: ${what}`);
  });
  console.log(`${NAMES.length} geometries, ${cases} cases, lost, bricked or unapproved: ${failed}`);
  return failed > 0 ? 1 : 0;
}
