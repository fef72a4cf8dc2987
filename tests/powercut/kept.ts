// Results of the parts of --full that are done, so that a run which was stopped goes on where it was. They count as long
// as the agents and the loop itself are, byte for byte, those that they came from.

import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Job, Result } from './work.js';

export interface Kept {
  find(job: Job): Result | undefined;
  keep(job: Job, result: Result): void;
}

/** `sources`: files and folders that the results depend on. */
export function keptIn(folder: string, sources: readonly string[]): Kept {
  const hash = createHash('sha256');
  for (const source of sources) {
    const files = statSync(source).isDirectory()
      ? readdirSync(source, { recursive: true, encoding: 'utf8' }).sort()
      : [''];
    for (const file of files) if (!file || file.endsWith('.js')) hash.update(readFileSync(join(source, file)));
  }
  const own = join(folder, hash.digest('hex').slice(0, 16));
  mkdirSync(own, { recursive: true });
  const path = ({ scenario, map, plan, part, parts, agent }: Job) =>
    join(own, `${[scenario, map, plan, part, parts, agent ? 'loop' : 'agent'].join('-').replace(/[ ,]+/g, '_')}.json`);
  return {
    find: (job) => (existsSync(path(job)) ? JSON.parse(readFileSync(path(job), 'utf8')) : undefined),
    keep: (job, result) => writeFileSync(path(job), JSON.stringify(result)),
  };
}
