// What `guard` prints, and the lines of its log (local/guard-log.ts).

import * as z from 'zod';
import * as part from './parts.js';
import { count, document, flag, hex, path, reason, text } from './parts.js';

const verdict = z.strictObject(part.verdict).meta({ id: 'Verdict' });
const exit = count.meta({ description: 'the exit code of the command' });
const ended = {
  exit: count.optional().meta({ description: 'of the program' }),
  signal: text.optional().meta({ description: 'that ended the program' }),
};

const result = <S extends z.core.$ZodLooseShape>(about: string, results: readonly string[], shape: S) =>
  document(about, { result: z.enum(results), package: path, device: hex, exit, verdict, ...shape });

export const guard = z.union([
  result('the program was not run', ['refused', 'dry-run', 'asked', 'deferred'], {}),
  result('the program was run', ['written', 'failed'], {
    tool: z.strictObject({ program: text, ...ended }),
    reason: reason.optional(),
  }),
]);

const line = <E extends string, S extends z.core.$ZodLooseShape>(event: E, about: string, shape: S) =>
  document(about, {
    ...{ time: part.moment, event: z.literal(event) },
    run: hex.meta({ description: 'the same in the lines of one run' }),
    ...{ device: hex, package: path },
    tool: text.meta({ description: 'the program; its words may hold secrets' }),
    user: text.optional(),
    ...shape,
  });
const decided = {
  digest: part.digest.optional(),
  sequence: part.sequence.optional(),
  verdict: part.verdict.verdict,
  row: part.verdict.row,
  reason,
  operators: z
    .array(z.strictObject({ kid: hex, document: part.sequence.nullable(), source: text }))
    .meta({ description: 'whose approval counted; document null: a countersignature' }),
};

export const guardLog = z.union([
  line('refused', 'the program was not run', decided),
  line('begun', 'the program is run next', {
    ...decided,
    answer: z.literal('yes').optional().meta({ description: 'a person at the terminal was asked' }),
  }),
  line('ended', 'the program has ended', {
    ...ended,
    remembered: flag.meta({ description: 'as what the board has' }),
    reason: reason.optional().meta({ description: 'what went wrong besides' }),
  }),
]);
