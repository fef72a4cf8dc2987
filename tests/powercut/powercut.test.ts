// The loop of power cuts, its fast subset, as the command runs it; that what it makes of a recorded run is what a real
// cut leaves behind; and that the flash it runs on is as strict as it says.
import { spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import { agentModule, bench } from '../support/bench-hal.js';
import { CUTS, createFlash, PowerCut } from '../support/flash.js';
import { nodesCrypto } from './build.js';
import { World } from './engine.js';
import { PLANTS } from './plants.js';
import { SCENARIOS, SMALL_MAP } from './scenarios.js';

const run = fileURLToPath(new URL('run.mjs', import.meta.url));
const MINUTES = 60_000;

describe('npm run powercut', () => {
  it('loses nothing, and finds every planted bug', { timeout: 20 * MINUTES }, () => {
    const folder = mkdtempSync(join(tmpdir(), 'countersign-powercut-'));
    const json = join(folder, 'table.json');
    const { status, stdout } = spawnSync(process.execPath, [run, '--json', json], {
      encoding: 'utf8',
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    console.log(stdout);
    const table = JSON.parse(readFileSync(json, 'utf8'));
    rmSync(folder, { recursive: true });
    expect(table.total).toEqual({ lost: 0, bricked: 0, unapproved: 0 });
    expect(table.bugs.survivors).toEqual([]);
    expect(table.bugs.byCut).toBeGreaterThanOrEqual(18); // the others show that scenarios look, not that cuts do
    expect(table.rows.length).toBeGreaterThan(SCENARIOS.length);
    expect(table.cases).toBeGreaterThan(10_000);
    for (const { damages } of table.damages) {
      for (const sort of ['flips', 'unreadable', 'reads']) expect(damages[sort]).toMatchObject({ older: 0, blank: 0 });
      expect(damages.flips.healed).toBeGreaterThan(200);
      expect(damages.pairs).toMatchObject({ older: 0, blank: 0 });
    }
    expect(table.wear.ratio).toBeLessThanOrEqual(1.1);
    expect(status).toBe(0);
  });
});

describe('what is known of a case from others', () => {
  // The agent that the command has built above. With a bug in force, some cases fail and some do not.
  const agent = fileURLToPath(new URL('../../build/powercut.wasm', import.meta.url));
  it.each([
    ['writes on behind a torn record', 0.48],
    ['ends a swap before the trial begins', 0.77],
  ])('is what comes of it: %s', { timeout: 10 * MINUTES }, (name, from) => {
    const bug = PLANTS.findIndex((plant) => plant.name === name) + 1;
    const scenario = SCENARIOS.find((each) => each.name === PLANTS[bug - 1]?.scenario)!;
    const options = {
      module: agentModule(agent),
      more: (memory: () => WebAssembly.Memory) => ({ crypto: nodesCrypto(memory, bug) }),
    };
    const world = new World(scenario, 'small', options);
    const copy = world.blank();
    const begin = Math.floor(world.base.operations.length * from);
    const first = Array.from({ length: 120 }, (_, i) => CUTS.map((cut) => ({ k: begin + i, cut }))).flat();
    let [cases, failed] = [0, 0];
    for (const { flash, need, k, cut } of world.forks(world.base, first)) {
      copy.restore(flash.standing, k); // as forks() does: what is unstable reads in the same order
      const alone = world.trial(copy, need);
      expect(world.judge(flash, need), `${cut} ${k}`).toEqual(alone);
      cases++;
      if (alone) failed++;
    }
    expect(failed).toBeGreaterThan(0);
    expect(failed).toBeLessThan(cases);
    expect(world.runs).toBeLessThan(cases); // some were known
  });
});

describe('the record of a run', () => {
  const scenario = SCENARIOS.find(({ name }) => name === 'install')!;
  it('cut at an operation is the flash that a real cut leaves', { timeout: 5 * MINUTES }, () => {
    const world = new World(scenario, 'small', {});
    const { begin, operations } = world.base;
    const cuts = [1, 2, 100, 333, 700, 1201, 1999, operations.length].flatMap((k) => CUTS.map((cut) => ({ k, cut })));
    for (const { flash, k, cut } of world.forks(world.base, cuts)) {
      const real = world.blank();
      real.restore(begin);
      const board = world.boot(real, 2);
      real.arm(k, cut);
      const play = () => scenario.play(board, { acked() {}, allow() {}, giveUp() {} });
      expect(play, `${cut} ${k}`).toThrow(PowerCut);
      expect(Buffer.compare(real.bytes, flash.bytes), `${cut} ${k}`).toBe(0);
      expect(real.standing.states, `${cut} ${k}`).toEqual(flash.standing.states);
    }
  });
});

describe('the flash', () => {
  const word = Uint8Array.of(1, 2, 3, 4);
  const erased = () => {
    const flash = createFlash(SMALL_MAP, 'noise');
    flash.erase(0, SMALL_MAP.page);
    return flash;
  };
  it.each([
    ['a word that was never erased', () => createFlash(SMALL_MAP, 'ones').write(0, word)],
    ['half a word', () => erased().write(2, word)],
    ['three bytes', () => erased().write(0, word.subarray(1))],
    ['half a page to erase', () => erased().erase(128, 128)],
  ])('refuses %s', (_name, operation) => expect(operation).toThrow(/^flash: /));

  it('refuses a word written twice, also after a torn write', () => {
    const flash = erased();
    flash.write(0, word);
    expect(() => flash.write(0, word)).toThrow('written twice');
    flash.arm(1, 'bits');
    expect(() => flash.write(4, word)).toThrow(PowerCut);
    expect(() => flash.write(4, word)).toThrow('written twice');
    expect(flash.wear[0]).toBe(1);
  });

  it('reads an unstable word differently until its page is erased', () => {
    const flash = erased();
    flash.arm(1, 'unstable');
    expect(() => flash.write(0, word)).toThrow(PowerCut);
    const read = () => {
      const to = new Uint8Array(4);
      flash.read(0, to, 0, 4);
      return Buffer.from(to).toString('hex');
    };
    const seen = new Set(Array.from({ length: 100 }, read));
    expect(seen).toContain('ffffffff');
    expect(seen).toContain('01020304');
    expect(seen.size).toBeGreaterThan(3);
    flash.arm();
    flash.erase(0, SMALL_MAP.page);
    expect(new Set(Array.from({ length: 10 }, read))).toEqual(new Set(['ffffffff']));
  });

  it('lets a board run on a flash that looks erased and was not', () => {
    expect(() => bench(createFlash(SMALL_MAP, 'ones'))).not.toThrow();
  });
});
