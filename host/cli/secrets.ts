// Secrets that a command needs, and the keys that they open: the passphrase of a key file, the PIN of a card or token.
//
// Each comes from a file or the environment (local/secrets.ts), else from a question on the terminal. A PIN is taken without the
// blanks around it; in a passphrase they may be meant.

import type { CardAccess } from '../card/data-objects.js';
import { CountersignError } from '../errors.js';
import type { PublicKey, SigningKey } from '../formats/keys.js';
import { givenSecret, PASSPHRASE, PIN, type SecretKind } from '../local/secrets.js';
import { type KeySecrets, openNamedKey, openNamedPublicKey } from '../named-key.js';
import type { CardOptions, SigningOptions } from './options.js';
import type { Terminal } from './terminal.js';

export const findPassphrase = (question: string, file: string | undefined, terminal: Terminal): Promise<string> =>
  findSecret(PASSPHRASE, question, file, terminal);

/** Typed twice, where it is typed. */
export async function newPassphrase(of: string, file: string | undefined, terminal: Terminal): Promise<string> {
  const given = await givenSecret(PASSPHRASE, file);
  const first = given ?? (await findPassphrase(`New passphrase for ${of}`, file, terminal));
  if (given !== undefined || first === (await terminal.password('The same passphrase again', PASSPHRASE.option)))
    return first;
  throw new CountersignError('PassphraseWrong', 'key: the two passphrases differ');
}

/** Whatever is put into a PIN pad or by other tools into an environment has no blanks around it: they would cost a try. */
export async function findPin(question: string, file: string | undefined, terminal: Terminal): Promise<string> {
  const found = await findSecret(PIN, question, file, terminal);
  const pin = found.trim();
  if (pin === '') throw new CountersignError(PIN.needed, `key: the PIN that was given is empty (${question})`);
  if (pin !== found) terminal.note('the PIN was given with blanks around it: presented without them');
  return pin;
}

async function findSecret(kind: SecretKind, question: string, file: string | undefined, terminal: Terminal) {
  const given = await givenSecret(kind, file);
  if (given !== undefined) return given;
  if (!terminal.interactive) throw new CountersignError(kind.needed, `key: no ${kind.what} (${question})`);
  return terminal.password(question, kind.option);
}

/** The private key: of a file, or in a token. */
export const openSigningKey = (name: string, options: SigningOptions, terminal: Terminal): Promise<SigningKey> =>
  openNamedKey(name, secretsOf(options, terminal));

/** The public half of a key: of a public or private file, or in a token. */
export const openPublicKey = (name: string, options: SigningOptions, terminal: Terminal): Promise<PublicKey> =>
  openNamedPublicKey(name, secretsOf(options, terminal));

export const secretsOf = (
  { passphraseFile, pinFile, lastTry, pkcs11Module }: SigningOptions,
  terminal: Terminal,
): KeySecrets => ({
  passphrase: (path) => findPassphrase(`Passphrase of ${path}`, passphraseFile, terminal),
  pin: (token, source) => findPin(`PIN of the token ${token}`, pinFile ?? source, terminal),
  lastTry,
  module: pkcs11Module,
});

/** What opens the card in that slot. */
export const cardAccess =
  ({ pinFile, pinReference, lastTry }: CardOptions, terminal: Terminal) =>
  (slot: string): CardAccess => ({
    pin: () => findPin(`PIN of the card in ${slot}`, pinFile, terminal),
    pinReference: pinReference?.[0],
    lastTry,
  });
