// Looks for a planted fault: what it makes the agent do wrong has to be reported, and must not be without it.

import type { Agent } from './build.js';
import { Explorer, RULES } from './explorer.js';
import { PLANTS, type Plant } from './plants.js';
import { honestClient } from './recover.js';
import { type Bound, type Finding, search } from './search.js';

/** With the fault in force, or (`sound`) the agent as it is, under the same events. */
export function seek(
  agent: Agent,
  plant: Plant,
  bound: Bound,
  sound = false,
): { seen: Finding | undefined; transitions: number } {
  const { rules, events, sees, recovers } = plant;
  const number = sound ? 0 : PLANTS.indexOf(plant) + 1;
  const explorer = new Explorer(agent, { ...RULES, ...rules }, { only: events, plant: number });
  const honest = recovers ? { recovery: 1, recover: honestClient(explorer, recovers) } : {};
  const { findings, transitions } = search(explorer, { ...bound, stopAt: sees, ...honest });
  return { seen: findings.find(({ kind }) => sees.test(kind)), transitions };
}
