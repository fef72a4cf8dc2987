// card: the approval document on a smart card, from a reader (PC/SC) or behind a modem.
//
// What is done with it is local/card.ts.

import { z } from 'zod';
import { CountersignError } from '../../errors.js';
import type { CardAction } from '../../local/card.js';
import { readDocument } from '../../local/document-file.js';
import { cardAccess } from '../../local/secrets.js';
import { command } from '../command.js';
import { baudOption, cardOptions, fileArguments, flag, output, text, textSchema } from '../options.js';

const OUTPUT_DEFAULT = 'card.cose';

export const card = command({
  name: 'card',
  summary: 'read or write the approval document on a smart card',
  details: [
    'list shows the readers and the data objects on their cards. read fetches the approval document, write replaces',
    'it, remove deletes it. The document is a PKCS#15 data object, which `pkcs15-tool` shows, too.',
  ].join('\n'),
  arguments: {
    action: { text: 'list, read, write or remove', schema: z.enum(['list', 'read', 'write', 'remove']) },
    file: fileArguments('with write: the document', textSchema.optional()),
  },
  options: {
    reader: text('name', 'reader, or part of its name; default: the one that holds a card', { config: 'reader' }),
    modem: text('port', 'use the card behind the modem on this serial port, by AT commands', {
      ...{ config: 'modem', not: ['reader'] },
    }),
    baud: baudOption('baud rate of the modem'),
    output: output(`with read: output file; default: ${OUTPUT_DEFAULT}`, { short: 'o' }),
    create: flag('with write: first create the PKCS#15 application on a blank card'),
    ...cardOptions,
  },
  examples: [
    'countersign card list',
    'countersign card write release.cose --create',
    'countersign card read -o found.cose --reader Omnikey',
    'countersign card read --modem /dev/ttyUSB2',
  ],
  writes: true,
  async run({ arguments: { action: kind, file }, options, terminal, ...doing }) {
    if ((kind === 'write') !== (file !== undefined)) {
      throw new CountersignError('BadArgument', `argument: card ${kind} takes ${file ? 'no' : 'the'} file`);
    }
    const { output = OUTPUT_DEFAULT, create } = options;
    const action: CardAction =
      kind === 'write' ? { kind, document: await readDocument(file!), create } : { kind, output };
    const { useCard } = await import('../../local/card.js');
    return useCard(action, { ...options, access: cardAccess(options, terminal) }, doing);
  },
});
