// Bundles host/browser.ts, as tsc has built it, into one ES module that a page loads as it is: dist/browser/countersign.js.
//
// esbuild knows nothing of Node here, so an import of a Node module is an error. Beside the bundle stand the licenses of all that
// went into it.

import { readFileSync, writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { build } from 'esbuild';

const root = new URL('../', import.meta.url);
const at = (path) => fileURLToPath(new URL(path, root));

const { metafile } = await build({
  absWorkingDir: fileURLToPath(root),
  entryPoints: [at('dist/host/browser.js')],
  outfile: at('dist/browser/countersign.js'),
  bundle: true,
  format: 'esm',
  platform: 'browser',
  target: 'es2022',
  minify: true,
  legalComments: 'none', // they stand in LICENSES.txt, whole
  metafile: true,
});

const packages = new Set(
  Object.keys(metafile.inputs).flatMap((path) => /(?:^|\/)node_modules\/((?:@[^/]+\/)?[^/]+)/.exec(path)?.[1] ?? []),
);
const notices = [...packages].sort().map((name) => {
  const file = ['LICENSE', 'LICENSE.md', 'license'].map((each) => at(`node_modules/${name}/${each}`)).find(readable);
  return `${name}\n\n${file ? readFileSync(file, 'utf8').trim() : JSON.parse(manifest(name)).license}\n`;
});
writeFileSync(at('dist/browser/LICENSES.txt'), notices.join(`\n${'-'.repeat(80)}\n\n`));

function manifest(name) {
  return readFileSync(at(`node_modules/${name}/package.json`), 'utf8');
}

function readable(file) {
  try {
    readFileSync(file);
    return true;
  } catch {
    return false;
  }
}
