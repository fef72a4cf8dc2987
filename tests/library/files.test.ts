// Files are written whole or not at all: never over what another process has just made, over a private key, or half of a set.

import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { fileWork } from '../../host/file-work.js';
import { readBytes, writeBytes, writeTogether } from '../../host/files.js';
import { generateKey } from '../../host/keys/read.js';

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'countersign-files-'));
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));
const path = (name: string) => join(folder, name);
const text = (name: string) => readFileSync(path(name), 'utf8');
const code = (name: string) => expect.objectContaining({ reason: expect.objectContaining({ name }) });
const MODE = 0o644;

describe('fresh', () => {
  it('of many that write at once one wins, and each other learns of it', async () => {
    for (let round = 0; round < 20; round++) {
      const to = path(`new-${round}`);
      const tries = Array.from({ length: 8 }, (_, one) => writeBytes(to, `${one}`, { fresh: true }));
      const ends = await Promise.allSettled(tries);
      const won = ends.flatMap(({ status }, one) => (status === 'fulfilled' ? [one] : []));
      expect(won).toHaveLength(1);
      expect(readFileSync(to, 'utf8')).toBe(`${won[0]}`);
      const lost = ends.flatMap((end) => (end.status === 'rejected' ? [end.reason] : []));
      expect(lost).toEqual(Array.from({ length: 7 }, () => code('FileExists')));
    }
    expect(readdirSync(folder).filter((name) => name.endsWith('.tmp'))).toEqual([]);
  });

  it('a link that leads nowhere is there: it is not replaced, and not taken for a first time', async () => {
    symlinkSync('nowhere', path('link'));
    for (const dryRun of [true, false]) {
      await expect(writeBytes(path('link'), 'x', { fresh: true, dryRun })).rejects.toEqual(code('FileExists'));
    }
    await expect(readBytes(path('link'))).rejects.toEqual(code('FileUnreadable'));
    await expect(readBytes(path('absent'))).rejects.toEqual(code('FileNotFound'));
  });
});

describe('several together', () => {
  it('are all there, or none', async () => {
    writeFileSync(path('c'), 'before');
    await expect(
      writeTogether(
        [
          [path('a'), '1', MODE],
          [path('c'), '3', MODE],
        ],
        { fresh: true },
      ),
    ).rejects.toEqual(code('FileExists'));
    expect([existsSync(path('a')), text('c')]).toEqual([false, 'before']);
  });

  it('one file under two names leaves nothing', async () => {
    symlinkSync('.', path('same'));
    await expect(
      writeTogether(
        [
          [path('a'), '1', MODE],
          [path('same/a'), '2', MODE],
        ],
        { fresh: true },
      ),
    ).rejects.toEqual(code('FileExists'));
    expect(readdirSync(folder)).toEqual(['same']);
  });
});

describe('a private key', () => {
  const pem = () => generateKey('ed25519').toPem();

  it('gives way to another one by force, and to nothing else', async () => {
    const old = pem();
    writeFileSync(path('key'), old);
    for (const options of [{}, { force: true }]) {
      await expect(writeBytes(path('key'), 'device: "0a"\n', options)).rejects.toEqual(code('FileExists'));
      await expect(writeTogether([[path('key'), 'x', MODE]], options)).rejects.toEqual(code('FileExists'));
    }
    await expect(writeBytes(path('key'), pem())).rejects.toEqual(code('FileExists'));
    expect(text('key')).toBe(old);
    await writeBytes(path('key'), pem(), { force: true });
    expect(text('key')).not.toBe(old);
  });
});

describe('a piece of work', () => {
  it('replaces nothing that it has read, by any name; the next one may', async () => {
    writeFileSync(path('input'), 'x');
    symlinkSync('input', path('link'));
    await fileWork([], async () => {
      await readBytes(path('link'));
      await expect(writeBytes(path('input'), 'y')).rejects.toEqual(code('OutputIsInput'));
      await writeBytes(path('input'), 'y', { update: true });
      await writeBytes(path('output'), '1');
      await expect(writeBytes(path('output'), '2')).rejects.toEqual(code('OutputIsInput'));
    });
    await fileWork([path('input')], () =>
      expect(writeBytes(path('input'), 'z')).rejects.toEqual(code('OutputIsInput')),
    );
    await fileWork([], () => writeBytes(path('output'), '3'));
    expect([text('input'), text('output')]).toEqual(['y', '3']);
  });

  it('is not mixed up with another one at the same time', async () => {
    writeFileSync(path('a'), 'x');
    writeFileSync(path('b'), 'x');
    const swap = (from: string, to: string) =>
      fileWork([], async () => {
        await readBytes(path(from));
        await writeBytes(path(to), 'y');
      });
    await Promise.all([swap('a', 'b'), swap('b', 'a')]);
    expect([text('a'), text('b')]).toEqual(['y', 'y']);
  });
});
