// A link to a device over an MQTT broker: requests on a topic of its own for each client, answers on the one beside it, both
// QoS 0. The device's alerts, which are everybody's, come over the link as well.
//
// QoS 0, because SMP repeats by itself what was lost, and because a broker's acknowledgement would go out ahead of the
// answer, which TCP then holds back for 40 ms (Nagle, in brokers as they are installed). What is retained is QoS 1. A lost
// connection is not the end of the link: mqtt.js connects again, and until then requests time out and are retried. Whatever
// we ask of the broker itself has a limit. Who a device is, nobody here checks: the broker is transport.

import { Socket } from 'node:net';
import type { IClientOptions, MqttClient } from 'mqtt';
import { CountersignError } from '../errors.js';
import { hex } from '../formats/bytes.js';
import type { SecretUrl } from '../secret-url.js';
import type { Alert } from '../smp/commands.js';
import { createListeners, type Link } from '../smp/link.js';
import { encodePacket, GROUP, OP } from '../smp/packet.js';
import { limited, onAbort, orAbort, sleep, withResolvers } from '../wait.js';
import { accessOptions, adviceFor, claimClientId } from './mqtt-access.js';
import { boundMessages } from './mqtt-bound.js';
import { type BrokerUrl, brokerOf } from './mqtt-url.js';
import { readAlertPaper } from './papers.js';
import {
  DEVICE_FILTERS,
  DEVICES_MAX,
  type DeviceState,
  deviceIn,
  exchangeTopics,
  OFFLINE,
  ONLINE,
  readState,
  STATE_BYTES_MAX,
  topicsOf,
} from './topics.js';

const BROKER_MS_MAX = 10_000; // to connect, and for each acknowledgement
const RECONNECT_MS = 1000;
const PRESENCE_MS = 100; // less than QUIET_MS: whoever waits for silence hears of all
const QUIET_MS = 300; // a broker sends what is retained right after the subscription, and does not say when it has

export interface Address {
  url: BrokerUrl;
  fleet: string;
  device: string;
}

export async function connectBroker(
  broker: BrokerUrl,
  options: Pick<IClientOptions, 'will'> = {},
  signal?: AbortSignal,
): Promise<MqttClient> {
  const url = brokerOf(broker);
  const connecting = begin({ ...whereTo(url), ...(await accessOptions(url)), ...options });
  // Given up while it was still connecting: the connection must not stay behind. Once it stands, its user ends it.
  const giveUp = () => void connecting.then((late) => late.end(true)).catch(() => undefined);
  const stop = signal && onAbort(signal, giveUp);
  let client: MqttClient;
  try {
    client = await orAbort(connecting, signal);
  } catch (cause) {
    if (cause instanceof CountersignError) throw cause;
    const { message, code } = cause as { message: string; code?: string | number };
    const hint = adviceFor(code, url);
    throw new CountersignError('LinkUnavailable', `mqtt ${url}: ${message || code || 'no connection'}`, {
      cause,
      ...(hint && { hint }),
    });
  } finally {
    stop?.();
  }
  sendAtOnce(client);
  client.on('connect', () => sendAtOnce(client));
  // mqtt.js reports each failed reconnection here; it goes on trying, and requests meanwhile time out by themselves. And what is no
  // MQTT: its parser reads nothing behind that, so the connection is over, and the next one begins anew.
  client.on('error', () => void client.stream?.destroy());
  return client;
}

/** As connectAsync of mqtt.js without retries, but that what comes is bounded. */
async function begin(options: IClientOptions): Promise<MqttClient> {
  const { connect } = await import('mqtt'); // takes as long as Node itself: who has no broker does not wait for it
  // No URL for mqtt.js: it would parse it once more, in its own way, and Node warns of what it makes of some.
  const limits = { connectTimeout: BROKER_MS_MAX, reconnectPeriod: RECONNECT_MS, manualConnect: true };
  const { name, free } = claimClientId(options);
  const client = connect('', { ...options, ...(name !== undefined && { clientId: name }), ...limits });
  client.on('end', free);
  client.options.manualConnect = false; // to bound it first; later mqtt.js would take that for "connect again after the end"
  boundMessages(client);
  const { promise, resolve, reject } = withResolvers<MqttClient>();
  const failed = (error?: Error) => {
    over();
    client.end(true);
    reject(error ?? new Error("Couldn't connect to server"));
  };
  const connected = () => {
    over();
    resolve(client);
  };
  const closed = () => failed();
  function over() {
    client.off('connect', connected).off('error', failed).off('close', closed);
  }
  client.on('connect', connected).on('error', failed).on('close', closed);
  client.connect();
  return promise;
}

const ALIASES: Record<string, string> = { tcp: 'mqtt', ssl: 'mqtts' };

