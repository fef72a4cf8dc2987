// One connection to a broker for all that is done with a fleet: what its devices say, requests to any of them, and what is left
// there for them. A fleet of thousands is one connection of ours.
//
// What devices say is kept here: their last state and whether they are there, as the broker has it, also after the connection was
// lost and is back. Who they are, nobody here checks: the broker is transport. Requests go over topics of a name that is new for
// each line, so nobody else gets the answers.

import { hex } from '../formats/bytes.js';
import type { Alert } from '../smp/commands.js';
import { createListeners, type Link } from '../smp/link.js';
import { sleep } from '../wait.js';
import { lost } from './approvals.js';
import { acknowledged, alertPacket, connectBroker, endBroker, requestLink, stateIn, subscribe } from './mqtt.js';
import { type BrokerUrl, brokerOf } from './mqtt-url.js';
import { PAPER_BYTES_MAX, readAlertPaper } from './papers.js';
import { DEVICES_MAX, type DeviceState, deviceIn, exchangeTopics, OFFLINE, ONLINE, topicsOf } from './topics.js';

const QUIET_MS = 300; // a broker sends what is retained right after the subscription, and does not say when it has
const REFRESH_MS = 5000;
const STATES_BYTES_MAX = 256 * 1024 * 1024; // of all devices: a hundred times what a large fleet says

/** What was last heard of a device. */
export interface Heard {
  online: boolean;
  state: DeviceState;
}

export interface FleetLine {
  readonly url: BrokerUrl;
  readonly fleet: string;
  /** By name; a device that left nothing on the broker is not there. */
  readonly devices: ReadonlyMap<string, Heard>;
  /** Tells that a device said something of itself, or sent an alert. Returns what ends the listening. */
  listen(device: string, told: (alert: Alert | undefined) => void): () => void;
  /** SMP requests to a device. Closing it leaves the line open. */
  link(device: string): Link;
  /**
   * Has the broker tell once more what it keeps of all devices: one that is far behind drops what it cannot send. At most once in
   * a while; whoever asks meanwhile waits for the same.
   */
  refresh(): Promise<void>;
  /** What stands on a topic of orders, as far as we may read it. */
  standing(topic: string): Uint8Array | undefined;
  /** Leaves a message there, or takes it away (empty). Throws what the broker throws. */
  put(topic: string, text: string): Promise<void>;
  close(): Promise<void>;
}

/** For the whole fleet, or for one device. Done when the broker has told what it keeps. Throws LinkUnavailable and its like. */
export async function openFleetLine(
  { url, fleet, device = '+' }: { url: BrokerUrl; fleet: string; device?: string | undefined },
  signal?: AbortSignal,
): Promise<FleetLine> {
  const own = hex(crypto.getRandomValues(new Uint8Array(12)));
  const topics = topicsOf(fleet, device);
  const client = await connectBroker(url, {}, signal);
  const devices = new Map<string, Heard>();
  const orders = new Map<string, Uint8Array>();
  const told = new Map<string, Set<(alert: Alert | undefined) => void>>();
  const answers = new Map<string, Set<(packet: Uint8Array) => void>>();
  const lengths = new Map<string, number>(); // of the states, as they came
  let statesBytes = 0;
  let heard = 0;
  let refreshed = { at: 0, done: Promise.resolve() };

  async function untilQuiet(): Promise<void> {
    heard = Date.now();
    while (Date.now() < heard + QUIET_MS) {
      await sleep(heard + QUIET_MS - Date.now(), signal);
      await new Promise(setImmediate); // what came while this process was held up counts as well
    }
  }
  async function refresh(): Promise<void> {
    const all = [topics.online, topics.state];
    await acknowledged(url, client.unsubscribeAsync(all), signal); // retained ones come once a subscription
    await subscribe(client, url, all, signal);
    await untilQuiet();
  }

  const tell = (name: string, alert?: Alert) => {
    for (const one of [...(told.get(name) ?? [])]) one(alert);
  };
  function keep(name: string, said: Partial<Heard>): void {
    const before = devices.get(name);
    if (!before && devices.size >= DEVICES_MAX) return;
    devices.set(name, { online: false, state: {}, ...before, ...said });
    tell(name);
  }
  client.on('message', (topic, payload, { retain }) => {
    const about = deviceIn(topic);
    if (!about) return;
    const { name, kind } = about;
    if (retain) heard = Date.now();
    if (kind === 'online') {
      const word = payload.toString();
      if (word === ONLINE || word === OFFLINE) keep(name, { online: word === ONLINE });
    } else if (kind === 'state') {
      const state = stateIn(payload);
      const bytes = statesBytes + payload.length - (lengths.get(name) ?? 0);
      if (!state || bytes > STATES_BYTES_MAX || (!devices.has(name) && devices.size >= DEVICES_MAX)) return;
      statesBytes = bytes;
      lengths.set(name, payload.length);
      keep(name, { state });
    } else if (kind === 'order') {
      if (payload.length === 0) orders.delete(topic);
      else if (payload.length <= PAPER_BYTES_MAX && orders.size < DEVICES_MAX) orders.set(topic, payload);
    } else if (retain) {
      return; // an answer to somebody's earlier request, or what happened long ago
    } else if (kind === 'alert') {
      const alert = readAlertPaper(payload);
      if (!alert) return;
      tell(name, alert);
      for (const one of answers.get(name) ?? []) one(alertPacket(alert));
    } else for (const one of answers.get(name) ?? []) one(Uint8Array.from(payload));
  });
  try {
    await subscribe(client, url, [exchangeTopics(fleet, device, own).response], signal, 0);
    await subscribe(client, url, topics.alert, signal);
    await subscribe(client, url, topics.order, signal).catch(() => undefined); // not everybody may
    await subscribe(client, url, [topics.online, topics.state], signal);
    await untilQuiet();
  } catch (error) {
    await endBroker(client);
    throw error;
  }

  function linkTo(name: string): Link {
    const { emit, listen, closed, end } = createListeners();
    const { request } = exchangeTopics(fleet, name, own);
    const stop = add(answers, name, emit.packet);
    return requestLink(client, request, {
      ...{ name: `${brokerOf(url)} ${fleet}/${name}`, broker: brokerOf(url), listen, closed },
      async close() {
        stop();
        end();
      },
    });
  }

  return {
    url,
    fleet,
    devices,
    listen: (name, one) => add(told, name, one),
    link: linkTo,
    refresh() {
      if (Date.now() >= refreshed.at + REFRESH_MS) refreshed = { at: Date.now(), done: refresh() };
      return refreshed.done;
    },
    standing: (topic) => orders.get(topic),
    async put(topic, text) {
      const sent = client.publishAsync(topic, text, { qos: 1, retain: true });
      await acknowledged(url, sent, signal).catch((cause: unknown) => lost(client, url, cause));
    },
    close: () => endBroker(client),
  };
}

/** Adds to the set under a name; what it returns takes it away again. */
function add<T>(sets: Map<string, Set<T>>, name: string, one: T): () => void {
  const set = sets.get(name) ?? new Set<T>();
  sets.set(name, set.add(one));
  return () => {
    set.delete(one);
    if (set.size === 0) sets.delete(name);
  };
}
