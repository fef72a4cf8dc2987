// The approval document on a smart card, read, written and removed from files of this machine. What is read is written as it
// stands: whoever takes it checks its signature. What is written must be an approval document, since a device will look for one.

import type { CardChannel } from '../card/channel.js';
import { type CardAccess, noDocument, openDataObjects } from '../card/data-objects.js';
import { modemSlots, objectsIn, readerSlots, withCard } from '../card/slots.js';
import { cardDocument, cardRemoved, cardsFound } from '../describe/card.js';
import type { Described } from '../describe/words.js';
import { writeBytes } from '../files.js';
import { type ApprovalView, viewApproval } from '../formats/approval.js';
import type { Doing } from './person.js';

export type CardAction =
  | { kind: 'list' }
  | { kind: 'remove' }
  | { kind: 'read'; output: string }
  /** `create`: first create the PKCS#15 application on a blank card. */
  | { kind: 'write'; document: { bytes: Uint8Array; view: ApprovalView }; create: boolean };

export interface CardPlace {
  /** Reader, or part of its name; default: the one that holds a card. */
  reader?: string | undefined;
  /** Serial port of the modem that the card is behind, and its rate. */
  modem?: string | undefined;
  baud: number;
  /** What opens the card in the slot of that name. */
  access(slot: string): CardAccess;
}

/** Throws what the card and its reader throw, and NotFound if there is no document to read or remove. */
export async function useCard(
  action: CardAction,
  { reader: wanted, modem, baud, access }: CardPlace,
  { dryRun, signal }: Doing,
): Promise<Described> {
  signal.addEventListener('abort', () => undefined); // what is begun with a card is done: half a document is none
  const slots = modem === undefined ? await readerSlots(wanted) : await modemSlots(modem, baud);
  const create = action.kind === 'write' && action.create && !dryRun;
  const open = (channel: CardChannel) => openDataObjects(channel, { ...access(channel.name), create });
  if (action.kind === 'list') return cardsFound(await objectsIn(slots, open));
  return withCard(slots, async (channel) => {
    const reader = channel.name;
    if (action.kind === 'write') {
      const done = dryRun ? undefined : await (await open(channel)).write(action.document.bytes);
      return cardDocument(action.document, { reader, dryRun, replaced: done?.replaced });
    }
    const objects = await open(channel);
    const object = await objects.approval();
    if (object === undefined) throw noDocument(channel);
    if (action.kind === 'remove') {
      if (!dryRun) await objects.remove();
      return cardRemoved(reader, dryRun);
    }
    const bytes = await objects.read(object);
    const view = viewApproval(bytes, `the card in ${reader}`);
    await writeBytes(action.output, bytes, { dryRun });
    return cardDocument({ bytes, view }, { reader, dryRun, output: action.output });
  });
}
