// `npm run nightly`: what takes too long for every commit, one after the other, and a line for each. `npm run nightly -- NAME ...`
// runs some of them. Ends 0 only if all of them do. All need the Debian packages of the tests; hours on two cores.
import { spawnSync } from 'node:child_process';

const SEED = Math.floor(Date.now() / 86_400_000); // another one every day, and the same one all day
const npm = (script, ...options) => ['npm', ['run', '--silent', script, '--', ...options]];

/** Name, and command. */
const TASKS = {
  coverage: npm('coverage'), // of assembly/
  'host-coverage': npm('test:host', '--coverage'),
  conformance: npm('test:host', 'tests/port/conformance.test.ts'), // all vectors: see CONFORMANCE below
  chaos: npm('test:host', 'tests/fleet/chaos.test.ts'), // 20 seeds: see CHAOS below
  nats: npm('test:host', 'tests/fleet/brokers.test.ts'), // one of three nodes is killed: see NATS below
  skips: npm('skips'),
  'skips-planted': npm('skips', '--planted'), // and it sees what it looks for
  powercut: npm('powercut', '--full'),
  'powercut-board': npm('powercut', '--board', 'microbit'),
  'powercut-riscv': npm('powercut', '--board', 'riscv-virt'),
  explore: npm('explore', '--all'),
  mutate: npm('mutate', '--seed', `${SEED}`),
  fuzz: npm('fuzz', '--minutes', '30'),
};

const names = process.argv.slice(2);
const unknown = names.filter((name) => !Object.hasOwn(TASKS, name));
if (unknown.length > 0) {
  console.error(`nightly: no ${unknown.join(', ')}; there are ${Object.keys(TASKS).join(', ')}`);
  process.exit(2);
}
if (spawnSync('npm', ['run', '--silent', 'build'], { stdio: 'inherit' }).status !== 0) process.exit(1);
const rows = Object.entries(TASKS)
  .filter(([name]) => names.length === 0 || names.includes(name))
  .map(([name, [command, words]]) => {
    const since = Date.now();
    console.log(`\n== ${name}: ${command} ${words.join(' ')}`);
    const { status } = spawnSync(command, words, {
      stdio: 'inherit',
      env: { ...process.env, CONFORMANCE: 'all', CHAOS: 'all', NATS: 'yes' },
    });
    return { name, ok: status === 0, minutes: Math.ceil((Date.now() - since) / 60_000) };
  });
console.log('');
for (const { name, ok, minutes } of rows) console.log(`${name.padEnd(15)} ${ok ? 'passed' : 'FAILED'}  ${minutes} min`);
process.exit(rows.every(({ ok }) => ok) ? 0 : 1);
