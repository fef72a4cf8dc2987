// How a command gets its signing key: a file, and a passphrase if the file wants one.

import { readBytes } from '../files.js';
import { readSigningKey, type SigningKey } from '../formats/keys.js';
import { findPassphrase } from './secrets.js';
import type { Terminal } from './terminal.js';

const KEY_FILE_BYTES_MAX = 16384;

export async function openSigningKey(
  path: string,
  passphraseFile: string | undefined,
  terminal: Terminal,
): Promise<SigningKey> {
  const bytes = await readBytes(path, KEY_FILE_BYTES_MAX);
  return readSigningKey(bytes, path, () => findPassphrase(`Passphrase of ${path}`, passphraseFile, terminal));
}
