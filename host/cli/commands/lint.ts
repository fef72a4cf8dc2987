// lint: warns of approvals that are probably not what their operator meant. It decides nothing: `check` gives verdicts.

import type { JunitCase } from '../../describe/junit.js';
import { readBytes } from '../../files.js';
import { LINT_RULES, type LintDocument, type LintRule, type Warning } from '../../formats/approval-lint.js';
import { openEnvelope } from '../../formats/envelope.js';
import { readBootstrapFile } from '../../local/bootstrap-file.js';
import { withFile } from '../../open-file.js';
import { lint as lintAll } from '../../operator/lint.js';
import { reasons } from '../../reasons.js';
import { loadCore } from '../../wasm.js';
import { command } from '../command.js';
import { junitOption, reported, typeOf } from '../junit.js';
import { momentSchema, pathSchema, switchSchema } from '../values.js';

export const lint = command({
  name: 'lint',
  aliases: ['review'],
  summary: 'warn about approvals that match nothing, are superseded, expire soon, or are too wide',
  details: [
    'Looks at all given documents together, including those inside the packages. --bootstrap also checks signatures.',
    `Rules: ${LINT_RULES.join(', ')}.`,
  ].join('\n'),
  arguments: {
    approvals: { text: 'approval documents', schema: pathSchema.array().default([]), many: true },
  },
  options: {
    package: {
      value: 'file',
      text: 'a package that the approvals should match',
      schema: pathSchema.array().default([]),
      repeat: true,
    },
    bootstrap: {
      short: 'b',
      value: 'file',
      text: 'bootstrap document of a device, for its class and trusted keys',
      schema: pathSchema.optional(),
      config: 'bootstrap',
      path: true,
    },
    soon: {
      value: 'moment',
      text: 'warn if an approval expires before this; default: 30d',
      schema: momentSchema.optional(),
    },
    now: { value: 'moment', text: 'use this time instead of the current time', schema: momentSchema.optional() },
    junit: {
      ...junitOption,
      text: 'also write a case for each rule to this file, as JUnit XML; warnings fail with --strict',
    },
    strict: { text: 'exit 1 if there are warnings', schema: switchSchema },
  },
  examples: [
    'countersign lint *.cose --package release.suit --bootstrap device.yaml',
    'countersign lint fleet.cose --soon 90d --strict --json',
  ],
  run: ({ arguments: { approvals }, options }) =>
    reported(options.junit, 'countersign lint', { className: 'lint', name: 'lint' }, async (tell) => {
      const read = async (name: string): Promise<LintDocument> => ({ name, bytes: await readBytes(name) });
      const packages = await Promise.all(options.package.map(async (name) => ({ name, envelope: await headOf(name) })));
      const { bootstrap: path, soon } = options;
      const report = lintAll(await loadCore(), {
        documents: await Promise.all(approvals.map(read)),
        packages,
        bootstrap: path === undefined ? undefined : { name: path, bytes: await readBootstrapFile(path) },
        now: options.now ?? Math.floor(Date.now() / 1000),
        soon,
      });
      const { documents, warnings } = report;
      tell(LINT_RULES.map((rule) => caseOf(rule, warnings, options.strict)));
      const counted = (number: number, what: string) => `${number} ${what}${number === 1 ? '' : 's'}`;
      const count = warnings.length === 0 ? 'nothing to warn of' : counted(warnings.length, 'warning');
      return {
        data: report,
        lines: [...warnings.map(line), `${counted(documents, 'document')}: ${count}`],
        exit: options.strict && warnings.length > 0 ? reasons.LintWarnings.exit : 0,
      };
    }),
});

function caseOf(rule: LintRule, warnings: readonly Warning[], strict: boolean): JunitCase {
  const lines = warnings.filter((one) => one.rule === rule).map(line);
  if (lines.length === 0 || !strict) return { name: rule, lines };
  const type = typeOf({ ...reasons.LintWarnings, name: 'LintWarnings' });
  const hint = `hint: ${reasons.LintWarnings.hint}`;
  return { name: rule, failed: { kind: 'failure', type, message: lines[0]!, lines: [...lines, hint] } };
}

/** All of a package but its firmware. */
const headOf = (path: string) => withFile(path, (file) => openEnvelope(file, path));

function line({ document, entry, rule, text }: Warning): string {
  const where = entry === undefined ? document : `${document}, entry ${entry + 1}`;
  return `${where}: ${text} [${rule}]`;
}
