// A real broker of its own for a test: mosquitto on a free port of this machine, ended by close().

import { spawn } from 'node:child_process';
import { setTimeout as sleep } from 'node:timers/promises';
import { startBroker } from '../../host/links/broker.js';
import { connectBroker } from '../../host/links/mqtt.js';

const ATTEMPTS = 600;
const PAUSE_MS = 50;

export async function startMosquitto(): Promise<{ url: string; close(): Promise<void> }> {
  const free = await startBroker();
  const port = Number(new URL(free.url).port);
  await free.close();
  const mosquitto = spawn('mosquitto', ['-p', String(port)], { stdio: ['ignore', 'ignore', 'pipe'] });
  const ended = new Promise<void>((resolve) => mosquitto.once('close', () => resolve()));
  mosquitto.stderr.resume();
  const close = async () => {
    mosquitto.kill();
    await ended;
  };
  const url = `mqtt://127.0.0.1:${port}`;
  for (let attempt = 1; ; attempt++) {
    try {
      await (await connectBroker(url)).endAsync(true);
      return { url, close };
    } catch (error) {
      if (attempt < ATTEMPTS) await sleep(PAUSE_MS);
      else {
        await close();
        throw error;
      }
    }
  }
}
