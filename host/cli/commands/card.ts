// card: the approval document on a smart card, from a reader (PC/SC) or behind a modem.
//
// The card carries the document, it does not vouch for it: what is read is shown and written as it stands, and whoever
// takes it checks its signature. What is written must be an approval document, since a device will look for one.

import { z } from 'zod';
import type { CardChannel } from '../../card/channel.js';
import { cardDocument, cardRemoved, cardsFound } from '../../describe/card.js';
import { CountersignError } from '../../errors.js';
import { writeBytes } from '../../files.js';
import { viewApproval } from '../../formats/approval.js';
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
  async run({ arguments: { action, file }, options, terminal, dryRun, signal }) {
    if ((action === 'write') !== (file !== undefined)) {
      throw new CountersignError('BadArgument', `argument: card ${action} takes ${file ? 'no' : 'the'} file`);
    }
    const document = file === undefined ? undefined : await readDocument(file);
    const { modem, reader, baud, output: path = OUTPUT_DEFAULT } = options;
    signal.addEventListener('abort', () => undefined); // what is begun with a card is done: half a document is none
    const [{ noDocument, openDataObjects }, { modemSlots, objectsIn, readerSlots, withCard }] = await Promise.all([
      import('../../card/data-objects.js'),
      import('../../card/slots.js'),
    ]);
    const slots = modem === undefined ? await readerSlots(reader) : await modemSlots(modem, baud);
    const access = cardAccess(options, terminal);
    const open = (channel: CardChannel) =>
      openDataObjects(channel, { ...access(channel.name), create: options.create && !dryRun });
    if (action === 'list') return cardsFound(await objectsIn(slots, open));
    return withCard(slots, async (channel) => {
      const reader = channel.name;
      if (document !== undefined) {
        const done = dryRun ? undefined : await (await open(channel)).write(document.bytes);
        return cardDocument(document, { reader, dryRun, replaced: done?.replaced });
      }
      const objects = await open(channel);
      const object = await objects.approval();
      if (object === undefined) throw noDocument(channel);
      if (action === 'remove') {
        if (!dryRun) await objects.remove();
        return cardRemoved(reader, dryRun);
      }
      const bytes = await objects.read(object);
      const view = viewApproval(bytes, `the card in ${reader}`);
      await writeBytes(path, bytes, { dryRun });
      return cardDocument({ bytes, view }, { reader, dryRun, output: path });
    });
  },
});
