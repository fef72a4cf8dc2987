// Where cards are reached from here: the PC/SC readers of this machine, or one modem. What is on a card, its data objects
// say (data-objects.ts); the native libraries are loaded when a card is wanted.

import { CountersignError } from '../errors.js';
import type { CardChannel } from './channel.js';
import type { DataObjects } from './data-objects.js';
import type { Reader } from './pcsc.js';
import type { DataObject } from './pkcs15.js';

/** Where cards are: the readers of this machine, or one modem. */
export interface Slots {
  list(): Reader[];
  open(name: string): Promise<CardChannel>;
  /** The one that is meant. */
  choose(): Promise<CardChannel>;
  close(): void;
}

/** The readers of this machine; `wanted` is part of a name. */
export async function readerSlots(wanted: string | undefined): Promise<Slots> {
  const { openPcsc, chooseReader } = await import('./pcsc.js');
  const pcsc = await openPcsc();
  return {
    list: () => pcsc.readers().filter(({ name }) => wanted === undefined || name.includes(wanted)),
    open: async (name) => pcsc.connect(name),
    choose: async () => pcsc.connect(chooseReader(pcsc.readers(), wanted)),
    close: () => pcsc.close(),
  };
}

/** The modem on that serial port. */
export async function modemSlots(port: string, baud: number): Promise<Slots> {
  const { openModem } = await import('./modem.js');
  const { modemChannel } = await import('./modem-channel.js');
  const open = async () => {
    const modem = await openModem(port, baud);
    return modemChannel(modem).catch(async (error) => {
      await modem.close();
      throw error;
    });
  };
  // A modem does not tell the answer to reset of its card.
  return { list: () => [{ name: port, atr: new Uint8Array(0) }], open, choose: open, close: () => undefined };
}

/** Works with the card that is meant, and closes everything afterwards. */
export async function withCard<T>(slots: Slots, use: (channel: CardChannel) => Promise<T>): Promise<T> {
  try {
    const channel = await slots.choose();
    try {
      return await use(channel);
    } finally {
      await channel.close();
    }
  } finally {
    slots.close();
  }
}

/** What one of them holds: no `atr`, no card; no `objects`, a card without PKCS#15. */
export interface ReaderContent {
  reader: string;
  atr: Uint8Array | undefined;
  objects: DataObject[] | undefined;
}

/** What the cards in all of them hold; `open` opens one. Closes everything afterwards. */
export async function objectsIn(
  slots: Slots,
  open: (channel: CardChannel) => Promise<DataObjects>,
): Promise<ReaderContent[]> {
  async function objectsOf(reader: string): Promise<DataObject[] | undefined> {
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
  try {
    const found: ReaderContent[] = [];
    for (const { name, atr } of slots.list()) {
      found.push({ reader: name, atr, objects: atr && (await objectsOf(name)) });
    }
    return found;
  } finally {
    slots.close();
  }
}
