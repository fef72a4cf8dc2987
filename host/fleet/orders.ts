// Orders to fetch a package, left on the broker for one device or a group: a hint from whoever may write there.

import { CountersignError } from '../errors.js';
import { JSON_VERSION } from '../json.js';
import type { FleetLine } from '../links/fleet-line.js';
import { acknowledged, connectBroker, endBroker } from '../links/mqtt.js';
import type { BrokerUrl } from '../links/mqtt-url.js';
import { type OrderPaper, orderPaper, orderSchema, readOrderPaper } from '../links/papers.js';
import { groupOrderTopic, topicsOf } from '../links/topics.js';

export type Whom = { device: string } | { group: string };

/** When devices begin with what is ordered, by their clocks. */
export type Timing = Pick<OrderPaper, 'notBefore' | 'deadline' | 'spread'>;

/**
 * Leaves an order to fetch a package for one device, or for a group, until it is replaced or removed (undefined). Returns its
 * topic. Throws BadArgument if it is no order, and what the broker throws.
 */
export async function placeOrder(
  { url, fleet }: { url: BrokerUrl; fleet: string },
  whom: Whom,
  order: OrderPaper | undefined,
  signal?: AbortSignal,
): Promise<string> {
  const topic = orderTopic(fleet, whom);
  const text = orderText(order);
  const client = await connectBroker(url, {}, signal);
  try {
    await acknowledged(url, client.publishAsync(topic, text, { qos: 1, retain: true }), signal);
    return topic;
  } finally {
    await endBroker(client);
  }
}

export const orderTopic = (fleet: string, whom: Whom): string =>
  'device' in whom ? topicsOf(fleet, whom.device).order : groupOrderTopic(fleet, whom.group);

function orderText(order: OrderPaper | undefined): string {
  const fault = order && orderSchema.safeParse({ version: JSON_VERSION, ...order }).error?.issues[0];
  if (fault) throw new CountersignError('BadArgument', `order: ${fault.path.join('.')}: ${fault.message}`);
  return order === undefined ? '' : orderPaper(order);
}

/** The same over a line that is open. Throws as placeOrder. */
export async function leaveOrder(line: FleetLine, whom: Whom, order: OrderPaper): Promise<string> {
  const topic = orderTopic(line.fleet, whom);
  await line.put(topic, orderText(order));
  return topic;
}

/** Takes an order away; one that somebody else has left there since stays. */
export async function withdrawOrder(line: FleetLine, whom: Whom, correlator: string): Promise<void> {
  const topic = orderTopic(line.fleet, whom);
  const there = line.standing(topic);
  if (there && readOrderPaper(there)?.correlator !== correlator) return;
  await line.put(topic, '');
}
