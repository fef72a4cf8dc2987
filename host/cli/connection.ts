// How a command reaches a device: the options for it, and what is done when they leave something open.
//
//   given                       reached over
//   --port PATH | tcp://… | udp://…   that serial port or socket
//   --broker URL [--device]     that broker; without --device the one device that is online there
//   --device alone              a broker in this process (or the one that runs on this machine already), and waits there
//   nothing                     the only board that `countersign board` runs here; without one, the only serial port there
//                               is; with none or several, an error that lists them
//
// Never a guess among several. --timeout and --retries reach every single request. A port that goes away is waited for as
// long as an answer would be, so a board that takes it along when it resets is met again; another one is not gone on with.

import { listRunners } from '../boards.js';
import { type Acquaintance, makeAcquaintance } from '../device/acquaintance.js';
import { CountersignError } from '../errors.js';
import { BROKER_PORT_DEFAULT, type Broker, startBroker } from '../links/broker.js';
import { endingWith, lastingLink } from '../links/lasting.js';
import { type Address, listDevices, openMqtt, untilOnline } from '../links/mqtt.js';
import { lastingName, listPorts, openSerial, type PortInfo } from '../links/serial.js';
import type { Opening } from '../links/stream.js';
import { openTcp } from '../links/tcp.js';
import { openUdp } from '../links/udp.js';
import type { SecretUrl } from '../secret-url.js';
import { type Client, createClient } from '../smp/client.js';
import { type Link, lines } from '../smp/link.js';
import { within } from '../wait.js';
import type { ConnectionOptions } from './connection-options.js';
import { listRunning, type RunningBoard } from './running.js';
import type { Terminal } from './terminal.js';

const ARRIVAL_MS = 60_000; // long enough to start a board in another terminal

export interface Connection {
  client: Client;
  /** Where on a broker the device is; undefined on a line of its own. */
  address: Address | undefined;
  close(): Promise<void>;
}

export async function connect(
  options: ConnectionOptions,
  terminal: Terminal,
  signal: AbortSignal,
): Promise<Connection> {
  const timeoutMs = options.timeout * 1000;
  const acquaintance = makeAcquaintance({ timeoutMs });
  const { link, broker, address } = await openLink(options, acquaintance, terminal, signal);
  link.listen({
    text: lines((line) => terminal.detail(`device: ${line}`)),
    fault: (why) => terminal.trace(`link: ${why}`),
  });
  const { mtu } = options;
  const limits = { timeoutMs, retries: options.retries, ...(mtu === undefined ? {} : { mtu }) };
  const plain = createClient(link, limits);
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

interface Opened {
  link: Link;
  broker?: Broker;
  address?: Address;
}

async function openLink(
  options: ConnectionOptions,
  acquaintance: Acquaintance,
  terminal: Terminal,
  signal: AbortSignal,
): Promise<Opened> {
  const { port, broker, fleet, device } = options;
  if (port !== undefined && (broker !== undefined || device !== undefined)) {
    // From a configuration file both may be there; a port is the nearer one.
    terminal.detail(`over ${port}; the broker is not used`);
  }
  if (port !== undefined) return { link: await openLasting(port, options, acquaintance, terminal, signal) };
  if (broker !== undefined) {
    const address = { url: broker, fleet, device: device ?? (await onlyDevice(broker, fleet, signal)) };
    return { link: endingWith(await openMqtt(address, signal), signal), address };
  }
  if (device !== undefined) return awaitDevice(fleet, device, terminal, signal);
  const path = await onlyPort();
  terminal.note(`over ${path}`);
  return { link: await openLasting(path, options, acquaintance, terminal, signal) };
}

async function openLasting(
  port: string,
  { baud, framing, timeout, retries }: ConnectionOptions,
  { same }: Acquaintance,
  terminal: Terminal,
  signal: AbortSignal,
): Promise<Link> {
  const name = port.includes('://') ? port : await lastingName(port);
  const away = timeout * (retries + 1);
  return lastingLink({
    signal,
    open: (ending) => openPort(name, baud, ending, { framing }),
    awayMs: away * 1000,
    onAway: () => terminal.note(`${port} is gone: waiting for it, at most ${away} s`),
    onBack: () => terminal.note(`${port} is back`),
    same,
  });
}

// A serial port, the line that a socket carries, or a UDP server.
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
      throw new CountersignError('BadArgument', `port: ${scheme}:// is no kind of line`, {
        hint: /^(mqtts?|wss?)$/.test(scheme)
          ? 'a broker is named by --broker'
          : 'give the path of a serial port, tcp://host:port or udp://host',
      });
  }
}

async function onlyDevice(url: SecretUrl, fleet: string, signal: AbortSignal): Promise<string> {
  const online = (await listDevices(url, fleet, signal)).filter((seen) => seen.state.online);
  if (online.length === 1) return online[0]!.name;
  const names = online.map((seen) => seen.name).join(', ');
  throw new CountersignError('BadArgument', `device: ${online.length || 'no'} devices of fleet ${fleet} are online`, {
    hint: names ? `choose one with --device: ${names}` : 'start one, or choose another --fleet',
  });
}

// Those of the system, and those of the boards that run here without hardware.
export async function allPorts(): Promise<PortInfo[]> {
  return [...(await listPorts()), ...(await listRunning()).map(portOf)];
}

export async function onlyPort(): Promise<string> {
  return choosePort(await listRunning(), await listPorts());
}

/** Machines have ports of their own, such as /dev/ttyS0, with nothing on them: who started a board here means that one. */
export function choosePort(boards: readonly RunningBoard[], ports: readonly PortInfo[]): string {
  if (boards.length === 1) return boards[0]!.port;
  const all = [...ports, ...boards.map(portOf)];
  if (all.length === 1) return all[0]!.path;
  const found = all.map(({ path, about }) => (about ? `${path} (${about})` : path)).join(', ');
  throw new CountersignError('BadArgument', `device: none given, and ${all.length || 'no'} serial ports are there`, {
    hint: found
      ? `choose one with --port: ${found}`
      : `give --port, or --broker and --device; \`countersign board ${listRunners()[0]?.name}\` starts a board without hardware`,
  });
}

const portOf = ({ port, board, flash }: RunningBoard): PortInfo => ({ path: port, about: `${board} board, ${flash}` });

async function awaitDevice(fleet: string, device: string, terminal: Terminal, signal: AbortSignal): Promise<Opened> {
  const broker = await startBroker(BROKER_PORT_DEFAULT).catch((error: CountersignError) => {
    if (error.reason.name !== 'LinkUnavailable') throw error;
    return undefined; // somebody runs one on this machine
  });
  const url = broker?.url ?? `mqtt://127.0.0.1:${BROKER_PORT_DEFAULT}`;
  const where = { url, fleet, device };
  terminal.note(
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
