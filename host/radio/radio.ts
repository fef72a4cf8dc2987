// The board's MQTT connection: requests of clients in, each one's answers out (QoS 0, as host/links/mqtt.ts explains); alerts;
// retained, what is known of the board and whether it is there. And what the board fetches for itself: documents
// (documents.ts), orders (orders.ts), and the blocks that its agent asks for (blocks.ts).
//
// What is known stays when it goes: only the word whether it is there is its last will. None of it is learned from the broker,
// where a stranger may have left it: a radio knows what its own agent has said. A request that the broker kept
// (the retain flag of what comes with a subscription) is nobody's any more, and would be carried out at every connection.

import { STATE } from '../device/identity.js';
import { wantedOf } from '../device/serve.js';
import { hex } from '../formats/bytes.js';
import { topicNameSchema } from '../formats/topic-name.js';
import { type Address, acknowledged, connectBroker, endBroker, subscribe } from '../links/mqtt.js';
import { alertPaper, readOrderPaper } from '../links/papers.js';
import {
  APPROVALS_FILTER,
  blockTopic,
  changeTopic,
  type DeviceState,
  exchangeTopics,
  GROUPS_MAX,
  groupOrderTopic,
  OFFLINE,
  ONLINE,
  packagesPrefix,
  stateDocument,
  topicsOf,
} from '../links/topics.js';
import { createClient } from '../smp/client.js';
import { type Alert, echo } from '../smp/commands.js';
import type { Link } from '../smp/link.js';
import { askAgain, type BlockSource, blocksOn, createBlocks } from './blocks.js';
import { type Agent, createDesk, deskLink } from './desk.js';
import { createDocuments, type Paper } from './documents.js';
import { createOrders, type OrderMemory } from './orders.js';
import { saysThatItHolds } from './sieve.js';
import { createTrial } from './trial.js';

// What the broker keeps is asked for anew, soon after each connection and then more seldom: what got lost on the way to a device,
// or what a cluster did not have yet while its nodes came to terms, is found then.
const REFRESH_MS = 60_000;
const REFRESH_MS_MAX = 3_600_000;
const PROGRESS_MS = 5000; // between two words of how much of a package is fetched: fast devices have none to say
const KNOCK = { signal: undefined, retries: 0 }; // one packet: more of them would keep the agent from starting the image
const LIMITS = { timeoutMs: 1000, retries: 3 }; // an agent in this process answers at once, or after a restart not at all

export interface Station extends Address {
  /** Groups of the device: their orders are its own. */
  groups?: readonly string[] | undefined;
  /** Where blocks come from; default: the radio's own connection. */
  blocks?: BlockSource | undefined;
  /** How soon what the broker keeps is asked for anew; later more seldom. Default: a minute. */
  refreshMs?: number | undefined;
  /** What its agent said of itself before this connection. */
  earlier?: DeviceState | undefined;
  /** What an earlier connection of the same device has settled; this one goes on with it. */
  memory?: RadioMemory | undefined;
  /** A client asked for more than a line can carry, which was dropped. */
  refused?(): void;
}

export interface RadioMemory {
  papers: Map<string, Paper>;
  orders: OrderMemory;
}

export const newRadioMemory = (): RadioMemory => ({ papers: new Map(), orders: { open: new Map(), ended: [] } });

export interface Radio {
  /** What the agent sends on its link. */
  send(packet: Uint8Array): void;
  /** An alert of the agent, on whichever link. */
  alert(alert: Alert): void;
  show(state: DeviceState): void; // what is not mentioned stays as it was shown
  started(what: 'agent' | 'application'): void;
  /** The device is there again, after a moment in which nobody knows what it did: only what is new is brought to it. */
  resumed(): void;
  /** A link for a client of the board's own, which looks at its agent. */
  link(name: string): Link;
  close(): Promise<void>;
}

const RETAINED_MS = 1000;
const yes = () => true;
const no = () => false;

