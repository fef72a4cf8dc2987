// How vitest runs: test files side by side, those that take longest first, so that the last ones to end are short.
//
// A file that only calls functions shares its process with others of its kind, which have loaded the same modules already. One that
// starts programs, changes the environment or waits for a line has a process of its own.

import { defineConfig } from 'vitest/config';
import { BaseSequencer, type TestSpecification } from 'vitest/node';

/** Files that take longest, the longest first (`npm test` prints what each one takes). All others come behind, in any order. */
const LONGEST = [
  'skips/skips',
  'powercut/powercut',
  'fleet/documents',
  'fleet/hostile',
  'explore/explore',
  'mutate/mutate',
  'crypto/budget',
  'port/conformance',
  'fleet/brokers',
  'fleet/chaos',
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

/** Folders whose files only call functions. */
const SHARING = ['agent', 'core', 'crypto', 'formats', 'library', 'model', 'smp', 'traps'];

const shared = `tests/{${SHARING.join(',')}}/**/*.test.ts`;

class LongestFirst extends BaseSequencer {
  override async sort(files: TestSpecification[]): Promise<TestSpecification[]> {
    const place = ({ moduleId, project }: TestSpecification) => {
      const at = LONGEST.findIndex((name) => moduleId.endsWith(`tests/${name}.test.ts`));
      return at < 0 ? LONGEST.length + Number(project.name === 'sharing') : at;
    };
    return [...files].sort((a, b) => place(a) - place(b));
  }
}

export default defineConfig({
  test: {
    projects: [
      { extends: true, test: { name: 'apart', include: ['tests/**/*.test.ts'], exclude: [shared] } },
      { extends: true, test: { name: 'sharing', include: [shared], isolate: false } },
    ],
    // Real processes (brokers, boards) take part: a generous bound, so that a slow machine is not a failing test.
    testTimeout: 300_000,
    hookTimeout: 300_000,
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
