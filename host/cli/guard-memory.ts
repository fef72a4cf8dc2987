// What a machine that guards boards remembers from one delivery to the next, as a device would in its own flash:
//
//   operators   the newest document sequence that was seen, by operator (kid): an older one counts for nothing any more,
//               on whichever board, so that a revocation cannot be undone by the approval that it revoked
//   boards      sequence number of the package that was installed last, by device id: no way back to an older one
//
// Numbers in it only grow. It is written before anything is sent; a file that cannot be read or written stops the
// delivery, since what is not known must not pass. Two deliveries at once: each takes up what the other wrote.

import { mkdir } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { z } from 'zod';
import { CountersignError } from '../errors.js';
import { readText, writeBytes } from '../files.js';
import { stateFolder } from './state-folder.js';

const MEMORY_BYTES_MAX = 16 * 1024 * 1024;

const sequence = z
  .string()
  .regex(/^\d{1,20}$/)
  .transform(BigInt);
const memorySchema = z.strictObject({
  operators: z.record(z.string().regex(/^[0-9a-f]+$/), sequence),
  boards: z.record(z.string().regex(/^[0-9a-f]+$/), sequence),
});
export type GuardMemory = z.output<typeof memorySchema>;

export const usualMemory = (): string => join(stateFolder(), 'guard.json');

export async function readMemory(path: string): Promise<GuardMemory> {
  let text: string;
  try {
    text = await readText(path, MEMORY_BYTES_MAX);
  } catch (error) {
    // The first time.
    if (error instanceof CountersignError && error.reason.name === 'FileNotFound') return { operators: {}, boards: {} };
    throw error;
  }
  try {
    return memorySchema.parse(JSON.parse(text));
  } catch (cause) {
    throw new CountersignError('FileMalformed', `deliver: ${path} is not what --remember wrote`, {
      cause,
      hint: 'it holds what was revoked: restore it, or decide that nothing was and begin a new one',
    });
  }
}

/** Adds to what is remembered; returns what is remembered then. */
export async function remember(path: string, news: GuardMemory, dryRun: boolean): Promise<GuardMemory> {
  const before = await readMemory(path);
  const merged = {
    operators: highest(before.operators, news.operators),
    boards: highest(before.boards, news.boards),
  };
  const changed = textOf(merged) !== textOf(before);
  if (changed && path === usualMemory() && !dryRun)
    await mkdir(dirname(path), { recursive: true }).catch(() => undefined);
  if (changed && !(dryRun && path === usualMemory())) await writeBytes(path, textOf(merged), { dryRun });
  return merged;
}

function highest(one: Record<string, bigint>, other: Record<string, bigint>): Record<string, bigint> {
  const names = [...new Set([...Object.keys(one), ...Object.keys(other)])].sort();
  return Object.fromEntries(
    names.map((name) => {
      const [a, b] = [one[name] ?? 0n, other[name] ?? 0n];
      return [name, a > b ? a : b];
    }),
  );
}

const textOf = (memory: GuardMemory): string =>
  `${JSON.stringify(memory, (_, value) => (typeof value === 'bigint' ? String(value) : value), 2)}\n`;
