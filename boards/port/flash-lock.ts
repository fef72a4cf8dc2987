// A flash file is the flash of one board at a time: two that keep it would leave a mix of both.

import { readFileSync, rmSync, writeFileSync } from 'node:fs';
import { CountersignError, systemCode } from '../../host/errors.js';
import { isAlive } from '../../host/process.js';

/** Until the function that is returned is called. Throws LinkUnavailable while another process has it, FileUnwritable if it cannot be. */
export function lockFlash(path: string): () => void {
  const file = `${path}.lock`;
  for (;;) {
    try {
      writeFileSync(file, `${process.pid}`, { flag: 'wx' });
      return () => rmSync(file, { force: true });
    } catch (cause) {
      if (systemCode(cause) !== 'EEXIST')
        throw new CountersignError('FileUnwritable', `flash: cannot make ${file}`, { cause });
    }
    const owner = Number(readFileSync(file, 'utf8'));
    if (isAlive(owner)) {
      throw new CountersignError(
        'LinkUnavailable',
        `flash: ${path} is the flash of a board that runs (process ${owner})`,
        {
          hint: 'stop that board, or give this one another --flash',
        },
      );
    }
    rmSync(file, { force: true });
  }
}
