// What operators keep on a fleet's broker: approval documents, retained under cs/<fleet>/approvals/<operator>, and changes under
// cs/<fleet>/changes/<number>.
//
// Anybody who may write there can leave anything: documents prove themselves, and what is too large to be one is not
// handed on. A broker does not say when it has sent all that is retained. It is asked for one thing more, where nothing is:
// by the time it acknowledges that, it has dealt with the first subscription; then a short silence ends it. A broker that
// cannot be reached, or refuses the subscription, is an error, never "there is none".
//
// A broker acknowledges what it then throws away, if the user may not write there (MQTT 3.1.1 section 3.3.5): so what was
// published is called kept when a new subscription gets it as retained.

import type { IPublishPacket, MqttClient } from 'mqtt';
import { CountersignError } from '../errors.js';
import { DOCUMENT_BYTES_MAX } from '../formats/approval.js';
import { same } from '../formats/bytes.js';
import { CHANGE_BYTES_MAX } from '../formats/change.js';
import { sleep, within } from '../wait.js';
import { acknowledged, connectBroker, endBroker, subscribe } from './mqtt.js';
import { type BrokerUrl, brokerOf } from './mqtt-url.js';
import { APPROVALS_FILTER, approvalTopic, changeTopic, NOBODY_FILTER } from './topics.js';

const QUIET_MS = 500;
const TIME_MS_MAX = 20_000;
const DOCUMENTS_MAX = 64; // far more than any device has operators

const APPROVALS = { bytesMax: DOCUMENT_BYTES_MAX, countMax: DOCUMENTS_MAX };

export interface KeptApproval {
  operator: string; // as the topic calls them
  bytes: Uint8Array;
}

/** Every approval document that the broker keeps of a fleet, unverified. Throws LinkUnavailable. */
export async function readKeptApprovals(url: BrokerUrl, fleet: string, signal?: AbortSignal): Promise<KeptApproval[]> {
  const limit = within(TIME_MS_MAX, signal);
  const client = await connectBroker(url, {}, limit);
  try {
    const found = await readKept(client, url, fleet, { filter: APPROVALS_FILTER(fleet), ...APPROVALS }, limit);
    return found.map(({ topic, bytes }) => ({ operator: topic.split('/').at(-1)!, bytes }));
  } finally {
    await endBroker(client);
  }
}

/** Where the documents of a fleet's operators are, to put one there. */
export interface ApprovalShelf {
  topic(operator: string): string;
  /** What an operator keeps there now. */
  read(operator: string): Promise<Uint8Array | undefined>;
  /** Done when the broker gives it back as what it retains. */
  put(operator: string, document: Uint8Array): Promise<void>;
  close(): Promise<void>;
}

/**
 * The topics of a fleet's approvals on a broker (MQTT, retained). Throws LinkUnavailable if the broker cannot be reached
 * or refuses.
 */
export const openShelf = (url: BrokerUrl, fleet: string, signal?: AbortSignal): Promise<ApprovalShelf> =>
  open(url, fleet, (operator) => approvalTopic(fleet, operator), DOCUMENT_BYTES_MAX, signal);

/** The same for changes of anchors or policy, by their numbers. */
export const openChangeShelf = (url: BrokerUrl, fleet: string, signal?: AbortSignal): Promise<ApprovalShelf> =>
  open(url, fleet, (number) => changeTopic(fleet, BigInt(number)), CHANGE_BYTES_MAX, signal);

async function open(
  url: BrokerUrl,
  fleet: string,
  topic: (name: string) => string,
  bytesMax: number,
  signal: AbortSignal | undefined,
): Promise<ApprovalShelf> {
  const client = await connectBroker(url, {}, within(TIME_MS_MAX, signal));
  const read = async (name: string, limit: AbortSignal) =>
    (await readKept(client, url, fleet, { filter: topic(name), bytesMax, countMax: 1 }, limit))[0]?.bytes;
  return {
    topic,
    read: (name) => read(name, within(TIME_MS_MAX, signal)),
    async put(name, document) {
      const limit = within(TIME_MS_MAX, signal);
      const sent = client.publishAsync(topic(name), Buffer.from(document), { qos: 1, retain: true });
      await acknowledged(url, sent, limit).catch((cause: unknown) => lost(client, url, cause));
      requireKept(url, topic(name), document, await read(name, limit));
    },
    close: () => endBroker(client),
  };
}

/** Throws NotPublished unless the broker gave back what it was given. */
export function requireKept(url: BrokerUrl, topic: string, document: Uint8Array, found: Uint8Array | undefined): void {
  if (found && same(found, document)) return;
  const what = found ? 'keeps another document' : 'took the document, and does not keep it';
  throw new CountersignError('NotPublished', `mqtt ${brokerOf(url)}: the broker ${what} under ${topic}`);
}

/** What to read: a topic, several, or a filter, and how much of it at most. */
export interface Shelved {
  filter: string | string[];
  bytesMax: number;
  countMax: number;
}

/** All that the broker retains there. */
export async function readKept(
  client: MqttClient,
  url: BrokerUrl,
  fleet: string,
  { filter: wanted, bytesMax, countMax }: Shelved,
  limit: AbortSignal,
): Promise<{ topic: string; bytes: Uint8Array }[]> {
  const found = new Map<string, Uint8Array>();
  let heard = Date.now();
  const listen = (topic: string, payload: Uint8Array, { retain }: IPublishPacket) => {
    heard = Date.now();
    if (!retain || payload.length === 0 || payload.length > bytesMax) return;
    if (found.has(topic) || found.size < countMax) found.set(topic, Uint8Array.from(payload));
  };
  client.on('message', listen);
  try {
    for (const filter of [wanted, NOBODY_FILTER(fleet)]) await subscribe(client, url, filter, limit);
    heard = Date.now();
    while (Date.now() < heard + QUIET_MS) await sleep(heard + QUIET_MS - Date.now(), limit);
    await acknowledged(url, client.unsubscribeAsync([wanted, NOBODY_FILTER(fleet)].flat()), limit); // retained ones come once a subscription
  } catch (cause) {
    lost(client, url, cause);
  } finally {
    client.off('message', listen);
  }
  return [...found].map(([topic, bytes]) => ({ topic, bytes }));
}

/** Of a broker that was there: errors of ours stay as they are, but for the time that is over, and a line that is gone. */
export function lost(client: MqttClient, url: BrokerUrl, cause: unknown): never {
  const over: string[] = client.connected ? ['TimedOut'] : ['TimedOut', 'LinkUnavailable'];
  if (cause instanceof CountersignError && !over.includes(cause.reason.name)) throw cause;
  const why = cause instanceof CountersignError ? 'the broker does not answer any more' : (cause as Error).message;
  throw new CountersignError('LinkLost', `mqtt ${brokerOf(url)}: ${why}`, { cause });
}
