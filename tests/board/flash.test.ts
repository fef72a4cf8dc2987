// The flash file: what silicon does, what it cannot do, and that the file is the flash.

import { spawnSync } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { type Flash, openFlash } from '../../boards/virtual/flash.js';
import type { CountersignError } from '../../host/errors.js';

const SIZE = { bytes: 8192, pageBytes: 1024 };
let folder: string;
let path: string;
let refusals: string[];
let flash: Flash;
const open = () => openFlash(path, SIZE, (why) => refusals.push(why));
const read = (offset: number, length: number): number[] => {
  const to = new Uint8Array(length);
  expect(flash.read(offset, to)).toBe(0);
  return [...to];
};

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'flash-'));
  path = join(folder, 'flash.bin');
  refusals = [];
  flash = open();
});
afterEach(() => {
  flash.close();
  rmSync(folder, { recursive: true });
});

describe('flash', () => {
  it('is 0xff as it leaves the factory', () => {
    expect(read(0, SIZE.bytes).every((byte) => byte === 0xff)).toBe(true);
  });

  it('keeps what was written, in the file too, at once', () => {
    expect(flash.write(1020, Uint8Array.of(1, 2, 3, 4, 5, 6, 7, 8))).toBe(0);
    expect(read(1019, 10)).toEqual([0xff, 1, 2, 3, 4, 5, 6, 7, 8, 0xff]);
    expect([...readFileSync(path).subarray(1019, 1029)]).toEqual([0xff, 1, 2, 3, 4, 5, 6, 7, 8, 0xff]);
    flash.close();
    flash = open();
    expect(read(1019, 10)).toEqual([0xff, 1, 2, 3, 4, 5, 6, 7, 8, 0xff]);
  });

  it('erases whole pages and nothing else', () => {
    for (const offset of [1020, 2044, 3072]) flash.write(offset, Uint8Array.of(1, 2, 3, 4));
    expect(flash.erase(1024, 2048)).toBe(0);
    expect([read(1020, 4), read(2044, 4), read(3072, 4)]).toEqual([
      [1, 2, 3, 4],
      [255, 255, 255, 255],
      [1, 2, 3, 4],
    ]);
    expect(flash.write(2044, Uint8Array.of(9, 9, 9, 9))).toBe(0);
  });

  it('counts what it did', () => {
    flash.write(0, new Uint8Array(8));
    flash.erase(0, 1024);
    expect(flash.counts).toEqual({ written: 8, erased: 1024 });
  });
});

describe('what silicon cannot do is refused, changes nothing and is told', () => {
  const cases: [string, (flash: Flash) => number][] = [
    ['offset inside a word', (one) => one.write(2, new Uint8Array(4))],
    ['half a word', (one) => one.write(0, new Uint8Array(6))],
    ['beyond the end', (one) => one.write(8188, new Uint8Array(8))],
    ['a word that is not erased', (one) => one.write(1024, new Uint8Array(4))],
    ['the second of two words not erased', (one) => one.write(1020, new Uint8Array(8))],
    ['the same value again', (one) => one.write(1024, Uint8Array.of(1, 2, 3, 4))],
    ['half a page', (one) => one.erase(0, 512)],
    ['a page from its middle', (one) => one.erase(512, 1024)],
    ['pages beyond the end', (one) => one.erase(7168, 2048)],
    ['reading beyond the end', (one) => one.read(8190, new Uint8Array(4))],
  ];
  it.each(cases)('%s', (_, act) => {
    flash.write(1024, Uint8Array.of(1, 2, 3, 4));
    const before = readFileSync(path);
    expect(act(flash)).toBeLessThan(0);
    expect(refusals.length).toBe(1);
    expect(readFileSync(path).equals(before)).toBe(true);
    expect(read(1024, 4)).toEqual([1, 2, 3, 4]);
  });
});

describe('files that are no flash of this board', () => {
  const failure = (file: string): string => {
    try {
      openFlash(file, SIZE, () => undefined);
    } catch (error) {
      return (error as CountersignError).reason.name;
    }
    return 'opened';
  };
  it('of another size: refused, and left as it is', () => {
    const other = join(folder, 'notes.txt');
    writeFileSync(other, 'important');
    expect(failure(other)).toBe('FileMalformed');
    expect(readFileSync(other, 'utf8')).toBe('important');
  });
  it('in a folder that is not there', () => expect(failure(join(folder, 'no', 'flash.bin'))).toBe('FileUnwritable'));
  it('in use by a board that runs; what a dead process left is taken over', () => {
    expect(failure(path)).toBe('LinkUnavailable');
    flash.close();
    const dead = spawnSync(process.execPath, ['-e', '']).pid;
    writeFileSync(`${path}.lock`, String(dead));
    flash = open();
    expect(readFileSync(`${path}.lock`, 'utf8')).toBe(String(process.pid));
    flash.close();
    expect(existsSync(`${path}.lock`)).toBe(false);
    flash = open();
  });
  it('a folder', () => expect(failure(folder)).toBe('FileUnreadable'));
});
