// log: what a device has done about updates, from its audit log, and whether that log is whole.
//
// The chain of hashes is verified here; with --remember FILE the newest record is kept, and the next run notices also a
// log that was written anew or cut back. A fault in the chain makes the command fail, after everything was shown.

import { auditData, auditLines } from '../../describe/log.js';
import { auditLog } from '../../device/log.js';
import { markFile } from '../../local/mark-file.js';
import { reasons } from '../../reasons.js';
import { command } from '../command.js';
import { withDevice } from '../connection.js';
import { connectionOptions, output } from '../options.js';

export const log = command({
  name: 'log',
  summary: 'show the audit log of a device, and verify its hash chain',
  details: [
    'Each record says what was offered, the verdict and its reason, what the user said, and how it ended. It holds',
    'the hash of the record before it. The device keeps the newest records. A missing or altered record is reported,',
    'with exit code 1.',
  ].join('\n'),
  arguments: {},
  options: {
    ...connectionOptions,
    remember: output('keep the newest record in this file, and compare with it next time', {
      config: 'remember',
      path: true,
    }),
  },
  examples: [
    'countersign log --port /dev/ttyACM0',
    'countersign log --broker mqtt://localhost --remember sensor-7.mark --json',
  ],
  writes: true,
  async run({ options, terminal, dryRun, signal }) {
    const store = options.remember === undefined ? undefined : markFile(options.remember, dryRun);
    return withDevice(options, { terminal, signal }, async ({ client }) => {
      const found = await auditLog(client, store, { signal });
      return { data: auditData(found), lines: auditLines(found), exit: found.whole ? 0 : reasons.LogBroken.exit };
    });
  },
});