function whereTo(url: SecretUrl): IClientOptions {
  const { username, password, search } = url.reveal();
  const { scheme, host, port } = url;
  const web = /^wss?$/.test(scheme);
  const clientId = new URLSearchParams(search).get('clientId');
  return {
    protocol: (ALIASES[scheme] ?? scheme) as NonNullable<IClientOptions['protocol']>,
    host: web && host.includes(':') ? `[${host}]` : host,
    ...(port !== undefined && { port }),
    ...(web && { path: `${url.pathname}${search}` }),
    ...(clientId && { clientId }),
    ...(username && { username }),
    ...(password && { password }),
  };
}

/** Ends a client at once. One whose broker is away would never say that it has: the connection has closed before. */
export async function endBroker(client: MqttClient): Promise<void> {
  const away = !client.connected;
  const ended = client.endAsync(true);
  if (!away) await ended;
}

// What fails right after the connection must not leave it behind: it would keep the program from ending.
async function orEnd(client: MqttClient, work: Promise<void>): Promise<void> {
  try {
    await work;
  } catch (error) {
    await endBroker(client);
    throw error;
  }
}

// Requests are small and each waits for its answer: TCP must not hold them back (40 ms a turn where it does).
function sendAtOnce(client: MqttClient): void {
  if (client.stream instanceof Socket) client.stream.setNoDelay(true);
}

/** A link to one device over a broker: `cs/FLEET/d/DEVICE/req/CLIENT` and `rsp/CLIENT`. Throws LinkUnavailable. */
export async function openMqtt({ url, fleet, device }: Address, signal?: AbortSignal): Promise<Link> {
  const { emit, listen, closed, end } = createListeners();
  const { request, response } = exchangeTopics(fleet, device, newClientName());
  const { alert: alerts } = topicsOf(fleet, device);
  const name = `${brokerOf(url)} ${fleet}/${device}`;
  const client = await connectBroker(url, {}, signal);
  client.on('message', (topic, payload, { retain }) => {
    if (retain) return; // an answer to somebody's earlier request, or what happened long ago
    if (topic === response) emit.packet(Uint8Array.from(payload));
    const alert = topic === alerts ? readAlertPaper(payload) : undefined;
    if (alert) emit.packet(alertPacket(alert));
  });
  const all = async () => {
    await subscribe(client, url, response, signal, 0);
    await subscribe(client, url, alerts, signal);
  };
  await orEnd(client, all());
  return requestLink(client, request, {
    ...{ name, broker: brokerOf(url), listen, closed },
    async close() {
      end();
      await endBroker(client);
    },
  });
}

interface RequestLink extends Pick<Link, 'name' | 'listen' | 'closed' | 'close'> {
  broker: SecretUrl;
}

/** A link whose packets go out on one topic. */
export function requestLink(client: MqttClient, topic: string, { broker, ...link }: RequestLink): Link {
  return {
    ...link,
    silence: `is it on? \`countersign devices --broker ${broker}\` shows who is`,
    framingBytes: 0,
    async send(packet) {
      try {
        await client.publishAsync(topic, Buffer.from(packet), { qos: 0 });
      } catch (cause) {
        throw new CountersignError('LinkLost', `mqtt ${link.name}: ${(cause as Error).message}`, { cause });
      }
    },
  };
}

/** Random: nobody else gets the answers, nor takes them for their own. */
const newClientName = (): string => hex(crypto.getRandomValues(new Uint8Array(12)));

/** As the device itself would send it on a line of its own. */
export const alertPacket = (alert: Alert): Uint8Array =>
  encodePacket({
    version: 2,
    op: OP.write,
    group: GROUP.countersign,
    sequence: alert.n & 0xff,
    id: 6,
    body: { ...alert },
  });

export interface SeenDevice {
  fleet: string;
  name: string;
  /** What was last known of it, and whether it is there. */
  state: DeviceState & { online: boolean };
}

/**
 * Every device of a fleet ("+" for all fleets) that left its state on the broker. As long as more of them come, it goes on:
 * a large fleet on a slow line takes its time. What devices say anew meanwhile is heard, and does not hold it up.
 */
export async function listDevices(url: BrokerUrl, fleet: string, signal?: AbortSignal): Promise<SeenDevice[]> {
  const seen = new Map<string, SeenDevice>();
  let heard = 0;
  const onDevice = (device: SeenDevice, retained: boolean) => {
    seen.set(`${device.fleet}/${device.name}`, device);
    if (retained) heard = Date.now();
  };
  const client = await watchStates(url, fleet, onDevice, signal);
  try {
    heard = Date.now();
    while (Date.now() < heard + QUIET_MS) {
      await sleep(heard + QUIET_MS - Date.now(), signal);
      await new Promise(setImmediate); // what came while this process was held up counts as well
    }
  } finally {
    await endBroker(client);
  }
  return [...seen.values()].sort((a, b) => (a.fleet + a.name < b.fleet + b.name ? -1 : 1));
}

