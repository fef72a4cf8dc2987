// The fast subset of npm run explore: some policies as far as so many transitions go, no violation; the canonical form is
// sound; every planted fault is seen; and the agent that is explored is the one that ships. All is bounded by transitions, so
// that a loaded machine sees the same. About a minute of one processor.
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { beforeAll, describe, expect, it } from 'vitest';
import { agentModule } from '../support/bench-hal.js';
import { type Agent, buildAgent } from './build.js';
import { Explorer, RULES, type Rules } from './explorer.js';
import { type Entry, isDone, readLedger, smallestFirst, summary } from './ledger.js';
import { PLANTS } from './plants.js';
import { POLICIES } from './policies.js';
import { honestClient } from './recover.js';
import { replay } from './replay.js';
import { roam } from './roam.js';
import { pathOf, search } from './search.js';
import { seek } from './seek.js';
import { unclassified } from './table.js';
import { walk } from './walks.js';

const MINUTES = 60_000;
const root = process.cwd();
let agent: Agent;
beforeAll(async () => {
  agent = await buildAgent(root);
}, 10 * MINUTES);

const rulesOf = (name: string): Rules => POLICIES.find((row) => row.name === name)!.rules;

describe('every state that can come about', () => {
  it.each([
    ['prompt', 80_000],
    ['prompt, approvals inside packages', 30_000],
    ['reject, clock and expiry', 20_000],
    ['prompt, changes of anchors and policy', 20_000],
    ['bring back what is denied', 30_000],
    ['prompt, power cuts', 20_000],
    ['prompt, ask before download, channels 7, trial boots 0, threshold 2', 30_000],
    ['prompt, what the device fetches', 20_000],
    ['ask before download, what the device fetches', 20_000],
    ['prompt, blocks that are lost', 80_000],
    ['ask before download, blocks that are lost', 20_000],
  ])('runs only what may run: %s', { timeout: 10 * MINUTES }, (name, most) => {
    const explorer = new Explorer(agent, rulesOf(name));
    const outcome = search(explorer, { transitions: most, recovery: 20, recover: honestClient(explorer, 'A') });
    const { states, transitions, depth } = outcome;
    console.log(
      `${name}: ${states} states, ${transitions} transitions, depth ${depth}${outcome.closed ? ', closed' : ''}`,
    );
    const found = outcome.findings.map((finding) => `${finding.kind}: ${finding.detail}: ${pathOf(finding)}`);
    expect(found.slice(0, 20)).toEqual([]);
    expect(states).toBeGreaterThan(100);
  });
});

describe('long ways at random, with power cuts and calls of the flash that fail', () => {
  it('run only what may run, under every policy', { timeout: 10 * MINUTES }, () => {
    const { ways, steps, cuts, failures, findings } = roam(agent, POLICIES, { seed: 1, transitions: 25_000 });
    console.log(`${ways} ways, ${steps} events, ${cuts} power cuts, ${failures} failures of the flash`);
    expect(findings.map((finding) => `${finding.kind}: ${finding.detail}: ${pathOf(finding)}`)).toEqual([]);
    expect(Math.min(cuts, failures)).toBeGreaterThan(100);
  });
  it('find what is planted', { timeout: 10 * MINUTES }, () => {
    const seen = PLANTS.filter((plant, i) =>
      roam(agent, POLICIES, { seed: 1, plant: i + 1, transitions: 4000 }).findings.some(({ kind }) =>
        plant.sees.test(kind),
      ),
    );
    expect(seen.length).toBeGreaterThanOrEqual(6);
  });
});

describe('the canonical form', () => {
  it('overwrites only what has no meaning', { timeout: 5 * MINUTES }, () => {
    const names = ['prompt', 'prompt, approvals inside packages', 'bring back what is denied'];
    const fetching = ['ask before download, what the device fetches', 'ask before download, blocks that are lost'];
    for (const [seed, name] of [...names, ...fetching].entries()) {
      const { steps, differing } = walk(agent, rulesOf(name), { walks: 150, seed: seed + 1 });
      expect(differing, name).toEqual([]);
      expect(steps).toBeGreaterThan(1000);
    }
  });
  it('knows every record and global of the agent', () => expect(unclassified()).toEqual([]));
});

describe('a planted fault', () => {
  it.each(PLANTS.map((plant) => [plant.name, plant] as const))('is seen: %s', { timeout: 5 * MINUTES }, (_, plant) => {
    const { seen } = seek(agent, plant, { transitions: 10_000 });
    expect(seen && pathOf(seen), plant.sees.source).toBeDefined();
    expect(seek(agent, plant, { transitions: 3000 }, true).seen).toBeUndefined();
  });
});

