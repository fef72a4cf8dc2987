// Approval data from where it is kept: files, a smart card (in a reader, or behind a modem), and a fleet's broker.
//
//   --approval FILE                   tree: what somebody brings
//   --card READER, --modem PORT       card
//   --approvals-from mqtt://HOST/FLEET    tree: retained under cs/<fleet>/approvals/<operator>
//
// A source that was named and could not be read is a fact of its own (device/evidence.ts), and a warning.

import type { z } from 'zod';
import { type Gathered, gatherFrom, type Place, readCardApproval } from '../device/evidence.js';
import { readBytes } from '../files.js';
import { BAUD_DEFAULT } from '../smp/link.js';
import { placeSchema, placeText } from './broker-place.js';
import { grouped, type OptionSpec } from './command.js';
import { findPin, lastTryOption, pinFileOption } from './secrets.js';
import type { Terminal } from './terminal.js';
import { hexSchema, pathSchema, textSchema } from './values.js';

const option = <S extends z.ZodType>(spec: OptionSpec<S>): OptionSpec<S> => spec;

/** "any" reader: the one with a card in it. */
const ANY_READER = 'any';

export const sourceOptions = grouped('Approvals', {
  approval: option({
    value: 'file',
    text: 'an approval document; a device with our agent stores it',
    schema: pathSchema.array().default([]),
    repeat: true,
  }),
  card: option({
    value: 'reader',
    text: `read the approval from the smart card in this reader: part of its name, or "${ANY_READER}"`,
    schema: textSchema.optional(),
    config: 'card',
  }),
  modem: option({
    value: 'port',
    text: 'read the approval from the card behind the modem on this serial port',
    schema: textSchema.optional(),
  }),
  pinFile: pinFileOption,
  lastTry: lastTryOption,
  pinReference: option({
    value: 'hex',
    text: 'which PIN of the card to use; default: as the card says',
    schema: hexSchema.refine((bytes) => bytes.length === 1, 'is not one byte').optional(),
  }),
  approvalsFrom: option({
    value: 'url',
    text: 'read the approvals that operators published on this broker: mqtt://host/fleet',
    schema: placeSchema.optional(),
    config: 'approvals-from',
  }),
});

export type SourceOptions = {
  [K in keyof typeof sourceOptions]: z.output<(typeof sourceOptions)[K]['schema']>;
} & { fleet: string };

/** Reads every source that was named. Files that cannot be read are an error: they are arguments. */
export async function gatherApprovals(
  options: SourceOptions,
  terminal: Terminal,
  signal: AbortSignal,
): Promise<Gathered[]> {
  const found: Gathered[] = [];
  for (const name of options.approval) {
    found.push({ name, lasting: true, evidence: { source: 'tree', bytes: await readBytes(name) } });
  }
  const { card, modem } = options;
  for (const [where, kind] of [[card, 'reader'] as const, [modem, 'modem'] as const]) {
    if (where === undefined) continue;
    const read = () => readCard(where, kind, options, terminal);
    found.push(...(await gather({ name: `card in ${where}`, source: 'card', lasting: true, read }, where, terminal)));
  }
  return [...found, ...(await gatherFromBroker(options, terminal, signal))];
}

/** Those of the broker, which may have become others since they were read. */
export async function gatherFromBroker(
  { approvalsFrom, fleet }: Pick<SourceOptions, 'approvalsFrom' | 'fleet'>,
  terminal: Terminal,
  signal: AbortSignal,
): Promise<Gathered[]> {
  if (approvalsFrom === undefined) return [];
  const { readKeptApprovals } = await import('../links/approvals.js');
  const read = async () =>
    (await readKeptApprovals(approvalsFrom.url, approvalsFrom.fleet ?? fleet, signal)).map(({ bytes }) => bytes);
  const name = placeText(approvalsFrom);
  return gather({ name, source: 'tree', lasting: false, read }, name, terminal);
}

async function gather(place: Place, where: string, terminal: Terminal): Promise<Gathered[]> {
  const found = await gatherFrom(place);
  for (const { error } of found) {
    if (error) terminal.warn(`approvals from ${where} could not be read: ${error.message}`);
  }
  return found;
}

async function readCard(
  where: string,
  kind: 'reader' | 'modem',
  options: SourceOptions,
  terminal: Terminal,
): Promise<Uint8Array[]> {
  const { modemSlots, readerSlots } = await import('./card-slots.js');
  const wanted = where === ANY_READER ? undefined : where;
  const slots = kind === 'modem' ? await modemSlots(where, BAUD_DEFAULT) : await readerSlots(wanted);
  try {
    const channel = await slots.choose();
    try {
      return await readCardApproval(channel, {
        pin: () => findPin(`PIN of the card in ${channel.name}`, options.pinFile, terminal),
        pinReference: options.pinReference?.[0],
        lastTry: options.lastTry,
      });
    } finally {
      await channel.close();
    }
  } finally {
    slots.close();
  }
}
