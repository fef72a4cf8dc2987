// Orders to fetch a package, left on the broker for one device or a group: a hint from whoever may write there.

import { CountersignError } from '../errors.js';
import { JSON_VERSION } from '../json.js';
import { acknowledged, connectBroker, endBroker } from '../links/mqtt.js';
import type { BrokerUrl } from '../links/mqtt-url.js';
import { type OrderPaper, orderPaper, orderSchema } from '../links/papers.js';
import { groupOrderTopic, topicsOf } from '../links/topics.js';

/**
 * Leaves an order to fetch a package for one device, or for a group, until it is replaced or removed (undefined). Returns its
 * topic. Throws BadArgument if it is no order, and what the broker throws.
 */
export async function placeOrder(
  { url, fleet }: { url: BrokerUrl; fleet: string },
  whom: { device: string } | { group: string },
  order: OrderPaper | undefined,
  signal?: AbortSignal,
): Promise<string> {
  const topic = 'device' in whom ? topicsOf(fleet, whom.device).order : groupOrderTopic(fleet, whom.group);
  const fault = order && orderSchema.safeParse({ version: JSON_VERSION, ...order }).error?.issues[0];
  if (fault) throw new CountersignError('BadArgument', `order: ${fault.path.join('.')}: ${fault.message}`);
  const client = await connectBroker(url, {}, signal);
  try {
    const text = order === undefined ? '' : orderPaper(order);
    await acknowledged(url, client.publishAsync(topic, text, { qos: 1, retain: true }), signal);
    return topic;
  } finally {
    await endBroker(client);
  }
}
