// Where cards are reached from here: the PC/SC readers of this machine, or one modem. What is on a card, its data objects
// say (host/card/data-objects.ts); the native libraries are loaded when a card is wanted.

import type { CardChannel } from '../card/channel.js';
import type { Reader } from '../card/pcsc.js';

/** Where cards are: the readers of this machine, or one modem. */
export interface Slots {
  list(): Reader[];
  open(name: string): Promise<CardChannel>;
  /** The one that is meant. */
  choose(): Promise<CardChannel>;
  close(): void;
}

export async function readerSlots(wanted: string | undefined): Promise<Slots> {
  const { openPcsc, chooseReader } = await import('../card/pcsc.js');
  const pcsc = await openPcsc();
  return {
    list: () => pcsc.readers().filter(({ name }) => wanted === undefined || name.includes(wanted)),
    open: async (name) => pcsc.connect(name),
    choose: async () => pcsc.connect(chooseReader(pcsc.readers(), wanted)),
    close: () => pcsc.close(),
  };
}

export async function modemSlots(port: string, baud: number): Promise<Slots> {
  const { openModem } = await import('../card/modem.js');
  const { modemChannel } = await import('../card/modem-channel.js');
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
