// The boards that `countersign board` runs on this machine now: their ports are in no list of the system, so they note
// themselves here, and `devices` and `deliver` find them.
//
// One small file per board in the folder for state (state-folder.ts), named by its process, removed
// when it ends; one that a killed process left behind is removed by whoever reads it. It is a convenience: what cannot
// be written or read is simply not listed.

import { mkdir, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { z } from 'zod';
import { isAlive } from '../process.js';
import { stateFolder } from './state-folder.js';

const entrySchema = z.object({
  pid: z.number().int().positive(),
  board: z.string(),
  port: z.string(),
  flash: z.string(),
});
export type RunningBoard = z.infer<typeof entrySchema>;

const folder = (): string => join(stateFolder(), 'boards');

// Returns what removes the note again.
export async function noteRunning(entry: Omit<RunningBoard, 'pid'>): Promise<() => Promise<void>> {
  const file = join(folder(), `${process.pid}.json`);
  try {
    await mkdir(folder(), { recursive: true });
    await writeFile(file, JSON.stringify({ pid: process.pid, ...entry }));
  } catch {
    return async () => undefined;
  }
  return () => rm(file, { force: true });
}

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
