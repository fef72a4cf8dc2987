// What is doubtful about approval documents, seen together with the packages that they are meant for. It decides nothing:
// a Core gives verdicts. The rules are those of ../formats/approval-lint.ts.

import type { Core } from '../core.js';
import { type LintDocument, type LintPackage, lintApprovals, type Warning } from '../formats/approval-lint.js';
import { viewBootstrap } from '../formats/bootstrap.js';
import { approvalsIn } from '../formats/envelope.js';

const SOON_SECONDS = 30 * 86_400;

export interface LintOptions {
  /** Approval documents; those inside the packages are looked at as well, as NAME#1 and so on. */
  documents: LintDocument[];
  packages?: LintPackage[] | undefined;
  /** Of a device: its class and whom it trusts. With it, signatures are checked. */
  bootstrap?: { name: string; bytes: Uint8Array } | undefined;
  /** Unix seconds. */
  now: number;
  /** Unix seconds: what expires before is told; default: 30 days after `now`. */
  soon?: number | undefined;
}

export interface LintReport {
  /** How many were looked at. */
  documents: number;
  packages: number;
  warnings: Warning[];
}

/** Looks at them all. A document that is none is a warning; a package or bootstrap document that is none is an error. */
export function lint(core: Pick<Core, 'sign1Verify'>, options: LintOptions): LintReport {
  const { packages = [], bootstrap, now, soon = now + SOON_SECONDS } = options;
  const inside = packages.flatMap(({ name, envelope }) =>
    approvalsIn(envelope, name).map((bytes, at) => ({ name: `${name}#${at + 1}`, bytes })),
  );
  const documents = [...options.documents, ...inside];
  const warnings = lintApprovals({
    ...{ documents, packages, now, soon },
    bootstrap: bootstrap && viewBootstrap(bootstrap.bytes, bootstrap.name),
    verify: (key, document) => core.sign1Verify(key, document),
  });
  return { documents: documents.length, packages: packages.length, warnings };
}
