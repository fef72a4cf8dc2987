// The serial NOR of emcraft-sf2, compiled for this computer, against a part that does what its data sheet says and no more: the one
// in QEMU forgives what silicon does not. And the seed that is kept in it: no number twice, however often the power goes.

import { execFileSync, spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { have } from '../support/need.js';

describe.skipIf(!have('cc'))('the serial NOR of emcraft-sf2', () => {
  const folder = mkdtempSync(join(tmpdir(), 'countersign-nor-'));
  const program = join(folder, 'nor');
  beforeAll(() => {
    const flags = ['-std=gnu11', '-O1', '-g', '-Wall', '-Wextra', '-Werror', '-Wno-clobbered'];
    execFileSync('cc', [...flags, '-fsanitize=address,undefined', 'tests/port/nor.c', '-o', program]);
  });
  afterAll(() => rmSync(folder, { recursive: true }));
  const run = (...words: string[]) => {
    const { status, stdout, stderr } = spawnSync(program, words, { encoding: 'utf8' });
    return [status, (stdout + stderr).trim()];
  };

  it.each(['writes', 'starts busy', 'protected', 'never ready', 'block', 'starts'])('%s', (name) => {
    expect(run(name)).toEqual([0, '']);
  });

  it.each([1, 2, 3])('starts, cut: %i', (seed) => {
    expect(run('starts, cut', `${seed}`)).toEqual([0, '']);
  });

  it.each([
    ['without enable', 'a program without write enable'],
    ['across a page', 'a program across a page'],
    ['over', 'a program over bytes that are not erased'],
    ['too early', 'a command while it is busy'],
    ['4 KB', 'a command that the part does not have'],
  ])('the part refuses what silicon does not do: %s', (name, what) => {
    expect(run(name)).toEqual([2, what]);
  });
});
