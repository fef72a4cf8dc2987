// `npm test`: everything that has to hold, in the order in which a failure is cheapest to find.
//
// Installs the Debian packages of tests/debian-packages.txt when it may (root, apt-get), otherwise says loudly which
// suites will be skipped. Under CI=true nothing is skipped: a missing package is then a failure.
// The last line is `N passed, N failed`; the exit code is 0 only if nothing failed.
import { spawnSync } from 'node:child_process';
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';

const run = (command, args, options = {}) =>
  spawnSync(command, args, { stdio: 'inherit', encoding: 'utf8', env: process.env, ...options });
const heading = (text) => console.log(`\n== ${text}`);

function installDebianPackages() {
  const wanted = readFileSync(new URL('debian-packages.txt', import.meta.url), 'utf8')
    .split('\n')
    .filter((line) => line && !line.startsWith('#'));
  if (spawnSync('dpkg', ['--version']).status !== 0) {
    console.log(`not a Debian machine: suites that need ${wanted.join(', ')} run only if those are on the PATH`);
    return;
  }
  const missing = wanted.filter(
    (name) => !run('dpkg', ['-s', name], { stdio: 'pipe' }).stdout.includes('Status: install ok installed'),
  );
  if (missing.length === 0) return;
  if (process.getuid() !== 0) {
    console.log(
      `NOT INSTALLED: ${missing.join(' ')}\nsome suites are skipped; to run them: sudo apt-get install ${missing.join(' ')}`,
    );
    return;
  }
  heading(`installing ${missing.join(' ')}`);
  const env = { ...process.env, DEBIAN_FRONTEND: 'noninteractive' };
  const install = () =>
    run('apt-get', ['install', '-y', '-qq', '--no-install-recommends', ...missing], {
      env,
      stdio: ['ignore', 'ignore', 'inherit'],
    });
  if (install().status !== 0) {
    run('apt-get', ['update', '-qq'], { env });
    install();
  }
}

const totals = { passed: 0, failed: 0 };
const count = (passed, failed) => {
  totals.passed += passed;
  totals.failed += failed;
};

function check(name, command, args) {
  heading(name);
  const { status } = run(command, args);
  count(status === 0 ? 1 : 0, status === 0 ? 0 : 1);
  return status === 0;
}

function assemblySuites() {
  heading('assembly/: as-pect');
  const result = run('npm', ['run', '--silent', 'test:assembly'], {
    stdio: ['ignore', 'pipe', 'inherit'],
    maxBuffer: 1 << 28,
  });
  process.stdout.write(result.stdout);
  // biome-ignore lint/suspicious/noControlCharactersInRegex: the runner colours its summary
  const plain = result.stdout.replace(/\u001b\[[0-9;]*m/g, '');
  const tests = [...plain.matchAll(/\[Tests\]: (\d+) \/ (\d+)/g)].at(-1);
  if (!tests) return count(0, 1);
  const failed = Number(tests[2]) - Number(tests[1]);
  count(Number(tests[1]), failed === 0 && result.status !== 0 ? 1 : failed);
}

function hostSuites() {
  heading('host/, boards/, end to end: vitest');
  const report = 'coverage/vitest.json';
  mkdirSync('coverage', { recursive: true });
  writeFileSync(report, '{}');
  const { status } = run('npx', [
    'vitest',
    'run',
    '--config',
    'tests/vitest.config.ts',
    '--coverage',
    '--coverage.reportsDirectory=coverage/host',
    '--reporter=default',
    '--reporter=json',
    `--outputFile.json=${report}`,
  ]);
  const { numPassedTests = 0, numFailedTests = 0, numPendingTests = 0 } = JSON.parse(readFileSync(report, 'utf8'));
  if (numPendingTests > 0) console.log(`${numPendingTests} tests SKIPPED: see above what they need`);
  const skippedInCi = process.env.CI === 'true' ? numPendingTests : 0;
  count(numPassedTests, numFailedTests + skippedInCi + (numFailedTests === 0 && status !== 0 ? 1 : 0));
}

installDebianPackages();
if (check('build', 'npm', ['run', '--silent', 'build'])) {
  check('format and lint', 'npx', ['biome', 'check', '.']);
  check('types of the tests', 'npx', ['tsc', '-p', 'tests/tsconfig.json']);
  check('dead code', 'npx', ['knip', '--no-progress']);
  assemblySuites();
  hostSuites();
}
console.log(`\n${totals.passed} passed, ${totals.failed} failed`);
process.exit(totals.failed === 0 ? 0 : 1);
