// log: what a device has done about updates, from its audit log, and whether that log is whole.
//
// The chain of hashes is verified here; with --remember FILE the newest record is kept, and the next run notices also a
// log that was written anew or cut back. A fault in the chain makes the command fail, after everything was shown.

import { auditData, auditLines, endLines } from '../../describe/log.js';
import { type Audit, auditLog } from '../../device/log.js';
import { markFile } from '../../local/mark-file.js';
import { reasons } from '../../reasons.js';
import type { Client } from '../../smp/client.js';
import { command } from '../command.js';
import { withDevice } from '../connection.js';
import { connectionOptions, output, waitOption } from '../options.js';
import { askSeveral, selectionOf, severalOptions } from '../several.js';

const exitOf = ({ whole }: Audit): number => (whole ? 0 : reasons.LogBroken.exit);

export const log = command({
  name: 'log',
  summary: 'show the audit log of a device, and verify its hash chain',
  details: [
    'Each record says what was offered, the verdict and its reason, what the user said, and how it ended. It holds',
    'the hash of the record before it. The device keeps the newest records. A missing or altered record is reported,',
    'with exit code 1. Of several devices one line each says whether the log is whole; --json has all records.',
  ].join('\n'),
  arguments: {},
  options: {
    ...connectionOptions,
    remember: output('keep the newest record in this file, and compare with it next time', {
      config: 'remember',
      path: true,
      not: ['all', 'group', 'class'],
      why: 'it is about one device',
    }),
    ...severalOptions,
    wait: waitOption('how long to wait for devices that are offline'),
  },
  examples: [
    'countersign log --port /dev/ttyACM0',
    'countersign log --broker mqtt://localhost --remember sensor-7.mark --json',
    'countersign log --broker mqtt://localhost --fleet plant --group cellar --wait 60',
  ],
  writes: true,
  async run({ options, terminal, dryRun, signal }) {
    const ends = (log: Audit) => ({ data: auditData(log), lines: endLines(log) });
    const read = (client: Client) => auditLog(client, undefined, { signal });
    const asked = await askSeveral(selectionOf(options.all, options), options, signal, read, ends, exitOf);
    if (asked) return asked;
    const store = options.remember === undefined ? undefined : markFile(options.remember, dryRun);
    return withDevice(options, { terminal, signal }, async ({ client }) => {
      const found = await auditLog(client, store, { signal });
      return { data: auditData(found), lines: auditLines(found), exit: exitOf(found) };
    });
  },
});
