// npm run coverage: compiles the tool (main.ts, whose options it takes; --help lists them), and runs it.

import { spawnSync } from 'node:child_process';
import { createRequire } from 'node:module';
import { fileURLToPath } from 'node:url';

const root = fileURLToPath(new URL('../..', import.meta.url));
const tsc = createRequire(import.meta.url).resolve('typescript/bin/tsc');
const { status } = spawnSync(process.execPath, [tsc, '-p', `${root}tests/coverage/tsconfig.json`], {
  stdio: 'inherit',
});
if (status !== 0) process.exit(1);
const { main } = await import(`${root}build/coverer/tests/coverage/main.js`);
// Caught here: the compiler's library would print its whole source in front of an error that nobody catches.
process.exitCode = await main(root, process.argv.slice(2)).catch((error) => {
  console.error(error.stack ?? error);
  return 1;
});
