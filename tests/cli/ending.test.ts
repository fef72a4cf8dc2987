// The end of a command is the truth: its exit code is what was decided, whoever stops reading, and 130 or 143 when it was
// stopped, at once, on every kind of line.

import { type ChildProcess, execFileSync, spawn } from 'node:child_process';
import { createSocket } from 'node:dgram';
import { writeFileSync } from 'node:fs';
import { createServer, type Socket } from 'node:net';
import { setTimeout as later } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { openPty } from '../../boards/virtual/pty.js';
import { startBroker } from '../../host/links/broker.js';
import { connectBroker } from '../../host/links/mqtt.js';
import { exchangeTopics } from '../../host/links/topics.js';
import { makePlace, type Place } from '../support/command.js';

const PROGRAM = fileURLToPath(new URL('../../dist/bin/countersign.js', import.meta.url));
const AT_ONCE_MS = 6000; // a request waits 60 s here; half a second is usual, on a machine with nothing else to do

let place: Place;
const cleanups: (() => unknown)[] = [];
afterEach(async () => {
  for (const clean of cleanups.splice(0).reverse()) await clean();
});
beforeAll(async () => {
  place = await makePlace();
  await place.given('keygen', 'vendor');
  await place.given('keygen', 'operator');
  await place.given('keygen', 'consenter');
  writeFileSync(place.path('app.bin'), new Uint8Array(3000).fill(0xa5));
  const names = ['--vendor', 'vendor.example', '--class', 'virtual', '--version', '1.0.0', '-s', '1'];
  await place.given('package', 'app.bin', '-k', 'vendor.pem', ...names, '-o', 'r.suit');
  await place.given('approve', 'r.suit', '-k', 'operator.pem', '-o', 'r.cose');
  writeFileSync(
    place.path('device.yaml'),
    `device: "0a0b"
vendor: vendor.example
class: virtual
anchors:
  - {role: vendor, key: vendor.pub.pem}
  - {role: operator, key: operator.pub.pem}
policy: {unapproved: reject}
`,
  );
});
afterAll(() => place.remove());

function start(words: string[], stdio: ('pipe' | 'ignore')[] = ['ignore', 'pipe', 'pipe']): ChildProcess {
  return spawn(process.execPath, [PROGRAM, ...words], {
    cwd: place.folder,
    env: { ...process.env, HOME: place.folder, XDG_STATE_HOME: '' },
    stdio: stdio as ['ignore', 'pipe', 'pipe'],
  });
}
const exitOf = (child: ChildProcess): Promise<number | null> => new Promise((done) => child.once('exit', done));

describe('a pipe that nobody reads', () => {
  const TABLE: [string, string[], number][] = [
    ['a refusal', ['check', 'r.suit', '-b', 'device.yaml'], 20],
    ['a refusal as JSON', ['check', 'r.suit', '-b', 'device.yaml', '--json'], 20],
    ['an approval', ['check', 'r.suit', '-b', 'device.yaml', '-a', 'r.cose'], 0],
    ['an error', ['inspect', 'nothing', '--json'], 3],
    ['a bad argument', ['check', '--nonsense'], 4],
    ['help', ['--help'], 0],
    ['no command', [], 4],
  ];
  describe.each(['stdout', 'stderr'] as const)('%s', (closed) => {
    it.each(TABLE)('does not change what was decided: %s', async (_, words, code) => {
      const child = start(words);
      child[closed]!.destroy();
      child[closed === 'stdout' ? 'stderr' : 'stdout']!.resume();
      expect(await exitOf(child)).toBe(code);
    });
  });

  it('ends a command that has decided nothing and would go on for ever, and not as a success', async () => {
    const pty = openPty(() => undefined);
    cleanups.push(() => pty.close());
    const child = start(['console', '-p', pty.path, '--no-input']);
    let said = '';
    child.stderr!.setEncoding('utf8').on('data', (text: string) => {
      said += text;
      if (said.includes('console of')) child.stdout!.destroy();
    });
    child.stdout!.once('close', () => {
      const timer = setInterval(() => pty.write(Buffer.from('tick\r\n')), 100);
      cleanups.push(() => clearInterval(timer));
    });
    expect(await exitOf(child)).toBe(141);
  });

  it('a full disk does not make it a success', async () => {
    const child = spawn('sh', ['-c', `"${process.execPath}" "${PROGRAM}" --help > /dev/full 2>/dev/null`]);
    expect(await exitOf(child)).toBe(1);
  });
});

