// Watching, as the commands do that have it: until so many changes, for so long, or until Ctrl-C.

import { countSchema } from '../formats/typed.js';
import { within } from '../wait.js';
import type { OptionSpec, Result } from './command.js';
import { option, waitOption } from './options.js';

export interface Limits {
  count?: number | undefined;
  for?: number | undefined; // seconds
}

/** `of`: what is counted. `more`: what holds for both. */
export const limitOptions = (of: string, more: Pick<OptionSpec, 'needs'> = {}) => ({
  count: option('number', `exit after this many ${of}`, countSchema(1, 1_000_000).optional(), more),
  for: { ...waitOption('exit after this time'), ...more },
});

/** `watch` calls `changed` after each; true: it was the last one. */
export async function watching(
  { count, for: seconds }: Limits,
  outer: AbortSignal,
  watch: (signal: AbortSignal, changed: () => boolean) => Promise<void>,
): Promise<Result> {
  const signal = seconds === undefined ? outer : within(seconds * 1000, outer);
  let changes = 0;
  await watch(signal, () => {
    changes += 1;
    return changes === count;
  }).catch((error) => {
    if (!signal.aborted) throw error;
  });
  return { data: { changes }, lines: [] };
}
