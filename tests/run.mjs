// `npm test`: everything that has to hold. `npm test -- NAME ...`: the suites whose name or path contains one of these.
//
// What does not wait for one another runs side by side, two things at a time; what a task says is printed when it ends, and that
// of vitest, the longest, as it comes.
// Installs the Debian packages of tests/debian-packages.txt when it may (root, apt-get), otherwise says loudly which
// suites will be skipped. Under CI=true nothing is skipped: a missing package is then a failure.
// The last line is `N passed, N failed`; the exit code is 0 only if nothing failed.
import { spawn, spawnSync } from 'node:child_process';
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

const heading = (text) => console.log(`\n== ${text}`);
const seconds = (since) => `${Math.round((Date.now() - since) / 1000)} s`;

function installDebianPackages() {
  const wanted = readFileSync(new URL('debian-packages.txt', import.meta.url), 'utf8')
    .split('\n')
    .filter((line) => line && !line.startsWith('#'));
  const run = (command, args, options = {}) => spawnSync(command, args, { encoding: 'utf8', ...options });
  if (run('dpkg', ['--version']).status !== 0) {
    console.log(`not a Debian machine: suites that need ${wanted.join(', ')} run only if those are on the PATH`);
    return;
  }
  const missing = wanted.filter((name) => !run('dpkg', ['-s', name]).stdout.includes('Status: install ok installed'));
  if (missing.length === 0) return;
  if (process.getuid() !== 0) {
    console.log(
      `NOT INSTALLED: ${missing.join(' ')}\nsome suites are skipped; to run them: sudo apt-get install ${missing.join(' ')}`,
    );
    return;
  }
  heading(`installing ${missing.join(' ')}`);
  const env = { ...process.env, DEBIAN_FRONTEND: 'noninteractive' };
  const words = ['install', '-y', '-qq', '--no-install-recommends', ...missing];
  const install = () => run('apt-get', words, { env, stdio: ['ignore', 'ignore', 'inherit'] });
  if (install().status !== 0) {
    run('apt-get', ['update', '-qq'], { env, stdio: 'inherit' });
    install();
  }
}

/** Runs a program to its end. What it says on stdout is returned, or shown at once. */
function execute([command, ...args], { shown = false } = {}) {
  return new Promise((resolve) => {
    const child = spawn(command, args, { stdio: ['ignore', shown ? 'inherit' : 'pipe', shown ? 'inherit' : 'pipe'] });
    const said = [];
    child.stdout?.on('data', (part) => said.push(part));
    child.stderr?.on('data', (part) => said.push(part));
    child.on('error', (error) => said.push(Buffer.from(`${error.message}\n`)));
    child.on('close', (status) => resolve({ ok: status === 0, text: Buffer.concat(said).toString() }));
  });
}

const script = (name) => ['npm', 'run', '--silent', name];
/** A program of a package, started by itself: npx takes longer than some of them. */
const program = (name) => fileURLToPath(new URL(`../node_modules/.bin/${name}`, import.meta.url));

/** A task that passes or fails as one. */
async function whole(words) {
  const { ok, text } = await execute(words);
  return { text, passed: ok ? 1 : 0, failed: ok ? 0 : 1 };
}

