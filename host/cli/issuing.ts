// What approve and revoke show alike: what was issued, whom it has reached on its broker, and what one would run next.

import type { Issued, Issuing } from '../local/approving.js';
import type { Result } from './command.js';
import type { Surroundings } from './connection.js';

/** `next` is asked where something is finished: its name, and its path. */
export async function showIssued(
  issue: () => Promise<Issued>,
  { publish, wait }: Issuing & { wait: number | undefined },
  next: (form: NonNullable<Issued['form']>, path: string) => readonly string[] | undefined,
  { terminal, dryRun, ...around }: Surroundings,
): Promise<Result> {
  const { form, path, published, sought, ...made } = await issue();
  const result: Result = { ...made, next: form && next(form, path!) };
  if (!publish || !published || !sought || dryRun) return result;
  const { tellReached } = await import('../fleet/publish-file.js');
  return tellReached(result, { ...publish, fleet: published.fleet }, sought, wait, terminal, around);
}
