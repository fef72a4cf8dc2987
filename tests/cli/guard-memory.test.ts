// One memory for several boards: what two guards add at the same moment is kept, whichever processes they are; and what keeps a
// memory busy is told.

import { spawn } from 'node:child_process';
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { remember } from '../../host/device/guard-memory.js';
import { withFileLock } from '../../host/local/file-lock.js';
import { guardFile } from '../../host/local/guard-file.js';
import { sleep } from '../../host/wait.js';

let folder: string;
let path: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'countersign-memory-'));
  path = join(folder, 'guard.json');
});
afterEach(() => rmSync(folder, { recursive: true }));

const board = (name: string, sequence = 1n) => ({ operators: {}, boards: { [name]: sequence } });
const kept = () => Object.keys(JSON.parse(readFileSync(path, 'utf8')).boards).length;
const id = (n: number) => n.toString(16).padStart(4, '0');
const BUSY = { reason: 'MemoryBusy', about: 'guard', does: 'writes to this memory', waitMs: 100 } as const;

describe('a memory that several guards share', () => {
  it('keeps what each of them adds at once', async () => {
    await Promise.all(Array.from({ length: 12 }, (_, n) => remember(guardFile(path, false), board(id(n)))));
    expect([kept(), readdirSync(folder)]).toEqual([12, ['guard.json']]);
  });

  it('keeps what each process adds at once', { timeout: 120_000 }, async () => {
    const from = (name: string) => fileURLToPath(new URL(`../../dist/host/${name}.js`, import.meta.url));
    const script = `
      const { remember } = await import('${from('device/guard-memory')}');
      const { guardFile } = await import('${from('local/guard-file')}');
      const [path, who] = process.argv.slice(1);
      for (let n = 0; n < 10; n += 1)
        await remember(guardFile(path, false), { operators: {}, boards: { [who + '0' + n]: 1n } });
    `;
    const run = (who: string) =>
      new Promise<number | null>((done) =>
        spawn(process.execPath, ['--input-type=module', '-e', script, path, who], { stdio: 'inherit' }).on(
          'exit',
          done,
        ),
      );
    expect(await Promise.all(['0a', '0b', '0c'].map(run))).toEqual([0, 0, 0]);
    expect(kept()).toBe(30);
  });

  it('is one memory under two names, and stays so', async () => {
    await remember(guardFile(path, false), board('01'));
    symlinkSync('guard.json', join(folder, 'link.json'));
    await Promise.all([
      ...[2, 3, 4].map((n) => remember(guardFile(path, false), board(id(n)))),
      ...[5, 6, 7].map((n) => remember(guardFile(join(folder, 'link.json'), false), board(id(n)))),
    ]);
    expect(kept()).toBe(7);
  });

  it('is not written, and nothing is locked, for what it has already, or in a dry run', async () => {
    await remember(guardFile(path, false), board('01', 5n));
    writeFileSync(`${path}.lock`, `${process.pid}\n`);
    expect((await remember(guardFile(path, false), board('01', 4n))).boards).toEqual({ '01': 5n });
    await remember(guardFile(path, true), board('02'));
    expect(kept()).toBe(1);
  });
});

describe('a lock', () => {
  const lock = () => join(folder, 'lock');
  const take = (waitMs: number = BUSY.waitMs) =>
    withFileLock(lock(), { ...BUSY, waitMs }, async () => existsSync(lock()));

  it('of a process that runs is waited for, and then told', async () => {
    writeFileSync(lock(), `${process.pid}\n`);
    await expect(take()).rejects.toMatchObject({
      reason: { name: 'MemoryBusy', code: 340 },
      message: `guard: process ${process.pid} writes to this memory`,
    });
    setTimeout(() => rmSync(lock()), 100);
    expect(await take(20_000)).toBe(true);
    expect(readdirSync(folder)).toEqual([]);
  });

  it.each(['999999999\n', '', '-1\n', '0\n', 'no number', '1e3000'])(
    'of nobody who runs is taken over: %j',
    async (text) => {
      writeFileSync(lock(), text);
      expect(await take()).toBe(true);
      expect(readdirSync(folder)).toEqual([]);
    },
  );

  it('is held as long as a process runs that has joined', async () => {
    writeFileSync(lock(), `999999999\n${process.pid}\n`);
    await expect(take()).rejects.toMatchObject({ reason: { name: 'MemoryBusy' } });
    await withFileLock(join(folder, 'other'), BUSY, async (joins) => {
      joins(12345);
      expect(readFileSync(join(folder, 'other'), 'utf8')).toBe(`${process.pid}\n12345\n`);
    });
  });

  it.skipIf(process.platform !== 'linux')(
    'of one that has ended, and that nobody has asked about, is taken over',
    async () => {
      const shell = spawn('sh', ['-c', 'sleep 0.2 & echo $!; exec sleep 60'], { stdio: ['ignore', 'pipe', 'inherit'] });
      try {
        const zombie = Number(await new Promise((told) => shell.stdout.once('data', told)));
        while (!readFileSync(`/proc/${zombie}/stat`, 'latin1').includes(') Z ')) await sleep(20);
        writeFileSync(lock(), `${zombie}\n`);
        expect(await take()).toBe(true);
      } finally {
        shell.kill();
      }
    },
  );

  it('in a folder that is not there is told', async () => {
    const gone = join(folder, 'none', 'lock');
    await expect(withFileLock(gone, BUSY, async () => 1)).rejects.toMatchObject({ reason: { name: 'FileUnwritable' } });
  });
});
