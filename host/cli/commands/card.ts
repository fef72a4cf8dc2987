// card: the approval document on a smart card, from a reader (PC/SC) or behind a modem.
//
// The card carries the document, it does not vouch for it: what is read is shown and written as it stands, and whoever
// takes it checks its signature. What is written must be an approval document, since a device will look for one.

import { z } from 'zod';
import type { CardChannel } from '../../card/channel.js';
import type { DataObjects } from '../../card/data-objects.js';
import type { DataObject } from '../../card/pkcs15.js';
import { CountersignError } from '../../errors.js';
import { writeBytes } from '../../files.js';
import { viewApproval } from '../../formats/approval.js';
import { hex } from '../../formats/bytes.js';
import { BAUD_DEFAULT } from '../../smp/link.js';
import { modemSlots, readerSlots, type Slots } from '../card-slots.js';
import { command, type Result } from '../command.js';
import { readDocument } from '../documents.js';
import { findPin, lastTryOption, pinFileOption } from '../secrets.js';
import { approvalData, claimsRows, rows, signatureText } from '../show.js';
import { countSchema, hexSchema, pathSchema, switchSchema, textSchema } from '../values.js';

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
    reader: {
      value: 'name',
      text: 'reader, or part of its name; default: the one that holds a card',
      schema: textSchema.optional(),
      config: 'reader',
    },
    modem: {
      value: 'port',
      text: 'use the card behind the modem on this serial port, by AT commands',
      schema: textSchema.optional(),
      config: 'modem',
    },
    baud: {
      short: 'b',
      value: 'rate',
      text: 'baud rate of the modem',
      schema: countSchema(50, 4_000_000).default(BAUD_DEFAULT),
    },
    output: {
      short: 'o',
      value: 'file',
      text: `with read: output file; default: ${OUTPUT_DEFAULT}`,
      schema: pathSchema.optional(),
    },
    create: { text: 'with write: first create the PKCS#15 application on a blank card', schema: switchSchema },
    pinFile: pinFileOption,
    lastTry: lastTryOption,
    pinReference: {
      value: 'hex',
      text: 'which PIN of the card to use; default: as the card says',
      schema: hexSchema.refine((bytes) => bytes.length === 1, 'is not one byte').optional(),
    },
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
    if (options.modem !== undefined && options.reader !== undefined) {
      throw new CountersignError('BadArgument', 'argument: --reader and --modem are two places; choose one');
    }
    signal.addEventListener('abort', () => undefined); // what is begun with a card is done: half a document is none
    const { openDataObjects } = await import('../../card/data-objects.js');
    const slots =
      options.modem === undefined ? await readerSlots(options.reader) : await modemSlots(options.modem, options.baud);
    const open = (channel: CardChannel) =>
      openDataObjects(channel, {
        pin: () => findPin(`PIN of the card in ${channel.name}`, options.pinFile, terminal),
        pinReference: options.pinReference?.[0],
        lastTry: options.lastTry,
        create: options.create && !dryRun,
      });
    try {
      if (action === 'list') return await list(slots, open);
      const channel = await slots.choose();
      try {
        if (action === 'read')
          return await read(channel, await open(channel), options.output ?? OUTPUT_DEFAULT, dryRun);
        if (action === 'remove') return await remove(channel, await open(channel), dryRun);
        return await write(channel, () => open(channel), document!, dryRun);
      } finally {
        await channel.close();
      }
    } finally {
      slots.close();
    }
  },
});

async function list(slots: Slots, open: (channel: CardChannel) => Promise<DataObjects>): Promise<Result> {
  const found: { reader: string; atr: Uint8Array | undefined; objects: DataObject[] | undefined }[] = [];
  for (const { name, atr } of slots.list()) {
    found.push({ reader: name, atr, objects: atr && (await objectsOf(slots, name, open)) });
  }
  const lines = found.flatMap(({ reader, atr, objects }) => [
    `${reader}: ${atr === undefined ? 'no card' : objects === undefined ? 'a card without PKCS#15' : `${objects.length} data objects`}`,
    ...(objects ?? []).flatMap((object) => rows([[object.label ?? 'no label', objectText(object)]])),
  ]);
  return { data: { readers: found }, lines: lines.length > 0 ? lines : ['no card readers'] };
}

async function objectsOf(
  slots: Slots,
  reader: string,
  open: (channel: CardChannel) => Promise<DataObjects>,
): Promise<DataObject[] | undefined> {
  const channel = await slots.open(reader);
  try {
    return await (await open(channel)).list();
  } catch (error) {
    if (error instanceof CountersignError && error.reason.name === 'NotFound') return undefined;
    throw error;
  } finally {
    await channel.close();
  }
}

function objectText({ application, path, length, private: secret }: DataObject): string {
  const parts = [application, `file ${hex(path)}`, length === undefined ? undefined : `${length} bytes`];
  return [...parts, secret ? 'behind a PIN' : undefined].filter((part) => part !== undefined).join(', ');
}

async function read(channel: CardChannel, objects: DataObjects, output: string, dryRun: boolean): Promise<Result> {
  const { noDocument } = await import('../../card/data-objects.js');
  const object = await objects.approval();
  if (object === undefined) throw noDocument(channel);
  const bytes = await objects.read(object);
  const view = viewApproval(bytes, `the card in ${channel.name}`);
  await writeBytes(output, bytes, { dryRun });
  return {
    data: { reader: channel.name, output, written: !dryRun, bytes: bytes.length, document: approvalData(view) },
    lines: [
      `${dryRun ? 'would write' : 'wrote'} ${output} (${bytes.length} bytes)`,
      ...rows([...claimsRows(view.claims), ['signature', signatureText(view)]]),
    ],
  };
}

async function write(
  channel: CardChannel,
  open: () => Promise<DataObjects>,
  { bytes, view }: Awaited<ReturnType<typeof readDocument>>,
  dryRun: boolean,
): Promise<Result> {
  const { replaced } = dryRun ? { replaced: undefined } : await (await open()).write(bytes);
  const done = `${dryRun ? 'would write' : 'wrote and read back'} ${bytes.length} bytes`;
  return {
    data: { reader: channel.name, written: !dryRun, replaced, bytes: bytes.length, document: approvalData(view) },
    lines: [
      `${done}, ${channel.name}${replaced ? ', in place of the document that was there' : ''}`,
      ...rows([...claimsRows(view.claims), ['signature', signatureText(view)]]),
    ],
  };
}

async function remove(channel: CardChannel, objects: DataObjects, dryRun: boolean): Promise<Result> {
  const { noDocument } = await import('../../card/data-objects.js');
  if ((await objects.approval()) === undefined) throw noDocument(channel);
  if (!dryRun) await objects.remove();
  return {
    data: { reader: channel.name, removed: !dryRun },
    lines: [`${dryRun ? 'would remove' : 'removed'} the approval document from the card in ${channel.name}`],
  };
}
