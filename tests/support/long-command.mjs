// Runs one of the long commands: main.ts of a folder of tests/, with the options of the command line (--help lists them).
//
// Node and its threads read no TypeScript, so main.ts is bundled first, and with it what a command starts as a thread or a process of
// its own. The bundle stands in build/commands/, under the hash of what is in it: a run that goes on beside a change keeps its own.
// Types are none of its business: `npm test` checks them.

import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { build, stop } from 'esbuild';

const root = fileURLToPath(new URL('../..', import.meta.url));
const ENTRIES = ['main', 'worker', 'runner'];

/** Bundles tests/NAME/main.ts, and runs its main(). */
export async function runLongCommand(name) {
  const entryPoints = ENTRIES.map((entry) => join(root, 'tests', name, `${entry}.ts`)).filter((file) =>
    existsSync(file),
  );
  const { outputFiles } = await build({
    ...{ entryPoints, bundle: true, splitting: true, packages: 'external', write: false },
    ...{ platform: 'node', format: 'esm', target: 'node20', outdir: join(root, 'build/commands'), logLevel: 'error' },
  });
  await stop(); // its process is done
  const hash = createHash('sha256');
  for (const { path, contents } of outputFiles) hash.update(`${path}:${contents.length}:`).update(contents);
  const folder = join(root, 'build/commands', `${name}-${hash.digest('hex').slice(0, 16)}`);
  mkdirSync(folder, { recursive: true });
  for (const { path, contents } of outputFiles) {
    const file = join(folder, path.slice(dirname(path).length));
    if (!existsSync(file)) writeFileSync(file, contents);
  }
  const { main } = await import(join(folder, 'main.js'));
  // Caught here: the compiler's library would print its whole source in front of an error that nobody catches.
  process.exitCode = await main(root, process.argv.slice(2)).catch((error) => {
    console.error(error.stack ?? error);
    return 1;
  });
}
