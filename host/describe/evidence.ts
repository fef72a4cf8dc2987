// What devices can show of their updates, in words, as members of a document, and as one page to be printed (evidence-page.ts).

import type { History, UpdateRecord } from '../device/history.js';
import type { OneOf } from '../device/many.js';
import { momentText } from '../formats/moment.js';
import { reasonData } from '../json.js';
import { reasonOf, reasons } from '../reasons.js';
import { answerWords, endLines } from './log.js';
import { ROWS } from './verdict.js';
import type { Described } from './words.js';

/** What was found out, of whom, and when. */
export interface Findings {
  devices: readonly OneOf<History>[];
  /** Names of devices of which nobody knows whether they were meant. */
  unknown: readonly string[];
  fleet: string | undefined;
  exit: number;
  /** Unix milliseconds, by this machine. */
  made: number;
}

/** An update in words. */
export interface UpdateText {
  when: string;
  /** "1 -> 2" */
  sequences: string;
  result: string;
  /** Why it was allowed, or not: the row of the verdict, or the reason. */
  why: string;
  /** Operators and documents that counted. */
  approved: string[];
  consent: string;
  package: string;
}

export function updateText({ result, reason, decision }: UpdateRecord, names: History['names']): UpdateText {
  const { time, from, to, row, operators = [], answer, digest } = decision;
  const nameOf = (kid: string | null) => (kid === null ? 'an operator' : (names.get(kid) ?? kid));
  return {
    when: time === 0 ? 'time unknown' : momentText(time),
    sequences: to === undefined ? '' : `${from} -> ${to}`,
    result: reason === reasons.Ok.code ? result : `${result}: ${reasonOf(reason).text}`,
    why: row ? `row ${row}: ${ROWS[row] ?? 'not known here'}` : '',
    approved: operators.map(({ kid, document, source }) =>
      document === null ? `${nameOf(kid)} (countersignature)` : `${nameOf(kid)} (document ${document}, ${source})`,
    ),
    consent: answer ? answerWords(answer) : '',
    package: digest ? [...digest].map((byte) => byte.toString(16).padStart(2, '0')).join('') : '',
  };
}

const updateData = ({ result, reason, decision }: UpdateRecord, names: History['names']) => {
  const { number, time, digest, from, to, row, operators = [], answer } = decision;
  return {
    ...{ result, reason: reasonData(reason), record: number, time: time === 0 ? null : momentText(time) },
    ...{ digest, from, to },
    ...(row && { row, rowText: ROWS[row] }),
    operators: operators.map((one) => ({ ...one, name: one.kid === null ? undefined : names.get(one.kid) })),
    answer,
  };
};

const historyData = ({ log, installed, updates, names }: History) => ({
  ...{ device: log.device, installed },
  log: {
    whole: log.whole,
    records: log.records.length,
    first: log.records[0]?.number,
    faults: log.faults,
    newest: log.newest,
  },
  updates: updates.map((one) => updateData(one, names)),
});

export const byName = (devices: readonly OneOf<History>[]): OneOf<History>[] =>
  [...devices].sort((a, b) => (a.device < b.device ? -1 : 1));

/** "1.2.0, sequence 2" */
export const runsText = ({ installed }: History): string =>
  installed
    ? [installed.version, `sequence ${installed.sequence}`].filter(Boolean).join(', ')
    : 'nothing that it installed';

export function evidenceDescribed({ devices, unknown, fleet, exit, made }: Findings): Described {
  const sorted = byName(devices);
  return {
    data: {
      ...{ made: new Date(made), fleet, exit },
      devices: sorted.map((one) =>
        'error' in one
          ? { name: one.device, reason: reasonData(one.error.code), message: one.error.message }
          : { name: one.device, reason: reasonData(reasons.Ok.code), ...historyData(one.value) },
      ),
      unknown,
    },
    lines: [
      ...sorted.flatMap((one) =>
        'error' in one
          ? [`${one.device}: ${one.error.message}`]
          : [`${one.device}: runs ${runsText(one.value)}`, ...historyLines(one.value)],
      ),
      ...(unknown.length > 0 ? [`of unknown class, and left out: ${unknown.join(', ')}`] : []),
    ],
  };
}

const historyLines = ({ log, updates, names }: History): string[] =>
  [
    ...updates.map((one) => {
      const { when, sequences, result, why, approved, consent } = updateText(one, names);
      const by = approved.length > 0 && `approved by ${approved.join(', ')}`;
      return [when, sequences && `sequence ${sequences}`, result, why, by, consent].filter(Boolean).join('  ');
    }),
    ...endLines(log),
  ].map((line) => `  ${line}`);
