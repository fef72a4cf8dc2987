// The card slot of the board: a reader of this machine, through PC/SC.
//
// The agent asks in one go, without giving way, so the card is taken at the first command and given back when the agent
// has returned: nobody else gets in between, and a card that was changed meanwhile is a new card. Whatever goes wrong
// (no card, pulled out, no daemon) is an answer that did not come, and stays so until the agent has returned: half of
// one card and half of another is no document.

import { chooseReader, openPcsc, type PcscCard } from '../../host/card/pcsc.js';

export interface CardSlot {
  exchange(command: Uint8Array): Uint8Array | 'unreachable';
  close(): void;
}

/** `wanted` is the name of a reader, or part of it; there need not be a card in it yet. */
export async function openCardSlot(wanted: string, say: (text: string) => void): Promise<CardSlot> {
  const pcsc = await openPcsc();
  const reader = chooseReader(pcsc.readers(), wanted);
  let card: PcscCard | 'gone' | undefined;
  let release: NodeJS.Immediate | undefined;

  function giveBack(): void {
    clearImmediate(release);
    release = undefined;
    if (card !== 'gone') card?.closeNow();
    card = undefined;
  }

  return {
    exchange(command) {
      release ??= setImmediate(giveBack);
      if (card === 'gone') return 'unreachable';
      try {
        card ??= pcsc.connect(reader);
        return card.transmitNow(command);
      } catch (error) {
        if (card !== undefined) card.closeNow();
        card = 'gone';
        say(error instanceof Error ? error.message : String(error));
        return 'unreachable';
      }
    },
    close() {
      giveBack();
      pcsc.close();
    },
  };
}
