// Results that many commands have in common: a file that was written, or that a dry run would write.

import { type Row, rows } from '../formats/wording.js';
import type { Result } from './command.js';

/** "wrote PATH (12 bytes)" */
export const wrote = (path: string, dryRun: boolean, bytes?: number): string =>
  `${dryRun ? 'would write' : 'wrote'} ${path}${bytes === undefined ? '' : ` (${bytes} bytes)`}`;

/** A file, its size, what there is to say of it, for programs and for people, and the command that comes next. */
export const written = (
  path: string,
  dryRun: boolean,
  data: { bytes: number; [member: string]: unknown },
  facts: readonly Row[],
  next?: readonly string[],
): Result => ({
  data: { output: path, written: !dryRun, ...data },
  lines: [wrote(path, dryRun, data.bytes), ...rows(facts)],
  ...(next && { next }),
});
