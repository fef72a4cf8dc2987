// The licenses of the packages that a bundle contains, as one text that stands beside it: LICENSES.txt.

import { readFileSync, writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

const at = (path) => fileURLToPath(new URL(`../${path}`, import.meta.url));

/** `files`: all that went into it. `folder`: where it is, from the root of this package. */
export function writeLicenses(files, folder) {
  const packages = new Set(files.flatMap((path) => /(?:^|\/)node_modules\/((?:@[^/]+\/)?[^/]+)/.exec(path)?.[1] ?? []));
  const notices = [...packages].sort().map((name) => {
    const file = ['LICENSE', 'LICENSE.md', 'license', 'LICENSE.txt'].map((each) => at(`node_modules/${name}/${each}`));
    const text = file.map(readable).find((each) => each !== undefined);
    return `${name}\n\n${text?.trim() ?? JSON.parse(readable(at(`node_modules/${name}/package.json`))).license}\n`;
  });
  writeFileSync(at(`${folder}/LICENSES.txt`), notices.join(`\n${'-'.repeat(80)}\n\n`));
}

function readable(file) {
  try {
    return readFileSync(file, 'utf8');
  } catch {
    return undefined;
  }
}
