// Warnings about approvals, in words, and as cases of a report for pipelines.

import { LINT_RULES, type Warning } from '../formats/approval-lint.js';
import type { LintReport } from '../operator/lint.js';
import { reasons } from '../reasons.js';
import { failedBy, type JunitCase } from './junit.js';

/** "release.cose, entry 1: it expires soon [expires-soon]" */
export function lintLine({ document, entry, rule, text }: Warning): string {
  const where = entry === undefined ? document : `${document}, entry ${entry + 1}`;
  return `${where}: ${text} [${rule}]`;
}

const counted = (number: number, what: string) => `${number} ${what}${number === 1 ? '' : 's'}`;

/** A line for each warning, and at the end how many documents were looked at. */
export const lintLines = ({ documents, warnings }: LintReport): string[] => [
  ...warnings.map(lintLine),
  `${counted(documents, 'document')}: ${warnings.length === 0 ? 'no warnings' : counted(warnings.length, 'warning')}`,
];

/** A case of the report for each rule; with `strict` a warning fails it. */
export const lintCases = (warnings: readonly Warning[], strict: boolean): JunitCase[] =>
  LINT_RULES.map((name) => {
    const lines = warnings.filter(({ rule }) => rule === name).map(lintLine);
    if (lines.length === 0 || !strict) return { name, lines };
    return { name, failed: failedBy('failure', reasons.LintWarnings.code, lines) };
  });
