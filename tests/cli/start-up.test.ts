// What the command loads before it does anything: the built command, asked by V8 which scripts it ran. Its time is a row of
// `npm run bench`; the files and bytes are the same on every machine.

import { spawnSync } from 'node:child_process';
import { mkdtempSync, readdirSync, readFileSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { commands } from '../../host/cli/commands/index.js';
import { parse } from '../../host/cli/parse.js';
import { PROGRAM } from '../support/command.js';

interface Coverage {
  result: { url: string }[];
}

/** The files that the command loaded, by name without its hash, and their bytes together. */
function loadedBy(words: string[]) {
  const folder = mkdtempSync(join(tmpdir(), 'countersign-start-'));
  try {
    const env = { ...process.env, NODE_V8_COVERAGE: folder };
    const { stdout } = spawnSync(process.execPath, [PROGRAM, ...words], { env, cwd: folder, encoding: 'utf8' });
    const reports = readdirSync(folder).map((name) => JSON.parse(readFileSync(join(folder, name), 'utf8')) as Coverage);
    const urls = reports.flatMap(({ result }) => result.map(({ url }) => url)).filter((url) => url.startsWith('file:'));
    const bytes = urls.reduce((sum, url) => sum + statSync(new URL(url)).size, 0);
    return { stdout, bytes, names: urls.map((url) => basename(url).replace(/-[\w-]{8}\.js$|\.js$/, '')).sort() };
  } finally {
    rmSync(folder, { recursive: true });
  }
}

describe('the built command', () => {
  it('lists its commands without loading one', () => {
    const { names, bytes, stdout } = loadedBy(['--help']);
    expect(names).toEqual(['countersign', 'rolldown-runtime', 'start']);
    expect(bytes).toBeLessThan(410_000);
    const source = parse(commands, ['--help'], () => ({ lookup: () => undefined }));
    expect(source).toMatchObject({ text: stdout });
  });

  it.each([
    ['check', ['check', 'none.suit', '--bootstrap', 'none.yaml']],
    ['inspect', ['inspect', 'none.suit']],
    ['keygen', ['keygen', 'none/none']],
  ])('loads for %s what that needs', (name, words) => {
    const { names, bytes } = loadedBy(words);
    expect(names).toContain(name);
    expect(names.length).toBeLessThanOrEqual(24);
    expect(bytes).toBeLessThan(900_000);
    expect(names.filter((one) => ['mqtt', 'connect', 'token', 'deliver', 'tree'].includes(one))).toEqual([]);
  });
});
