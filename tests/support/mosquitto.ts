// A real broker of its own for a test: mosquitto on a free port of this machine, ended by close(). With users it lets
// nobody in who has no password, and asks its ACL what they may do.

import { spawn, spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { startBroker } from '../../host/links/broker.js';
import { connectBroker } from '../../host/links/mqtt.js';

const ATTEMPTS = 600;
const PAUSE_MS = 50;

export interface Guarded {
  /** Name and password; the first one is used to see that it is up. */
  users: Record<string, string>;
  /** mosquitto's acl_file. */
  acl: string;
}

export interface Mosquitto {
  /** As a user of it, if it has any. */
  url: string;
  as(user: string, password: string): string;
  close(): Promise<void>;
}

export async function startMosquitto(guarded?: Guarded): Promise<Mosquitto> {
  const free = await startBroker();
  const port = Number(new URL(free.url).port);
  await free.close();
  const folder = mkdtempSync(join(tmpdir(), 'mosquitto-'));
  const words = guarded ? ['-c', writeConfig(folder, port, guarded)] : ['-p', String(port)];
  const mosquitto = spawn('mosquitto', words, { stdio: ['ignore', 'ignore', 'pipe'] });
  const ended = new Promise<void>((resolve) => mosquitto.once('close', () => resolve()));
  mosquitto.stderr.resume();
  const close = async () => {
    mosquitto.kill();
    await ended;
    rmSync(folder, { recursive: true, force: true });
  };
  const as = (user: string, password: string) => `mqtt://${user}:${encodeURIComponent(password)}@127.0.0.1:${port}`;
  const [first] = Object.entries(guarded?.users ?? {});
  const url = first ? as(...first) : `mqtt://127.0.0.1:${port}`;
  for (let attempt = 1; ; attempt++) {
    try {
      await (await connectBroker(url)).endAsync(true);
      return { url, as, close };
    } catch (error) {
      if (attempt < ATTEMPTS) await sleep(PAUSE_MS);
      else {
        await close();
        throw error;
      }
    }
  }
}

function writeConfig(folder: string, port: number, { users, acl }: Guarded): string {
  const [passwords, rules, config] = ['passwords', 'acl', 'conf'].map((name) => join(folder, name)) as [
    string,
    string,
    string,
  ];
  writeFileSync(passwords, '', { mode: 0o600 });
  writeFileSync(rules, acl, { mode: 0o600 });
  for (const [name, password] of Object.entries(users)) {
    const { status, stderr } = spawnSync('mosquitto_passwd', ['-b', passwords, name, password]);
    if (status !== 0) throw new Error(`mosquitto_passwd: ${stderr}`);
  }
  const own = process.getuid?.() === 0 ? 'user root\n' : ''; // it would become a user that cannot read these files
  writeFileSync(
    config,
    `${own}listener ${port} 127.0.0.1\nallow_anonymous false\npassword_file ${passwords}\nacl_file ${rules}\n`,
  );
  return config;
}
