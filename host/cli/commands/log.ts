// log: what a device has done about updates, from its audit log, and whether that log is whole.
//
// The chain of hashes is verified here; with --remember FILE the newest record is kept, and the next run notices also a
// log that was written anew or cut back. A fault in the chain makes the command fail, after everything was shown.

import {
  type Audit,
  auditLog,
  type LogAnswer,
  type LogRecord,
  type MarkStore,
  markText,
  parseMark,
} from '../../device/log.js';
import { CountersignError } from '../../errors.js';
import { readText, writeBytes } from '../../files.js';
import { hex } from '../../formats/bytes.js';
import { reasonOf, reasons } from '../../reasons.js';
import { command } from '../command.js';
import { withDevice } from '../connection.js';
import { connectionOptions } from '../options.js';
import { momentText } from '../show.js';
import { pathSchema } from '../values.js';

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
    remember: {
      value: 'file',
      text: 'keep the newest record in this file, and compare with it next time',
      schema: pathSchema.optional(),
      config: 'remember',
      path: true,
    },
  },
  examples: [
    'countersign log --port /dev/ttyACM0',
    'countersign log --broker mqtt://localhost --remember sensor-7.mark --json',
  ],
  writes: true,
  async run({ options, terminal, dryRun, signal }) {
    return withDevice(options, { terminal, signal }, async (connection) => {
      const { remember } = options;
      const store = remember === undefined ? undefined : markFile(remember, dryRun);
      const found = await auditLog(connection.client, store, { signal });
      const { device, whole } = found;
      return {
        data: {
          device,
          whole,
          records: found.records.map(({ bytes: _, before: __, reason, time, from, to, operators, ...rest }) => ({
            ...rest,
            ...(to === undefined ? {} : { from: String(from), to: String(to) }),
            ...(operators
              ? { operators: operators.map((one) => ({ ...one, document: one.document?.toString() })) }
              : {}),
            time: momentText(time),
            reason: { code: reason, name: reasonOf(reason).name },
          })),
          faults: found.faults,
          newest: found.newest,
        },
        lines: [...found.records.map(recordLine), ...endLines(found)],
        exit: whole ? 0 : reasons.LogBroken.exit,
      };
    });
  },
});

const markFile = (path: string, dryRun: boolean): MarkStore => ({
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
  write: (mark) => writeBytes(path, markText(mark), { dryRun }),
});

function recordLine(record: LogRecord): string {
  const { number, time, event, reason, digest } = record;
  const why = reason === 0 ? undefined : reasonOf(reason).text;
  const about = digest && `package ${hex(digest).slice(0, 16)}`;
  const when = time === 0 ? 'time unknown' : momentText(time);
  return [`${String(number).padStart(4)}  ${when}  ${event.padEnd(15)}`, about, why, ...decisionWords(record)]
    .filter(Boolean)
    .join('  ')
    .trimEnd();
}

// Who decided, in words: "sequence 1 -> 2  approved by 0011223344556677 (document 3, tree)  yes at the device".
function decisionWords({ from, to, row, operators = [], answer, omitted }: LogRecord): string[] {
  const by = operators.map(({ kid, document, source }) => {
    const what = document === null ? 'countersignature' : `document ${document}, ${source}`;
    return `${kid ?? 'an operator'} (${what})`;
  });
  return [
    ...(to === undefined ? [] : [`sequence ${from} -> ${to}`]),
    ...(row === undefined || row === 0 ? [] : [`row ${row}`]),
    ...(by.length > 0 ? [`approved by ${by.join(', ')}`] : []),
    ...(answer ? [answerWords(answer)] : []),
    ...(omitted ? [`${omitted} further refusals before it were not recorded`] : []),
  ];
}

function answerWords({ channel, consenter }: LogAnswer): string {
  if (channel === 'signed') return `yes, signed by ${consenter ?? 'a consenter'}`;
  return channel === 'local' ? 'yes at the device' : `yes (${channel})`;
}

function endLines({ records, faults, newest, before }: Audit): string[] {
  const told = faults.map(({ number, what, why }) => `record ${number} ${what}: ${why}`);
  if (faults.length > 0) return ['the log is NOT whole', ...told.map((line) => `  ${line}`)];
  if (records.length === 0) return ['the log is empty'];
  const first = records[0]!.number;
  const range = `records ${first} to ${newest?.number}`;
  const older = first > 0 ? `; older ones are no longer kept` : '';
  const since = before ? `, and holds what was remembered of record ${before.number}` : '';
  return [`the log is whole: ${range}${older}${since}`];
}
