// A fleet's broker as the shelf that an operator's document is put on (operator/publish.ts). It is asked before anything is
// signed or written, so a wrong password costs nothing.

import type { BrokerPlace } from '../links/broker-place.js';
import type { Doubt } from '../operator/doubts.js';
import { type PublishOptions, preparePublication } from '../operator/publish.js';

export interface Published {
  broker: string;
  fleet: string;
  topic: string;
  /** False in a dry run, and when it was there already. */
  published: boolean;
  /** The number of the document that was there. */
  replaced: bigint | undefined;
}

export interface PublishingOptions extends Omit<PublishOptions, 'others'> {
  /** Takes what a person should know of the date, compared with what others keep there; default: nothing is compared. */
  note?: (doubts: Doubt[]) => void;
}

export interface Publishing {
  /** Throws if the document must not go there; else returns what puts it there. Nothing is done before that. */
  ready(document: Uint8Array, options?: PublishingOptions): Promise<(dryRun: boolean) => Promise<Published>>;
  close(): Promise<void>;
}

/** Connects. `fleetDefault` is the fleet where `place` names none. Throws LinkUnavailable and its like. */
export async function openPublishing(
  { url, fleet: named }: BrokerPlace,
  fleetDefault: string,
  signal?: AbortSignal,
): Promise<Publishing> {
  const fleet = named ?? fleetDefault;
  const { openShelf, readKeptApprovals } = await import('../links/approvals.js');
  const shelf = await openShelf(url, fleet, signal);
  const others = async () => (await readKeptApprovals(url, fleet, signal)).map(({ bytes }) => bytes);
  return {
    async ready(document, { note, ...options } = {}) {
      const found = await preparePublication(shelf, document, { ...options, others: note && others });
      const { topic, there, replaced, warnings, put } = found;
      note?.(warnings);
      return async (dryRun) => {
        if (!dryRun) await put();
        return { broker: `${url}`, fleet, topic, published: !there && !dryRun, replaced };
      };
    },
    close: () => shelf.close(),
  };
}
