// Runs suites on the modules of the copy in which it was started, in the order in which they are named, up to the first failure. It
// is a process of its own, which lives as long as no mutant hangs in it: vitest starts once and translates each file once.

import type { TestModule } from 'vitest/node';
import { createVitest } from 'vitest/node';

export interface Wish {
  suites: string[]; // tests/…, without .test.ts
}
/**
 * After each test `test`; after each suite its milliseconds, or null if it did not pass; at the end `failed`, which names suite
 * and test, or null.
 */
export type Heard = { test: true } | { suite: string; ms: number | null } | { failed: string | null };

// Of the run that is under way. What vitest answers to a run names the modules of earlier runs as well.
let order: string[] = [];
let failed: string | undefined;
let passed = 0;

const nameOf = (id: string) => /tests\/(.*)\.test\.ts$/.exec(id)![1]!;
const tell = (what: Heard): void => void process.send!(what);

class InOrder {
  sort(files: { moduleId: string }[]) {
    const at = ({ moduleId }: { moduleId: string }) => order.indexOf(nameOf(moduleId));
    return [...files].sort((a, b) => at(a) - at(b));
  }
  shard(files: { moduleId: string }[]) {
    return files;
  }
}

function ended(module: TestModule): void {
  const suite = nameOf(module.moduleId);
  if (module.state() === 'passed') passed++;
  if (module.state() === 'failed') {
    const [test] = module.children.allTests('failed');
    failed ??= `${suite}: ${test?.fullName ?? 'as a whole'}`;
  }
  tell({ suite, ms: module.state() === 'passed' ? module.diagnostic().duration : null });
}

const vitest = await createVitest('test', {
  ...{ config: 'tests/vitest.config.ts', watch: false, bail: 1, isolate: false, testTimeout: 60_000 },
  fileParallelism: false, // one worker: of maxWorkers, the projects of the configuration hear nothing
  sequence: { sequencer: InOrder as never },
  reporters: [{ onTestCaseResult: () => tell({ test: true }), onTestModuleEnd: ended }],
});
// The agent with more abilities is another module, and no mutant.
const specifications = (await vitest.globTestSpecifications()).filter(({ project }) => project.name !== 'delta');
const all = new Map(specifications.map((each) => [nameOf(each.moduleId), each]));

process.on('message', async ({ suites }: Wish) => {
  order = suites;
  failed = undefined;
  passed = 0;
  const { unhandledErrors } = await vitest.runTestSpecifications(suites.map((suite) => all.get(suite)!));
  if (unhandledErrors.length > 0) failed ??= `${suites[0]}: or another one, an error that nobody caught`;
  if (failed === undefined && passed !== suites.length) throw new Error('mutate: not all suites ran');
  tell({ failed: failed ?? null });
});
process.on('disconnect', () => process.exit());
