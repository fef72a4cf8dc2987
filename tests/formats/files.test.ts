// Files that cannot be written: found before anything is done, where a command asks first.

import { spawnSync } from 'node:child_process';
import { chmodSync, mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, it } from 'vitest';

// In a process of its own, which gives up root for good once it has everything loaded: no permission stops root.
const SCRIPT = `
  const { writeBytes } = await import('${new URL('../../dist/host/files.js', import.meta.url)}');
  if (process.getuid() === 0) process.setuid(65534);
  const [path, dryRun] = process.argv.slice(1);
  await writeBytes(path, 'x', { dryRun: dryRun === 'true' }).catch((error) => console.log(error.reason.name));
`;

it.each([true, false])('into a folder that is read-only, dry run %s', (dryRun) => {
  const folder = mkdtempSync(join(tmpdir(), 'read-only-'));
  chmodSync(folder, 0o555);
  const words = ['--input-type=module', '-e', SCRIPT, join(folder, 'a.cose'), String(dryRun)];
  const { stdout, stderr } = spawnSync(process.execPath, words, { encoding: 'utf8' });
  expect([stdout, stderr, readdirSync(folder)]).toEqual(['FileUnwritable\n', '', []]);
  rmSync(folder, { recursive: true });
});
