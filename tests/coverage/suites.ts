// The suites whose reach is counted: those that look at assembly/ and at the modules of build/ from near. What reaches them from
// afar (commands, boards, emulators, compiled C) adds minutes and next to nothing, and would be no test of theirs.

import { spawn } from 'node:child_process';
import { existsSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';

interface Stage {
  name: string;
  command: string[];
}

/** The main job, its questions, and what strangers and damage may do. */
const QUICK = ['agent/update', 'agent/hand', 'agent/refusal', 'agent/delivery', 'agent/recall', 'agent/attacks'];
QUICK.push(
  'agent/log',
  'agent/tree',
  'agent/card',
  'agent/staged',
  'agent/guards',
  'core/core',
  'core/worlds',
  'smp/client',
);

const CRYPTO = ['hash', 'field', 'wycheproof', 'scalar', 'group'].map((name) => `crypto/${name}`);
const FOLDERS = ['agent', 'core', 'smp', 'traps'];

/** They read the sources as text, or look at the modules' own bytes: points change both. */
const AS_WRITTEN = ['agent/rooms', 'agent/words', 'core/module'];

const STAGE_MS = 3_600_000; // on a machine that has other things to do

const vitest = (folder: string, name: string, suites: string[]): Stage => {
  for (const suite of suites)
    if (!existsSync(join(folder, 'tests', `${suite}.test.ts`))) throw new Error(`coverage: no suite tests/${suite}`);
  // It takes longer, because it counts.
  const options = ['--config', 'tests/vitest.config.ts', '--testTimeout', `${STAGE_MS}`, '--reporter', 'dot'];
  const files = suites.map((suite) => `tests/${suite}.test.ts`);
  return { name, command: ['node_modules/vitest/vitest.mjs', 'run', ...options, ...files] };
};

const inFolder = (folder: string, room: string): string[] =>
  readdirSync(join(folder, 'tests', room))
    .filter((name) => name.endsWith('.test.ts'))
    .map((name) => `${room}/${name.slice(0, -'.test.ts'.length)}`)
    .filter((name) => !AS_WRITTEN.includes(name));

const AS_PECT = ['--config', 'tests/assembly/as-pect.config.js', '--as-config', 'tests/assembly/as-pect.asconfig.json'];

export function stages(folder: string, quick: boolean): Stage[] {
  if (quick) return [vitest(folder, 'quick', QUICK)];
  return [
    { name: 'as-pect', command: ['node_modules/@as-pect/cli/bin/asp.js', ...AS_PECT, '--summary'] },
    ...FOLDERS.map((room) => vitest(folder, room, inFolder(folder, room))),
    vitest(folder, 'crypto', CRYPTO),
  ];
}

/** True if the stage fails; its last lines are shown then. @param reached the file that takes down what it reaches */
export function fails(folder: string, { command }: Stage, reached: string): Promise<boolean> {
  const preload = pathToFileURL(join(folder, 'tests/coverage/reached.mjs')).href;
  const env = { ...process.env, COUNTERSIGN_REACHED: reached, NODE_OPTIONS: `--import ${preload}` };
  return new Promise((resolve, reject) => {
    // A group of its own, so that its workers end with it.
    const child = spawn(process.execPath, command, {
      cwd: folder,
      env,
      stdio: ['ignore', 'pipe', 'pipe'],
      detached: true,
    });
    let said = '';
    for (const stream of [child.stdout, child.stderr])
      stream.on('data', (bytes) => (said = (said + bytes).slice(-4000)));
    const timer = setTimeout(() => process.kill(-child.pid!, 'SIGKILL'), STAGE_MS);
    child.on('error', reject);
    child.on('close', (code) => {
      clearTimeout(timer);
      if (code !== 0) console.log(said);
      resolve(code !== 0);
    });
  });
}
