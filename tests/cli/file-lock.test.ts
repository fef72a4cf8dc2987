// A file that one works with at a time, where some that had it were killed: many take over what was left, at once.
import { readFileSync, writeFileSync } from 'node:fs';
import { mkdtemp, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setImmediate } from 'node:timers/promises';
import { expect, it } from 'vitest';
import { withFileLock } from '../../host/local/file-lock.js';

const NOBODY = 2 ** 22 + 1; // above every process id of Linux
const BUSY = { reason: 'RecordBusy', about: 'record', does: 'works', waitMs: 2000 } as const;

it('is never had by two, and is free when all have ended', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'lock-'));
  const file = join(folder, 'lock');
  let [inside, most, turns] = [0, 0, 0];
  const killed = () => {
    try {
      writeFileSync(file, `${NOBODY}\n`, { flag: 'wx' });
    } catch {
      // another one has it already
    }
  };
  const work = async () => {
    inside += 1;
    most = Math.max(most, inside);
    await setImmediate();
    inside -= 1;
    turns += 1;
  };
  try {
    const one = async () => {
      for (let turn = 0; turn < 40; turn++) {
        killed();
        await withFileLock(file, BUSY, work).catch(() => undefined); // too many others
      }
    };
    await Promise.all(Array.from({ length: 16 }, one));
    expect(most).toBe(1);
    expect(turns).toBeGreaterThan(100);
    killed();
    expect(readFileSync(file, 'utf8')).toBe(`${NOBODY}\n`);
    await withFileLock(file, BUSY, work);
    expect(await readdir(folder)).toEqual([]);
  } finally {
    await rm(folder, { recursive: true });
  }
});
