// export-c: the verifier as plain C, for firmware that has its own boot loader (local/export-c.ts).

import { z } from 'zod';
import { wroteText } from '../../describe/made.js';
import { CPUS, exportVerifier } from '../../local/export-c.js';
import { command } from '../command.js';
import { flag, option, textSchema } from '../options.js';

export const exportC = command({
  name: 'export-c',
  summary: 'write the verifier as C99, for your own boot loader',
  details: [
    'Writes countersign.c, countersign.h and README.md, which explains how to build and call them. --cpu m0 is for',
    'processors that multiply to 32 bits, m4 for those that multiply to 64 (Cortex-M3 and up). --mcuboot adds a gate for',
    'MCUboot: its hooks, its cryptography by the verifier, and what makes the folder a Zephyr module. --p256 leaves out',
    'Ed25519; --no-suit leaves out packages: operators approve the hash that MCUboot has of an image.',
  ].join('\n'),
  arguments: {},
  options: {
    output: option('folder', 'output folder; created if absent', textSchema.default('countersign-c'), { short: 'o' }),
    cpu: option('cpu', `kind of processor: ${CPUS.join(' or ')}`, z.enum(CPUS).default('m0')),
    mcuboot: flag('add the gate for MCUboot'),
    p256: flag('P-256 signatures only, in less flash'),
    noSuit: flag('approvals of image hashes only, in less flash'),
    force: flag('overwrite existing files'),
  },
  examples: [
    'countersign export-c',
    'countersign export-c --cpu m4',
    'countersign export-c --mcuboot --p256 -o modules/countersign',
    'countersign export-c -o third_party/countersign --force',
  ],
  writes: true,
  async run({ options: { output, ...how }, dryRun }) {
    const files = await exportVerifier(output, { ...how, dryRun });
    return { data: { files, written: !dryRun }, lines: files.map((path) => wroteText(path, dryRun)) };
  },
});
