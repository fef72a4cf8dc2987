// What is doubtful about approvals in files of this machine (operator/lint.ts).

import { CountersignError } from '../errors.js';
import { readBytes } from '../files.js';
import { openEnvelope } from '../formats/envelope.js';
import { withFile } from '../open-file.js';
import { type LintReport, lint } from '../operator/lint.js';
import { loadCore } from '../wasm.js';
import { readBootstrapFile } from './bootstrap-file.js';

/** Paths of approvals, of packages and of a bootstrap document; Unix seconds. */
export interface Linting {
  approvals: readonly string[];
  package: readonly string[];
  bootstrap?: string | undefined;
  now?: number | undefined;
  soon?: number | undefined;
}

/** Throws BadArgument if there is no approval to look at, and what cannot be read. */
export async function lintFiles(files: Linting): Promise<LintReport> {
  const { bootstrap: path, soon, now = Math.floor(Date.now() / 1000) } = files;
  // All of a package but its firmware.
  const head = (name: string) => withFile(name, async (file) => ({ name, envelope: await openEnvelope(file, name) }));
  const packages = await Promise.all(files.package.map(head));
  const report = lint(await loadCore(), {
    documents: await Promise.all(files.approvals.map(async (name) => ({ name, bytes: await readBytes(name) }))),
    packages,
    bootstrap: path === undefined ? undefined : { name: path, bytes: await readBootstrapFile(path) },
    ...{ now, soon },
  });
  if (report.documents > 0) return report;
  throw new CountersignError('BadArgument', 'lint: no approval document is given, and none is in the packages');
}
