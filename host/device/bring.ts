// Approval documents, put into the tree of a device that judges with them (evidence.ts gathers them).

import { CountersignError } from '../errors.js';
import { reasons } from '../reasons.js';
import type { Client } from '../smp/client.js';
import type { Gathered, Place } from './evidence.js';
import { putApproval, type Waits } from './identity.js';

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
