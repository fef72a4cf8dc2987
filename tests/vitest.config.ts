// How vitest runs: test files side by side, those that take longest first, so that the last ones to end are short.

import { defineConfig } from 'vitest/config';
import { BaseSequencer, type TestSpecification } from 'vitest/node';

/** Files that take longest, the longest first (`npm test` prints what each one takes). All others come behind, in any order. */
const LONGEST = [
  'skips/skips',
  'powercut/powercut',
  'explore/explore',
  'mutate/mutate',
  'crypto/budget',
  'port/conformance',
  'cli/device',
  'cli/publish',
  'agent/wear',
  'port/sizes',
  'cli/memory',
  'card/board',
  'card/pcsc',
  'port/resets',
  'port/agent',
  'foreign/personas',
  'cli/ending',
  'port/command',
  'port/lost-frames',
  'smp/lossy',
  'port/tutorial',
  'cli/approving',
  'port/export-c',
  'port/board',
  'port/story',
];

class LongestFirst extends BaseSequencer {
  override async sort(files: TestSpecification[]): Promise<TestSpecification[]> {
    const place = ({ moduleId }: TestSpecification) => {
      const at = LONGEST.findIndex((name) => moduleId.endsWith(`tests/${name}.test.ts`));
      return at < 0 ? LONGEST.length : at;
    };
    return [...files].sort((a, b) => place(a) - place(b));
  }
}

export default defineConfig({
  test: {
    include: ['tests/**/*.test.ts'],
    // Real processes (brokers, boards) take part: a generous bound, so that a slow machine is not a failing test.
    testTimeout: 120_000,
    hookTimeout: 120_000,
    // Many files mostly wait for what they have started: one worker more than the two processors this is made for.
    maxWorkers: 3,
    sequence: { sequencer: LongestFirst },
    coverage: {
      provider: 'v8',
      include: ['host/**', 'boards/virtual/**'],
      reporter: ['text-summary', 'json-summary'],
      reportsDirectory: 'coverage/host',
    },
  },
});
