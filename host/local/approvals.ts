// Approvals from wherever they are kept, as seen from this machine: files, a smart card (in a reader here, or behind a modem),
// and a fleet's broker.
//
//   files      tree: what somebody brings. One that cannot be read is an error: somebody named it
//   cards      card
//   broker     tree: retained under cs/<fleet>/approvals/<operator>
//
// Another place that was named and could not be read is a fact of its own (device/evidence.ts), and `warn` is told.

import type { CardAccess } from '../card/data-objects.js';
import { modemSlots, readerSlots, type Slots, withCard } from '../card/slots.js';
import { type Gathered, gatherFrom, type Place, readCardApproval } from '../device/evidence.js';
import { readBytes } from '../files.js';
import { type BrokerPlace, placeText } from '../links/broker-place.js';
import { BAUD_DEFAULT } from '../smp/link.js';

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
  for (const name of places.files) {
    found.push({ name, lasting: true, evidence: { source: 'tree', bytes: await readBytes(name) } });
  }
  const card = (where: string, slots: () => Promise<Slots>) => {
    const read = async () =>
      withCard(await slots(), (channel) => readCardApproval(channel, places.access(channel.name)));
    return gather({ name: `card in ${where}`, source: 'card', lasting: true, read }, where, warn);
  };
  const { reader, modem, broker, fleet } = places;
  if (reader !== undefined)
    found.push(...(await card(reader, () => readerSlots(reader === 'any' ? undefined : reader))));
  if (modem !== undefined) found.push(...(await card(modem, () => modemSlots(modem, BAUD_DEFAULT))));
  return [...found, ...(await gatherFromBroker(broker, fleet, warn, signal))];
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
