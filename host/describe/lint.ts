// Warnings about approvals, in words.

import type { Warning } from '../formats/approval-lint.js';
import type { LintReport } from '../operator/lint.js';

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
