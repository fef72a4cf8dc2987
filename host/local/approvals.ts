// Approvals from wherever they are kept, as seen from this machine: files, a smart card (in a reader here, or behind a modem),
// and a fleet's broker.
//
//   files      tree: what somebody brings. One that cannot be read is an error: somebody named it
//   cards      card
//   broker     tree: retained under cs/<fleet>/approvals/<operator>
//
// Another place that was named and could not be read is a fact of its own (device/evidence.ts), and `warn` is told.

import type { CardAccess } from '../card/data-objects.js';
import type * as Cards from '../card/slots.js';
import type { Slots } from '../card/slots.js';
import { type Gathered, gatherFrom, type Place } from '../device/evidence.js';
import { readBytes } from '../files.js';
import { type BrokerPlace, placeText } from '../links/broker-place.js';
import { BAUD_DEFAULT } from '../smp/defaults.js';

export interface ApprovalPlaces {
  /** Paths of approval documents. */
  files: readonly string[];
  /** Part of a reader's name; "any": the one with a card in it. */
  reader?: string | undefined;
  /** Serial port. */
  modem?: string | undefined;
  /** What opens the card in the slot of that name. */
  access(slot: string): CardAccess;
  broker?: BrokerPlace | undefined;
  /** On the broker, unless its place names one. */
  fleet: string;
}

type Warn = (text: string) => void;

/** Reads every place that was named. Throws if a file cannot be read, or the signal stops it. */
export async function gatherApprovals(places: ApprovalPlaces, warn: Warn, signal?: AbortSignal): Promise<Gathered[]> {
  const found: Gathered[] = [];
  const { reader, modem, broker, fleet } = places;
  for (const name of places.files) {
    found.push({ name, lasting: true, evidence: { source: 'tree', bytes: await readBytes(name) } });
  }
  const card = (where: string, slots: (cards: typeof Cards) => Promise<Slots>) => {
    // Loaded for a card alone: most approvals lie in files.
    const read = async () => {
      const [cards, { readCardApproval }] = await Promise.all([
        import('../card/slots.js'),
        import('../device/card-evidence.js'),
      ]);
      return cards.withCard(await slots(cards), (slot) => readCardApproval(slot, places.access(slot.name)));
    };
    return gather({ name: `card in ${where}`, source: 'card', lasting: true, read }, where, warn);
  };
  if (reader !== undefined)
    found.push(...(await card(reader, (cards) => cards.readerSlots(reader === 'any' ? undefined : reader))));
  if (modem !== undefined) found.push(...(await card(modem, (cards) => cards.modemSlots(modem, BAUD_DEFAULT))));
  return [...found, ...(await gatherFromBroker(broker, fleet, warn, signal))];
}

/** The same, and how those that may change are gathered once more. */
export async function gatherLasting(
  places: ApprovalPlaces,
  warn: Warn,
  signal?: AbortSignal,
): Promise<{ gathered: Gathered[]; again: (() => Promise<Gathered[]>) | undefined }> {
  const { broker, fleet } = places;
  return {
    gathered: await gatherApprovals(places, warn, signal),
    again: broker && (() => gatherFromBroker(broker, fleet, warn, signal)),
  };
}

/** Those of the broker, which may have become others since they were read; none where there is no broker. */
export async function gatherFromBroker(
  place: BrokerPlace | undefined,
  fleetDefault: string,
  warn: Warn,
  signal?: AbortSignal,
): Promise<Gathered[]> {
  if (place === undefined) return [];
  const { readKeptApprovals } = await import('../links/approvals.js');
  const { url, fleet = fleetDefault } = place;
  const read = async () => (await readKeptApprovals(url, fleet, signal)).map(({ bytes }) => bytes);
  const name = placeText(place);
  return gather({ name, source: 'tree', lasting: false, read }, name, warn);
}

async function gather(place: Place, where: string, warn: Warn): Promise<Gathered[]> {
  const found = await gatherFrom(place);
  for (const { error } of found) {
    if (error) warn(`approvals from ${where} could not be read: ${error.message}`);
  }
  return found;
}
