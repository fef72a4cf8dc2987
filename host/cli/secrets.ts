// Secrets that a command needs: the passphrase of a key file, the PIN of a card or token.
//
// Each comes from a file (--passphrase-file, --pin-file: its first line), else from the environment, else from a
// question on the terminal; never from the command line, where everybody on the machine can read it. A PIN is taken without
// the blanks around it; in a passphrase they may be meant.

import { CountersignError } from '../errors.js';
import { readText } from '../files.js';
import type { ReasonName } from '../reasons.js';
import type { OptionSpec } from './command.js';
import type { Terminal } from './terminal.js';
import { pathSchema, switchSchema } from './values.js';

const SECRET_FILE_BYTES_MAX = 16384;

interface Kind {
  what: string;
  option: string;
  variable: string;
  needed: ReasonName;
}

const PASSPHRASE: Kind = {
  what: 'passphrase',
  option: '--passphrase-file',
  variable: 'COUNTERSIGN_PASSPHRASE',
  needed: 'PassphraseNeeded',
};
const PIN: Kind = { what: 'PIN', option: '--pin-file', variable: 'COUNTERSIGN_PIN', needed: 'PinNeeded' };

const fileOption = (of: string, kind: Kind, config: string) =>
  ({
    value: 'file',
    text: `file whose first line is the ${kind.what} of the ${of}; otherwise ${kind.variable} or a prompt`,
    schema: pathSchema.optional(),
    config,
    path: true,
  }) satisfies OptionSpec;

export const passphraseFileOption = fileOption('key', PASSPHRASE, 'passphrase-file');
export const pinFileOption = fileOption('card or token', PIN, 'pin-file');

export const findPassphrase = (question: string, file: string | undefined, terminal: Terminal): Promise<string> =>
  findSecret(PASSPHRASE, question, file, terminal);

/** Whatever is put into a PIN pad or by other tools into an environment has no blanks around it: they would cost a try. */
export async function findPin(question: string, file: string | undefined, terminal: Terminal): Promise<string> {
  const found = await findSecret(PIN, question, file, terminal);
  const pin = found.trim();
  if (pin === '') throw new CountersignError(PIN.needed, `key: the PIN that was given is empty (${question})`);
  if (pin !== found) terminal.note('the PIN was given with blanks around it: presented without them');
  return pin;
}

/** For what presents a PIN: the last try is a person's decision. */
export const lastTryOption = {
  text: 'use the PIN even if a wrong one would now block the card or token',
  schema: switchSchema,
} satisfies OptionSpec;

/** Whether the passphrase is given already, so that nobody is asked for it twice. */
export const passphraseGiven = (): boolean => Boolean(process.env[PASSPHRASE.variable]);

async function findSecret(kind: Kind, question: string, file: string | undefined, terminal: Terminal): Promise<string> {
  if (file !== undefined) {
    const [line = ''] = (await readText(file, SECRET_FILE_BYTES_MAX)).split(/\r?\n/);
    if (line === '') throw new CountersignError(kind.needed, `key: the first line of ${file} is empty`);
    return line;
  }
  const fromEnvironment = process.env[kind.variable];
  if (fromEnvironment) return fromEnvironment;
  if (!terminal.interactive) throw new CountersignError(kind.needed, `key: no ${kind.what} (${question})`);
  return terminal.password(question, kind.option);
}
