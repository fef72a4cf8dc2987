// export-c: the verifier as plain C, for firmware that has its own boot loader.
//
// Copies what the build of this package made (boards/export-c); nothing is compiled or translated here.

import { existsSync } from 'node:fs';
import { mkdir, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { z } from 'zod';
import { CountersignError } from '../../errors.js';
import { readText, writeBytes } from '../../files.js';
import { packageRoot } from '../../root.js';
import { command } from '../command.js';
import { pathSchema, switchSchema } from '../values.js';

const CPUS = ['m0', 'm4'] as const;
const NAMES = ['countersign.c', 'countersign.h', 'README.md'];

export const exportC = command({
  name: 'export-c',
  summary: 'write the verifier as C99, for your own boot loader',
  details: [
    'Writes countersign.c, countersign.h and README.md, which explains how to build and call them. --cpu m0 is for',
    'processors that multiply to 32 bits, m4 for those that multiply to 64 (Cortex-M3 and up).',
  ].join('\n'),
  arguments: {},
  options: {
    output: {
      short: 'o',
      value: 'folder',
      text: 'output folder; created if absent',
      schema: pathSchema.default('countersign-c'),
    },
    cpu: { value: 'cpu', text: `kind of processor: ${CPUS.join(' or ')}`, schema: z.enum(CPUS).default('m0') },
    force: { text: 'overwrite existing files', schema: switchSchema },
  },
  examples: [
    'countersign export-c',
    'countersign export-c --cpu m4',
    'countersign export-c -o third_party/countersign --force',
  ],
  writes: true,
  async run({ options: { output, force, cpu }, dryRun }) {
    const made = new URL(`build/c/${cpu}/`, packageRoot);
    if (!existsSync(made)) {
      throw new CountersignError('NotFound', 'export-c: this package was not built', { hint: 'npm run build' });
    }
    const files = await Promise.all(
      NAMES.map(async (name) => [join(output, name), await readText(new URL(name, made).pathname)] as const),
    );
    const there = await stat(output).catch(() => undefined);
    if (there && !there.isDirectory()) {
      throw new CountersignError('FileExists', `file: ${output} is there already and no folder`);
    }
    // All of them are checked before the first is written.
    if (there) for (const [path, text] of files) await writeBytes(path, text, { fresh: !force, dryRun: true });
    if (!dryRun) {
      await mkdir(output, { recursive: true });
      for (const [path, text] of files) await writeBytes(path, text, { fresh: !force });
    }
    const paths = files.map(([path]) => path);
    return {
      data: { files: paths, written: !dryRun },
      lines: paths.map((path) => `${dryRun ? 'would write' : 'wrote'} ${path}`),
    };
  },
});