export async function connectRadio(
  {
    url,
    fleet,
    device,
    groups = [],
    blocks: source,
    refreshMs = REFRESH_MS,
    earlier,
    memory,
    refused = () => undefined,
  }: Station,
  agent: Agent,
  signal: AbortSignal | undefined,
): Promise<Radio> {
  const topics = topicsOf(fleet, device);
  const requests = exchangeTopics(fleet, device, '+').request;
  const [approvals, changes] = [APPROVALS_FILTER(fleet), changeTopic(fleet, '+')];
  const packages = packagesPrefix(fleet);
  const orderTopics = new Set([topics.order]);
  const kept = { qos: 1, retain: true } as const;
  const will = { topic: topics.online, payload: Buffer.from(OFFLINE), ...kept };
  const client = await connectBroker(url, { will }, signal);
  let shown: DeviceState = {};
  let leaving = false;
  let refresh: NodeJS.Timeout | undefined;
  let progressTold = Number.NaN; // when, of what is being fetched now
  const publish = (topic: string, text: string) =>
    acknowledged(url, client.publishAsync(topic, text, kept), undefined).then(yes, no);
  const arrive = () => publish(topics.online, ONLINE);

  // Whatever carries a radio of this kind has a clock.
  const tell = () => void publish(topics.state, stateDocument({ ...shown, at: Math.floor(Date.now() / 1000) }));

  const desk = createDesk(agent, refused);
  const used = () => agent.used?.();
  const own = createClient(deskLink(desk, 'own radio', used), agent.line ?? LIMITS);
  const orders = createOrders(
    own,
    () => shown,
    memory?.orders,
    Math.random,
    () => documents.handedIn(),
  );
  const documents = createDocuments({
    ...{ client: own, away: () => agent.away, taken: orders.taken },
    papers: memory?.papers,
    holds: (kind, word) => saysThatItHolds(shown, kind, word),
  });
  // Where the broker cannot be reached the image has not shown that it can be.
  const trial = createTrial(() => void (client.connected && echo(own, '', KNOCK).catch(no)));
  const blocks = createBlocks({
    topic: (digest, block) => blockTopic(fleet, digest, block),
    ...(source?.join((topic, payload) => blocks.heard(topic, payload)) ?? blocksOn(client)),
    handIn: (packet) => {
      if (!agent.away) desk.give(packet); // it would reset the board
    },
    told(done, of) {
      if (shown.state !== STATE.downloading || !(Date.now() - progressTold >= PROGRESS_MS)) return;
      progressTold = Date.now();
      know({ ...shown, progress: Math.floor((100 * done) / of) });
    },
  });

  function request(topic: string, payload: Uint8Array): void {
    const name = topicNameSchema.safeParse(topic.split('/').at(-1)).data;
    if (name === undefined) return;
    const { response } = exchangeTopics(fleet, device, name);
    desk.ask(name, Uint8Array.from(payload), (packet) => {
      client.publish(response, Buffer.from(packet), { qos: 0 });
      used();
    });
  }

  client.on('message', (topic, payload, { retain }) => {
    // Most of what comes, by far.
    if (topic.startsWith(packages)) blocks.heard(topic, payload);
    else if (isBelow(topic, requests)) {
      if (!retain) request(topic, payload);
    } else if (isBelow(topic, approvals)) documents.heard('approval', lastOf(topic), payload);
    else if (isBelow(topic, changes)) documents.heard('change', lastOf(topic), payload);
    else if (orderTopics.has(topic)) orders.heard(topic, readOrderPaper(payload), !retain);
    // The will of a connection that the broker gave up only now, when there is a new one.
    else if (topic === topics.online) {
      if (payload.toString() === OFFLINE && !leaving) void arrive();
    }
  });
  try {
    await subscribe(client, url, requests, signal, 0);
    await subscribe(client, url, topics.online, signal);
    // QoS 0: each new connection brings again what is retained, and so does the refresh. After the loss of a node, a cluster
    // (NATS) no longer brings what is new to subscriptions of QoS 1 that came over from it.
    await subscribe(client, url, [approvals, changes, topics.order], signal, 0);
    await acknowledged(url, client.publishAsync(topics.online, ONLINE, kept), signal);
    if (earlier) show({ ...earlier, groups: earlier.groups });
    else follow(groups);
    know({ ...shown, groups: shown.groups ?? joined(groups) });
  } catch (error) {
    await end();
    throw error;
  }
  // Connected again after the line was gone: the will has said so meanwhile, and what was shown may not have got out.
  client.on('connect', () => {
    void arrive();
    refreshIn(refreshMs);
    if (Object.keys(shown).length > 0) tell();
  });
  function know(next: DeviceState): void {
    if (JSON.stringify(next) === JSON.stringify(shown)) return;
    shown = next;
    trial.shows(shown.state);
    tell();
  }

  function show(state: DeviceState): void {
    const all = 'groups' in state ? joined(groups, state.groups) : shown.groups;
    follow(all ?? []);
    const next = { ...shown, ...state, groups: all };
    if (next.state !== shown.state) progressTold = Date.now();
    know(next.state === STATE.downloading ? next : { ...next, progress: undefined });
    documents.stands(`${shown.device} ${shown.change}`);
  }

  // A device takes the orders of its groups from now on, and those of the others no more.
  function follow(now: readonly string[]): void {
    const wanted = now.map((group) => groupOrderTopic(fleet, group));
    const over = [...orderTopics].filter((topic) => topic !== topics.order && !wanted.includes(topic));
    const fresh = wanted.filter((topic) => !orderTopics.has(topic));
    for (const topic of over) {
      orderTopics.delete(topic);
      orders.heard(topic, undefined);
    }
    for (const topic of fresh) orderTopics.add(topic);
    if (over.length > 0) client.unsubscribeAsync(over).catch(no);
    if (fresh.length > 0) client.subscribeAsync(fresh, { qos: 0 }).catch(no); // once more with the next connection
  }

  function refreshIn(ms: number): void {
    clearTimeout(refresh);
    refresh = setTimeout(() => {
      if (client.connected) askAgain(client, [approvals, changes, ...orderTopics]);
      refreshIn(Math.min(2 * ms, REFRESH_MS_MAX));
    }, ms);
  }
  refreshIn(refreshMs);

  async function end(): Promise<void> {
    clearTimeout(refresh);
    documents.close();
    orders.close();
    blocks.close();
    trial.close();
    desk.close();
    await own.close();
    await endBroker(client);
  }

  return {
    send(packet) {
      desk.heard();
      const wanted = wantedOf(packet);
      if (!wanted) return desk.answer(packet);
      if (wanted.digest) orders.fetches(hex(wanted.digest));
      blocks.wanted(wanted);
    },
    alert(alert) {
      orders.told(alert);
      client.publish(topics.alert, alertPaper(alert, shown.device), { qos: 1 });
    },
    show,
    started(what) {
      blocks.forget();
      if (what === 'application') return orders.left();
      documents.started();
      orders.started();
      // In the middle of a download it asks on; a packet makes it wait for the answer longer than for a start (slow lines).
      if (shown.state === STATE.downloading) setImmediate(() => void echo(own, '').catch(no));
    },
    resumed() {
      documents.started();
      // What the broker keeps has come by then, or is gone from it.
      setTimeout(orders.resumed, RETAINED_MS).unref();
    },
    link: (name) => deskLink(desk, name),
    async close() {
      // An orderly farewell leaves no will: it is our own word then.
      leaving = true;
      const said = client.connected && (await publish(topics.online, OFFLINE));
      if (said) await acknowledged(url, client.endAsync(), undefined).catch(() => undefined);
      await end();
    },
  };
}

/** Those of the station first; undefined: none. */
function joined(station: readonly string[], device: readonly string[] = []): string[] | undefined {
  const all = [...new Set([...station, ...device])].slice(0, GROUPS_MAX);
  return all.length > 0 ? all : undefined;
}

/** Is it one level below the filter that ends in "+"? */
const isBelow = (topic: string, filter: string): boolean =>
  topic.startsWith(filter.slice(0, -1)) && !topic.slice(filter.length - 1).includes('/');

const lastOf = (topic: string): string => topic.split('/').at(-1)!;
