// A report for pipelines, as JUnit XML: what GitLab, Jenkins and the report actions of GitHub read (docs/ci.md).
//
// Texts come from packages and approvals of whoever: what XML 1.0 (section 2.2) has no character for, and what steers a
// terminal, is shown as \xNN; the rest is escaped.

import type { CountersignError } from '../errors.js';
import type { Foreseen } from '../operator/foresee.js';
import { sayable } from '../printable.js';
import { reasonOf, reasons } from '../reasons.js';

export interface JunitCase {
  /** What was looked at. */
  name: string;
  /** `failure`: it was judged, and not passed; `error`: it could not be judged. */
  failed?: { kind: 'failure' | 'error'; type: string; message: string; lines: readonly string[] } | undefined;
  /** Told of a case that passed. */
  lines?: readonly string[];
}

/** A verdict, with its lines (verdict.ts); the reason is the one that they tell. */
export function verdictCase(name: string, { judgement, reason: end }: Foreseen, lines: readonly string[]): JunitCase {
  if (end === 0) return { name, lines };
  const isAsked = end === reasons.AwaitingUser.code && judgement.reason !== 0;
  return { name, failed: failedBy('failure', isAsked ? judgement.reason : end, lines) };
}

/** What could not be judged. */
export const errorCase = (name: string, { code, message, hint }: CountersignError): JunitCase => ({
  name,
  failed: failedBy('error', code, [message], hint),
});

export function failedBy(
  kind: 'failure' | 'error',
  code: number,
  lines: readonly string[],
  hint = reasonOf(code).hint,
) {
  return { kind, type: `${code} ${reasonOf(code).name}`, message: lines[0]!, lines: [...lines, `hint: ${hint}`] };
}

const NO_CHARACTER = /[^\t\n\r\x20-\ud7ff\ue000-\ufffd\u{10000}-\u{10ffff}]/gu;
const ENTITIES: Record<string, string> = { '&': '&amp;', '<': '&lt;', '>': '&gt;', '"': '&quot;' };

const xml = (text: string): string =>
  sayable(text)
    .replace(NO_CHARACTER, (one) => `\\x${one.codePointAt(0)!.toString(16)}`)
    .replace(/[&<>"]/g, (one) => ENTITIES[one]!);

/** One suite of cases; `className` groups them in reports. Ends with a line feed. */
export function junitXml(suite: string, className: string, cases: readonly JunitCase[]): string {
  const count = (kind: string) => cases.filter(({ failed }) => failed?.kind === kind).length;
  const totals = `tests="${cases.length}" failures="${count('failure')}" errors="${count('error')}"`;
  return `${[
    '<?xml version="1.0" encoding="UTF-8"?>',
    `<testsuites ${totals}>`,
    `  <testsuite name="${xml(suite)}" ${totals}>`,
    ...cases.flatMap((one) => caseLines(one, className)),
    '  </testsuite>',
    '</testsuites>',
  ].join('\n')}\n`;
}

function caseLines({ name, failed, lines = [] }: JunitCase, className: string): string[] {
  const head = `    <testcase classname="${xml(className)}" name="${xml(name)}"`;
  const inside = (told: readonly string[]) => told.map(xml).join('\n');
  if (failed) {
    const { kind, type, message } = failed;
    const opening = `      <${kind} type="${xml(type)}" message="${xml(message)}">`;
    return [`${head}>`, `${opening}${inside(failed.lines)}</${kind}>`, '    </testcase>'];
  }
  if (lines.length === 0) return [`${head}/>`];
  return [`${head}>`, `      <system-out>${inside(lines)}</system-out>`, '    </testcase>'];
}
