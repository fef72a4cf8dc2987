// What is remembered of a device's audit log (device/log.ts) in a file. No file is the first time; one of another form is an
// error: FileMalformed.

import { type MarkStore, markText, parseMark } from '../device/log.js';
import { CountersignError } from '../errors.js';
import { readText, writeBytes } from '../files.js';

/** In a dry run it is read, and not written. */
export const markFile = (path: string, dryRun: boolean): MarkStore => ({
  name: path,
  async read() {
    let text: string;
    try {
      text = await readText(path);
    } catch (error) {
      if (error instanceof CountersignError && error.reason.name === 'FileNotFound') return undefined; // the first time
      throw error;
    }
    try {
      return parseMark(text);
    } catch {
      throw new CountersignError('FileMalformed', `log: ${path} is not what --remember wrote`);
    }
  },
  write: (mark) => writeBytes(path, markText(mark), { dryRun, update: true }),
});
