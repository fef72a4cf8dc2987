// How a command gets its signing key: a file, and a passphrase if the file wants one; or a key in a token, named by its
// pkcs11: URI, and the PIN of the token.

import type { z } from 'zod';
import { readBytes } from '../files.js';
import { hex } from '../formats/bytes.js';
import {
  isEncrypted,
  type KeyKind,
  type PublicKey,
  readPublicKey,
  readSigningKey,
  type SigningKey,
  splitKeyName,
} from '../formats/keys.js';
import { isKeyUri, parseKeyUri } from '../pkcs11/uri.js';
import type { OptionSpec } from './command.js';
import { findPassphrase, findPin, lastTryOption, passphraseFileOption, pinFileOption } from './secrets.js';
import type { Terminal } from './terminal.js';
import { textSchema } from './values.js';

const KEY_FILE_BYTES_MAX = 16384;
const MODULE_SETTING = 'pkcs11-module';

/** What opens a key, beside its name. */
export const signingOptions = {
  passphraseFile: passphraseFileOption,
  pinFile: pinFileOption,
  lastTry: lastTryOption,
  pkcs11Module: {
    value: 'library',
    text: 'PKCS#11 module of the token, if its URI names none; default: all that p11-kit knows',
    schema: textSchema.optional(),
    config: MODULE_SETTING,
  } satisfies OptionSpec,
};

export type SigningOptions = { [K in keyof typeof signingOptions]: z.output<(typeof signingOptions)[K]['schema']> };

/** The private key: of a file, or in a token. */
export async function openSigningKey(name: string, options: SigningOptions, terminal: Terminal): Promise<SigningKey> {
  if (isKeyUri(name)) {
    const { openTokenKey } = await import('../pkcs11/token.js');
    return openTokenKey(...tokenOf(name, options, terminal));
  }
  const { path, raw } = splitKeyName(name);
  const bytes = await readBytes(path, KEY_FILE_BYTES_MAX);
  return readSigningKey(bytes, path, () => passphraseOf(path, options, terminal), raw);
}

/** The public half of a key: of a public or private file, or in a token. */
export async function openPublicKey(name: string, options: SigningOptions, terminal: Terminal): Promise<PublicKey> {
  if (isKeyUri(name)) return openTokenPublicKey(name, options, terminal);
  const { path, raw } = splitKeyName(name);
  const bytes = await readBytes(path, KEY_FILE_BYTES_MAX);
  return isEncrypted(bytes) ? (await openSigningKey(name, options, terminal)).public : readPublicKey(bytes, path, raw);
}

/** A public key that is always a file. */
export async function readPublicKeyFile(name: string): Promise<PublicKey> {
  const { path, raw } = splitKeyName(name);
  return readPublicKey(await readBytes(path, KEY_FILE_BYTES_MAX), path, raw);
}

/** The public half of a key in a token. */
export async function openTokenPublicKey(
  name: string,
  options: SigningOptions,
  terminal: Terminal,
): Promise<PublicKey> {
  const { readTokenKey } = await import('../pkcs11/token.js');
  return readTokenKey(...tokenOf(name, options, terminal));
}

/** Makes a key in a token; none if it is a dry run, which looks whether it could. */
export async function makeTokenKey(
  name: string,
  kind: KeyKind,
  options: SigningOptions,
  terminal: Terminal,
  dryRun: boolean,
): Promise<PublicKey | undefined> {
  const { makeTokenKey: make } = await import('../pkcs11/token.js');
  const [uri, module, pin] = tokenOf(name, options, terminal);
  return make(uri, kind, module, pin, { dryRun });
}

const passphraseOf = (name: string, options: SigningOptions, terminal: Terminal) =>
  findPassphrase(`Passphrase of ${name}`, options.passphraseFile, terminal);

function tokenOf(name: string, { pinFile, lastTry, pkcs11Module }: SigningOptions, terminal: Terminal) {
  const uri = parseKeyUri(name);
  const ask = (token: { token: string }) =>
    findPin(`PIN of the token ${token.token}`, pinFile ?? uri.pinSource, terminal);
  return [uri, pkcs11Module, { ask, lastTry }] as const;
}

/** Where what belongs to a key is kept: beside its file, or for a token in the working folder, under its key id. */
export const besideKey = (name: string, key: PublicKey): string =>
  isKeyUri(name) ? hex(key.kid) : splitKeyName(name).path.replace(/(\.pub)?\.(pem|der|key|cose|jwk)$/, '');
