// A file that only one process at a time works with, or a board.
//
// A second file beside it names the process that has it, and the one that it has started to do the work, if any. What killed
// processes left is taken away, by one at a time: a third file says who does that.

import { appendFileSync, rmSync } from 'node:fs';
import { link, readFile, rm, writeFile } from 'node:fs/promises';
import { CountersignError, systemCode } from '../errors.js';
import { isAlive } from '../process.js';
import type { ReasonName } from '../reasons.js';
import { sleep } from '../wait.js';

/** So often what was left is looked at, or nothing is there any more. */
const TRIES_MAX = 10;
const LOOK_MS = 20;

/** What is said where another process has it. */
export interface Busy {
  reason: ReasonName;
  /** What the message is about, before its colon. */
  about: string;
  /** Behind "process N". */
  does: string;
  /** How long it is waited for. */
  waitMs: number;
}

let taken = 0; // in this process, which may wait for itself

/** Says that another process works, too: the lock is held until that has ended, even where this one is killed before. */
export type Joins = (pid: number) => void;

/** Works while it holds the lock. Throws the reason of `busy` if another process does, and FileUnwritable. */
export async function withFileLock<T>(file: string, busy: Busy, work: (joins: Joins) => Promise<T>): Promise<T> {
  taken += 1;
  await take(file, `${file}.${process.pid}.${taken}`, busy);
  const release = () => rmSync(file, { force: true });
  const joins = (pid: number) => {
    try {
      appendFileSync(file, `${pid}\n`);
    } catch {
      // Its folder is gone: what works there already is not to be stopped for that.
    }
  };
  process.on('exit', release);
  try {
    return await work(joins);
  } finally {
    release();
    process.off('exit', release);
  }
}

async function take(file: string, mine: string, busy: Busy): Promise<void> {
  const until = performance.now() + busy.waitMs;
  try {
    await writeFile(mine, `${process.pid}\n`);
    for (let tries = 0; tries < TRIES_MAX; ) {
      if (await isMade(mine, file)) return;
      const owner = await ownerOf(file);
      if (owner !== undefined && isAlive(owner)) {
        if (performance.now() >= until) throw isBusy(file, owner, busy);
        await sleep(LOOK_MS);
        continue;
      }
      tries += 1;
      if (owner !== undefined) await takeOver(file, mine); // else it has just been released
    }
    throw isBusy(file, await ownerOf(file), busy);
  } catch (cause) {
    if (cause instanceof CountersignError) throw cause;
    throw new CountersignError('FileUnwritable', `${busy.about}: cannot write ${file} (${systemCode(cause)})`, {
      cause,
    });
  } finally {
    await rm(mine, { force: true });
  }
}

const isMade = (from: string, to: string): Promise<boolean> =>
  link(from, to).then(
    () => true,
    (cause) => (systemCode(cause) === 'EEXIST' ? false : Promise.reject(cause)),
  );

/** Undefined: nobody's. A file that says nothing is of nobody who runs. */
async function ownerOf(file: string): Promise<number | undefined> {
  const text = await readFile(file, 'utf8').catch(() => undefined);
  if (text === undefined) return undefined;
  const pids = text.split('\n').map(Number);
  return pids.find(isAlive) ?? pids[0];
}

/**
 * Takes away what a killed process left. Who has the file `over` may: nobody else takes anything away then, so what is still of a
 * killed process when it is looked at once more stays so until it is gone.
 */
async function takeOver(file: string, mine: string): Promise<void> {
  const over = `${file}.over`;
  if (!(await isMade(mine, over))) {
    if (await isLeft(over)) await rm(over, { force: true }); // killed within the moment that this takes
    return sleep(LOOK_MS);
  }
  try {
    if (await isLeft(file)) await rm(file, { force: true });
  } finally {
    await rm(over, { force: true });
  }
}

async function isLeft(file: string): Promise<boolean> {
  const owner = await ownerOf(file);
  return owner !== undefined && !isAlive(owner);
}

const isBusy = (file: string, owner: number | undefined, { reason, about, does }: Busy) =>
  new CountersignError(reason, `${about}: process ${owner ?? 'unknown'} ${does}`, {
    hint: `wait until it has ended; if that process is no countersign, remove ${file}`,
  });
