// A fleet's broker as the shelf that an operator's document is put on (operator/publish.ts). It is asked before anything is
// signed or written, so a wrong password costs nothing. Also a change, and a package, from a file that is there.

import { CountersignError } from '../errors.js';
import { same } from '../formats/bytes.js';
import { decode } from '../formats/cbor.js';
import { viewChange } from '../formats/change.js';
import type { BrokerPlace } from '../links/broker-place.js';
import type { Doubt } from '../operator/doubts.js';
import { type Published, type PublishOptions, preparePublication } from '../operator/publish.js';

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

/**
 * Leaves a change of anchors, policy or groups under its number. One that has more signatures replaces the same with fewer; any other
 * is replaced by `force` alone. Throws Superseded, and what the broker throws.
 */
export async function publishChange(
  { url, fleet: named }: BrokerPlace,
  fleetDefault: string,
  change: Uint8Array,
  {
    force = false,
    dryRun = false,
    signal,
  }: { force?: boolean; dryRun?: boolean; signal?: AbortSignal | undefined } = {},
): Promise<Published> {
  const fleet = named ?? fleetDefault;
  const view = viewChange(change, 'the change');
  const { openChangeShelf } = await import('../links/approvals.js');
  const shelf = await openChangeShelf(url, fleet, signal);
  try {
    const number = `${view.sequence}`;
    const kept = await shelf.read(number);
    const there = kept !== undefined && same(kept, change);
    if (kept && !there && !force && !addsSignatures(kept, change)) {
      throw new CountersignError(
        'Superseded',
        `publish: ${shelf.topic(number)} holds another change with this number`,
        {
          hint: 'sign one with a higher number, or replace what is there: `countersign publish FILE --force`',
        },
      );
    }
    if (!there && !dryRun) await shelf.put(number, change);
    const replaced = kept && !there ? view.sequence : undefined;
    return { broker: `${url}`, fleet, topic: shelf.topic(number), published: !there && !dryRun, replaced };
  } finally {
    await shelf.close();
  }
}

/** What is signed is the same, and no fewer have signed. What is no change is in nobody's way. */
function addsSignatures(before: Uint8Array, change: Uint8Array): boolean {
  try {
    return changeSignatures(change) >= changeSignatures(before) && same(changePayload(before), changePayload(change));
  } catch {
    return true;
  }
}

const changePayload = (change: Uint8Array): Uint8Array => (decode(change, 'a change') as Uint8Array[])[0]!;
const changeSignatures = (change: Uint8Array): number => viewChange(change, 'a change').signers.length;
