// Approval documents from the places where they are kept, gathered for whoever judges a package: a device, into whose tree
// they are put, or a guard, which judges for a board that cannot.
//
// Documents prove themselves; which source they came from is told to whoever judges them. A place that could not be read is
// a fact of its own ("unreachable"), with the error beside it; it is never taken for an empty one. A card without an
// approval document, and a fleet without any, are empty.

import type { Evidence } from '../core.js';
import { CountersignError } from '../errors.js';
import type { SourceName } from '../formats/policy.js';

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
