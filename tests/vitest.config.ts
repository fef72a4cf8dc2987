// How vitest runs: more test files at once than there are processors, since most wait for what they have started. Files that compute
// give way to the others (tests/support/giving-way.ts), so that a file which waits is not kept waiting for a processor as well. Those
// that take longest begin first, waiting and computing ones in turn: the last ones to end are short, and no processor is idle.
//
// To load the modules of a file takes as long as many a test. So files share processes, which have loaded most modules already, unless
// they compute or stand under APART. A file that leaves its process changed fails (tests/support/unchanged.ts).

import { fileURLToPath } from 'node:url';
import { defineConfig } from 'vitest/config';
import { BaseSequencer, type TestSpecification } from 'vitest/node';

/** Files that wait longest, the longest first (`npm test` prints what each one takes). */
const WAITING = [
  'fleet/gateway',
  'fleet/hostile',
  'fleet/deliver',
  'fleet/documents',
  'fleet/gateway-hostile',
  'cli/device',
  'cli/publish',
  'foreign/personas',
  'card/pcsc',
  'fleet/orders',
  'cli/memory',
  'fleet/chaos',
  'port/resets',
  'smp/lossy',
  'port/command',
  'port/story',
  'fleet/many',
  'story/story',
  'fleet/hostile-orders',
  'fleet/publish',
  'fleet/page',
  'port/tutorial',
  'port/hal',
  'port/resident',
  'port/emcraft-sf2',
  'cli/console',
];

/** Files that keep a processor busy, the longest first. */
const COMPUTING = [
  'explore/explore',
  'powercut/powercut',
  'powercut/geometries',
  'skips/skips',
  'fuzz/fuzz',
  'crypto/budget',
  'mutate/mutate',
  'port/mcuboot',
  'port/conformance',
  'agent/wear',
  'port/sizes',
  'formats/lz',
  'agent/refusing-flash',
  'core/sources',
  'core/damage',
  'crypto/group',
  'crypto/wycheproof',
  'agent/worn',
  'agent/resident',
  'crypto/scalar',
];

/** Files that have a process of their own: what it takes of memory is measured, or another library is loaded into it. */
const APART = ['card/*', 'browser/*', 'fleet/hostile', 'fleet/swarm', 'links/bound'];

/** One worker more makes a run no shorter, and each test longer. */
const WORKERS = 5;

const paths = (names: string[]) => names.map((name) => `tests/${name}.test.ts`);

/** First of each list, second of each list, and so on; then what stands in none. */
const FIRST = Array.from({ length: Math.max(WAITING.length, COMPUTING.length) }, (_, i) => [
  WAITING[i],
  COMPUTING[i],
]).flat();

class LongestFirst extends BaseSequencer {
  override async sort(files: TestSpecification[]): Promise<TestSpecification[]> {
    const place = ({ moduleId }: TestSpecification) => {
      const at = FIRST.findIndex((name) => moduleId.endsWith(`tests/${name}.test.ts`));
      return at < 0 ? FIRST.length : at;
    };
    return [...files].sort((a, b) => place(a) - place(b));
  }
}

const include = ['tests/**/*.test.ts'];
const computing = paths(COMPUTING);
const apart = paths(APART);

/** Suites of the pull that run once more on the agent of boards with the ability `delta`, which is another module. */
const ON_DELTA = [
  'pull',
  'pull-line',
  'pull-lost',
  'pull-lz',
  'pull-again',
  'pull-attacks',
  'pull-strangers',
  'pull-named',
];

export default defineConfig({
  test: {
    projects: [
      { extends: true, test: { name: 'computing', include: computing, setupFiles: ['tests/support/giving-way.ts'] } },
      { extends: true, test: { name: 'apart', include: apart, exclude: computing } },
      {
        extends: true,
        test: {
          ...{ name: 'delta', include: paths(ON_DELTA.map((name) => `agent/${name}`)) },
          env: { COUNTERSIGN_AGENT: fileURLToPath(new URL('../build/agent-delta.wasm', import.meta.url)) },
        },
      },
      {
        extends: true,
        test: {
          ...{ name: 'sharing', include, exclude: [...computing, ...apart], isolate: false },
          setupFiles: ['tests/support/unchanged.ts'],
        },
      },
    ],
    // Real processes (brokers, boards) take part: a generous bound, so that a slow machine is not a failing test.
    testTimeout: 300_000,
    hookTimeout: 300_000,
    maxWorkers: WORKERS,
    sequence: { sequencer: LongestFirst },
    coverage: {
      provider: 'v8',
      include: ['host/**', 'boards/virtual/**'],
      reporter: ['text-summary', 'json-summary'],
      reportsDirectory: 'coverage/host',
    },
  },
});
