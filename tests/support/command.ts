// Runs the built command as a user would: a child process, in a folder of its own, with nothing from this machine's
// configuration in its environment.

import { spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import { mkdtemp, readdir, rm, stat } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { commands } from '../../host/cli/commands/index.js';
import { parse } from '../../host/cli/parse.js';
import { makeTerminal } from '../../host/cli/terminal.js';
import { loadConfig, settingNames } from '../../host/config.js';
import { asCountersignError } from '../../host/errors.js';
import { documentJson, errorData } from '../../host/json.js';
import { checkDocument, checkDocuments } from './documents.js';

/** What users run, as `npm run build` made it. */
export const PROGRAM = fileURLToPath(new URL('../../dist/bin/countersign.js', import.meta.url));
const TIMEOUT_MS = 250_000; // a command that hangs is an error; one on a machine under load is not
const STARTED_MS = 400_000; // one that others come and go beside

export interface Ended {
  code: number | null;
  stdout: string;
  stderr: string;
  /** The last line of stdout as JSON. */
  // biome-ignore lint/suspicious/noExplicitAny: tests reach into results whose shape they assert
  json(): any;
}

export interface Running {
  pid: number;
  /** Settles when it has said this, on stdout or stderr; fails if it ends without. */
  said(text: string): Promise<void>;
  /** What it has said so far, on both. */
  output(): string;
  /** As Ctrl-C would. */
  stop(): Promise<Ended>;
  ended: Promise<Ended>;
}

export interface Place {
  folder: string;
  path(name: string): string;
  run(...words: string[]): Promise<Ended>;
  runWith(
    /** `input`: what is piped in; `false`: a pipe that nobody ever writes to or closes. */
    options: { environment?: Record<string, string>; folder?: string; input?: string | false },
    ...words: string[]
  ): Promise<Ended>;
  /** Starts it, and goes on. */
  start(...words: string[]): Running;
  /** Runs and throws unless it ends with 0. */
  must(...words: string[]): Promise<Ended>;
  /** The same in this process, for the files that a test begins with: nothing is started, and nothing is said. */
  given(...words: string[]): Promise<void>;
  /** Names, sizes and times of all files: what a failed command must not change. */
  listing(): Promise<string[]>;
  remove(): Promise<void>;
}

/** A fresh folder, and the command run in it. */
export async function makePlace(): Promise<Place> {
  const folder = await mkdtemp(join(tmpdir(), 'countersign-test-'));
  const start = (options: Parameters<Place['runWith']>[0], words: string[], limitMs = TIMEOUT_MS) => {
    const environment = { ...cleanEnvironment(folder), ...options.environment };
    return execute(words, options.folder ?? folder, environment, limitMs, options.input);
  };
  const runWith: Place['runWith'] = (options, ...words) => start(options, words).ended;
  return {
    folder,
    path: (name) => join(folder, name),
    runWith,
    start: (...words) => start({}, words, STARTED_MS),
    run: (...words) => runWith({}, ...words),
    async must(...words) {
      const ended = await runWith({}, ...words);
      if (ended.code !== 0) throw new Error(`countersign ${words.join(' ')}: exit ${ended.code}\n${ended.stderr}`);
      return ended;
    },
    given: (...words) => inTurn(() => given(folder, words)),
    async listing() {
      const names = await readdir(folder);
      const rows = await Promise.all(names.map(async (name) => [name, await stat(join(folder, name))] as const));
      return rows.map(([name, { size, mtimeMs }]) => `${name} ${size} ${mtimeMs}`).sort();
    },
    remove: () => rm(folder, { recursive: true, force: true }),
  };
}

let last: Promise<unknown> = Promise.resolve();
/** One after the other: the working folder and the environment are this process's. */
function inTurn<T>(make: () => Promise<T>): Promise<T> {
  const made = last.catch(() => undefined).then(make);
  last = made;
  return made;
}

async function given(folder: string, words: string[]): Promise<void> {
  const [before, env] = [process.cwd(), process.env];
  process.chdir(folder);
  process.env = cleanEnvironment(folder);
  try {
    const places = { folder, environment: process.env };
    const made = parse(commands, words, () => loadConfig(places, settingNames(commands)));
    if (made.kind !== 'run') throw new Error('help is for the program itself');
    const { command, arguments: values, options, common } = made;
    const terminal = makeTerminal({ json: true, input: false, level: -2 });
    const signal = AbortSignal.timeout(TIMEOUT_MS);
    const { exit = 0 } = await command.run({ arguments: values, options, terminal, dryRun: common.dryRun, signal });
    if (exit !== 0) throw new Error(`exit ${exit}`);
  } catch (cause) {
    throw new Error(`countersign ${words.join(' ')}: ${cause}`, { cause });
  } finally {
    process.chdir(before);
    process.env = env;
  }
}

/**
 * The same in this process, for tables of many cases where starting a program each time would be most of the work. Words
 * that name files of the place are taken from there; what matters of the outcome is its exit code and its JSON.
 */
export async function runHere(place: Place, ...words: string[]): Promise<Pick<Ended, 'code' | 'json'>> {
  const located = words.map((word) => {
    const [, half = '', file = word, source = ''] = /^(raw-[a-z]+:)?(.+?)(:[a-z]+)?$/.exec(word) ?? [];
    return existsSync(place.path(file)) ? `${half}${place.path(file)}${source}` : word;
  });
  const output = located.indexOf('-o') + 1;
  if (output > 0) located[output] = place.path(words[output]!);
  try {
    const made = parse(commands, located, () => ({ lookup: () => undefined }));
    if (made.kind !== 'run') throw new Error('help is for the program itself');
    const { command, arguments: given, options } = made;
    const terminal = makeTerminal({ json: true, input: false, level: -2 });
    const signal = AbortSignal.timeout(TIMEOUT_MS);
    const result = await command.run({ arguments: given, options, terminal, dryRun: made.common.dryRun, signal });
    return ended(words, result.exit ?? 0, result.data);
  } catch (thrown) {
    const error = asCountersignError(thrown);
    return ended(words, error.reason.exit, errorData(error));
  }
}

function ended(words: readonly string[], code: number, data: object): Pick<Ended, 'code' | 'json'> {
  const document = JSON.parse(documentJson(data));
  checkDocument(words, document);
  return { code, json: () => document };
}

function cleanEnvironment(home: string): Record<string, string> {
  const ours = Object.entries(process.env).filter(([name]) => !/^(COUNTERSIGN_|XDG_|NO_COLOR|NODE_)/.test(name));
  return { ...(Object.fromEntries(ours) as Record<string, string>), HOME: home };
}

function execute(
  words: string[],
  cwd: string,
  env: Record<string, string>,
  limitMs: number,
  input?: string | false,
): Running {
  const child = spawn(process.execPath, [PROGRAM, ...words], { cwd, env, stdio: ['pipe', 'pipe', 'pipe'] });
  child.stdin.on('error', () => undefined); // it may end without having read
  if (input !== false) child.stdin.end(input);
  const timer = setTimeout(() => child.kill('SIGKILL'), limitMs);
  let stdout = '';
  let stderr = '';
  child.stdout.setEncoding('utf8').on('data', (part: string) => (stdout += part));
  child.stderr.setEncoding('utf8').on('data', (part: string) => (stderr += part));
  const ended = new Promise<Ended>((resolve, reject) => {
    child.on('error', reject);
    child.on('close', (code) => {
      clearTimeout(timer);
      try {
        checkDocuments(words, stdout);
      } catch (error) {
        reject(error);
      }
      resolve({ code, stdout, stderr, json: () => JSON.parse(stdout.trimEnd().split('\n').at(-1) ?? '') });
    });
  });
  return {
    pid: child.pid!,
    ended,
    output: () => `${stdout}${stderr}`,
    said: (text) =>
      new Promise((resolve, reject) => {
        const look = () => {
          if (stdout.includes(text) || stderr.includes(text)) resolve();
        };
        child.stdout.on('data', look);
        child.stderr.on('data', look);
        look();
        void ended.then(() =>
          reject(new Error(`countersign ${words.join(' ')} never said "${text}":\n${stdout}${stderr}`)),
        );
      }),
    stop() {
      child.kill('SIGINT');
      return ended;
    },
  };
}
