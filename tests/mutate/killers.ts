// What has to notice a mutant: suites that run on build/*.wasm or on the sources themselves, the fastest first, up to the first
// failure. Whoever hangs has noticed, too.

import { spawn } from 'node:child_process';
import { existsSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

interface Stage {
  name: string;
  command: string[];
}

/** On build/agent.wasm alone. */
const QUICK = [
  ...['agent/update', 'agent/hand', 'agent/attacks', 'agent/refusal', 'agent/delivery', 'agent/recall', 'agent/log'],
  'agent/store-damage',
];
const FAST = [
  ...QUICK,
  ...['agent/change', 'agent/damage', 'agent/clients', 'agent/staged', 'agent/guards', 'agent/tree'],
  ...[
    'agent/console',
    'agent/words',
    'core/core',
    'core/fail-closed',
    'core/worlds',
    'core/module',
    'core/cose-vectors',
  ],
  ...['traps', 'core/suit-vectors', 'agent/card'],
];
const SLOW = [
  'agent/fumo',
  'agent/certain',
  'agent/wear',
  'agent/change-powercut',
  'agent/refusing-flash',
  'core/damage',
  'core/sources',
  'smp/client',
  'smp/upload',
];
const CRYPTO = ['crypto/hash', 'crypto/field', 'crypto/wycheproof', 'crypto/scalar', 'crypto/group', 'core/simd'];

const STAGE_MS = 600_000; // a machine may be busy; what is endless is killed by the tests' own limits or by this

// A name that fits no file would run nothing, and nothing would die of it.
function expectThere(suites: string[]): void {
  for (const suite of suites)
    if (!['', '.ts', '.test.ts'].some((end) => existsSync(join('tests', suite + end))))
      throw new Error(`mutate: there is no suite tests/${suite}`);
}

const vitest = (name: string, suites: string[]): Stage => ({
  name,
  command: [
    ...['node_modules/vitest/vitest.mjs', 'run', '--config', 'tests/vitest.config.ts', '--bail', '1'],
    ...['--maxWorkers', '1', '--no-isolate', '--testTimeout', '60000', '--reporter', 'dot'],
    ...suites.map((suite) => `tests/${suite}`),
  ],
});

function asPect(folder: string, room: string): Stage[] {
  if (!existsSync(join(folder, 'tests/assembly', room))) return [];
  writeFileSync(
    join(folder, 'tests/assembly/mutate.config.js'),
    `import whole from './as-pect.config.js';
export default { ...whole, entries: ['tests/assembly/${room}/**/*.spec.ts'] };
`,
  );
  const words = ['--config', 'tests/assembly/mutate.config.js', '--as-config', 'tests/assembly/as-pect.asconfig.json'];
  return [{ name: `as-pect ${room}`, command: ['node_modules/@as-pect/cli/bin/asp.js', ...words, '--summary'] }];
}

function stagesFor(folder: string, file: string): Stage[] {
  const room = file.includes('/') ? file.slice(0, file.indexOf('/')) : '.';
  const specs = room === '.' ? [] : asPect(folder, room);
  if (room === 'crypto') return [vitest('crypto', CRYPTO), vitest('fast', FAST), ...specs];
  return [vitest('fast', FAST), ...specs, vitest('slow', SLOW)];
}

/** True if the stage fails. */
function fails(folder: string, { command }: Stage): Promise<boolean> {
  return new Promise((resolve, reject) => {
    // A group of its own, so that its workers end with it.
    const child = spawn(process.execPath, command, { cwd: folder, stdio: 'ignore', detached: true });
    const timer = setTimeout(() => process.kill(-child.pid!, 'SIGKILL'), STAGE_MS);
    child.on('error', reject);
    child.on('close', (code) => {
      clearTimeout(timer);
      resolve(code !== 0);
    });
  });
}

/** Throws unless every suite passes on the modules as they are: otherwise each mutant would seem to die. */
export async function expectSound(folder: string, quick: boolean): Promise<void> {
  expectThere([...FAST, ...SLOW, ...CRYPTO]);
  for (const stage of quick ? [vitest('quick', QUICK)] : [vitest('fast', FAST), vitest('slow', SLOW)])
    if (await fails(folder, stage)) throw new Error(`mutate: the suites "${stage.name}" fail without any mutant`);
}

/** The first stage that fails, or undefined. `quick`: the shortest stage alone is asked. */
export async function killerOf(folder: string, file: string, quick: boolean): Promise<string | undefined> {
  for (const stage of quick ? [vitest('quick', QUICK)] : stagesFor(folder, file)) {
    if (await fails(folder, stage)) return stage.name;
  }
  return undefined;
}
