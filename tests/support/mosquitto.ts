// A real broker of its own for a test: mosquitto on a free port of this machine, ended by close(). With users it lets
// nobody in who has no password, and asks its ACL what they may do. With TLS it has one more port, whose certificate is
// signed by an authority that nobody knows.

import { spawn, spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { setTimeout as sleep } from 'node:timers/promises';
import { startBroker } from '../../host/links/broker.js';
import { connectBroker } from '../../host/links/mqtt.js';

const ATTEMPTS = 600;
const PAUSE_MS = 50;
const AUTHORITY = 'authority.pem';

export interface Wishes {
  guarded?: {
    /** Name and password; the first one is used to see that it is up. */
    users: Record<string, string>;
    /** mosquitto's acl_file. */
    acl: string;
  };
  /** `asking`: nobody gets in there without a certificate of that authority; also the name or address in the broker's own. */
  tls?: true | { asking?: boolean; name?: string; days?: number };
  /** Listens for WebSockets as well, and with TLS on one more port for those. */
  web?: boolean;
  /** mosquitto's message_size_limit. */
  messageBytesMax?: number;
  /** Gets each packet that it sends or receives, as a line of its log. */
  log?: (line: string) => void;
  /** It keeps what is retained when it is started anew. */
  persistent?: true;
}

export interface Mosquitto {
  /** As a user of it, if it has any. */
  url: string;
  as(user: string, password: string): string;
  /** With TLS: the other way in, and the file of the authority. */
  secure: { url: string; authority: string; web: string };
  web: string;
  /** A certificate of that authority for a client, and its key: two files. */
  certificate(name: string, days?: number): [cert: string, key: string];
  port: number;
  /** Ends it, and starts it again on the same port. */
  restart(): Promise<void>;
  close(): Promise<void>;
}

export async function startMosquitto(wishes: Wishes = {}): Promise<Mosquitto> {
  const [port, securePort, webPort, secureWebPort] = [
    await freePort(),
    await freePort(),
    await freePort(),
    await freePort(),
  ];
  const folder = mkdtempSync(join(tmpdir(), 'mosquitto-'));
  const config = writeConfig(folder, { port, securePort, webPort, secureWebPort }, wishes);
  const start = () => {
    const program = spawn('mosquitto', ['-c', config], { stdio: ['ignore', 'ignore', 'pipe'] });
    const ended = new Promise<void>((resolve) => program.once('close', () => resolve()));
    if (wishes.log) createInterface(program.stderr).on('line', wishes.log);
    else program.stderr.resume();
    return async () => {
      program.kill();
      await ended;
    };
  };
  let end = start();
  const close = async () => {
    await end();
    rmSync(folder, { recursive: true, force: true });
  };
  const restart = async () => {
    await end();
    end = start();
    await untilUp(url);
  };
  const as = (user: string, password: string) => `mqtt://${user}:${encodeURIComponent(password)}@127.0.0.1:${port}`;
  const [first] = Object.entries(wishes.guarded?.users ?? {});
  const url = first ? as(...first) : `mqtt://127.0.0.1:${port}`;
  const web = `ws://127.0.0.1:${webPort}/mqtt`;
  const secure = {
    url: `mqtts://127.0.0.1:${securePort}`,
    authority: join(folder, AUTHORITY),
    web: `wss://127.0.0.1:${secureWebPort}/mqtt`,
  };
  const certificate = (name: string, days?: number) => makeCertificate(folder, name, { days });
  try {
    await untilUp(url);
    return { url, as, secure, web, certificate, port, restart, close };
  } catch (error) {
    await close();
    throw error;
  }
}

async function untilUp(url: string): Promise<void> {
  for (let attempt = 1; ; attempt++) {
    try {
      return void (await (await connectBroker(url)).endAsync(true));
    } catch (error) {
      if (attempt === ATTEMPTS) throw error;
      await sleep(PAUSE_MS);
    }
  }
}

export async function freePort(): Promise<number> {
  const free = await startBroker();
  await free.close();
  return Number(new URL(free.url).port);
}

function writeConfig(
  folder: string,
  { port, securePort, webPort, secureWebPort }: Record<'port' | 'securePort' | 'webPort' | 'secureWebPort', number>,
  { guarded, tls, web, messageBytesMax, log, persistent }: Wishes,
): string {
  const file = (name: string, text: string) => {
    const path = join(folder, name);
    writeFileSync(path, text, { mode: 0o600 });
    return path;
  };
  const own = process.getuid?.() === 0 ? 'user root' : ''; // it would become a user that cannot read these files
  const lines = [own, `allow_anonymous ${!guarded}`];
  if (guarded) {
    const passwords = file('passwords', '');
    for (const [name, password] of Object.entries(guarded.users)) {
      run('mosquitto_passwd', '-b', passwords, name, password);
    }
    lines.push(`password_file ${passwords}`, `acl_file ${file('acl', guarded.acl)}`);
  }
  if (log) lines.push('log_dest stderr', 'log_type all');
  if (persistent) lines.push('persistence true', `persistence_location ${folder}/`);
  if (messageBytesMax) lines.push(`message_size_limit ${messageBytesMax}`);
  lines.push(`listener ${port} 127.0.0.1`);
  if (web) lines.push(`listener ${webPort} 127.0.0.1`, 'protocol websockets');
  if (tls) {
    const { asking = false, name = 'IP:127.0.0.1', days } = tls === true ? {} : tls;
    makeAuthority(folder);
    const [certificate, key] = makeCertificate(folder, 'broker', { days, names: name });
    const secured = [`certfile ${certificate}`, `keyfile ${key}`];
    if (asking) secured.push(`cafile ${join(folder, AUTHORITY)}`, 'require_certificate true');
    lines.push(`listener ${securePort} 127.0.0.1`, ...secured);
    if (web) lines.push(`listener ${secureWebPort} 127.0.0.1`, 'protocol websockets', ...secured);
  }
  return file('conf', `${lines.join('\n')}\n`);
}

const NEW_KEY = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes'];

export function makeAuthority(folder: string): void {
  const at = (name: string) => join(folder, name);
  run(
    'openssl',
    ...['req', '-x509', ...NEW_KEY, '-days', '2', '-subj', '/CN=Plant'],
    ...['-keyout', at('authority.key'), '-out', at(AUTHORITY)],
  );
}

/** Signed by the authority there, for so many days (-1: it is over); two files. */
export function makeCertificate(
  folder: string,
  name: string,
  { days = 2, names }: { days?: number | undefined; names?: string } = {},
): [string, string] {
  const at = (file: string) => join(folder, file);
  const files: [string, string] = [at(`${name}.pem`), at(`${name}.key`)];
  run('openssl', 'req', '-new', ...NEW_KEY, '-subj', `/CN=${name}`, '-keyout', files[1], '-out', at('request'));
  const extensions = ['basicConstraints=critical,CA:FALSE', ...(names ? [`subjectAltName=${names}`] : [])];
  writeFileSync(at('extensions'), `${extensions.join('\n')}\n`);
  run(
    'openssl',
    ...['x509', '-req', '-in', at('request'), '-CA', at(AUTHORITY), '-CAkey', at('authority.key'), '-CAcreateserial'],
    ...['-days', `${days}`, '-extfile', at('extensions'), '-out', files[0]],
  );
  return files;
}

function run(program: string, ...words: string[]): void {
  const { status, stderr } = spawnSync(program, words, { encoding: 'utf8' });
  if (status !== 0) throw new Error(`${program}: ${stderr}`);
}
