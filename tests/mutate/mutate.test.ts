// The tool that breaks assembly/ sees what it has to: eight mutants that any fast suite has to notice die, the choice of places is a
// function of the seed, and what is listed as equivalent stands in the sources.

import { spawnSync } from 'node:child_process';
import { readdirSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { describe, expect, test } from 'vitest';
import { ON_THE_AGENT } from './killers.js';
import { nameOf, placesOf, shuffled } from './places.js';

const root = fileURLToPath(new URL('../..', import.meta.url));
const at = (name: string) => fileURLToPath(new URL(name, import.meta.url));
const json = (name: string) => JSON.parse(readFileSync(at(name), 'utf8'));
const MINUTES = 60_000;

describe('npm run mutate', () => {
  const places = placesOf(root);

  test('kills mutants that must die', { timeout: 15 * MINUTES }, () => {
    const words = [at('run.mjs'), '--known', at('must-die.json')];
    const { status, stdout, stderr } = spawnSync(process.execPath, words, { encoding: 'utf8' });
    console.log(stdout, stderr);
    expect(stdout).toMatch(/^8 mutants: 8 killed/m);
    expect(status).toBe(0);
  });

  test('finds places in every room, and the same ones for a seed', () => {
    const rooms = new Set(places.map(({ file }) => file.split('/')[0]));
    for (const room of ['approval', 'codec', 'crypto', 'flash', 'package', 'policy', 'smp', 'tree', 'update'])
      expect(rooms).toContain(room);
    const first = (seed: number) => shuffled(places, seed).slice(0, 20).map(nameOf);
    expect(first(7)).toEqual(first(7));
    expect(first(7)).not.toEqual(first(8));
    const changed = places.filter(({ file }) => file !== 'flash/store.ts');
    const others = shuffled(places, 7).filter(({ file }) => file !== 'flash/store.ts');
    expect(shuffled(changed, 7).map(nameOf)).toEqual(others.map(nameOf));
    expect(places.filter(({ right, wrong }) => right === wrong)).toEqual([]);
  });

  test('asks every suite of the agent', () => {
    const suites = readdirSync(at('../agent')).map((name) => `agent/${name.replace('.test.ts', '')}`);
    // One looks at the sources, not at what they do; two run on another build of them, agent-large.wasm.
    const others = ['agent/rooms', 'agent/large', 'agent/sectors', 'agent/copied'];
    expect(suites.filter((name) => !others.includes(name) && !ON_THE_AGENT.includes(name))).toEqual([]);
  });

  test('lists as equivalent only what stands in the sources, each with its reason', () => {
    const names = new Set(places.map(nameOf));
    const listed: [string, string][] = Object.entries(json('equivalents.json'));
    expect(listed.filter(([name, why]) => !names.has(name) || why.length < 20)).toEqual([]);
  });
});
