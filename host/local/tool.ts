// A program of the user's, which writes a board: found before anything is decided, then run with the terminal as it is.
//
// Its words are handed on as they stand, by no shell; `{image}` in them becomes the path of the image, of a package of several
// components `{image:0}`, `{image:1}` and so on, each of which must be there. Other names in braces are
// an error, so that a slip does not reach a board; whatever else has braces stays as it is. Nothing of ours is in its
// environment: a PIN or a broker's password may be.
//
// Ctrl-C at the terminal reaches it by the terminal; every other signal that is to end this process is passed on, and its end is
// waited for. Whoever stops us by force (cli/ending.ts: a second signal, or none that helped for ten seconds) ends it, too.

import { spawn } from 'node:child_process';
import { access, constants, stat } from 'node:fs/promises';
import { delimiter, join } from 'node:path';
import { CountersignError, systemCode } from '../errors.js';
import { COMPONENTS_MAX } from '../formats/components.js';
import { isInForeground } from '../process.js';
import { onAbort } from '../wait.js';

const NAMED = /\{([A-Za-z][\w-]*)\}/g;
const IMAGE = 'image';
const OF_COMPONENT = /\{image:([^{}]*)\}/g;

export interface Tool {
  /** As it was typed. */
  name: string;
  /** The program's file. */
  path: string;
  /** How many components its words name, 0: `{image}` stands for the one. */
  components: number;
  /** What it is given, with these paths in the place of {image}, or of {image:0} and so on. */
  words(images: readonly string[]): string[];
}

/** How it ended: by itself, or by a signal. */
export type ToolEnd = { exit: number } | { signal: NodeJS.Signals };

/** Throws BadArgument for words without {image}, or with another name in braces, and ToolMissing. */
export async function findTool([name = '', ...words]: readonly string[]): Promise<Tool> {
  const named = [...words].flatMap((word) => [...word.matchAll(NAMED)].map(([, found]) => found!));
  const unknown = [...name.matchAll(NAMED)][0]?.[0] ?? named.filter((one) => one !== IMAGE).map((one) => `{${one}}`)[0];
  if (unknown !== undefined) {
    throw new CountersignError('BadArgument', `argument: ${unknown} stands for nothing here`, {
      hint: 'only {image} does, behind the name of the program; braces with spaces in them are left alone',
    });
  }
  const components = componentsIn(words);
  if (components > 0 && named.includes(IMAGE)) {
    throw new CountersignError('BadArgument', 'argument: {image} and {image:0} do not go together', {
      hint: 'name the component each time',
    });
  }
  if (components === 0 && !named.includes(IMAGE)) {
    throw new CountersignError('BadArgument', 'argument: {image} is not among the words for the program', {
      hint: 'put {image} where the program takes the file that it writes',
    });
  }
  const fill = (images: readonly string[]) =>
    words.map((word) =>
      components === 0
        ? word.replaceAll(`{${IMAGE}}`, () => images[0]!)
        : word.replace(OF_COMPONENT, (_, which) => images[Number(which)]!),
    );
  return { name, path: await programAt(name), components, words: fill };
}

/** Throws BadArgument unless they are 0, 1 and so on without a gap, at most four: no part of a package is left out. */
function componentsIn(words: readonly string[]): number {
  const named = new Set(words.flatMap((word) => [...word.matchAll(OF_COMPONENT)].map(([, which]) => which!)));
  const wanted = Array.from({ length: named.size }, (_, at) => String(at));
  if (named.size <= COMPONENTS_MAX && wanted.every((which) => named.has(which))) return named.size;
  throw new CountersignError(
    'BadArgument',
    `argument: {image:${[...named].sort().join('}, {image:')}} are not the images of a package`,
    {
      hint: 'name each component of the package: {image:0}, {image:1} and so on, four at most',
    },
  );
}

async function programAt(name: string): Promise<string> {
  const places = name.includes('/') ? [name] : (process.env.PATH ?? '').split(delimiter).map((at) => join(at, name));
  for (const path of name === '' ? [] : places)
    if (await isProgram(path)) return path.includes('/') ? path : `./${path}`;
  throw new CountersignError('ToolMissing', `guard: there is no program ${name || '""'}`, {
    hint: name.includes('/') ? 'check the path, and that you may run it' : 'install it, or give its path',
  });
}

async function isProgram(path: string): Promise<boolean> {
  const found = await stat(path).catch(() => undefined);
  if (!found?.isFile()) return false;
  return access(path, constants.X_OK).then(
    () => true,
    () => false,
  );
}

const PASSED_ON = ['SIGINT', 'SIGTERM', 'SIGHUP', 'SIGQUIT'] as const;
/** What a terminal sends to everything in its foreground, by a key. */
const BY_KEY: readonly NodeJS.Signals[] = ['SIGINT', 'SIGQUIT'];

/** Runs it to its end; `joins` is called with its number. `quietly`: stdout is not for it, what it says there goes to stderr. Throws ToolMissing if it does not start. */
export async function runTool(
  { name, path, words }: Tool,
  images: readonly string[],
  { signal, quietly, joins }: { signal: AbortSignal; quietly: boolean; joins: (pid: number) => void },
): Promise<ToolEnd> {
  const environment = Object.entries(process.env).filter(([key]) => !key.startsWith('COUNTERSIGN_'));
  const byTerminal = process.stdin.isTTY === true && isInForeground();
  const child = spawn(path, words(images), {
    argv0: name,
    env: Object.fromEntries(environment),
    stdio: ['inherit', quietly ? process.stderr.fd : 'inherit', 'inherit'],
  });
  if (child.pid !== undefined) joins(child.pid);
  let isTold = false;
  const passOn = (which: NodeJS.Signals) => {
    isTold = true;
    if (!byTerminal || !BY_KEY.includes(which)) child.kill(which);
  };
  for (const which of PASSED_ON) process.on(which, passOn);
  // A caller that stops us without a signal; one that came is passed on first.
  const stop = onAbort(signal, () => setImmediate(() => isTold || child.kill('SIGTERM')));
  const kill = () => child.kill('SIGKILL');
  process.on('exit', kill);
  try {
    return await new Promise<ToolEnd>((resolve, reject) => {
      child.on('error', (cause) => {
        const why = `guard: ${name} cannot be started (${systemCode(cause)})`;
        reject(new CountersignError('ToolMissing', why, { hint: 'check that it is a program of this system', cause }));
      });
      child.on('exit', (exit, by) => resolve(by === null ? { exit: exit ?? 1 } : { signal: by }));
    });
  } finally {
    process.off('exit', kill);
    stop();
    for (const which of PASSED_ON) process.off(which, passOn);
  }
}
