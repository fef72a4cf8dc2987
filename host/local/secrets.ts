// Secrets, and the keys that they open: the passphrase of a key file, the PIN of a card or token.
//
// Each comes from a file (its first line) or the environment, else from a person. Never from a command line, where everybody on
// the machine can read it. A PIN is taken without the blanks around it; in a passphrase they may be meant.

import type { CardAccess } from '../card/data-objects.js';
import { CountersignError } from '../errors.js';
import { readText } from '../files.js';
import type { PublicKey, SigningKey } from '../formats/keys.js';
import { type KeySecrets, openNamedKey, openNamedPublicKey } from '../named-key.js';
import type { Person } from './person.js';

const SECRET_FILE_BYTES_MAX = 16384;

export const PASSPHRASE = {
  what: 'passphrase',
  option: '--passphrase-file',
  variable: 'COUNTERSIGN_PASSPHRASE',
  needed: 'PassphraseNeeded',
} as const;
export const PIN = { what: 'PIN', option: '--pin-file', variable: 'COUNTERSIGN_PIN', needed: 'PinNeeded' } as const;
export type SecretKind = typeof PASSPHRASE | typeof PIN;

/** Who is asked. */
export type Keeper = Pick<Person, 'interactive' | 'note' | 'password'>;

/** Files that hold secrets, and what else opens a key. */
export interface SecretPlaces {
  passphraseFile?: string | undefined;
  pinFile?: string | undefined;
  /** Use the PIN even if a wrong one would block the token now. */
  lastTry: boolean;
  /** PKCS#11 module; default: all that p11-kit knows. */
  pkcs11Module?: string | undefined;
}

/** Undefined: neither gives it. Throws PassphraseNeeded or PinNeeded if the first line of the file is empty. */
export async function givenSecret(kind: SecretKind, file: string | undefined): Promise<string | undefined> {
  if (file === undefined) return process.env[kind.variable] || undefined;
  const [line = ''] = (await readText(file, SECRET_FILE_BYTES_MAX)).split(/\r?\n/);
  if (line === '') throw new CountersignError(kind.needed, `key: the first line of ${file} is empty`);
  return line;
}

async function findSecret(kind: SecretKind, question: string, file: string | undefined, keeper: Keeper) {
  const given = await givenSecret(kind, file);
  if (given !== undefined) return given;
  if (!keeper.interactive) throw new CountersignError(kind.needed, `key: no ${kind.what} (${question})`);
  return keeper.password(question, kind.option);
}

/** Throws PassphraseNeeded if there is none, and nobody to ask. */
export const findPassphrase = (question: string, file: string | undefined, keeper: Keeper): Promise<string> =>
  findSecret(PASSPHRASE, question, file, keeper);

/** Typed twice, where it is typed. */
export async function newPassphrase(of: string, file: string | undefined, keeper: Keeper): Promise<string> {
  const given = await givenSecret(PASSPHRASE, file);
  const first = given ?? (await findPassphrase(`New passphrase for ${of}`, file, keeper));
  if (given !== undefined || first === (await keeper.password('The same passphrase again', PASSPHRASE.option)))
    return first;
  throw new CountersignError('PassphraseWrong', 'key: the two passphrases differ');
}

/** Whatever is put into a PIN pad or by other tools into an environment has no blanks around it: they would cost a try. */
export async function findPin(question: string, file: string | undefined, keeper: Keeper): Promise<string> {
  const found = await findSecret(PIN, question, file, keeper);
  const pin = found.trim();
  if (pin === '') throw new CountersignError(PIN.needed, `key: the PIN that was given is empty (${question})`);
  if (pin !== found) keeper.note('the PIN was given with blanks around it: presented without them');
  return pin;
}

/** The private key: of a file, or in a token. */
export const openSigningKey = (name: string, places: SecretPlaces, keeper: Keeper): Promise<SigningKey> =>
  openNamedKey(name, secretsOf(places, keeper));

/** The public half of a key: of a public or private file, or in a token. */
export const openPublicKey = (name: string, places: SecretPlaces, keeper: Keeper): Promise<PublicKey> =>
  openNamedPublicKey(name, secretsOf(places, keeper));

export const secretsOf = (
  { passphraseFile, pinFile, lastTry, pkcs11Module }: SecretPlaces,
  keeper: Keeper,
): KeySecrets => ({
  passphrase: (path) => findPassphrase(`Passphrase of ${path}`, passphraseFile, keeper),
  pin: (token, source) => findPin(`PIN of the token ${token}`, pinFile ?? source, keeper),
  lastTry,
  module: pkcs11Module,
});

/** What opens the card in that slot. */
export const cardAccess =
  (
    {
      pinFile,
      pinReference,
      lastTry,
    }: Pick<SecretPlaces, 'pinFile' | 'lastTry'> & { pinReference?: Uint8Array | undefined },
    keeper: Keeper,
  ) =>
  (slot: string): CardAccess => ({
    pin: () => findPin(`PIN of the card in ${slot}`, pinFile, keeper),
    pinReference: pinReference?.[0],
    lastTry,
  });
