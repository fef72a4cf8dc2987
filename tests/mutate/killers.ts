// What has to notice a mutant: suites that run on build/*.wasm or on the sources themselves, up to the first failure. Those that the
// mutant cannot reach are left out; those that noticed others in the same file and room go first. Whoever hangs has noticed, too.

import { type ChildProcess, fork, spawn } from 'node:child_process';
import { existsSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Mutant } from './places.js';
import type { Heard } from './runner.js';
import type { Module, Tree } from './tree.js';

const named = (room: string, suites: string) => suites.split(' ').map((suite) => `${room}/${suite}`);

/** On build/agent.wasm alone: less than ten seconds. */
const QUICK = named('agent', 'update hand refusal delivery recall log attacks store-damage');
/** By the module that has to differ for them to fail. */
const FAST: Record<'agent' | 'core', string[]> = {
  agent: [
    ...QUICK,
    ...named('agent', 'change damage clients staged guards tree console words card certain later agreed edges'),
    ...named(
      'agent',
      'pull pull-line pull-lost pull-lz pull-again pull-attacks pull-strangers pull-named cobs trickle',
    ),
    ...named('traps', 'consent'),
  ],
  core: [
    ...named('core', 'core groups fail-closed worlds cose-vectors suit-vectors places'),
    ...named('traps', 'decision package'),
  ],
};
const SLOW: Record<'agent' | 'core', string[]> = {
  agent: named('agent', 'fumo change-powercut refusing-flash wear worn lapsed resident'),
  core: named('core', 'module simd damage sources'),
};
/** All that run on the agent: a suite that is not here notices nothing. */
export const ON_THE_AGENT: readonly string[] = [...FAST.agent, ...SLOW.agent];
const CRYPTO = named('crypto', 'hash field wycheproof scalar group');

// So long nothing may be heard from a suite; a machine may be busy with other things.
const QUIET_MS = 60_000;
const QUIET_SLOW_MS = 600_000;
const UNKNOWN_MS = 3000; // what a suite is thought to take that did not pass yet

/** What was found out about the mutants before: the first suite that noticed, by the file that was broken. */
export interface Noticed {
  file: string;
  by?: string;
}

/** A suite and its test; undefined: nothing notices. `same`: the modules are the original ones. `invalid`: there are none. */
export type By = string | undefined | 'same' | 'invalid';

export interface Killers {
  /** Throws unless the quick suites pass on the modules as they are. */
  expectSound(): Promise<void>;
  /** By the fast suites. */
  early(mutant: Mutant, noticed: readonly Noticed[]): Promise<By>;
  /** By the others: minutes. */
  late(mutant: Mutant, noticed: readonly Noticed[]): Promise<By>;
  close(): void;
}

const roomOf = (file: string) => (file.includes('/') ? file.slice(0, file.indexOf('/')) : '.');

/** A process in the copy that runs suites; another one takes its place if it hangs. */
function createRunner(folder: string) {
  const took = new Map<string, number>(); // milliseconds, of a suite that passed
  let child: ChildProcess | undefined;
  const stop = () => {
    if (child) process.kill(-child.pid!, 'SIGKILL');
    child = undefined;
  };
  // A group of its own, so that its workers end with it.
  const started = () => fork(new URL('runner.js', import.meta.url), { cwd: folder, stdio: 'ignore', detached: true });

  /** The first failure, or undefined. */
  function failureIn(suites: string[], quietMs = QUIET_MS): Promise<string | undefined> {
    if (suites.length === 0) return Promise.resolve(undefined);
    child ??= started();
    const mine = child;
    return new Promise((resolve, reject) => {
      let at = 0;
      let timer: NodeJS.Timeout;
      const end = (failed?: string) => {
        clearTimeout(timer);
        mine.removeAllListeners();
        resolve(failed);
      };
      const wait = () => {
        clearTimeout(timer);
        timer = setTimeout(() => {
          stop();
          end(`${suites[at]}: hangs`);
        }, quietMs);
      };
      mine.on('message', (heard: Heard) => {
        if ('failed' in heard) return end(heard.failed ?? undefined);
        if ('suite' in heard) {
          if (heard.ms !== null) took.set(heard.suite, heard.ms);
          at++;
        }
        wait();
      });
      mine.on('exit', () => {
        child = undefined;
        reject(new Error('mutate: the process that runs the suites ended'));
        end();
      });
      wait();
      mine.send({ suites });
    });
  }
  return { failureIn, stop, took };
}

