// An approval document brought to where a fleet's devices and hosts read it: a shelf, such as a broker's retained messages.
//
//   what is there under the operator's name          what is done
//   nothing, or no approval document                 published
//   the same document                                nothing
//   an older one of the same key                     replaced, unless that would lift a denial (`lift`)
//   one with the same number or a higher one         refused: an older document never replaces a newer one
//   one of another key                               refused: two operators go by one name
//
// `force` replaces all the same. The shelf is asked before anything is put there, so that a caller who is about to sign or
// to write something first learns of a wrong password while it costs nothing. The shelf is the caller's to open and close
// (links/approvals.ts has the one of a broker).

import { CountersignError } from '../errors.js';
import { type ApprovalView, type Claims, viewApproval } from '../formats/approval.js';
import { hex, same } from '../formats/bytes.js';
import { topicNameSchema } from '../formats/topic-name.js';
import { clockDoubts, type Doubt, requireLift } from './doubts.js';

/** Where the documents of a fleet's operators are, one for each. */
export interface Shelf {
  /** What the place of an operator is called there. */
  topic(operator: string): string;
  /** What an operator keeps there now. */
  read(operator: string): Promise<Uint8Array | undefined>;
  /** Done when it is certain that the document is kept. */
  put(operator: string, document: Uint8Array): Promise<void>;
}

/** What became of a document. */
export interface Published {
  broker: string;
  fleet: string;
  topic: string;
  /** False in a dry run, and when it was there already. */
  published: boolean;
  /** The number of the document that was there. */
  replaced: bigint | undefined;
}

export interface PublishOptions {
  /** The operator's name there; default: the issuer, if it can be a level of a topic, else the key id in hex. */
  as?: string | undefined;
  /** Replace what is there, whatever it is. */
  force?: boolean | undefined;
  /** Denials may end; default: as `force`. */
  lift?: boolean | undefined;
  /** Gives all documents that the fleet's operators keep, to compare their dates with this one; default: none are compared. */
  others?: (() => Promise<readonly Uint8Array[]>) | undefined;
}

export interface Publication {
  operator: string;
  topic: string;
  view: ApprovalView;
  /** This very document is there already: `put` does nothing. */
  there: boolean;
  /** The number of the document that it takes the place of. */
  replaced: bigint | undefined;
  warnings: Doubt[];
  put(): Promise<void>;
}

/**
 * Finds out whether a signed document may go to the shelf; nothing is done there before `put`. Throws KeyWrong, Superseded
 * or WouldLift if it must not; ApprovalMalformed if it is no approval document; and whatever the shelf throws.
 */
export async function preparePublication(
  shelf: Shelf,
  document: Uint8Array,
  { as, force = false, lift = force, others }: PublishOptions = {},
): Promise<Publication> {
  const view = viewApproval(document, 'the document');
  const operator = as ?? nameOf(view);
  const topic = shelf.topic(operator);
  const kept = await shelf.read(operator);
  const before = kept && readKept(kept);
  const there = kept !== undefined && same(kept, document);
  if (before && !there && !force) {
    requireNewer(view, before, topic);
    requireLift(before.claims, view.claims, lift, topic);
  }
  const dated: Claims[] = ((await others?.()) ?? []).flatMap((bytes) => readKept(bytes)?.claims ?? []);
  return {
    ...{ operator, topic, view, there },
    replaced: there ? undefined : before?.claims.sequence,
    warnings: clockDoubts(view.claims, dated, 'the newest approval on the broker'),
    async put() {
      if (!there) await shelf.put(operator, document);
    },
  };
}

/** The name that a document's operator has on brokers unless told: one level of a topic. */
function nameOf({ claims, kid }: ApprovalView): string {
  return topicNameSchema.safeParse(claims.issuer).data ?? hex(kid ?? new Uint8Array());
}

/** Whatever else is there is in nobody's way. */
function readKept(bytes: Uint8Array): ApprovalView | undefined {
  try {
    return viewApproval(bytes, 'what the broker keeps');
  } catch (error) {
    if (error instanceof CountersignError) return undefined;
    throw error;
  }
}

function requireNewer(view: ApprovalView, before: ApprovalView, topic: string): void {
  if (!same(view.kid ?? new Uint8Array(), before.kid ?? new Uint8Array())) {
    const whose = before.kid ? `key ${hex(before.kid)}` : 'an unknown key';
    throw new CountersignError('KeyWrong', `publish: ${topic} holds a document of ${whose}`, {
      hint: 'choose another name for this operator, or replace what is there: `countersign publish FILE --force`',
    });
  }
  if (view.claims.sequence > before.claims.sequence) return;
  throw new CountersignError(
    'Superseded',
    `publish: ${topic} holds document ${before.claims.sequence} of this operator`,
    {
      hint: 'issue one with a higher number',
    },
  );
}
