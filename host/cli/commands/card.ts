// card: the approval document on a smart card, from a reader (PC/SC) or behind a modem.
//
// The card carries the document, it does not vouch for it: what is read is shown and written as it stands, and whoever
// takes it checks its signature. What is written must be an approval document, since a device will look for one.

import { z } from 'zod';
import type { CardChannel } from '../../card/channel.js';
import type { DataObject } from '../../card/pkcs15.js';
import type { ReaderContent } from '../../card/slots.js';
import { approvalData, signatureText } from '../../describe/words.js';
import { CountersignError } from '../../errors.js';
import { writeBytes } from '../../files.js';
import { type ApprovalView, viewApproval } from '../../formats/approval.js';
import { hex } from '../../formats/bytes.js';
import { claimsRows, rows } from '../../formats/wording.js';
import { readDocument } from '../../local/document-file.js';
import { command } from '../command.js';
import { baudOption, cardOptions, file, flag, text } from '../options.js';
import { wrote } from '../result.js';
import { cardAccess } from '../secrets.js';
import { pathSchema } from '../values.js';

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
    file: { text: 'with write: the document', schema: pathSchema.optional() },
  },
  options: {
    reader: text('name', 'reader, or part of its name; default: the one that holds a card', { config: 'reader' }),
    modem: text('port', 'use the card behind the modem on this serial port, by AT commands', { config: 'modem' }),
    baud: baudOption('baud rate of the modem'),
    output: file(`with read: output file; default: ${OUTPUT_DEFAULT}`, { short: 'o' }),
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
    const { modem, reader, baud, output = OUTPUT_DEFAULT } = options;
    if (modem !== undefined && reader !== undefined) {
      throw new CountersignError('BadArgument', 'argument: --reader and --modem are two places; choose one');
    }
    signal.addEventListener('abort', () => undefined); // what is begun with a card is done: half a document is none
    const [{ noDocument, openDataObjects }, { modemSlots, objectsIn, readerSlots, withCard }] = await Promise.all([
      import('../../card/data-objects.js'),
      import('../../card/slots.js'),
    ]);
    const slots = modem === undefined ? await readerSlots(reader) : await modemSlots(modem, baud);
    const access = cardAccess(options, terminal);
    const open = (channel: CardChannel) =>
      openDataObjects(channel, { ...access(channel.name), create: options.create && !dryRun });
    if (action === 'list') {
      const readers = await objectsIn(slots, open);
      const lines = readers.flatMap(readerLines);
      return { data: { readers }, lines: lines.length > 0 ? lines : ['no card readers'] };
    }
    return withCard(slots, async (channel) => {
      const { name } = channel;
      if (document !== undefined) {
        const { bytes, view } = document;
        const { replaced } = dryRun ? { replaced: undefined } : await (await open(channel)).write(bytes);
        const done = `${dryRun ? 'would write' : 'wrote and read back'} ${bytes.length} bytes`;
        const data = { reader: name, written: !dryRun, replaced, bytes: bytes.length, document: approvalData(view) };
        const instead = replaced ? ', in place of the document that was there' : '';
        return { data, lines: [`${done}, ${name}${instead}`, ...documentLines(view)] };
      }
      const objects = await open(channel);
      const object = await objects.approval();
      if (object === undefined) throw noDocument(channel);
      if (action === 'remove') {
        if (!dryRun) await objects.remove();
        const done = dryRun ? 'would remove' : 'removed';
        return {
          data: { reader: name, removed: !dryRun },
          lines: [`${done} the approval document from the card in ${name}`],
        };
      }
      const bytes = await objects.read(object);
      const view = viewApproval(bytes, `the card in ${name}`);
      await writeBytes(output, bytes, { dryRun });
      return {
        data: { reader: name, output, written: !dryRun, bytes: bytes.length, document: approvalData(view) },
        lines: [wrote(output, dryRun, bytes.length), ...documentLines(view)],
      };
    });
  },
});

const documentLines = (view: ApprovalView) => rows([...claimsRows(view.claims), ['signature', signatureText(view)]]);

function readerLines({ reader, atr, objects }: ReaderContent): string[] {
  const count = objects === undefined ? 'a card without PKCS#15' : `${objects.length} data objects`;
  return [
    `${reader}: ${atr === undefined ? 'no card' : count}`,
    ...rows((objects ?? []).map((object) => [object.label ?? 'no label', objectText(object)])),
  ];
}

function objectText({ application, path, length, private: secret }: DataObject): string {
  const parts = [application, `file ${hex(path)}`, length === undefined ? undefined : `${length} bytes`];
  return [...parts, secret ? 'behind a PIN' : undefined].filter((part) => part !== undefined).join(', ');
}
