// Suites that use a program of Debian's: they run when it is there, are skipped loudly when it is not, and fail under CI.

import { spawnSync } from 'node:child_process';

export const installed = (program: string): boolean => spawnSync('sh', ['-c', `command -v ${program}`]).status === 0;

/** True if every program is on the PATH. Under CI=true a missing one throws, so that nothing is skipped there. */
export function have(...programs: string[]): boolean {
  const missing = programs.filter((name) => !installed(name));
  if (missing.length === 0) return true;
  const what = `not installed: ${missing.join(', ')} (tests/debian-packages.txt lists the packages)`;
  if (process.env.CI === 'true') throw new Error(what);
  console.warn(`SKIPPED, ${what}`);
  return false;
}
