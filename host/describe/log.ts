// An audit log in words: what was offered, why it was refused, who approved it and who said yes, and whether the log is whole.

import type { Audit, LogAnswer, LogRecord } from '../device/log.js';
import { hex } from '../formats/bytes.js';
import { momentText } from '../formats/moment.js';
import { reasonData } from '../json.js';
import { reasonOf } from '../reasons.js';

/** The members of a document. */
export const auditData = ({ device, whole, records, faults, newest }: Audit) => ({
  ...{ device, whole, faults, newest },
  records: records.map(({ bytes: _, before: __, reason, time, ...rest }) => ({
    ...rest,
    time: time === 0 ? null : momentText(time),
    reason: reasonData(reason),
  })),
});

/** A line for each record, oldest first, and at the end whether the log is whole. */
export const auditLines = (audit: Audit): string[] => [...audit.records.map(recordLine), ...endLines(audit)];

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

/** "yes at the device": whose answer it rests on, and on which channel. */
export function answerWords({ channel, consenter }: LogAnswer): string {
  if (channel === 'signed') return `yes, signed by ${consenter ?? 'a consenter'}`;
  return channel === 'local' ? 'yes at the device' : `yes (${channel})`;
}

/** Whether the log is whole, without its records. */
export function endLines({ records, faults, newest, before }: Audit): string[] {
  const told = faults.map(({ number, what, why }) => `record ${number} ${what}: ${why}`);
  if (faults.length > 0) return ['the log is NOT whole', ...told.map((line) => `  ${line}`)];
  if (records.length === 0) return ['the log is empty'];
  const first = records[0]!.number;
  const range = `records ${first} to ${newest?.number}`;
  const older = first > 0 ? `; older ones are no longer kept` : '';
  const since = before ? `, and holds what was remembered of record ${before.number}` : '';
  return [`the log is whole: ${range}${older}${since}`];
}
