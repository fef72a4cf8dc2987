// The fast subset of npm run explore: some policies for a while, no violation; the canonical form is sound; every planted
// fault is seen; and the agent that is explored is the one that ships. At most two minutes of one processor.
import { beforeAll, describe, expect, it } from 'vitest';
import { agentModule } from '../support/bench-hal.js';
import { type Agent, buildAgent } from './build.js';
import { Explorer, RULES, type Rules } from './explorer.js';
import { PLANTS } from './plants.js';
import { POLICIES } from './policies.js';
import { honestClient } from './recover.js';
import { replay } from './replay.js';
import { pathOf, search } from './search.js';
import { seek } from './seek.js';
import { unclassified } from './table.js';
import { walk } from './walks.js';

const MINUTES = 60_000;
const root = process.cwd();
let agent: Agent;
beforeAll(async () => {
  agent = await buildAgent(root);
}, 5 * MINUTES);

const rulesOf = (name: string): Rules => POLICIES.find((row) => row.name === name)!.rules;

describe('every state that can come about', () => {
  it.each([
    ['prompt', 20],
    ['prompt, approvals inside packages', 8],
    ['reject, clock and expiry', 5],
    ['prompt, changes of anchors and policy', 5],
    ['bring back what is denied', 8],
    ['prompt, power cuts', 8],
    ['prompt, ask before download, channels 7, trial boots 0, threshold 2', 8],
  ])('runs only what may run: %s', { timeout: 5 * MINUTES }, (name, seconds) => {
    const explorer = new Explorer(agent, rulesOf(name));
    const outcome = search(explorer, { seconds, recovery: 20, recover: honestClient(explorer, 'A') });
    const { states, transitions, depth } = outcome;
    console.log(
      `${name}: ${states} states, ${transitions} transitions, depth ${depth}${outcome.closed ? ', closed' : ''}`,
    );
    const found = outcome.findings.map((finding) => `${finding.kind}: ${finding.detail}: ${pathOf(finding)}`);
    expect(found.slice(0, 20)).toEqual([]);
    expect(states).toBeGreaterThan(100);
  });
});

describe('the canonical form', () => {
  it('overwrites only what has no meaning', { timeout: 5 * MINUTES }, () => {
    for (const [seed, name] of ['prompt', 'prompt, approvals inside packages', 'bring back what is denied'].entries()) {
      const { steps, differing } = walk(agent, rulesOf(name), { walks: 150, seed: seed + 1 });
      expect(differing, name).toEqual([]);
      expect(steps).toBeGreaterThan(1000);
    }
  });
  it('knows every record and global of the agent', () => expect(unclassified()).toEqual([]));
});

describe('a planted fault', () => {
  it.each(PLANTS.map((plant) => [plant.name, plant] as const))('is seen: %s', { timeout: MINUTES }, (_, plant) => {
    const { seen } = seek(agent, plant, 30);
    expect(seen && pathOf(seen), plant.sees.source).toBeDefined();
    expect(seek(agent, plant, 1, true).seen).toBeUndefined();
  });
});

describe('the explored agent', () => {
  const path = [
    ...[
      'part of A link 0',
      'reset',
      'offer A link 1',
      'Exec Update link 0',
      'signed yes B',
      'button yes',
      'short time',
    ],
    ...[
      '11 s',
      'app confirms, knock',
      'offer B link 1',
      'document 2 denies A',
      'document 1 approves A B',
      'offer A link 0',
    ],
    ...['offer B link 0', 'Exec Update link 1', 'typed no', '601 s', 'Exec DownloadAndUpdate link 1', 'offer B link 1'],
  ];
  it('says the same bytes as the one that ships, and has the same flash', { timeout: MINUTES }, () => {
    const steps = path.map((event) => ({ event, cut: 0 }));
    const cut = [...steps.slice(0, 5), { event: 'button yes', cut: 3 }, ...steps.slice(6)];
    for (const way of [steps, cut]) {
      const { same, deeds } = replay(agent, agentModule(), RULES, way, { kind: '', detail: '' });
      expect(same).toBe(true);
      expect(deeds.length).toBeGreaterThan(50);
    }
  });
});
