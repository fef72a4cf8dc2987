// How a command gets its signing key: a file, and a passphrase if the file wants one; or a key in a token, named by its
// pkcs11: URI, and the PIN of the token.

import type { z } from 'zod';
import { hex } from '../formats/bytes.js';
import { type PublicKey, type SigningKey, splitKeyName } from '../formats/keys.js';
import { type KeySecrets, openNamedKey, openNamedPublicKey } from '../named-key.js';
import { isKeyUri } from '../pkcs11/uri.js';
import { grouped, type OptionSpec } from './command.js';
import { findPassphrase, findPin, lastTryOption, passphraseFileOption, pinFileOption } from './secrets.js';
import type { Terminal } from './terminal.js';
import { textSchema } from './values.js';

const MODULE_SETTING = 'pkcs11-module';

/** What opens a key, beside its name. */
export const signingOptions = grouped('Access to the key', {
  passphraseFile: passphraseFileOption,
  pinFile: pinFileOption,
  lastTry: lastTryOption,
  pkcs11Module: {
    value: 'library',
    text: 'PKCS#11 module, if the URI names none; default: all modules that p11-kit knows',
    schema: textSchema.optional(),
    config: MODULE_SETTING,
  } satisfies OptionSpec,
});

export type SigningOptions = { [K in keyof typeof signingOptions]: z.output<(typeof signingOptions)[K]['schema']> };

/** The private key: of a file, or in a token. */
export const openSigningKey = (name: string, options: SigningOptions, terminal: Terminal): Promise<SigningKey> =>
  openNamedKey(name, secretsOf(options, terminal));

/** The public half of a key: of a public or private file, or in a token. */
export const openPublicKey = (name: string, options: SigningOptions, terminal: Terminal): Promise<PublicKey> =>
  openNamedPublicKey(name, secretsOf(options, terminal));

/** Where passphrase and PIN come from: a file, the environment, or a question. */
export const secretsOf = (
  { passphraseFile, pinFile, lastTry, pkcs11Module }: SigningOptions,
  terminal: Terminal,
): KeySecrets => ({
  passphrase: (path) => findPassphrase(`Passphrase of ${path}`, passphraseFile, terminal),
  pin: (token, source) => findPin(`PIN of the token ${token}`, pinFile ?? source, terminal),
  lastTry,
  module: pkcs11Module,
});

/** Where what belongs to a key is kept: beside its file, or for a token in the working folder, under its key id. */
export const besideKey = (name: string, key: PublicKey): string =>
  isKeyUri(name) ? hex(key.kid) : splitKeyName(name).path.replace(/(\.pub)?\.(pem|der|key|cose|jwk)$/, '');
