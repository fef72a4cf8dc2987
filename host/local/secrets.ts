// Secrets that were given, the passphrase of a key file and the PIN of a card or token: from a file (its first line), else from
// the environment. Never from a command line, where everybody on the machine can read them.

import { CountersignError } from '../errors.js';
import { readText } from '../files.js';

const SECRET_FILE_BYTES_MAX = 16384;

export const PASSPHRASE = {
  what: 'passphrase',
  option: '--passphrase-file',
  variable: 'COUNTERSIGN_PASSPHRASE',
  needed: 'PassphraseNeeded',
} as const;
export const PIN = { what: 'PIN', option: '--pin-file', variable: 'COUNTERSIGN_PIN', needed: 'PinNeeded' } as const;
export type SecretKind = typeof PASSPHRASE | typeof PIN;

/** Undefined: neither gives it. Throws PassphraseNeeded or PinNeeded if the first line of the file is empty. */
export async function givenSecret(kind: SecretKind, file: string | undefined): Promise<string | undefined> {
  if (file === undefined) return process.env[kind.variable] || undefined;
  const [line = ''] = (await readText(file, SECRET_FILE_BYTES_MAX)).split(/\r?\n/);
  if (line === '') throw new CountersignError(kind.needed, `key: the first line of ${file} is empty`);
  return line;
}
