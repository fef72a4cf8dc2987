// Bundles host/browser.ts, as tsc has built it, into one ES module that a page loads as it is: dist/browser/countersign.js.
//
// esbuild knows nothing of Node here, so an import of a Node module is an error. Beside the bundle stand the licenses of all that
// went into it.

import { fileURLToPath } from 'node:url';
import { build } from 'esbuild';
import { writeLicenses } from './build-licenses.mjs';

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

writeLicenses(Object.keys(metafile.inputs), 'dist/browser');
