// Writes the version of package.json into the agent's words (assembly/smp/words.ts), and where each word begins after it. `npm
// version` runs it (CONTRIBUTING.md, "Release"); tests/agent/words.test.ts is red while the two differ.

import { readFileSync, realpathSync, writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

const WORDS = fileURLToPath(new URL('smp/words.ts', import.meta.url));
const LETTERS_MAX = 16; // LETTERS of smp/reply.ts
const TEXT = 0x60; // a CBOR text of less than 24 letters

/** The source of the words with another version in it. */
export function withVersion(source, version) {
  if (version.length > LETTERS_MAX) throw new Error(`version ${version}: an agent says at most ${LETTERS_MAX} letters`);
  const bytes = [TEXT + version.length, ...Buffer.from(version, 'latin1')];
  const row = bytes.map((byte) => `0x${byte.toString(16).padStart(2, '0')}, `).join('');
  const written = source.replace(/^ {4}.*\/\/ OWN_VERSION: .*$/m, `    ${row}// OWN_VERSION: ${version}`);
  const starts = new Map();
  let at = 0;
  for (const [, word, name] of written.matchAll(/^ {4}((?:0x[0-9a-f]{2}, )+)\/\/ (\w+): /gm)) {
    starts.set(name, at);
    at += word.split(', ').length - 1;
  }
  return written.replace(
    /^export const (\w+): u32 = \d+;$/gm,
    (_, name) => `export const ${name}: u32 = ${starts.get(name)};`,
  );
}

if (process.argv[1] && realpathSync(process.argv[1]) === fileURLToPath(import.meta.url)) {
  const { version } = JSON.parse(readFileSync(new URL('../package.json', import.meta.url), 'utf8'));
  writeFileSync(WORDS, withVersion(readFileSync(WORDS, 'utf8'), version));
}
