// lint: warns of approvals that are probably not what their operator meant. It decides nothing: `check` gives verdicts.

import { lintCases } from '../../describe/junit.js';
import { lintLines } from '../../describe/lint.js';
import { CountersignError } from '../../errors.js';
import { readBytes } from '../../files.js';
import { LINT_RULES, type LintDocument, type LintPackage } from '../../formats/approval-lint.js';
import { openEnvelope } from '../../formats/envelope.js';
import { momentSchema } from '../../formats/typed.js';
import { readBootstrapFile } from '../../local/bootstrap-file.js';
import { withFile } from '../../open-file.js';
import { lint as lintAll } from '../../operator/lint.js';
import { reasons } from '../../reasons.js';
import { loadCore } from '../../wasm.js';
import { command } from '../command.js';
import { junitOption, reported } from '../junit.js';
import { bootstrapOption, fileArguments, flag, nowOption, option, textSchema } from '../options.js';

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
      const { bootstrap: path, soon, strict, now = Math.floor(Date.now() / 1000) } = options;
      const packages = await Promise.all(options.package.map(headOf));
      const report = lintAll(await loadCore(), {
        documents: await Promise.all(approvals.map(read)),
        packages,
        bootstrap: path === undefined ? undefined : { name: path, bytes: await readBootstrapFile(path) },
        now,
        soon,
      });
      if (report.documents === 0) {
        throw new CountersignError('BadArgument', 'lint: no approval document is given, and none is in the packages');
      }
      tell(lintCases(report.warnings, strict));
      const exit = strict && report.warnings.length > 0 ? reasons.LintWarnings.exit : 0;
      return { data: report, lines: lintLines(report), exit };
    }),
});

const read = async (name: string): Promise<LintDocument> => ({ name, bytes: await readBytes(name) });

/** All of a package but its firmware. */
const headOf = (name: string): Promise<LintPackage> =>
  withFile(name, async (file) => ({ name, envelope: await openEnvelope(file, name) }));
