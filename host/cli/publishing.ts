// --publish and its fellows: a broker as the shelf that an operator's document is put on (operator/publish.ts), and how what
// became of it is shown. The broker is asked before anything is signed or written, so a wrong password costs nothing.

import { topicNameSchema } from '../links/topics.js';
import type { Doubt } from '../operator/doubts.js';
import { preparePublication } from '../operator/publish.js';
import { type BrokerPlace, placeSchema } from './broker-place.js';
import { grouped, type OptionSpec } from './command.js';
import { brokerOptions } from './connection-options.js';

const option = <S extends OptionSpec['schema']>(spec: OptionSpec<S>): OptionSpec<S> => spec;

/** For commands that make a document. */
export const publishOptions = grouped('Publishing', {
  publish: option({
    value: 'url',
    text: 'also publish the document, retained, on this broker: mqtt://host/fleet',
    schema: placeSchema.optional(),
    config: 'publish',
  }),
  publishAs: option({
    value: 'name',
    text: "the operator's name in the topic; default: the issuer or the key id",
    schema: topicNameSchema.optional(),
    config: 'publish-as',
  }),
  fleet: brokerOptions.fleet,
});

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
  /** Takes what a person should know of the date. */
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
  const { url, fleet = options.fleet } = options.publish;
  const { openShelf, readKeptApprovals } = await import('../links/approvals.js');
  const shelf = await openShelf(url, fleet, signal);
  const others = async () => (await readKeptApprovals(url, fleet, signal)).map(({ bytes }) => bytes);
  return {
    async ready(document, { force, lift, note } = {}) {
      const as = options.publishAs;
      const found = await preparePublication(shelf, document, { as, force, lift, others: note && others });
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

/** What became of it, for a person. */
export function publishedLines({ topic, broker, published, replaced }: Published, dryRun: boolean): string[] {
  const where = `${topic} on ${broker}`;
  if (!published && !dryRun) return [`there already: ${where}`];
  const before = replaced === undefined ? '' : `, in place of document ${replaced}`;
  return [`${dryRun ? 'would publish' : 'published'} ${where}${before}`];
}
