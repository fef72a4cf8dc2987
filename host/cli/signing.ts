// How a command gets its signing key: a file, and a passphrase if the file wants one.
//
// The passphrase comes from --passphrase-file, else COUNTERSIGN_PASSPHRASE, else a question on the terminal; never from
// the command line, where everybody on the machine can read it.

import { CountersignError } from '../errors.js';
import { readBytes, readText } from '../files.js';
import { readSigningKey, type SigningKey } from '../formats/keys.js';
import type { OptionSpec } from './command.js';
import type { Terminal } from './terminal.js';
import { pathSchema } from './values.js';

const KEY_FILE_BYTES_MAX = 16384;
const PASSPHRASE_VARIABLE = 'COUNTERSIGN_PASSPHRASE';

export const passphraseFileOption = {
  value: 'file',
  text: `file with the passphrase of the key, first line; else ${PASSPHRASE_VARIABLE}, else a question`,
  schema: pathSchema.optional(),
  config: 'passphrase-file',
  path: true,
} satisfies OptionSpec;

export async function openSigningKey(
  path: string,
  passphraseFile: string | undefined,
  terminal: Terminal,
): Promise<SigningKey> {
  const bytes = await readBytes(path, KEY_FILE_BYTES_MAX);
  return readSigningKey(bytes, path, () => findPassphrase(`Passphrase of ${path}`, passphraseFile, terminal));
}

export async function findPassphrase(
  question: string,
  passphraseFile: string | undefined,
  terminal: Terminal,
): Promise<string> {
  if (passphraseFile !== undefined) {
    const [line = ''] = (await readText(passphraseFile, KEY_FILE_BYTES_MAX)).split(/\r?\n/);
    if (line === '')
      throw new CountersignError('PassphraseNeeded', `key: the first line of ${passphraseFile} is empty`);
    return line;
  }
  const fromEnvironment = process.env[PASSPHRASE_VARIABLE];
  if (fromEnvironment) return fromEnvironment;
  if (!terminal.interactive) throw new CountersignError('PassphraseNeeded', `key: no passphrase (${question})`);
  return terminal.password(question, '--passphrase-file');
}
