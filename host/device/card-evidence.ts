// The approval document on a smart card, as evidence (evidence.ts).

import type { CardChannel } from '../card/channel.js';
import { type CardAccess, openDataObjects } from '../card/data-objects.js';
import { CountersignError } from '../errors.js';

/** The approval document on a card, if there is one. The channel stays open. */
export async function readCardApproval(channel: CardChannel, access: CardAccess): Promise<Uint8Array[]> {
  const objects = await openDataObjects(channel, access).catch(noneThere);
  const object = await objects?.approval();
  return objects && object ? [await objects.read(object)] : [];
}

// A card for something else: it was read, and holds no approvals.
function noneThere(error: unknown): undefined {
  if (error instanceof CountersignError && error.reason.name === 'NotFound') return undefined;
  throw error;
}
