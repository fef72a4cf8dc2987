// lint: warns of approvals that are probably not what their operator meant. It decides nothing: `check` gives verdicts.

import { lintCases, lintLines } from '../../describe/lint.js';
import { LINT_RULES } from '../../formats/approval-lint.js';
import { momentSchema } from '../../formats/typed.js';
import { reported } from '../../local/junit-file.js';
import { lintFiles } from '../../local/lint.js';
import { reasons } from '../../reasons.js';
import { command } from '../command.js';
import { bootstrapOption, fileArguments, flag, junitOption, nowOption, option, textSchema } from '../options.js';

export const lint = command({
  name: 'lint',
  aliases: ['review'],
  summary: 'warn about approvals that match nothing, are superseded, expire soon, or are too wide',
  details: [
    'Looks at all given documents together, including those inside the packages. --bootstrap also checks signatures.',
    `Rules: ${LINT_RULES.join(', ')}.`,
  ].join('\n'),
  arguments: {
    approvals: fileArguments('approval documents', textSchema.array().optional(), { many: true, unless: ['package'] }),
  },
  options: {
    package: option('file', 'a package that the approvals should match', textSchema.array().default([]), {
      ...{ repeat: true, file: 'read' },
    }),
    bootstrap: bootstrapOption('bootstrap document of a device, for its class and trusted keys', { short: 'b' }),
    soon: option('moment', 'warn if an approval expires before this; default: 30d', momentSchema.optional()),
    now: nowOption,
    junit: {
      ...junitOption,
      text: 'also write a case for each rule to this file, as JUnit XML; warnings fail with --strict',
    },
    strict: flag('exit 1 if there are warnings'),
  },
  examples: [
    'countersign lint *.cose --package release.suit --bootstrap device.yaml',
    'countersign lint fleet.cose --soon 90d --strict --json',
  ],
  run: ({ arguments: { approvals = [] }, options }) =>
    reported(options.junit, 'countersign lint', { className: 'lint', name: 'lint' }, async (tell) => {
      const report = await lintFiles({ approvals, ...options });
      tell(lintCases(report.warnings, options.strict));
      const exit = options.strict && report.warnings.length > 0 ? reasons.LintWarnings.exit : 0;
      return { data: report, lines: lintLines(report), exit };
    }),
});
