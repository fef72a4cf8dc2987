// What one piece of work reads and writes, so that it replaces none of its own inputs.
//
// `fileWork` begins one: a run of the command, a request that a server answers. Whatever is opened in it (open-file.ts), and
// what its caller names beforehand, must not be written in it (files.ts), by whatever path or link; nor is a file written twice.
// A file is known by device and inode, so it does not matter how it is called. Outside of any work nothing is kept.

import { AsyncLocalStorage } from 'node:async_hooks';
import { stat } from 'node:fs/promises';
import { CountersignError } from './errors.js';

interface Work {
  /** By identity: how it was named. */
  read: Map<string, string>;
  written: Map<string, string>;
}

const works = new AsyncLocalStorage<Work>();

/** Runs `work`; `inputs` are paths that it will read, or may. One that is not there is left out. */
export const fileWork = <T>(inputs: readonly string[], work: () => Promise<T>): Promise<T> =>
  works.run({ read: new Map(), written: new Map() }, async () => {
    for (const path of inputs) await noteRead(path);
    return work();
  });

const identityOf = async (path: string): Promise<string | undefined> => {
  const found = await stat(path, { bigint: true }).catch(() => undefined);
  return found?.isFile() ? `${found.dev}:${found.ino}` : undefined; // pipes and devices hold nothing that gets lost
};

export async function noteRead(path: string): Promise<void> {
  const work = works.getStore();
  const identity = work && (await identityOf(path));
  if (identity !== undefined && !work!.written.has(identity)) work!.read.set(identity, path);
}

export async function noteWritten(path: string): Promise<void> {
  const work = works.getStore();
  const identity = work && (await identityOf(path));
  if (identity !== undefined) work!.written.set(identity, path);
}

/** Throws OutputIsInput if the work reads this file, or has written it. */
export async function requireNotRead(path: string): Promise<void> {
  const work = works.getStore();
  const identity = work && (await identityOf(path));
  if (identity === undefined) return;
  const [read, written] = [work!.read.get(identity), work!.written.get(identity)];
  if (read === undefined && written === undefined) return;
  const same = read === undefined ? `${path} is written twice` : `${path} is an input (${read}), and is not replaced`;
  throw new CountersignError('OutputIsInput', `file: ${same}`);
}
