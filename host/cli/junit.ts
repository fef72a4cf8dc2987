// --junit FILE: the report of `check` and `lint` for a pipeline. It is written whatever the outcome; a command that fails
// reports that as an error of its case.

import { type JunitCase, junitXml } from '../describe/junit.js';
import { asCountersignError, type CountersignError } from '../errors.js';
import { writeBytes } from '../files.js';
import type { ReasonRow } from '../reasons.js';
import type { Result } from './command.js';
import { option } from './options.js';
import { pathSchema } from './values.js';

export const junitOption = option(
  'file',
  'also write the outcome to this file, as JUnit XML',
  pathSchema.refine((path) => path !== '-', 'is no file').optional(),
);

/** "80 NotApproved" */
export const typeOf = ({ code, name }: Pick<ReasonRow, 'code'> & { name: string }): string => `${code} ${name}`;

/** Runs the command, and writes the cases that it found; without a file, it only runs. */
export async function reported(
  file: string | undefined,
  suite: string,
  what: { className: string; name: string },
  run: (tell: (cases: JunitCase[]) => void) => Promise<Result>,
): Promise<Result> {
  let cases: JunitCase[] = [];
  const write = async () => file !== undefined && writeBytes(file, junitXml(suite, what.className, cases));
  try {
    const result = await run((found) => {
      cases = found;
    });
    await write();
    return result;
  } catch (thrown) {
    const error = asCountersignError(thrown);
    if (cases.length === 0) {
      cases = [{ name: what.name, failed: errorOf(error) }];
      await write().catch(() => undefined); // the first error is the one to be told
    }
    throw error;
  }
}

const errorOf = ({ reason, message, hint }: CountersignError): JunitCase['failed'] => ({
  kind: 'error',
  type: typeOf(reason),
  message,
  lines: [message, `hint: ${hint}`],
});
