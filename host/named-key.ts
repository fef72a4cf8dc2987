// A key by the name that people give it: the path of a file, raw-seed:PATH or raw-public:PATH for 32 bytes of Ed25519, or
// the pkcs11: URI of a key in a token (RFC 7512).
//
// What opens it is asked for through functions, and only if it is needed: whoever calls decides where a passphrase or a PIN
// comes from. A token's library is loaded when the first such key is named.

import { readBytes } from './files.js';
import { type KeyKind, type PublicKey, type SigningKey, splitKeyName } from './formats/keys.js';
import { isEncrypted, readPublicKey, readSigningKey } from './keys/read.js';
import type { PinSource } from './pkcs11/token.js';
import { isKeyUri, type KeyUri, parseKeyUri } from './pkcs11/uri.js';

const KEY_FILE_BYTES_MAX = 16384;

export interface KeySecrets {
  /** The passphrase of an encrypted key file. */
  passphrase(path: string): Promise<string>;
  /** The PIN of a token, by its label. `source`: the file that the key's URI names for it (pin-source). */
  pin(token: string, source: string | undefined): Promise<string>;
  /** Present the PIN even if a wrong one would block the token. */
  lastTry?: boolean | undefined;
  /** Path of the PKCS#11 module, if the URI names none; default: all that p11-kit knows. */
  module?: string | undefined;
}

/** The private key. Throws PassphraseWrong, PinWrong and their like, KeyUnreadable, KeyWrong (it is a public one). */
export async function openNamedKey(name: string, secrets: KeySecrets): Promise<SigningKey> {
  if (isKeyUri(name)) {
    const { openTokenKey } = await import('./pkcs11/token.js');
    return openTokenKey(...tokenOf(name, secrets));
  }
  const { path, raw } = splitKeyName(name);
  return readSigningKey(await readBytes(path, KEY_FILE_BYTES_MAX), path, () => secrets.passphrase(path), raw);
}

/** The public half: of a public or private file, or in a token. */
export async function openNamedPublicKey(name: string, secrets: KeySecrets): Promise<PublicKey> {
  if (isKeyUri(name)) {
    const { readTokenKey } = await import('./pkcs11/token.js');
    return readTokenKey(...tokenOf(name, secrets));
  }
  const { path, raw } = splitKeyName(name);
  const bytes = await readBytes(path, KEY_FILE_BYTES_MAX);
  return isEncrypted(bytes) ? (await openNamedKey(name, secrets)).public : readPublicKey(bytes, path, raw);
}

/** A public key that is always a file. */
export async function readPublicKeyFile(name: string): Promise<PublicKey> {
  const { path, raw } = splitKeyName(name);
  return readPublicKey(await readBytes(path, KEY_FILE_BYTES_MAX), path, raw);
}

/** Makes a key in a token; none if it is a dry run, which looks whether it could. */
export async function makeTokenKey(
  uri: string,
  kind: KeyKind,
  secrets: KeySecrets,
  { dryRun = false } = {},
): Promise<PublicKey | undefined> {
  const { makeTokenKey: make } = await import('./pkcs11/token.js');
  const [parsed, module, pin] = tokenOf(uri, secrets);
  return make(parsed, kind, module, pin, { dryRun });
}

function tokenOf(name: string, { pin, lastTry = false, module }: KeySecrets): [KeyUri, string | undefined, PinSource] {
  const uri = parseKeyUri(name);
  return [uri, module, { ask: ({ token }) => pin(token, uri.pinSource), lastTry }];
}
