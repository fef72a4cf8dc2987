// The boards that run on this machine without hardware: started by name, and found by others meanwhile, since their ports are
// in no list of the system.
//
// One small file per board in the folder for state (state-folder.ts), named by its process, removed
// when it ends; one that a killed process left behind is removed by whoever reads it. It is a convenience: what cannot
// be written or read is simply not listed.

import { mkdir, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { extname, join, resolve } from 'node:path';
import { z } from 'zod';
import { listBoards, listRunners, loadBoard } from '../boards.js';
import type {
  BuildApplication,
  StartBoard,
  StartBoards,
  StartedBoard,
  StartedBoards,
  StartManyOptions,
  StartOptions,
} from '../device/runner.js';
import { CountersignError } from '../errors.js';
import type { BrokerUrl } from '../links/mqtt-url.js';
import { isAlive } from '../process.js';
import { stateFolder } from './state-folder.js';

export interface RunningHere extends StartedBoard {
  /** The broker on which it is reached; undefined: on none. */
  broker: BrokerUrl | undefined;
}

/**
 * Starts the board of that name and notes that it runs. Throws NotFound if there is none, BadArgument if it cannot be started,
 * or has no slot for the card. A broker is used only by boards with a radio.
 */
export async function startBoard(name: string, { radio, ...options }: StartOptions): Promise<RunningHere> {
  const runner = await runnerOf(name);
  if (options.card !== undefined && !runner.cardSlot)
    throw new CountersignError('BadArgument', `board: ${name} has no card slot`);
  const { broker, ...alone } = radio;
  if (broker && !runner.radio) options.panel.warn(`board: ${name} has a serial line only, no broker reaches it`);
  const { start } = await moduleOf(runner);
  const board = await start({ ...options, radio: runner.radio ? radio : alone });
  const forget = await noteRunning({ board: name, port: board.port, flash: resolve(options.flash) });
  return {
    ...board,
    broker: runner.radio ? broker : undefined,
    async close() {
      await forget();
      await board.close();
    },
  };
}

/**
 * Starts many boards of that name in this process, with what each is given. They are in no list of what runs here, as they have
 * no port. Throws NotFound, and BadArgument if they are of a kind that runs alone.
 */
export async function startBoards(name: string, options: StartManyOptions): Promise<StartedBoards> {
  const runner = await runnerOf(name);
  if (!runner.many) throw new CountersignError('BadArgument', `board: only one ${name} runs in a process`);
  const { startMany } = await moduleOf(runner);
  return startMany(options);
}

/** The board's own demonstration application in that version; undefined: it runs the one of boards/microbit/app, or none. */
export async function buildApplication(board: string, version: string): Promise<Uint8Array | undefined> {
  return (await moduleOf(await runnerOf(board))).buildApplication?.(version);
}

interface RunnerModule {
  start: StartBoard;
  startMany: StartBoards;
  buildApplication?: BuildApplication;
}

type NamedRunner = ReturnType<typeof listRunners>[number];

async function runnerOf(name: string): Promise<NamedRunner> {
  const runner = listRunners().find((one) => one.name === name);
  if (!runner) throw await unknownBoard(name);
  return runner;
}

// From beside this code: the same in dist/ and, untranslated, in the tree of sources.
async function moduleOf({ name, module }: NamedRunner): Promise<RunnerModule> {
  const file = new URL(`../../boards/${name}/${module}${extname(import.meta.url)}`, import.meta.url);
  return import(/* @vite-ignore */ file.href);
}

async function unknownBoard(name: string): Promise<CountersignError> {
  const hint = `start: ${listRunners()
    .map((one) => one.name)
    .join(' or ')}`;
  if (!(await listBoards()).includes(name)) {
    return new CountersignError('NotFound', `board: there is no board "${name}"`, { hint });
  }
  await loadBoard(name); // throws if its board.json is not sound
  return new CountersignError('BadArgument', `board: ${name} cannot be started from here yet`, { hint });
}

const entrySchema = z.object({
  pid: z.number().int().positive(),
  board: z.string(),
  port: z.string(),
  flash: z.string(),
});
export type RunningBoard = z.infer<typeof entrySchema>;

const folder = (): string => join(stateFolder(), 'boards');

/** Returns what removes the note again. */
async function noteRunning(entry: Omit<RunningBoard, 'pid'>): Promise<() => Promise<void>> {
  const file = join(folder(), `${process.pid}.json`);
  try {
    await mkdir(folder(), { recursive: true });
    await writeFile(file, JSON.stringify({ pid: process.pid, ...entry }));
  } catch {
    return async () => undefined;
  }
  return () => rm(file, { force: true });
}

/** Those whose process is alive, in the order in which they were started. */
export async function listRunning(): Promise<RunningBoard[]> {
  const names = await readdir(folder()).catch(() => []);
  const found = await Promise.all(names.map((name) => readEntry(join(folder(), name))));
  return found.filter((entry) => entry !== undefined).sort((a, b) => a.pid - b.pid);
}

async function readEntry(file: string): Promise<RunningBoard | undefined> {
  const entry = await readFile(file, 'utf8')
    .then((text) => entrySchema.safeParse(JSON.parse(text)).data)
    .catch(() => undefined);
  if (entry && isAlive(entry.pid)) return entry;
  await rm(file, { force: true }).catch(() => undefined);
  return undefined;
}
