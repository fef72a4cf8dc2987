// The verifier as plain C, for firmware that has its own boot loader: what the build of this package made
// (boards/export-c), copied. Nothing is compiled or translated here.

import { existsSync } from 'node:fs';
import { mkdir, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { CountersignError } from '../errors.js';
import { readText, writeBytes } from '../files.js';
import { packageRoot } from '../root.js';

/** The shape of the arithmetic: m0 multiplies to 32 bits, m4 (Cortex-M3 and up) to 64. */
export const CPUS = ['m0', 'm4'] as const;
const NAMES = ['countersign.c', 'countersign.h', 'README.md'];

/**
 * Writes them to a folder, made when absent; returns the paths. All of them are checked before the first is written. Throws
 * NotFound if the package was not built, FileExists, FileUnwritable.
 */
export async function exportVerifier(
  folder: string,
  { cpu, force, dryRun }: { cpu: (typeof CPUS)[number]; force: boolean; dryRun: boolean },
): Promise<string[]> {
  const made = new URL(`build/c/${cpu}/`, packageRoot);
  if (!existsSync(made)) {
    throw new CountersignError('NotFound', 'export-c: this package was not built', { hint: 'npm run build' });
  }
  const files = await Promise.all(
    NAMES.map(async (name) => [join(folder, name), await readText(new URL(name, made).pathname)] as const),
  );
  const there = await stat(folder).catch(() => undefined);
  if (there && !there.isDirectory()) {
    throw new CountersignError('FileExists', `file: ${folder} is there already and no folder`);
  }
  if (there) for (const [path, text] of files) await writeBytes(path, text, { fresh: !force, dryRun: true });
  if (!dryRun) {
    await mkdir(folder, { recursive: true });
    for (const [path, text] of files) await writeBytes(path, text, { fresh: !force });
  }
  return files.map(([path]) => path);
}
