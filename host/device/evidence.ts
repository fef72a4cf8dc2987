// Approval documents from the places where they are kept, gathered for whoever judges a package: a device, into whose tree
// they are put, or a guard, which judges for a board that cannot.
//
// Documents prove themselves; which source they came from is told to whoever judges them. A place that could not be read is
// a fact of its own ("unreachable"), with the error beside it; it is never taken for an empty one. A card without an
// approval document, and a fleet without any, are empty.

import type { CardChannel } from '../card/channel.js';
import { type CardAccess, openDataObjects } from '../card/data-objects.js';
import type { Evidence } from '../core.js';
import { CountersignError } from '../errors.js';
import type { SourceName } from '../formats/policy.js';
import { reasons } from '../reasons.js';
import type { Client } from '../smp/client.js';
import { putApproval, type Waits } from './identity.js';

/** A card slot, a broker, a folder: whatever approval documents are read from. */
export interface Place {
  /** What a person calls it. */
  name: string;
  /** As policies name it. */
  source: SourceName;
  /** The same again when it may have changed: a broker's documents, not a card's, which would want its PIN again. */
  lasting: boolean;
  /** All documents that are there. Throws if it cannot be read. */
  read(): Promise<Uint8Array[]>;
}

export interface Gathered extends Pick<Place, 'name' | 'lasting'> {
  evidence: Evidence;
  /** Why a place is unreachable. */
  error?: CountersignError;
}

// Whoever stops the work stops it here as well; so does an argument that has to be corrected.
const OURS: readonly string[] = ['Cancelled', 'BadArgument'];

/** What is in this place: its documents, or that it could not be read. Throws only what is no fault of the place. */
export async function gatherFrom({ name, lasting, source, read }: Place): Promise<Gathered[]> {
  try {
    return (await read()).map((bytes) => ({ name, lasting, evidence: { source, bytes } }));
  } catch (error) {
    if (!(error instanceof CountersignError) || OURS.includes(error.reason.name)) throw error;
    return [{ name, lasting, evidence: { source, unreachable: true }, error }];
  }
}

/** The documents among what was gathered. */
export const documentsIn = (gathered: readonly Pick<Gathered, 'evidence'>[]): Uint8Array[] =>
  gathered.flatMap(({ evidence }) => ('bytes' in evidence ? [evidence.bytes] : []));

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

export type Brought =
  | { kind: 'kept' }
  | { kind: 'superseded' } // the device has a newer document of this operator, and goes by that
  | { kind: 'not-taken'; error: CountersignError }; // of a broker: it may be meant for others of the fleet

/**
 * Puts a document into the tree of a device. That the device has a newer one is no reason to stop; nor is one of a broker
 * that this device does not take. Throws the device's reason for any other.
 */
export async function bringApproval(
  client: Client,
  document: Uint8Array,
  { lasting }: Pick<Place, 'lasting'>,
  waits: Waits = {},
): Promise<Brought> {
  try {
    await putApproval(client, document, waits);
    return { kind: 'kept' };
  } catch (error) {
    if (!(error instanceof CountersignError)) throw error;
    if (!lasting && error.reason.name !== 'LinkLost') return { kind: 'not-taken', error };
    if (error.code !== reasons.Superseded.code) throw error;
    return { kind: 'superseded' };
  }
}

/** Brings all that was gathered to a device, and tells what became of each. Throws as bringApproval. */
export async function bringApprovals(
  client: Client,
  gathered: readonly Gathered[],
  told: (name: string, brought: Brought) => void,
  waits: Waits = {},
): Promise<void> {
  for (const { name, lasting, evidence } of gathered) {
    if ('bytes' in evidence) told(name, await bringApproval(client, evidence.bytes, { lasting }, waits));
  }
}
