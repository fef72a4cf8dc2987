// Each kind of link against the real thing: a pseudo-terminal with serialport on it, a socket, aedes, mosquitto.

import { chmodSync, mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { createServer, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterEach, describe, expect, it, vi } from 'vitest';
import { openPty } from '../../boards/virtual/pty.js';
import { CountersignError } from '../../host/errors.js';
import { topicNameSchema } from '../../host/formats/topic-name.js';
import { startBroker } from '../../host/links/broker.js';
import { lastingLink } from '../../host/links/lasting.js';
import { connectBroker, listDevices, openMqtt, untilOnline } from '../../host/links/mqtt.js';
import { lastingName, listPorts, openSerial } from '../../host/links/serial.js';
import { openTcp } from '../../host/links/tcp.js';
import { exchangeTopics, topicsOf } from '../../host/links/topics.js';
import { createClient } from '../../host/smp/client.js';
import { echo } from '../../host/smp/commands.js';
import { CONSOLE_START, decodeConsole, encodeConsole } from '../../host/smp/console.js';
import { type Link, lines } from '../../host/smp/link.js';
import { decodePacket, encodePacket } from '../../host/smp/packet.js';
import { startMosquitto } from '../support/mosquitto.js';
import { have } from '../support/need.js';
import { withoutRights } from '../support/rights.js';

const cleanups: (() => unknown)[] = [];
const later = <T extends { close(): unknown }>(thing: T): T => {
  cleanups.push(() => thing.close());
  return thing;
};
afterEach(async () => {
  for (const cleanup of cleanups.splice(0).reverse()) await cleanup();
});
const failure = (promise: Promise<unknown>): Promise<CountersignError> =>
  promise.then(
    () => expect.unreachable('it should have failed'),
    (error) => error,
  );

// The other end of a line: answers each echo, between two pieces of text.
function echoServer(write: (bytes: Uint8Array) => void): (bytes: Uint8Array) => void {
  let rest = CONSOLE_START;
  return (bytes) => {
    const [items, next] = decodeConsole(rest, bytes);
    rest = next;
    for (const item of items)
      if (item.kind === 'packet') write(Buffer.concat([Buffer.from('log '), answer(item.bytes)]));
  };
}
const answer = (bytes: Uint8Array): Uint8Array => {
  const request = decodePacket(bytes);
  const packet = encodePacket({ ...request, op: 3, body: { r: request.body.d } });
  return Buffer.concat([...encodeConsole(packet), Buffer.from('tick\n')]);
};

async function echoesAndText(link: Link): Promise<void> {
  const client = createClient(link, { timeoutMs: 60_000, retries: 0 }); // an echo more would be answered, too
  const seen: string[] = [];
  link.listen({ text: lines((line) => seen.push(line)) });
  const long = 'x'.repeat(400); // several frames
  expect(await echo(client, 'hello')).toBe('hello');
  expect(await echo(client, long)).toBe(long);
  await sleep(100);
  expect(seen.join('|')).toBe('log tick|log tick');
}

describe('serial', () => {
  it('a pseudo-terminal is opened like any port: frames and text', async () => {
    const pty = later(openPty((bytes) => serve(bytes)));
    const serve = echoServer((bytes) => pty.write(bytes));
    await echoesAndText(later(await openSerial(pty.path)));
  });

  it('starts with a newline, and without what was said before', async () => {
    const heard: number[] = [];
    const pty = later(openPty((bytes) => heard.push(...bytes)));
    pty.write(Buffer.from('old boot messages\n'));
    await sleep(50);
    const link = later(await openSerial(pty.path));
    const seen: string[] = [];
    link.listen({ text: (bytes) => seen.push(Buffer.from(bytes).toString()) });
    pty.write(Buffer.from('new\n'));
    await sleep(100);
    expect([seen.join(''), heard]).toEqual(['new\n', [0x0a]]);
  });

  it('every byte passes unchanged, both ways, and can be opened again', async () => {
    const all = Uint8Array.from({ length: 256 }, (_, at) => at);
    for (let turn = 0; turn < 2; turn++) {
      const pty = later(openPty((bytes) => pty.write(bytes)));
      for (let opening = 0; opening < 2; opening++) {
        const { SerialPort } = await import('serialport');
        const port = new SerialPort({ path: pty.path, baudRate: 115200 });
        const back: number[] = [];
        port.on('data', (bytes: Uint8Array) => back.push(...bytes));
        port.write(Buffer.from(all));
        for (let wait = 0; wait < 3000 && back.length < 256; wait++) await sleep(10);
        expect(Uint8Array.from(back)).toEqual(all);
        await new Promise((done) => port.close(done));
      }
    }
  });

  it('a port that is not there is LinkUnavailable and names it', async () => {
    const error = await failure(openSerial('/dev/no-such-port'));
    expect([error.reason.name, error.message]).toEqual([
      'LinkUnavailable',
      expect.stringContaining('/dev/no-such-port'),
    ]);
  });

  it('a serial line that hangs up before anything was read from it has ended', async () => {
    const pty = openPty(() => undefined);
    const link = later(await openSerial(pty.path));
    pty.close();
    const ended = await Promise.race([link.closed, sleep(8000, 'open as ever')]);
    expect(ended).toMatchObject({ reason: { name: 'LinkLost' } });
  });

  it('a port that another program has, one without permission, and what is none: each says what to do', async () => {
    const { path } = later(openPty(() => undefined));
    later(await openSerial(path));
    expect((await failure(openSerial(path))).hint).toContain('another program');
    const locked = later(openPty(() => undefined));
    chmodSync(locked.path, 0);
    expect((await failure(withoutRights(() => openSerial(locked.path)))).hint).toContain('dialout');
    expect((await failure(openSerial('/dev/null'))).hint).toContain('not a serial port');
  });

  it('a cable that is pulled ends the request that waits', async () => {
    const pty = openPty(() => undefined);
    const client = createClient(later(await openSerial(pty.path)), { timeoutMs: 60_000 });
    setTimeout(() => pty.close(), 50);
    expect((await failure(echo(client, 'x'))).reason.name).toBe('LinkLost');
  });

  it('lists ports, also where the system has no udev', async () => {
    expect(Array.isArray(await listPorts())).toBe(true);
    const folder = mkdtempSync(join(tmpdir(), 'no-udev-'));
    cleanups.push(() => rmSync(folder, { recursive: true }), vi.unstubAllEnvs);
    writeFileSync(join(folder, 'udevadm'), '', { mode: 0o644 }); // there, and not for us
    vi.stubEnv('PATH', folder);
    expect(Array.isArray(await listPorts())).toBe(true);
  });
});

describe('tcp', () => {
  it('carries the console framing', async () => {
    const server = createServer((socket) =>
      socket.on(
        'data',
        echoServer((bytes) => socket.write(bytes)),
      ),
    );
    await new Promise<void>((done) => server.listen(0, '127.0.0.1', done));
    later(server);
    const { port } = server.address() as { port: number };
    await echoesAndText(later(await openTcp(`tcp://127.0.0.1:${port}`)));
  });

  it.each([
    ['tcp://127.0.0.1:1', 'LinkUnavailable'],
    ['tcp://nowhere', 'BadArgument'],
    ['nonsense', 'BadArgument'],
  ])('%s is %s', async (url, reason) => expect((await failure(openTcp(url))).reason.name).toBe(reason));
});

// A device on a broker: answers on rsp, leaves its state.
async function mqttDevice(url: string, device: string, online = true): Promise<void> {
  const topics = topicsOf('demo', device);
  const kept = { qos: 1, retain: true } as const;
  const client = await connectBroker(url, { will: { topic: topics.online, payload: Buffer.from('offline'), ...kept } });
  cleanups.push(() => client.endAsync(true));
  client.on('message', (topic, payload) => {
    const request = decodePacket(payload);
    const packet = encodePacket({ ...request, op: 3, body: { r: request.body.d } });
    client.publish(topic.replace('/req/', '/rsp/'), Buffer.from(packet), { qos: 1 });
  });
  await client.subscribeAsync(exchangeTopics('demo', device, '+').request, { qos: 1 });
  await client.publishAsync(topics.state, JSON.stringify({ version: 1, state: 10 }), kept);
  await client.publishAsync(topics.online, online ? 'online' : 'offline', kept);
}

function mqttLinkWorks(start: () => Promise<{ url: string }>): void {
  it('carries packets to the device that is meant, and back', async () => {
    const { url } = await start();
    await mqttDevice(url, 'one');
    await mqttDevice(url, 'two');
    const link = later(await openMqtt({ url, fleet: 'demo', device: 'one' }));
    const other = later(await openMqtt({ url, fleet: 'demo', device: 'two' }));
    let stray = 0;
    other.listen({ packet: () => (stray += 1) });
    const client = createClient(link, { timeoutMs: 2000 });
    expect([await echo(client, 'a'), await echo(client, 'b'.repeat(600))]).toEqual(['a', 'b'.repeat(600)]);
    expect(stray).toBe(0);
  });

  it('lists the devices that left their state, and waits for one to come', async () => {
    const { url } = await start();
    await mqttDevice(url, 'one');
    await mqttDevice(url, 'two', false);
    expect(await listDevices(url, 'demo')).toMatchObject([
      { fleet: 'demo', name: 'one', state: { online: true, state: 10 } },
      { fleet: 'demo', name: 'two', state: { online: false, state: 10 } },
    ]);
    expect(await listDevices(url, 'other')).toEqual([]);
    await untilOnline({ url, fleet: 'demo', device: 'one' });
    const offline = untilOnline({ url, fleet: 'demo', device: 'two' }, AbortSignal.timeout(300));
    expect((await failure(offline)).reason.name).toBe('TimedOut');
    const late = untilOnline({ url, fleet: 'demo', device: 'three' });
    await sleep(50);
    await mqttDevice(url, 'three');
    await late;
  });

  it('a device that is not there: no answer, in the time given', async () => {
    const { url } = await start();
    const link = later(await openMqtt({ url, fleet: 'demo', device: 'nobody' }));
    const error = await failure(echo(createClient(link, { timeoutMs: 30, retries: 1 }), 'x'));
    expect([error.reason.name, error.hint]).toEqual(['NoAnswer', expect.stringContaining('countersign devices')]);
    const limit = untilOnline({ url, fleet: 'demo', device: 'nobody' }, AbortSignal.timeout(50));
    expect((await failure(limit)).reason.name).toBe('TimedOut');
  });
}

describe('a line that goes and comes back', () => {
  // A serial server with one line on it, always at the same address; unplugged it is not there at all.
  async function plug(port = 0) {
    const sockets: Socket[] = [];
    const server = createServer((socket) => {
      sockets.push(socket);
      const serve = echoServer((bytes) => socket.write(bytes));
      socket.on('data', serve).on('error', () => undefined);
    });
    await new Promise<void>((done) => server.listen(port, '127.0.0.1', done));
    return {
      port: (server.address() as { port: number }).port,
      unplug() {
        for (const socket of sockets) socket.destroy();
        return new Promise<unknown>((done) => server.close(done));
      },
    };
  }
  const openAt = async (port: number, awayMs: number, said: string[]) => {
    const link = await lastingLink({
      open: () => openTcp(`tcp://127.0.0.1:${port}`),
      awayMs,
      onAway: () => said.push('away'),
      onBack: () => said.push('back'),
    });
    return later(link);
  };
  const heard = async (said: string[], count: number) => {
    for (let wait = 0; wait < 2000 && said.length < count; wait++) await sleep(20);
    expect(said.length).toBe(count);
  };

  it('is used on, as often as that happens; what was asked meanwhile is answered', async () => {
    const said: string[] = [];
    let line = await plug();
    const client = createClient(await openAt(line.port, 60_000, said), { timeoutMs: 60_000, retries: 0 });
    expect(await echo(client, 'one')).toBe('one');
    for (const [turn, word] of ['two', 'three'].entries()) {
      await line.unplug();
      await heard(said, 2 * turn + 1);
      const asked = echo(client, word);
      await sleep(300);
      line = await plug(line.port);
      expect(await asked).toBe(word);
    }
    expect(said).toEqual(['away', 'back', 'away', 'back']);
    await line.unplug();
  });

  it('stays away for too long: it has ended; closed while it is away: at once', async () => {
    const said: string[] = [];
    let line = await plug();
    await line.unplug();
    expect((await failure(openAt(line.port, 60_000, said))).reason.name).toBe('LinkUnavailable');
    line = await plug(line.port);
    const short = await openAt(line.port, 300, said);
    await line.unplug();
    expect((await short.closed)?.reason.name).toBe('LinkLost');
    line = await plug(line.port);
    const long = await openAt(line.port, 60_000, said);
    await line.unplug();
    await heard(said, 2);
    await long.close();
    expect([await long.closed, said]).toEqual([undefined, ['away', 'away']]);
  });

  it('is not used before it is known to be the same one, and is asked only when there is something to send', async () => {
    const said: string[] = [];
    const answers = [false, true];
    let line = await plug();
    const link = later(
      await lastingLink({
        open: () => openTcp(`tcp://127.0.0.1:${line.port}`),
        awayMs: 60_000,
        onAway: () => said.push('away'),
        onBack: () => said.push('back'),
        same: async () => {
          said.push('who?');
          return answers.shift()!;
        },
      }),
    );
    const client = createClient(link, { timeoutMs: 500, retries: 20 });
    expect(await echo(client, 'one')).toBe('one');
    await line.unplug();
    await heard(said, 1);
    line = await plug(line.port);
    await heard(said, 2);
    await sleep(300);
    expect(said).toEqual(['away', 'back']);
    expect(await echo(client, 'two')).toBe('two');
    expect(said).toEqual(['away', 'back', 'who?', 'who?']);
    await line.unplug();
  });

  it('is ended by whoever finds somebody else there, with that error', async () => {
    const said: string[] = [];
    let line = await plug();
    const stranger = new CountersignError('OtherDevice', 'device: another one');
    const link = later(
      await lastingLink({
        open: () => openTcp(`tcp://127.0.0.1:${line.port}`),
        awayMs: 60_000,
        onAway: () => said.push('away'),
        onBack: () => said.push('back'),
        same: () => Promise.reject(stranger),
      }),
    );
    const client = createClient(link, { timeoutMs: 60_000 });
    expect(await echo(client, 'one')).toBe('one');
    await line.unplug();
    const asked = failure(echo(client, 'two'));
    line = await plug(line.port);
    expect([await asked, await link.closed]).toEqual([stranger, stranger]);
    await line.unplug();
  });

  it('as a serial port is known by the name that stays with it, when it has one', async () => {
    const names = mkdtempSync(join(tmpdir(), 'port-'));
    cleanups.push(() => rmSync(names, { recursive: true }));
    const [here, there] = [join(names, 'ttyA'), join(names, 'ttyB')];
    for (const path of [here, there]) writeFileSync(path, '');
    mkdirSync(join(names, 'by-id'));
    symlinkSync('../ttyA', join(names, 'by-id', 'usb-maker_board_42'));
    expect(await lastingName(here, join(names, 'by-id'))).toBe(join(names, 'by-id', 'usb-maker_board_42'));
    expect(await lastingName(there, join(names, 'by-id'))).toBe(there);
    expect(await lastingName(here, join(names, 'nothing'))).toBe(here);
  });
});

describe('mqtt, embedded broker', () => {
  mqttLinkWorks(async () => later(await startBroker()));

  it('a second broker on one port is LinkUnavailable', async () => {
    const { url } = later(await startBroker());
    expect((await failure(startBroker(Number(new URL(url).port)))).reason.name).toBe('LinkUnavailable');
  });

  it('a broker that went away and came back is connected again', async () => {
    const first = await startBroker();
    const port = Number(new URL(first.url).port);
    await mqttDevice(first.url, 'one');
    const client = createClient(later(await openMqtt({ url: first.url, fleet: 'demo', device: 'one' })), {
      timeoutMs: 1000,
      retries: 10,
    });
    expect(await echo(client, 'a')).toBe('a');
    await first.close();
    setTimeout(async () => later(await startBroker(port)), 300);
    expect(await echo(client, 'b')).toBe('b');
  });

  it.each([
    ['mqtt://127.0.0.1:1', 'LinkUnavailable'],
    ['127.0.0.1', 'BadArgument'],
    ['http://x', 'BadArgument'],
  ])('%s is %s', async (url, reason) => expect((await failure(connectBroker(url))).reason.name).toBe(reason));
});

describe.skipIf(!have('mosquitto'))('mqtt, mosquitto', () => {
  mqttLinkWorks(async () => later(await startMosquitto()));
});

describe('names on a broker', () => {
  it.each(['demo', 'virtual-1', '00:11:22', 'a.b_c'])('%s is one', (name) => {
    expect(topicNameSchema.safeParse(name).success).toBe(true);
  });
  it.each(['', 'a/b', '+', '#', 'a b', 'x'.repeat(65), 'ü'])('"%s" is none', (name) => {
    expect(topicNameSchema.safeParse(name).success).toBe(false);
  });
});
