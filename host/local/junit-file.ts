// A report for a pipeline (describe/junit.ts) in a file. It is written whatever the outcome; work that fails is an error of its case.

import { errorCase, type JunitCase, junitXml } from '../describe/junit.js';
import { asCountersignError } from '../errors.js';
import { writeBytes } from '../files.js';

/** Does the work, and writes the cases that it tells; without a file, it only does the work. */
export async function reported<T>(
  file: string | undefined,
  suite: string,
  what: { className: string; name: string },
  work: (tell: (cases: JunitCase[]) => void) => Promise<T>,
): Promise<T> {
  let cases: JunitCase[] = [];
  const write = async () => file !== undefined && writeBytes(file, junitXml(suite, what.className, cases));
  try {
    const result = await work((found) => {
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