describe('what was found once', () => {
  it.each<[string, Partial<Rules>, string[]]>([
    [
      'an order whose question made room for another does not fire again and throw away the yes to that',
      { askBeforeDownload: 1 },
      ['Exec DownloadAndUpdate link 0', 'offer C link 1', 'typed yes', 'offer C link 1'],
    ],
    [
      'a better head of a package that waits needs no other yes to its download',
      { askBeforeDownload: 1 },
      [
        ...['offer A link 0', 'button yes', 'offer A link 0', 'offer B link 0', 'button yes'],
        ...['document 1 approves A B', 'offer A link 0'],
      ],
    ],
    [
      'the line of a block that came early counts in the session that finds it in flash',
      { topics: ['lost'] },
      [
        ...['part of L link 1', 'junk link 1', 'order L link 0', 'block 1 of L link 0', 'part of L link 1'],
        ...['rest of L link 1', 'typed yes'],
      ],
    ],
    [
      'what the device goes on with is asked about for the lines in flash, not for that of a session beside it',
      { askBeforeDownload: 1, topics: ['pull'] },
      [
        ...['offer A link 0', 'order A link 1', 'button yes', 'part of A link 1', 'offer B link 0', 'junk link 0'],
        ...['11 s', 'typed yes'],
      ],
    ],
    [
      'a question that is put anew after a cut is about the lines that delivered anew',
      {},
      ['offer A link 0', 'Exec DownloadAndUpdate link 0', 'reset', 'offer A link 1 cut 32', 'typed yes'],
    ],
    [
      'a yes to a download is over when the image before comes back',
      {
        askBeforeDownload: 1,
        denied: 1,
        channels: 3,
        trialBoots: 0,
        threshold: 2,
        operators: 2,
        topics: ['two operators'],
      },
      [
        ...[
          'offer C link 0',
          'Exec DownloadAndUpdate link 0',
          'button yes',
          'offer C link 0',
          'button yes',
          'short time',
        ],
        ...[
          'offer A link 0',
          'Exec DownloadAndUpdate link 0',
          'button yes',
          'offer A link 0',
          'button yes',
          'short time',
        ],
        ...['offer B link 0', 'button yes', 'document 2 denies A', 'offer A link 0', 'offer B link 0'],
      ],
    ],
    [
      'a client whose package runs already has nothing to do',
      { channels: 2, trialBoots: 0 },
      ['offer A link 0', 'Exec Update link 0', 'signed yes A', 'short time', 'offer B link 1'],
    ],
  ])('%s', (_, rules, path) => {
    const explorer = new Explorer(agent, { ...RULES, ...rules });
    const recover = honestClient(explorer, 'A');
    let state = explorer.provision().slice();
    for (const each of path) {
      const [name, cut] = each.split(' cut ');
      const event = explorer.events.find((known) => known.name === name)!;
      const step = explorer.step(state, event, Number(cut ?? 0))!;
      expect([...step.violations, ...explorer.inspect()], each).toEqual([]);
      state = step.state.slice();
    }
    expect(recover(state)).toBeUndefined();
  });
});

describe('what is noted of each policy', () => {
  const entry = { of: 'a', closed: true, states: 10, transitions: 2000, depth: 3, violations: 0, recovered: 1 };
  it('is what docs/testing.md says, written by the command', () => {
    const names = POLICIES.map(({ name }) => name);
    const ledger = readLedger(root);
    expect(Object.keys(ledger).filter((name) => !names.includes(name))).toEqual([]);
    expect(readFileSync(join(root, 'docs/testing.md'), 'utf8')).toContain(`\n${summary(ledger, names.length)}\n`);
  });
  it('counts for the agent that was explored alone, and only without a violation', () => {
    expect(isDone(entry, 'a')).toBe(true);
    const others: [Entry | undefined, string][] = [
      [entry, 'b'],
      [{ ...entry, closed: false }, 'a'],
      [{ ...entry, violations: 1 }, 'a'],
      [undefined, 'a'],
    ];
    for (const [other, of] of others) expect(isDone(other, of)).toBe(false);
  });
  it('is added up for one agent, and says where to begin', () => {
    const ledger = { a: entry, b: { ...entry, closed: false, transitions: 1000 }, c: { ...entry, of: 'b' } };
    expect(summary(ledger, 4)).toMatch(/^1 of 4 .*, 1 explored as far as time went;\n20 states, 3,000 transitions/);
    const rows = ['d', 'a', 'b'].map((name) => ({ name }));
    expect(smallestFirst(rows, ledger).map(({ name }) => name)).toEqual(['b', 'a', 'd']);
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
  it('says the same bytes as the one that ships, and has the same flash', { timeout: 5 * MINUTES }, () => {
    const steps = path.map((event) => ({ event, cut: 0 }));
    const cut = [...steps.slice(0, 5), { event: 'button yes', cut: 3 }, ...steps.slice(6)];
    for (const way of [steps, cut]) {
      const { same, deeds } = replay(agent, agentModule(), RULES, way, { kind: '', detail: '' });
      expect(same).toBe(true);
      expect(deeds.length).toBeGreaterThan(50);
    }
  });
});
