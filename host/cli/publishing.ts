// An approval document brought to where a fleet's devices and hosts read it: a broker, which keeps it for whoever comes.
//
//   what is there under the operator's name          what is done
//   nothing, or no approval document                 published
//   the same document                                nothing
//   an older one of the same key                     replaced, unless that would lift a denial (--lift)
//   one with the same number or a higher one         refused: an older document never replaces a newer one
//   one of another key                               refused: two operators go by one name
//
// --force (of the command that does nothing else) replaces all the same. The broker is asked before anything is signed or
// written, so a wrong password costs nothing.

import { CountersignError } from '../errors.js';
import { type ApprovalView, viewApproval } from '../formats/approval.js';
import { hex, same } from '../formats/bytes.js';
import { topicNameSchema } from '../links/topics.js';
import { clockDoubts, type Doubt, requireLift } from '../operator/doubts.js';
import { type BrokerPlace, placeSchema } from './broker-place.js';
import type { OptionSpec } from './command.js';
import { brokerOptions } from './connection-options.js';

const option = <S extends OptionSpec['schema']>(spec: OptionSpec<S>): OptionSpec<S> => spec;

/** For commands that make a document. */
export const publishOptions = {
  publish: option({
    value: 'url',
    text: 'leave the document on this broker, too: mqtt://host/fleet; without fleet: that of --fleet',
    schema: placeSchema.optional(),
    config: 'publish',
  }),
  publishAs: option({
    value: 'name',
    text: "the operator's name there; default: the issuer, else the key id",
    schema: topicNameSchema.optional(),
    config: 'publish-as',
  }),
  fleet: brokerOptions.fleet,
};

export interface PublishOptions {
  publish?: BrokerPlace | undefined;
  publishAs?: string | undefined;
  fleet: string;
}

export interface Published {
  broker: string;
  fleet: string;
  topic: string;
  /** False in a dry run, and when it was there already. */
  published: boolean;
  /** The number of the document that was there. */
  replaced: bigint | undefined;
}

export interface How {
  force?: boolean;
  /** Denials may end. */
  lift?: boolean;
  /** Takes what a person should know. */
  note?: (doubts: Doubt[]) => void;
}

export interface Publishing {
  /** Throws if the document must not go there; else returns what puts it there. Nothing is done before that. */
  ready(document: Uint8Array, how?: How): Promise<(dryRun: boolean) => Promise<Published>>;
  close(): Promise<void>;
}

/** Connects; undefined without --publish. */
export async function openPublishing(options: PublishOptions, signal: AbortSignal): Promise<Publishing | undefined> {
  if (options.publish === undefined) return undefined;
  const place = options.publish;
  const fleet = place.fleet ?? options.fleet;
  const { openShelf, readKeptApprovals } = await import('../links/approvals.js');
  const shelf = await openShelf(place.url, fleet, signal);
  return {
    async ready(document, { force = false, lift = force, note }: How = {}) {
      const view = viewApproval(document, 'the document');
      const operator = options.publishAs ?? nameOf(view);
      const topic = shelf.topic(operator);
      const kept = await shelf.read(operator);
      const before = kept && readKept(kept);
      const there = kept !== undefined && same(kept, document);
      if (before && !there && !force) {
        requireNewer(view, before, topic);
        requireLift(before.claims, view.claims, lift, topic);
      }
      if (note !== undefined) {
        const all = await readKeptApprovals(place.url, fleet, signal);
        const claims = all.flatMap(({ bytes }) => readKept(bytes)?.claims ?? []);
        note(clockDoubts(view.claims, claims, 'the newest approval on the broker'));
      }
      const replaced = there ? undefined : before?.claims.sequence;
      return async (dryRun) => {
        const published = !there && !dryRun;
        if (published) await shelf.put(operator, document);
        return { broker: `${place.url}`, fleet, topic, published, replaced };
      };
    },
    close: () => shelf.close(),
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

/** What became of it, for a person. */
export function publishedLines({ topic, broker, published, replaced }: Published, dryRun: boolean): string[] {
  const where = `${topic} on ${broker}`;
  if (!published && !dryRun) return [`there already: ${where}`];
  const before = replaced === undefined ? '' : `, in place of document ${replaced}`;
  return [`${dryRun ? 'would publish' : 'published'} ${where}${before}`];
}
