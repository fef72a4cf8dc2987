// What became of many devices at once, in words: a table, a line each, and how many there are of each kind.

import type { OneOf } from '../device/many.js';
import type { CountersignError } from '../errors.js';
import { reasonData } from '../json.js';
import { reasonOf, reasons } from '../reasons.js';
import type { Described } from './words.js';

/** Columns as wide as their widest cell; the last one ends where it ends. */
export function tableLines(head: readonly string[], body: readonly (readonly string[])[]): string[] {
  const table = [head, ...body];
  const widths = head.map((_, column) => Math.max(...table.map((row) => row[column]!.length)));
  return table.map((row) =>
    row
      .map((cell, column) => cell.padEnd(widths[column]!))
      .join('  ')
      .trimEnd(),
  );
}

/** "12 installed, 1 refused", the most first. */
function countsText(words: readonly string[]): string {
  const counts = new Map<string, number>();
  for (const word of words) counts.set(word, (counts.get(word) ?? 0) + 1);
  return [...counts]
    .sort(([, a], [, b]) => b - a)
    .map(([word, count]) => `${count} ${word}`)
    .join(', ');
}

const unknownLines = (unknown: readonly string[]): string[] =>
  unknown.length > 0 ? [`of unknown class, and left out: ${unknown.join(', ')}`] : [];

/** What was done in a fleet, and of whom nobody knows whether they were meant. */
export interface InFleet {
  fleet: string;
  unknown: readonly string[];
  exit: number;
}

/** How a delivery ended with one device; `exit` is that of this device alone. */
export interface DeliveryEnd {
  device: string;
  result: string;
  reason: number;
  error?: CountersignError;
  version?: string | undefined;
  exit: number;
}

/** A delivery to many. */
export function deliveredToMany(
  path: string,
  digest: Uint8Array,
  ends: readonly DeliveryEnd[],
  { fleet, unknown, exit }: InFleet,
): Described {
  const sorted = [...ends].sort((a, b) => (a.device < b.device ? -1 : 1));
  const why = ({ reason, result, error }: DeliveryEnd): string =>
    error?.message ??
    (reason === reasons.Ok.code
      ? ''
      : result === 'ordered'
        ? 'offline or later: the order stays'
        : reasonOf(reason).text);
  return {
    data: {
      ...{ package: path, digest, fleet, exit },
      devices: sorted.map(({ device, result, reason, error, version, exit: own }) => ({
        ...{ name: device, result, exit: own, reason: reasonData(reason) },
        ...{ firmwareVersion: version, message: error?.message },
      })),
      unknown,
    },
    lines: [
      ...tableLines(
        ['device', 'result', 'version', 'reason'],
        sorted.map((end) => [end.device, end.result, end.version ?? '', why(end)]),
      ),
      `${sorted.length} devices: ${countsText(sorted.map(({ result }) => result)) || 'none was found'}`,
      ...unknownLines(unknown),
    ],
  };
}

/** What was asked of many devices: an answer, or why there is none. */
export function askedOfMany<T>(
  asked: readonly OneOf<T>[],
  { fleet, unknown, exit }: InFleet,
  answer: (value: T) => Described,
): Described {
  const sorted = [...asked].sort((a, b) => (a.device < b.device ? -1 : 1));
  const described = sorted.map((one) =>
    'error' in one ? { device: one.device, error: one.error } : { device: one.device, ...answer(one.value) },
  );
  const answers = described.filter((one) => !('error' in one)).length;
  return {
    data: {
      ...{ fleet, exit },
      devices: described.map((one) =>
        'error' in one
          ? { name: one.device, reason: reasonData(one.error.code), message: one.error.message }
          : { name: one.device, reason: reasonData(reasons.Ok.code), ...one.data },
      ),
      unknown,
    },
    lines: [
      ...described.flatMap((one) => [
        `${fleet}/${one.device}`,
        ...('error' in one ? [one.error.message] : one.lines).map((line) => `  ${line}`),
      ]),
      `${answers} of ${sorted.length} devices answered`,
      ...unknownLines(unknown),
    ],
  };
}
