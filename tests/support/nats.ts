// A cluster of three nats-servers that speak MQTT, on free ports of this machine, and in front of it what a fleet has there: a
// balancer, which hands each connection to the next node that is up. Ended by close().

import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { connect, createServer, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { connectBroker } from '../../host/links/mqtt.js';
import { freePort } from './mosquitto.js';

const NODES = 3;
const ATTEMPTS = 600;
const PAUSE_MS = 100;

export interface Cluster {
  /** The balancer. */
  url: string;
  /** How many connections each node has by it. */
  connections(): number[];
  /** Takes a node away, as a power cut would. */
  kill(node: number): Promise<void>;
  close(): Promise<void>;
}

export async function startNats(): Promise<Cluster> {
  const folder = mkdtempSync(join(tmpdir(), 'nats-'));
  const numbers = Array.from({ length: NODES }, (_, node) => node);
  const ports = await Promise.all(
    numbers.map(async () => [await freePort(), await freePort(), await freePort()] as const),
  );
  const routes = ports.map(([, , cluster]) => `nats://127.0.0.1:${cluster}`).join(', ');
  const nodes = ports.map(([client, mqtt, cluster], node) => {
    const config = join(folder, `${node}.conf`);
    const lines = [
      `server_name: n${node}`,
      `listen: 127.0.0.1:${client}`,
      `jetstream { store_dir: "${join(folder, `${node}`)}" }`,
      `cluster { name: plant, listen: 127.0.0.1:${cluster}, routes: [${routes}] }`,
      `mqtt { listen: "127.0.0.1:${mqtt}", stream_replicas: ${NODES} }`,
    ];
    writeFileSync(config, lines.join('\n'));
    return spawn('nats-server', ['-c', config], { stdio: 'ignore' });
  });
  const balancer = await startBalancer(ports.map(([, mqtt]) => mqtt));
  const close = async () => {
    balancer.close();
    await Promise.all(nodes.map((node) => end(node)));
    rmSync(folder, { recursive: true, force: true });
  };
  const { url } = balancer;
  for (let attempt = 1; ; attempt++) {
    try {
      // Retained messages need the majority of the nodes: so long it is not up.
      for (const _ of numbers) {
        const client = await connectBroker(url);
        await client.publishAsync('up', 'yes', { qos: 1, retain: true });
        await client.endAsync(true);
      }
      return { url, connections: balancer.connections, kill: (node) => end(nodes[node]!), close };
    } catch (error) {
      if (attempt < ATTEMPTS) await sleep(PAUSE_MS);
      else {
        await close();
        throw error;
      }
    }
  }
}

async function end(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  child.kill('SIGKILL');
  await once(child, 'close');
}

async function startBalancer(ports: readonly number[]) {
  const open = ports.map(() => new Set<Socket>());
  const sockets = new Set<Socket>();
  let next = 0;
  const server = createServer({ noDelay: true }, (client) => {
    sockets.add(client);
    client.on('error', () => undefined).on('close', () => sockets.delete(client));
    const first = next++;
    const attempt = (turn: number): void => {
      if (turn === ports.length) return void client.destroy();
      const node = (first + turn) % ports.length;
      const broker = connect({ port: ports[node]!, host: '127.0.0.1', noDelay: true });
      const refused = () => attempt(turn + 1);
      broker.once('error', refused);
      broker.once('connect', () => {
        broker.off('error', refused).on('error', () => undefined);
        open[node]!.add(broker);
        broker.on('close', () => open[node]!.delete(broker) && client.destroy());
        client.on('close', () => broker.destroy());
        client.pipe(broker).pipe(client);
      });
    };
    attempt(0);
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  return {
    url: `mqtt://127.0.0.1:${typeof address === 'object' ? address?.port : 0}`,
    connections: () => open.map(({ size }) => size),
    close() {
      server.close();
      for (const socket of sockets) socket.destroy();
    },
  };
}
