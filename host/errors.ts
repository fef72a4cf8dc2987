// The one family of errors of this library: a reason from the table, and a message that says where and what.
//
// Messages are lower case, "area: what", without a full stop. The reason gives number, exit code and a default hint;
// the cause is kept. A password in a URL is masked, whoever quotes it. Everything thrown on purpose is one of these; anything else is a fault of ours.

import { type ReasonName, type ReasonRow, reasonOf, reasons } from './reasons.js';
import { withoutPasswords } from './secret-url.js';

export interface Details {
  /** What to do, when there is better advice than the table's. */
  hint?: string;
  cause?: unknown;
}

export class CountersignError extends Error {
  override readonly name = 'CountersignError';
  /** The permanent number, see host/reasons.ts. */
  readonly code: number;
  readonly hint: string;

  /** @param reason a name of the table, or a number that came from the core or a device */
  constructor(reason: ReasonName | number, message: string, details: Details = {}) {
    super(withoutPasswords(message), details.cause === undefined ? {} : { cause: details.cause });
    const row: ReasonRow = typeof reason === 'number' ? reasonOf(reason) : reasons[reason];
    this.code = row.code;
    this.hint = withoutPasswords(details.hint ?? row.hint);
  }

  get reason(): ReturnType<typeof reasonOf> {
    return reasonOf(this.code);
  }
}

/** Whatever was thrown, as one of ours: a stranger becomes a Fault that keeps it as its cause. */
export function asCountersignError(thrown: unknown): CountersignError {
  if (thrown instanceof CountersignError) return thrown;
  const text = thrown instanceof Error ? thrown.message : String(thrown);
  return new CountersignError('Fault', `fault: ${text}`, { cause: thrown });
}

/** The system's code of a failed call ("ENOENT"), or undefined. */
export function systemCode(thrown: unknown): string | undefined {
  const code = (thrown as { code?: unknown } | null)?.code;
  return typeof code === 'string' ? code : undefined;
}

/** An error with what caused it and where, for whoever looks for a fault. */
export function causesOf(error: Error): string[] {
  const lines: string[] = [];
  for (let at: unknown = error; at instanceof Error; at = at.cause) {
    const frames = (at.stack ?? '').split('\n').filter((line) => /^ +at /.test(line));
    lines.push(`${at === error ? '' : 'caused by: '}${at.name}: ${at.message}`, ...frames);
  }
  return lines;
}