// Each kind of line with a device on it that hears and says nothing. `open` tells whether somebody is connected still.
interface Silent {
  words: string[];
  heard: Promise<void>;
  open(): boolean;
}
const SILENT: Record<string, () => Promise<Silent>> = {
  async tcp() {
    const sockets = new Set<Socket>();
    let hear!: () => void;
    const heard = new Promise<void>((done) => (hear = done));
    const server = createServer((socket) => {
      sockets.add(socket);
      socket.on('data', hear).on('error', () => undefined);
      socket.once('close', () => sockets.delete(socket));
    });
    await new Promise<void>((done) => server.listen(0, '::1', done));
    cleanups.push(() => {
      for (const socket of sockets) socket.destroy();
      server.close();
    });
    const { port } = server.address() as { port: number };
    return { words: ['-p', `tcp://[::1]:${port}`], heard, open: () => sockets.size > 0 };
  },
  async udp() {
    const socket = createSocket('udp4');
    const heard = new Promise<void>((done) => socket.once('message', () => done()));
    await new Promise<void>((done) => socket.bind(0, '127.0.0.1', done));
    cleanups.push(() => socket.close());
    return { words: ['-p', `udp://127.0.0.1:${socket.address().port}`], heard, open: () => false };
  },
  async serial() {
    let hear!: () => void;
    const heard = new Promise<void>((done) => (hear = done));
    const pty = openPty(() => hear());
    cleanups.push(() => pty.close());
    return { words: ['-p', pty.path], heard, open: () => false };
  },
  async mqtt() {
    const { url, close } = await startBroker();
    cleanups.push(close);
    const client = await connectBroker(url);
    cleanups.push(() => client.endAsync(true));
    const { request } = exchangeTopics('demo', 'dumb', '+');
    const heard = new Promise<void>((done) => client.once('message', () => done()));
    await client.subscribeAsync(request);
    return { words: ['--broker', url, '--device', 'dumb'], heard, open: () => false };
  },
};
const COMMANDS: [string, string[]][] = [
  ['deliver', ['deliver', 'r.suit']],
  ['provision', ['provision', 'device.yaml']],
  ['consent', ['consent', '-k', 'consenter.pem', '--wait', '60']],
  ['tree watch', ['tree', 'watch', 'State']],
];

describe.each(Object.keys(SILENT))('stopped while it waits for a device on %s', (kind) => {
  it.each(COMMANDS)('%s ends at once, with 130, and lost no line', async (_, words) => {
    await stopped(words, 'SIGINT', 130);
  });
  it('deliver ends with 143 by SIGTERM', () => stopped(COMMANDS[0]![1], 'SIGTERM', 143));

  async function stopped(words: string[], signal: NodeJS.Signals, code: number): Promise<void> {
    const device = await SILENT[kind]!();
    const child = start([...words, ...device.words, '--timeout', '60', '--json']);
    let said = '';
    for (const stream of [child.stdout!, child.stderr!]) {
      stream.setEncoding('utf8').on('data', (text: string) => (said += text));
    }
    const ended = exitOf(child);
    await Promise.race([device.heard, ended]);
    const began = performance.now();
    child.kill(signal);
    expect([await ended, said]).toEqual([code, expect.not.stringMatching(/is gone|lost|\b31 /)]);
    expect(performance.now() - began).toBeLessThan(AT_ONCE_MS);
    expect(device.open()).toBe(false);
    if (!words.includes('watch')) expect(said).toContain(`"exit":${code}`);
  }
});

it('stopped while nothing but the port is awaited, on a line that went away: the same', async () => {
  const sockets: Socket[] = [];
  const server = createServer((socket) => sockets.push(socket));
  await new Promise<void>((done) => server.listen(0, '127.0.0.1', done));
  const { port } = server.address() as { port: number };
  const child = start(['deliver', 'r.suit', '-p', `tcp://127.0.0.1:${port}`, '--timeout', '60']);
  const ended = exitOf(child);
  let said = '';
  child.stderr!.setEncoding('utf8').on('data', (text: string) => {
    said += text;
    if (said.includes('waiting for it')) child.kill('SIGINT');
  });
  server.once('connection', () => {
    server.close();
    setTimeout(() => sockets[0]!.destroy(), 300);
  });
  expect([await ended, said]).toEqual([130, expect.stringContaining('stopped by Ctrl-C')]);
  expect(said).not.toContain('MaxListeners');
});

describe('stopped while it waits for its input', () => {
  let startMs = 0;
  beforeAll(async () => {
    const began = performance.now();
    await place.must('--version');
    startMs = Math.max(performance.now() - began, 500);
  });
  it.each([
    ['from a named pipe that nobody writes to', 'silent.fifo'],
    ['on standard input', '-'],
  ])('%s: ends at once, with 130', async (_, path) => {
    if (path !== '-') execFileSync('mkfifo', [place.path(path)]);
    const child = start(['inspect', path], ['pipe', 'pipe', 'pipe']);
    let said = '';
    child.stderr!.setEncoding('utf8').on('data', (text: string) => (said += text));
    const ended = exitOf(child);
    await later(startMs * 3); // nothing says that it waits
    const began = performance.now();
    child.kill('SIGINT');
    expect([await ended, said]).toEqual([130, expect.stringContaining('stopped by Ctrl-C')]);
    expect(performance.now() - began).toBeLessThan(AT_ONCE_MS);
  });
});