async function assemblySuites() {
  const { ok, text } = await execute(script('test:assembly'));
  // biome-ignore lint/suspicious/noControlCharactersInRegex: the runner colours its summary
  const plain = text.replace(/\u001b\[[0-9;]*m/g, '');
  const tests = [...plain.matchAll(/\[Tests\]: (\d+) \/ (\d+)/g)].at(-1);
  if (!tests) return { text, passed: 0, failed: 1 };
  const failed = Number(tests[2]) - Number(tests[1]);
  return { text, passed: Number(tests[1]), failed: failed === 0 && !ok ? 1 : failed };
}

async function hostSuites(names = []) {
  const report = 'build/vitest.json';
  mkdirSync('build', { recursive: true });
  writeFileSync(report, '{}');
  const reporters = ['--reporter=default', '--reporter=json', `--outputFile.json=${report}`];
  const words = [program('vitest'), 'run', '--config', 'tests/vitest.config.ts', ...reporters, ...names];
  const { ok } = await execute(words, { shown: true });
  const { numPassedTests = 0, numFailedTests = 0, numPendingTests = 0 } = JSON.parse(readFileSync(report, 'utf8'));
  const skipped = numPendingTests > 0 ? `${numPendingTests} tests SKIPPED: see above what they need\n` : '';
  const skippedInCi = process.env.CI === 'true' ? numPendingTests : 0;
  const failed = numFailedTests + skippedInCi;
  return { text: skipped, passed: numPassedTests, failed: failed === 0 && !ok ? 1 : failed };
}

/** Where it cannot be fetched, the suite that needs it says so: under CI=true by failing. */
async function lwip() {
  const { ok, text } = await execute(script('lwip'));
  return { text: ok ? '' : text, passed: 1, failed: 0 };
}

/** Name, what it does, and what has to be done before: in the order in which they are begun. */
const BUILDS = [
  { name: 'build:host', run: () => whole(script('build:host')), after: [] },
  { name: 'build:core', run: () => whole(script('build:core')), after: [] },
  { name: 'build:agent', run: () => whole(script('build:agent')), after: [] },
  { name: 'lwip', run: lwip, after: ['build:host'] },
  { name: 'build:browser', run: () => whole(script('build:browser')), after: ['build:host'] },
  { name: 'build:c', run: () => whole(script('build:c')), after: ['build:host'] },
];
const BUILT = BUILDS.map(({ name }) => name);
const CHECKS = [
  { name: 'vitest', run: () => hostSuites(), after: BUILT },
  { name: 'lint', run: () => whole([program('biome'), 'check', '.']), after: [] },
  { name: 'dead-code', run: () => whole([program('knip'), '--no-progress']), after: [] },
  { name: 'types', run: () => whole([program('tsc'), '-p', 'tests/tsconfig.json']), after: [] },
  { name: 'assembly', run: assemblySuites, after: [] },
];
const AT_ONCE = 2;

/** Runs all tasks, each as soon as what it waits for has passed; one whose forerunner failed fails as well. */
async function runAll(tasks) {
  const totals = { passed: 0, failed: 0 };
  const waiting = [...tasks];
  const done = new Map();
  const running = new Set();
  const begin = (task) => {
    const since = Date.now();
    const ended = task.run().then(({ text, passed, failed }) => {
      heading(`${task.name}: ${passed} passed, ${failed} failed, ${seconds(since)}`);
      if (text) process.stdout.write(`${text.trimEnd()}\n`);
      done.set(task.name, failed === 0);
      totals.passed += passed;
      totals.failed += failed;
      running.delete(ended);
    });
    running.add(ended);
  };
  while (waiting.length > 0 || running.size > 0) {
    for (const task of [...waiting]) {
      const before = task.after.map((name) => done.get(name));
      if (before.includes(false)) {
        waiting.splice(waiting.indexOf(task), 1);
        heading(`${task.name}: not run, for ${task.after.filter((name) => done.get(name) === false)} failed`);
        done.set(task.name, false);
        totals.failed++;
      } else if (running.size < AT_ONCE && before.every(Boolean)) {
        waiting.splice(waiting.indexOf(task), 1);
        begin(task);
      }
    }
    await Promise.race(running);
  }
  return totals;
}

/** Everything, or what was named: a task by its name, anything else goes to vitest, which finds files by their path. */
function chosen(names) {
  if (names.length === 0) return [...BUILDS, ...CHECKS];
  const own = CHECKS.filter(({ name }) => names.includes(name));
  const files = names.filter((name) => !own.some((task) => task.name === name));
  const vitest = { ...CHECKS[0], run: () => hostSuites(files) };
  const rest = own.filter(({ name }) => name !== 'vitest');
  return files.length > 0 || own.length > rest.length ? [...BUILDS, vitest, ...rest] : rest;
}

installDebianPackages();
const { passed, failed } = await runAll(chosen(process.argv.slice(2)).map((task) => ({ ...task })));
console.log(`\n${passed} passed, ${failed} failed`);
process.exit(failed === 0 ? 0 : 1);
