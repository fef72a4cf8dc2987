// Whatever a test makes the command print with --json is a document of its published schema: checked here, for all of them.

import { commands } from '../../host/cli/commands/index.js';
import { ownWords } from '../../host/cli/parse.js';
import { schemas } from '../../host/describe/schemas/index.js';

/** Throws if a line is no document of this command, nor an error. */
export function checkDocument(words: readonly string[], document: object): void {
  const word = words.find((one) => !one.startsWith('-'))?.replaceAll('_', '-');
  const command = commands.find(({ name, aliases }) => name === word || aliases?.includes(word!));
  const schema = 'error' in document ? schemas.error : command && schemas[command.name];
  if (!schema) throw new Error(`${word}: --json printed something, and host/describe/schemas/ has no schema for it`);
  const found = schema.safeParse(document);
  if (!found.success) {
    throw new Error(`${words.join(' ')}: not as published: ${JSON.stringify(document)}\n${found.error.message}`);
  }
}

/** All whole lines of what a command with --json printed. */
export function checkDocuments(words: readonly string[], stdout: string): void {
  const toStdout = words.includes('-'); // the file itself
  if (!ownWords(words).includes('--json') || toStdout) return;
  for (const line of stdout.split('\n').slice(0, -1)) checkDocument(words, JSON.parse(line));
}