/** True if the specs of a room, which are compiled from the sources, fail. */
function specsFail(folder: string, room: string): Promise<boolean> {
  if (!existsSync(join(folder, 'tests/assembly', room))) return Promise.resolve(false);
  writeFileSync(
    join(folder, 'tests/assembly/mutate.config.js'),
    `import whole from './as-pect.config.js';
export default { ...whole, entries: ['tests/assembly/${room}/**/*.spec.ts'] };
`,
  );
  const words = ['--config', 'tests/assembly/mutate.config.js', '--as-config', 'tests/assembly/as-pect.asconfig.json'];
  return new Promise((resolve, reject) => {
    const command = ['node_modules/@as-pect/cli/bin/asp.js', ...words, '--summary'];
    const child = spawn(process.execPath, command, { cwd: folder, stdio: 'ignore', detached: true });
    const timer = setTimeout(() => process.kill(-child.pid!, 'SIGKILL'), QUIET_SLOW_MS);
    child.on('error', reject);
    child.on('close', (code) => {
      clearTimeout(timer);
      resolve(code !== 0);
    });
  });
}

/** @param quick the shortest suites alone are asked, on the agent */
export function createKillers(tree: Tree, quick: boolean): Killers {
  const runner = createRunner(tree.folder);

  /** Those that are likely to notice first, and soon. */
  function inOrder(suites: string[], { file }: Mutant, noticed: readonly Noticed[]): string[] {
    const worth = new Map(suites.map((suite) => [suite, 0.1]));
    for (const { file: other, by } of noticed) {
      const suite = by?.slice(0, by.indexOf(':'));
      if (suite === undefined || !worth.has(suite)) continue;
      const near = other === file ? 20 : roomOf(other) === roomOf(file) ? 4 : 1;
      worth.set(suite, worth.get(suite)! + near);
    }
    const value = (suite: string) =>
      (worth.get(suite)! * (suite.includes(roomOf(file)) ? 4 : 1)) / (100 + (runner.took.get(suite) ?? UNKNOWN_MS));
    return [...suites].sort((a, b) => value(b) - value(a));
  }

  const concerned = (suites: Record<'agent' | 'core', string[]>, modules: readonly Module[]) => [
    ...(modules.includes('agent') ? suites.agent : []),
    ...(modules.includes('core') || modules.includes('core-small') ? suites.core : []),
  ];

  async function expectToPass(suites: string[], quietMs?: number): Promise<void> {
    const failed = await runner.failureIn(suites, quietMs);
    if (failed !== undefined) throw new Error(`mutate: without any mutant fails ${failed}`);
  }

  // A suite that fails without a mutant would kill them all. Asked when it first notices one: most never do, and take long.
  const sound = new Set<string>();
  async function noticedBy(suites: string[], plain: boolean): Promise<string | undefined> {
    const quietMs = plain ? QUIET_MS : QUIET_SLOW_MS;
    const failed = await runner.failureIn(suites, quietMs);
    const suite = suites.find((each) => failed?.startsWith(`${each}:`));
    if (suite === undefined || sound.has(suite)) return failed;
    await tree.original(plain);
    await expectToPass([suite], quietMs);
    sound.add(suite);
    return failed;
  }

  return {
    async expectSound() {
      await tree.original(true);
      await expectToPass(QUICK);
    },

    async early(mutant, noticed) {
      const plain = await tree.plant(mutant, true);
      if (plain === undefined) return 'invalid';
      if (plain.length === 0) return 'same';
      const by = await noticedBy(inOrder(quick ? QUICK : concerned(FAST, plain), mutant, noticed), true);
      if (by !== undefined || quick) return by;
      const shipped = await tree.plant(mutant, false);
      if (shipped === undefined) return 'invalid';
      return shipped.length === 0 ? 'same' : undefined;
    },

    async late(mutant, noticed) {
      const modules = await tree.plant(mutant, false);
      if (modules === undefined) return 'invalid';
      const room = roomOf(mutant.file);
      if (await specsFail(tree.folder, room)) return `as-pect ${room}: fails`;
      const suites = [...concerned(SLOW, modules), ...(room === 'crypto' ? CRYPTO : [])];
      for (const suite of inOrder(suites, mutant, noticed)) {
        const by = await noticedBy([suite], false);
        if (by !== undefined) return by;
      }
      return undefined;
    },

    close: () => runner.stop(),
  };
}
