// One guard at a time works on a board: of two, the one that ends last would have written the board, and the other one might
// have been remembered.
//
// A file beside the memory (guard-file.ts) names the process. What a killed process left is taken over: it is moved away first,
// which only one of several can do.

import { rmSync } from 'node:fs';
import { link, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { CountersignError, systemCode } from '../errors.js';
import { isAlive } from '../process.js';

/** More than two processes that take a file over from each other do not meet. */
const TRIES_MAX = 10;

/** Works while it holds the lock. Throws BoardBusy if another process does, and FileUnwritable. */
export async function withBoardLock<T>(file: string, work: () => Promise<T>): Promise<T> {
  const mine = `${file}.${process.pid}`;
  await take(file, mine);
  const release = () => rmSync(file, { force: true });
  process.on('exit', release);
  try {
    return await work();
  } finally {
    release();
    process.off('exit', release);
  }
}

async function take(file: string, mine: string): Promise<void> {
  try {
    await writeFile(mine, `${process.pid}\n`);
    for (let tries = 0; tries < TRIES_MAX; tries++) {
      if (await isMade(mine, file)) return;
      const owner = await ownerOf(file);
      if (owner === undefined) continue; // it has just been released
      if (isAlive(owner)) throw busy(file, owner);
      await takeOver(file, `${mine}.old`);
    }
    throw busy(file, await ownerOf(file));
  } catch (cause) {
    if (cause instanceof CountersignError) throw cause;
    throw new CountersignError('FileUnwritable', `guard: cannot write ${file} (${systemCode(cause)})`, { cause });
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
  return text === undefined ? undefined : Number(text);
}

async function takeOver(file: string, aside: string): Promise<void> {
  const moved = await rename(file, aside).then(
    () => true,
    () => false, // another one was faster
  );
  if (!moved) return;
  const owner = await ownerOf(aside);
  // It was released and taken again since it was looked at.
  if (owner !== undefined && isAlive(owner)) await isMade(aside, file);
  await rm(aside, { force: true });
}

const busy = (file: string, owner: number | undefined) =>
  new CountersignError('BoardBusy', `guard: process ${owner ?? 'unknown'} works on this board`, {
    hint: `wait until it has ended; if that process is no countersign, remove ${file}`,
  });
