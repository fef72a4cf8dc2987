// A gateway: joins boards on serial lines to a fleet on a broker, so that each looks there like a board with a radio of its own.
//
//   each board     a connection of its own, whose will says that it is gone: if the gateway dies, all of its boards are offline
//   all together   one more connection, for the blocks of packages (gateway-blocks.ts)
//
// It decides nothing and holds no keys: what it carries proves itself to the devices, or does not. A port that goes is waited
// for, and its board is offline meanwhile; what was under way goes on when it is back.

import { CountersignError } from '../errors.js';
import { acknowledged, connectBroker, endBroker } from '../links/mqtt.js';
import type { BrokerUrl } from '../links/mqtt-url.js';
import { lastingName } from '../links/serial.js';
import { keepOpen } from '../links/session.js';
import { openPort } from '../local/connect.js';
import { blocksOn } from '../radio/blocks.js';
import type { Link } from '../smp/link.js';
import { follower } from '../wait.js';
import { type BlockCache, createBlockCache } from './gateway-blocks.js';
import { type BoardEvent, serveBoard } from './gateway-board.js';
import { PACE } from './gateway-line.js';

export type GatewayEvent = BoardEvent | { event: 'waiting'; port: string; why: CountersignError };

export interface GatewayPort {
  /** Path of a serial port, or tcp://host:port. */
  port: string;
  /** Of its device on the broker; default: the device id, or the last part of the path while it is blank. */
  name?: string | undefined;
}

export interface GatewayOptions {
  ports: readonly GatewayPort[];
  baud: number;
  url: BrokerUrl;
  fleet: string;
  /** Whose orders the boards take, too. */
  groups?: readonly string[];
  /** Memory for blocks. */
  cacheBytesMax?: number;
  told(event: GatewayEvent): void;
}

export interface GatewayCounts {
  /** Blocks that came from the broker, were given to boards, and were dropped. */
  fetched: number;
  served: number;
  /** Blocks that were coded for boards on slow lines, once for all of them. */
  coded: number;
  dropped: number;
}

/**
 * Runs until the signal ends it, and says farewell for each board then. Throws BadArgument, and LinkUnavailable if the broker
 * cannot be reached at first; later it is waited for.
 */
export async function runGateway(options: GatewayOptions, signal: AbortSignal): Promise<GatewayCounts> {
  const { ports, url, fleet, groups, told, cacheBytesMax } = options;
  const twice = ports.find(({ port }, at) => ports.findIndex((one) => one.port === port) !== at);
  if (twice) throw new CountersignError('BadArgument', `gateway: the port ${twice.port} is given twice`);
  const all = follower(signal);
  const { cache, close } = await openCache(options, cacheBytesMax, all.signal);
  const [names, ids] = [new Map<string, string>(), new Map<string, string>()];
  const known = new Map(ports.map(({ port }) => [port, { board: undefined }]));
  const serve = (link: Link, { port, name }: GatewayPort, stop: AbortSignal) =>
    serveBoard(
      link,
      { port, name, url, fleet, groups, blocks: cache, told, names, ids, known: known.get(port)! },
      stop,
    );
  try {
    await Promise.all(
      ports.map((port) => keepPort(port, options, (link, stop) => serve(link, port, stop), all.signal)),
    );
  } finally {
    all.abort();
    await close();
  }
  const { fetched, served, coded, dropped } = cache.counts;
  return { fetched, served, coded, dropped };
}

/** Opens the port whenever it is there, and has its board served as long as it is. */
async function keepPort(
  { port }: GatewayPort,
  { baud, told }: GatewayOptions,
  serve: (link: Link, stop: AbortSignal) => Promise<void>,
  signal: AbortSignal,
): Promise<void> {
  const path = port.includes('://') ? port : await lastingName(port);
  let serving: { stop: AbortController; over: Promise<void> } | undefined;
  let away = false; // and told so
  const waiting = (why: CountersignError) => {
    if (!away) told({ event: 'waiting', port, why });
    away = true;
  };
  const limits = { timeoutMs: PACE.timeoutMs, retries: PACE.retries };
  const options = { limits, wait: true, reconnect: true, missing: waiting };
  try {
    await keepOpen(
      {
        ...options,
        open: () => openPort(path, baud, signal, { framing: 'agent' }),
        up({ link }) {
          away = false;
          const stop = follower(signal);
          const before = serving?.over ?? Promise.resolve();
          serving = { stop, over: before.then(() => serve(link, stop.signal)) };
        },
        down(why) {
          serving?.stop.abort();
          waiting(why);
        },
      },
      signal,
    );
  } finally {
    serving?.stop.abort();
    await serving?.over;
  }
}

async function openCache(
  { url, fleet, told }: GatewayOptions,
  bytesMax: number | undefined,
  signal: AbortSignal,
): Promise<{ cache: BlockCache; close(): Promise<void> }> {
  const client = await connectBroker(url, {}, signal);
  const cache = createBlockCache(fleet, blocksOn(client), {
    ...(bytesMax !== undefined && { bytesMax }),
    told: (digest, why) => told({ event: 'dropped', digest, why }),
  });
  client.on('message', (topic, payload, { retain }) => cache.heard(topic, payload, retain));
  client.on('connect', cache.renewed);
  return {
    cache,
    async close() {
      cache.close();
      await acknowledged(url, client.endAsync(), undefined).catch(() => undefined);
      await endBroker(client);
    },
  };
}
