// --junit FILE: the report of `check` and `lint` for a pipeline. It is written whatever the outcome; a command that fails
// reports that as an error of its case.

import { errorCase, type JunitCase, junitXml } from '../describe/junit.js';
import { asCountersignError } from '../errors.js';
import { writeBytes } from '../files.js';
import type { Result } from './command.js';
import { option, textSchema } from './options.js';

export const junitOption = option(
  'file',
  'also write the outcome to this file, as JUnit XML',
  textSchema.refine((path) => path !== '-', 'must be a file').optional(),
  { file: 'written' },
);

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
      cases = [errorCase(what.name, error)];
      await write().catch(() => undefined); // the first error is the one to be told
    }
    throw error;
  }
}
