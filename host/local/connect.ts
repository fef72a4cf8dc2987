// Which device is meant, and the link to it, when what was said leaves something open.
//
//   given                       reached over
//   port: PATH, tcp://…, udp://…      that serial port or socket
//   broker, and device                that broker; without a device the one device that is online there
//   device alone                a broker in this process (or the one that runs on this machine already), and waits there
//   nothing                     the only board that runs here without hardware; without one, the only serial port there
//                               is; with none or several, an error that lists them
//
// Never a guess among several. Time-out and retries reach every single request. A port that goes away is waited for as
// long as an answer would be, so a board that takes it along when it resets is met again; another one is not gone on with.

import { listRunners } from '../boards.js';
import { type Acquaintance, makeAcquaintance } from '../device/acquaintance.js';
import type { Watching } from '../device/watch.js';
import { CountersignError } from '../errors.js';
import type { Broker } from '../links/broker.js';
import { endingWith, lastingLink } from '../links/lasting.js';
import { type Address, endBroker, listDevices, openMqtt, untilOnline, watchStates } from '../links/mqtt.js';
import type { BrokerUrl } from '../links/mqtt-url.js';
import { lastingName, listPorts, openSerial, type PortInfo } from '../links/serial.js';
import type { Opening } from '../links/stream.js';
import { openTcp } from '../links/tcp.js';
import { openUdp } from '../links/udp.js';
import type { Framing } from '../links/words.js';
import { type Client, createClient } from '../smp/client.js';
import { type Link, lines } from '../smp/link.js';
import { within } from '../wait.js';
import { listRunning, type RunningBoard } from './boards.js';

const ARRIVAL_MS = 60_000; // long enough to start a board in another terminal

/** Where a device is, as far as somebody said. */
export interface Whereabouts {
  /** Path of a serial port, tcp://host:port, or udp://host. */
  port?: string | undefined;
  baud: number;
  framing?: Framing;
  broker?: BrokerUrl | undefined;
  fleet: string;
  /** Its name on the broker. */
  device?: string | undefined;
  /** For each answer of the device, and how often it is waited for again. */
  timeoutMs: number;
  retries: number;
  /** Bytes of the largest packet; default: what the device says. */
  mtu?: number | undefined;
}

/** Who is told what happens meanwhile: for everybody, for who wants to know more, and for who looks for a fault. */
export interface Listener {
  note(text: string): void;
  detail(text: string): void;
  trace(text: string): void;
}

export interface Connection {
  client: Client;
  /** Where on a broker the device is; undefined on a line of its own. */
  address: Address | undefined;
  close(): Promise<void>;
}

/**
 * Reaches the device. The signal ends the connection, and every wait for it. Throws BadArgument if it is not clear which device
 * is meant, LinkUnavailable if there is no such link, TimedOut if the device does not appear on the broker.
 */
export async function connect(where: Whereabouts, listener: Listener, signal: AbortSignal): Promise<Connection> {
  const { timeoutMs, retries, mtu } = where;
  const acquaintance = makeAcquaintance({ timeoutMs });
  const { link, broker, address } = await openLink(where, acquaintance, listener, signal);
  link.listen({
    text: lines((line) => listener.detail(`device: ${line}`)),
    fault: (why) => listener.trace(`link: ${why}`),
  });
  const plain = createClient(link, { timeoutMs, retries, ...(mtu !== undefined && { mtu }) });
  const client = address ? plain : acquaintance.learning(plain); // on a broker a device goes by its name
  return {
    client,
    address,
    async close() {
      await client.close();
      await broker?.close();
    },
  };
}

/** Reaches the device, works with it, and closes what was opened. Throws as connect, and what `use` throws. */
export async function withConnection<T>(
  where: Whereabouts,
  listener: Listener,
  signal: AbortSignal,
  use: (connection: Connection) => Promise<T>,
): Promise<T> {
  const connection = await connect(where, listener, signal);
  try {
    return await use(connection);
  } finally {
    await connection.close();
  }
}

/** What a device on a broker leaves there as its state, for `watchDevice`. */
export const retainedStates =
  ({ url, fleet, device }: Address, signal: AbortSignal): NonNullable<Watching['retained']> =>
  async (told) => {
    const states = await watchStates(url, fleet, ({ name, state }) => name === device && told(state), signal);
    return () => endBroker(states);
  };

interface Opened {
  link: Link;
  broker?: Broker;
  address?: Address;
}

async function openLink(
  where: Whereabouts,
  acquaintance: Acquaintance,
  listener: Listener,
  signal: AbortSignal,
): Promise<Opened> {
  const { port, broker, fleet, device } = where;
  if (port !== undefined && (broker !== undefined || device !== undefined)) {
    // From a configuration file both may be there; a port is the nearer one.
    listener.detail(`over ${port}; the broker is not used`);
  }
  if (port !== undefined) return { link: await openLasting(port, where, acquaintance, listener, signal) };
  if (broker !== undefined) {
    const address = { url: broker, fleet, device: device ?? (await onlyDevice(broker, fleet, signal)) };
    return { link: endingWith(await openMqtt(address, signal), signal), address };
  }
  if (device !== undefined) return awaitDevice(fleet, device, listener, signal);
  const path = await onlyPort();
  listener.note(`over ${path}`);
  return { link: await openLasting(path, where, acquaintance, listener, signal) };
}

