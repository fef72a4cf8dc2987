// The approval documents that operators keep on a fleet's broker, retained under cs/<fleet>/approvals/<operator>.
//
// Anybody who may write there can leave anything: documents prove themselves, and what is too large to be one is not
// handed on. A broker does not say when it has sent all that is retained. It is asked for one thing more, where nothing is:
// by the time it acknowledges that, it has dealt with the first subscription; then a short silence ends it. A broker that cannot be reached,
// or does not let us read, is an error, never "there is none".

import { CountersignError } from '../errors.js';
import { DOCUMENT_BYTES_MAX } from '../formats/approval.js';
import { orAbort, sleep, within } from '../wait.js';
import { connectBroker } from './mqtt.js';
import { APPROVALS_FILTER, NOBODY_FILTER } from './topics.js';

const QUIET_MS = 500;
const READ_MS_MAX = 20_000;
const DOCUMENTS_MAX = 64; // far more than any device has operators
const GRANTED_MAX = 2; // a QoS; above: the broker refused the subscription

export interface KeptApproval {
  operator: string; // as the topic calls them
  bytes: Uint8Array;
}

export async function readKeptApprovals(url: string, fleet: string, signal?: AbortSignal): Promise<KeptApproval[]> {
  const kept = new Map<string, Uint8Array>();
  const limit = within(READ_MS_MAX, signal);
  const client = await connectBroker(url, {}, limit);
  let heard = Date.now();
  client.on('message', (topic, payload) => {
    heard = Date.now();
    if (payload.length === 0 || payload.length > DOCUMENT_BYTES_MAX) return;
    if (kept.has(topic) || kept.size < DOCUMENTS_MAX) kept.set(topic, Uint8Array.from(payload));
  });
  try {
    for (const filter of [APPROVALS_FILTER(fleet), NOBODY_FILTER(fleet)]) {
      const [granted] = await orAbort(client.subscribeAsync(filter, { qos: 1 }), limit);
      if (granted === undefined || granted.qos > GRANTED_MAX) {
        throw new CountersignError('LinkUnavailable', `mqtt ${url}: the broker does not let us read ${filter}`);
      }
    }
    heard = Date.now();
    while (Date.now() < heard + QUIET_MS) await sleep(heard + QUIET_MS - Date.now(), limit);
  } catch (cause) {
    if (cause instanceof CountersignError) throw cause;
    throw new CountersignError('LinkUnavailable', `mqtt ${url}: ${(cause as Error).message}`, { cause });
  } finally {
    await client.endAsync(true);
  }
  return [...kept].map(([topic, bytes]) => ({ operator: topic.split('/').at(-1)!, bytes }));
}
