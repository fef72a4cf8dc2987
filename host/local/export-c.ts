// The verifier as plain C, for firmware that has its own boot loader: what the build of this package made
// (boards/export-c), copied. Nothing is compiled or translated here.

import { existsSync } from 'node:fs';
import { mkdir, stat } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { CountersignError } from '../errors.js';
import { readText, writeBytes } from '../files.js';
import { packageRoot } from '../root.js';

/** The shape of the arithmetic: m0 multiplies to 32 bits, m4 (Cortex-M3 and up) to 64. */
export const CPUS = ['m0', 'm4'] as const;

export interface ExportChoice {
  cpu: (typeof CPUS)[number];
  /** Without Ed25519. */
  p256: boolean;
  /** By the hash of an image, without packages. */
  noSuit: boolean;
  /** With the gate for MCUboot. */
  mcuboot: boolean;
}

const VERIFIER = ['countersign.c', 'countersign.h'];
const GATE = [
  'countersign_gate.c',
  'countersign_gate.h',
  'gate_priv.h',
  'mcuboot_custom_crypto.h',
  'countersign_documents.c',
  'countersign_documents.h',
  'countersign_zephyr.h',
  'CMakeLists.txt',
  'Kconfig',
  'zephyr/module.yml',
  'README.md',
];

/** What is copied: the path below build/c/, and the name that it gets. */
function chosen({ cpu, p256, noSuit, mcuboot }: ExportChoice): [from: string, name: string][] {
  const verifier = `${cpu}${noSuit ? '-image' : ''}${p256 ? '-p256' : ''}`;
  const page = mcuboot ? [] : ['README.md'];
  const gate = mcuboot ? [...GATE, noSuit ? 'gate_image.c' : 'gate_suit.c'] : [];
  return [
    ...[...VERIFIER, ...page].map((name): [string, string] => [`${verifier}/${name}`, name]),
    ...gate.map((name): [string, string] => [`mcuboot/${name}`, name]),
  ];
}

/**
 * Writes them to a folder, made when absent; returns the paths. All of them are checked before the first is written. Throws
 * NotFound if the package was not built, FileExists, FileUnwritable.
 */
export async function exportVerifier(
  folder: string,
  { force, dryRun, ...choice }: ExportChoice & { force: boolean; dryRun: boolean },
): Promise<string[]> {
  const made = new URL('build/c/', packageRoot);
  if (!existsSync(made)) {
    throw new CountersignError('NotFound', 'export-c: this package was not built', { hint: 'npm run build' });
  }
  const files = await Promise.all(
    chosen(choice).map(
      async ([from, name]) => [join(folder, name), await readText(new URL(from, made).pathname)] as const,
    ),
  );
  const there = await stat(folder).catch(() => undefined);
  if (there && !there.isDirectory()) {
    throw new CountersignError('FileExists', `file: ${folder} is there already and no folder`);
  }
  if (there) for (const [path, text] of files) await writeBytes(path, text, { fresh: !force, dryRun: true });
  if (!dryRun) {
    for (const [path] of files) await mkdir(dirname(path), { recursive: true });
    for (const [path, text] of files) await writeBytes(path, text, { fresh: !force });
  }
  return files.map(([path]) => path);
}
