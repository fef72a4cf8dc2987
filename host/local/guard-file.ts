// The memory of a guard (device/guard-memory.ts) in a file: any, or guard.json in the folder for state.
//
// No file is the first time. One of another form is an error: it holds what was revoked. A dry run checks that the file
// could be written, and writes nothing; of the usual one it does not make the folder either.
//
// Boards share it, and a process that reads, adds and writes back has it for itself meanwhile: what two add at once is kept.

import { mkdir } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { type GuardStore, guardMemoryText, noGuardMemory, parseGuardMemory } from '../device/guard-memory.js';
import { CountersignError } from '../errors.js';
import { followed, readText, writeBytes } from '../files.js';
import { type Busy, withFileLock } from './file-lock.js';
import { stateFolder } from './state-folder.js';

const MEMORY_BYTES_MAX = 16 * 1024 * 1024;
/** To add to it takes milliseconds; many may want to at once. */
const BUSY: Busy = { reason: 'MemoryBusy', about: 'guard', does: 'writes to this memory', waitMs: 10_000 };

/** Where the memory is, if nobody says otherwise. */
export const memoryPath = (given: string | undefined): string => given ?? join(stateFolder(), 'guard.json');

/** Reading throws FileMalformed if it is no such file. */
export function guardFile(given: string | undefined, dryRun: boolean): GuardStore {
  const path = memoryPath(given);
  const usual = path === memoryPath(undefined);
  const makeFolder = () => usual && mkdir(dirname(path), { recursive: true }).catch(() => undefined);
  return {
    async read() {
      let text: string;
      try {
        text = await readText(path, MEMORY_BYTES_MAX);
      } catch (error) {
        if (error instanceof CountersignError && error.reason.name === 'FileNotFound') return noGuardMemory();
        throw error;
      }
      try {
        return parseGuardMemory(text);
      } catch (cause) {
        throw new CountersignError('FileMalformed', `deliver: ${path} is not what --remember wrote`, {
          cause,
          hint: 'it holds what was revoked: restore it, or decide that nothing was and begin a new one',
        });
      }
    },
    async write(memory) {
      if (usual && dryRun) return;
      await makeFolder();
      await writeBytes(path, guardMemoryText(memory), { dryRun, update: true });
    },
    async alone(work) {
      if (dryRun) return work();
      await makeFolder();
      return withFileLock(`${await followed(path)}.lock`, BUSY, work);
    },
  };
}