async function openLasting(
  port: string,
  { baud, framing, timeoutMs, retries }: Whereabouts,
  { same }: Acquaintance,
  listener: Listener,
  signal: AbortSignal,
): Promise<Link> {
  const name = port.includes('://') ? port : await lastingName(port);
  const awayMs = timeoutMs * (retries + 1);
  return lastingLink({
    signal,
    open: (ending) => openPort(name, baud, ending, framing && { framing }),
    awayMs,
    onAway: () => listener.note(`${port} is gone: waiting for it, at most ${awayMs / 1000} s`),
    onBack: () => listener.note(`${port} is back`),
    same,
  });
}

/** A serial port, the line that a socket carries, or a UDP server. Throws BadArgument for any other scheme. */
export async function openPort(port: string, baud: number, signal: AbortSignal, opening: Opening = {}): Promise<Link> {
  const scheme = /^([a-z][a-z0-9+.-]*):\/\//i.exec(port)?.[1]?.toLowerCase();
  switch (scheme) {
    case undefined:
      return openSerial(port, baud, opening, signal);
    case 'udp':
      return openUdp(port, signal);
    case 'tcp':
      return openTcp(port, signal, opening);
    default:
      throw new CountersignError('BadArgument', `port: ${scheme}:// is not supported`, {
        hint: /^(mqtts?|wss?)$/.test(scheme)
          ? 'a broker is named by --broker'
          : 'give the path of a serial port, tcp://host:port or udp://host',
      });
  }
}

async function onlyDevice(url: BrokerUrl, fleet: string, signal: AbortSignal): Promise<string> {
  const online = (await listDevices(url, fleet, signal)).filter((seen) => seen.state.online);
  if (online.length === 1) return online[0]!.name;
  const names = online.map((seen) => seen.name).join(', ');
  throw new CountersignError('BadArgument', `device: ${online.length || 'no'} devices of fleet ${fleet} are online`, {
    hint: names ? `choose one with --device: ${names}` : 'start one, or choose another --fleet',
  });
}

/** Those of the system, and those of the boards that run here without hardware. */
export async function allPorts(): Promise<PortInfo[]> {
  return [...(await listPorts()), ...(await listRunning()).map(portOf)];
}

/** Throws BadArgument, with a list, unless it is clear which one is meant. */
export async function onlyPort(): Promise<string> {
  return choosePort(await listRunning(), await listPorts());
}

/** Ports of the machine itself, mostly with nothing on them: never guessed, only named. */
const isBuiltIn = ({ path }: PortInfo): boolean => /^\/dev\/(ttyS\d+$|(tty|cu)\.(Bluetooth|debug))/.test(path);

/** Who started a board here means that one. */
export function choosePort(boards: readonly RunningBoard[], ports: readonly PortInfo[]): string {
  if (boards.length === 1) return boards[0]!.port;
  const all = [...ports.filter((port) => !isBuiltIn(port)), ...boards.map(portOf)];
  if (all.length === 1) return all[0]!.path;
  const listed = all.length > 0 ? [...ports, ...boards.map(portOf)] : ports;
  const found = listed.map(({ path, about }) => (about ? `${path} (${about})` : path)).join(', ');
  const start = `\`countersign board ${listRunners()[0]?.name}\` starts a board without hardware`;
  if (all.length > 0) {
    throw new CountersignError('BadArgument', `device: none given, and ${all.length} serial ports are there`, {
      hint: `choose one with --port: ${found}`,
    });
  }
  const own = found && ` (this machine has ${found}; is a board on it?)`;
  throw new CountersignError('BadArgument', 'device: none given, and no board is connected', {
    hint: `connect one, or give --port${own}, or --broker and --device; ${start}`,
  });
}

const portOf = ({ port, board, flash }: RunningBoard): PortInfo => ({ path: port, about: `${board} board, ${flash}` });

async function awaitDevice(fleet: string, device: string, listener: Listener, signal: AbortSignal): Promise<Opened> {
  const { BROKER_PORT_DEFAULT, startBroker } = await import('../links/broker.js');
  const broker = await startBroker(BROKER_PORT_DEFAULT).catch((error: CountersignError) => {
    if (error.reason.name !== 'LinkUnavailable') throw error;
    return undefined; // somebody runs one on this machine
  });
  const url = broker?.url ?? `mqtt://127.0.0.1:${BROKER_PORT_DEFAULT}`;
  const where = { url, fleet, device };
  listener.note(
    `broker ${url} (${broker ? 'started here' : 'running on this machine'}), waiting for ${fleet}/${device}`,
  );
  try {
    await untilOnline(where, within(ARRIVAL_MS, signal));
    return { link: endingWith(await openMqtt(where, signal), signal), address: where, ...(broker ? { broker } : {}) };
  } catch (error) {
    await broker?.close();
    throw error;
  }
}
