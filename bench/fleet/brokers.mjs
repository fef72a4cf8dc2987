// Brokers for a measurement, on free ports of this machine: { name, ports, kill(at), close() }.

import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { connect, createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';

const ATTEMPTS = 200;
const PAUSE_MS = 50;

export async function freePort() {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address();
  server.close();
  await once(server, 'close');
  return port;
}

async function untilOpen(port) {
  for (let attempt = 1; ; attempt++) {
    const socket = connect({ port, host: '127.0.0.1' });
    const open = await Promise.race([
      once(socket, 'connect').then(() => true),
      once(socket, 'error').then(() => false),
    ]).catch(() => false);
    socket.destroy();
    if (open) return;
    if (attempt === ATTEMPTS) throw new Error(`bench: nothing listens on ${port}`);
    await sleep(PAUSE_MS);
  }
}

function start(folder, [program, ...words]) {
  const child = spawn(program, words, { cwd: folder, stdio: 'ignore' });
  const ended = once(child, 'close');
  child.on('error', () => undefined);
  return async (signal) => {
    child.kill(signal);
    await ended;
  };
}

const makeFolder = () => mkdtempSync(join(tmpdir(), 'fleet-bench-'));

export async function startMosquitto() {
  const folder = makeFolder();
  const port = await freePort();
  const config = join(folder, 'mosquitto.conf');
  writeFileSync(config, `listener ${port} 127.0.0.1\nallow_anonymous true\n`);
  const kill = start(folder, ['mosquitto', '-c', config]);
  await untilOpen(port);
  return {
    name: 'mosquitto',
    ports: [port],
    async close() {
      await kill('SIGTERM');
      rmSync(folder, { recursive: true, force: true });
    },
  };
}