/** Waits until the device says that it is there, at once if it has said so before. */
export async function untilOnline({ url, fleet, device }: Address, signal?: AbortSignal): Promise<void> {
  let online!: () => void;
  const there = new Promise<void>((resolve) => {
    online = resolve;
  });
  const client = await watchStates(
    url,
    fleet,
    (seen) => {
      if (seen.name === device && seen.state.online) online();
    },
    signal,
  );
  try {
    await orAbort(there, signal);
  } finally {
    await endBroker(client);
  }
}

/** Tells what each device of the fleet left or leaves, until the client that it returns is ended. */
export async function watchStates(
  url: BrokerUrl,
  fleet: string,
  onDevice: (device: SeenDevice, retained: boolean) => void,
  signal: AbortSignal | undefined,
): Promise<MqttClient> {
  const client = await connectBroker(url, {}, signal);
  const known = new Map<string, Said>();
  client.on('message', (topic, payload, { retain }) => {
    const about = deviceIn(topic);
    if (!about) return;
    const { fleet: fleetName, name, kind } = about;
    const key = `${fleetName}/${name}`;
    const said = kind === 'state' ? { state: stateIn(payload) } : { online: presenceIn(payload) };
    if (said.state === undefined && said.online === undefined) return;
    const before = known.get(key);
    if (!before && known.size >= DEVICES_MAX) return;
    clearTimeout(before?.untold);
    const { state, online } = { ...before, ...said };
    const tell = () => onDevice({ fleet: fleetName, name, state: { ...state, online: online === true } }, retain);
    // What is retained comes in any order. That a device is away is told when it has said so, or says nothing of it.
    const untold = online === undefined && retain ? setTimeout(tell, PRESENCE_MS) : undefined;
    known.set(key, { state, online, untold });
    if (!untold) tell();
  });
  client.on('close', () => {
    for (const { untold } of known.values()) clearTimeout(untold);
  });
  const all = async () => {
    for (const filter of DEVICE_FILTERS(fleet)) await subscribe(client, url, filter, signal);
  };
  await orEnd(client, all());
  return client;
}

/** A refusal is an error: the broker says it once, and is then as silent as one that has nothing. */
export async function subscribe(
  client: MqttClient,
  url: BrokerUrl,
  filter: string | string[],
  signal: AbortSignal | undefined,
  qos: 0 | 1 = 1,
): Promise<void> {
  try {
    await acknowledged(url, client.subscribeAsync(filter, { qos }), signal);
  } catch (cause) {
    if ((cause as { packet?: { cmd?: string } }).packet?.cmd !== 'suback') throw cause;
    throw new CountersignError(
      'LinkUnavailable',
      `mqtt ${brokerOf(url)}: the broker does not let us read ${[filter].flat().join(', ')}`,
      {
        hint: 'ask for the right to read that topic, or use another account',
        cause,
      },
    );
  }
}

/** What the broker has to acknowledge, or the error that it does not: every wait for a broker goes through here. */
export async function acknowledged<T>(url: BrokerUrl, work: Promise<T>, signal: AbortSignal | undefined): Promise<T> {
  work.catch(() => undefined); // what it becomes later is nobody's
  try {
    return await limited(BROKER_MS_MAX, signal, (limit) => orAbort(work, limit));
  } catch (cause) {
    // MQTT 5 says what the versions before were silent about.
    if (/^Publish error/.test((cause as Error).message))
      throw new CountersignError('NotPublished', `mqtt ${brokerOf(url)}: ${(cause as Error).message}`, { cause });
    if (signal?.aborted || !(cause instanceof CountersignError) || cause.reason.name !== 'TimedOut') throw cause;
    throw new CountersignError(
      'LinkUnavailable',
      `mqtt ${brokerOf(url)}: connected, but the broker has acknowledged nothing for ${BROKER_MS_MAX / 1000} s`,
      { cause, hint: 'look at the broker: it, or something in between, is stuck' },
    );
  }
}

interface Said {
  /** Until it is told. */
  untold?: ReturnType<typeof setTimeout> | undefined;
  state?: DeviceState | undefined;
  online?: boolean | undefined;
}

export const stateIn = (payload: Uint8Array): DeviceState | undefined =>
  payload.length > STATE_BYTES_MAX ? undefined : readState(new TextDecoder().decode(payload));

// What is not one of the two words is none.
function presenceIn(payload: Uint8Array): boolean | undefined {
  const word = new TextDecoder().decode(payload);
  return word === ONLINE || word === OFFLINE ? word === ONLINE : undefined;
}
