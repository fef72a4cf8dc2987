// The agent of the emulated emcraft-sf2 on a real broker, by its own network: it gets an address and connects, its answers survive
// what lines and brokers do, it takes part in a rollout, and it keeps to its memory. One board goes through all of it.

import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { startSf2 } from '../../boards/emcraft-sf2/qemu.js';
import { findLwip } from '../../boards/net/lwip/lwip.js';
import { buildApplication, buildFirmware } from '../../boards/port/build.js';
import type { Emulator } from '../../boards/port/emulator.js';
import { loadBoard } from '../../host/boards.js';
import { deliver } from '../../host/device/deliver.js';
import { identify, provision, putApproval, STATE } from '../../host/device/identity.js';
import { placeOrder } from '../../host/fleet/orders.js';
import { hex } from '../../host/formats/bytes.js';
import { connectBroker, openMqtt } from '../../host/links/mqtt.js';
import { publishPackage } from '../../host/links/packages.js';
import { readAlertPaper } from '../../host/links/papers.js';
import { openTcp } from '../../host/links/tcp.js';
import { approvalTopic, exchangeTopics, readState, topicsOf } from '../../host/links/topics.js';
import { createClient } from '../../host/smp/client.js';
import { echo, reset } from '../../host/smp/commands.js';
import { decodePacket, encodePacket } from '../../host/smp/packet.js';
import { makeApproval, makeBootstrap, makeEnvelope, makeKey, ROLE } from '../support/make.js';
import { type Mosquitto, startMosquitto } from '../support/mosquitto.js';
import { have } from '../support/need.js';
import { type Line, startLine } from './line.js';

const BACK_MS = 2000; // after a reset
const FLASH_BYTES_MAX = 96 * 1024; // agent and network
const RAM_BYTES_MAX = 64 * 1024;
const PATIENCE_MS = 30_000;
const FLEET = 'plant';
const NAME = 'pump';
const STACK_PAINT = 0x5aa55aa5; // boards/port/start.h
const STACK_SPARE_BYTES = 512;

const vendor = makeKey('ed25519', 'vendor');
const operator = makeKey('p256', 'operator');

/** Under CI=true it has to be there, as a program of Debian's has. */
function haveLwip(): boolean {
  if (findLwip()) return true;
  const what = 'lwIP is not there: fetch it with `npm run lwip`';
  if (process.env.CI === 'true') throw new Error(what);
  console.warn(`SKIPPED, ${what}`);
  return false;
}

const works = have('mosquitto', 'qemu-system-arm', 'arm-none-eabi-gcc', 'sh') && haveLwip();

describe.skipIf(!works)('the network of emcraft-sf2', { timeout: 120_000 }, () => {
  let folder: string;
  let broker: Mosquitto;
  let line: Line;
  let board: Emulator;
  let mqtt: Awaited<ReturnType<typeof connectBroker>>;
  const said: { topic: string; text: string; at: number }[] = [];
  const where = () => ({ url: broker.url, fleet: FLEET });
  const topics = topicsOf(FLEET, NAME);

  beforeAll(async () => {
    folder = mkdtempSync(join(tmpdir(), 'countersign-net-'));
    broker = await startMosquitto({
      persistent: true,
      guarded: {
        users: { anna: 'of the plant', pump: 'pass:word/2' },
        acl: 'user anna\ntopic readwrite #\nuser pump\ntopic readwrite #\n',
      },
    });
    line = await startLine(broker.port);
    mqtt = await connectBroker(broker.url);
    mqtt.on('message', (topic, payload) => said.push({ topic, text: payload.toString(), at: performance.now() }));
    await mqtt.subscribeAsync(
      ['state', 'online', 'alert'].map((one) => `cs/${FLEET}/d/+/${one}`),
      { qos: 1 },
    );
    const network = {
      broker: `mqtt://pump:${encodeURIComponent('pass:word/2')}@10.0.2.2:${line.port}`,
      ...{ fleet: FLEET, name: NAME, groups: ['cellar'] },
    };
    board = await startSf2({ firmware: await buildFirmware('emcraft-sf2', { folder }), network });
  }, 120_000);
  afterAll(async () => {
    await board?.close();
    line?.close();
    await mqtt?.endAsync(true);
    await broker?.close();
    rmSync(folder, { recursive: true });
  });

  /** Waits until it is so; shows what was said if it does not come. */
  async function until<T>(what: () => T | undefined | false, patienceMs = PATIENCE_MS): Promise<T> {
    for (const end = performance.now() + patienceMs; ; await new Promise((next) => setTimeout(next, 20))) {
      const found = what();
      if (found) return found;
      if (performance.now() > end) expect(said.slice(-8)).toBe('as wanted');
    }
  }
  const hears = (topic: string, text: string, since: number) =>
    until(() => said.find((one) => one.topic === topic && one.text === text && one.at >= since));
  const state = () => {
    const last = said.findLast(({ topic }) => topic === topics.state);
    return last && readState(last.text);
  };
  /** Echoes until there is an answer: what is lost while a connection is made is sent again. */
  async function answers(text = 'are you there'): Promise<void> {
    const client = createClient(await openMqtt({ ...where(), device: NAME }), { timeoutMs: 1000, retries: 20 });
    try {
      expect(await echo(client, text)).toBe(text);
    } finally {
      await client.close();
    }
  }
  /** Of the board's connections to the line, as QEMU's network sees them. */
  const localPorts = async () => {
    const shown = await board.control('human-monitor-command', { 'command-line': 'info usernet' });
    const rows = String(shown).matchAll(/TCP\[ESTABLISHED\]\s+\d+\s+10\.0\.2\.15\s+(\d+)/g);
    return Array.from(rows, ([, port]) => Number(port));
  };
  const wakeAgent = async () => {
    const client = createClient(await openTcp(board.url), { timeoutMs: 2000, retries: 10 });
    await echo(client, 'stay');
    await client.close();
  };

  test('is there with an address from DHCP, and answers', async () => {
    await hears(topics.online, 'online', 0);
    await answers();
    await until(() => state()?.state === STATE.idle && state()?.groups);
    expect(state()).toEqual({ state: STATE.idle, groups: ['cellar'] }); // a blank one has nothing else to say
  });

  const burst = 40;
  test.each([1, 7, 536, 0])(
    `${burst} requests at once, in segments of %d bytes, are answered in order`,
    async (bytes) => {
      await wakeAgent();
      line.cutInto(bytes);
      const { request, response } = exchangeTopics(FLEET, NAME, `burst-${bytes}`);
      const asker = await connectBroker(broker.url);
      const texts: unknown[] = [];
      asker.on('message', (_, payload) => texts.push(decodePacket(Uint8Array.from(payload)).body.r));
      await asker.subscribeAsync(response);
      const wanted = Array.from({ length: burst }, (_, n) => `${n} ${'x'.repeat((n * 97) % 560)}`);
      for (const [n, d] of wanted.entries())
        asker.publish(
          request,
          Buffer.from(encodePacket({ version: 2, op: 2, group: 0, id: 0, sequence: n, body: { d } })),
        );
      try {
        await until(() => texts.length >= burst);
        expect(texts).toEqual(wanted);
      } finally {
        line.cutInto(0);
        await asker.endAsync(true);
      }
    },
  );

  test('a message larger than its buffer is nobody’s, and the one behind it is read', async () => {
    const { connections } = line;
    const { request } = exchangeTopics(FLEET, NAME, 'large');
    for (const bytes of [2400, 2600, 5000, 100_000]) mqtt.publish(request, Buffer.alloc(bytes, 2));
    await answers('behind it');
    expect(line.connections).toBe(connections);
  });

  test.each([
    ['a length without end', [0x30, 0xff, 0xff, 0xff, 0xff, 0x01]],
    ['a packet that only clients send', [0x82, 0x00]],
  ])('gives up a broker that sends %s, and comes back', async (_, bytes) => {
    const { connections } = line;
    const closed = line.closed();
    line.inject(Uint8Array.from(bytes));
    await closed;
    await answers();
    expect(line.connections).toBe(connections + 1);
  });

  test('gives up a broker that says nothing, and comes back', async () => {
    const { connections } = line;
    line.mute(true);
    line.break();
    await until(() => line.connections > connections);
    const closed = line.closed();
    line.mute(false);
    await closed;
    await wakeAgent();
    await answers();
  });

  test('a line that breaks, and a broker that starts anew: it is back, and hears again', async () => {
    line.break();
    await answers();
    await broker.restart();
    await answers();
  });

  test(`is back within ${BACK_MS} ms after a reset, however it was reset`, async () => {
    const took: number[] = [];
    const ports: number[] = [];
    for (const how of ['power', 'power', 'command'] as const) {
      await wakeAgent();
      const { connections } = line;
      const began = performance.now();
      if (how === 'power') {
        await board.reset();
      } else {
        const client = createClient(await openMqtt({ ...where(), device: NAME }));
        await reset(client);
        await client.close();
        await hears(topics.online, 'offline', began); // its own word: no will is waited for
      }
      await until(() => line.connections > connections);
      const { at } = await hears(topics.online, 'online', began);
      took.push(Math.round(at - began));
      await answers();
      ports.push(...(await localPorts()));
    }
    console.log(`back on the broker after a reset, ms: ${took.join(', ')}`);
    expect(Math.max(...took)).toBeLessThan(BACK_MS);
    // Of its own each time, by chance: whoever translates addresses on the way may still hold the last one.
    expect(new Set(ports).size).toBeGreaterThanOrEqual(3);
    expect(new Set(ports.map((port) => port >> 4)).size).toBeGreaterThan(1);
  });

  test('takes part in a rollout: an approval from the broker, an order for its group, and its package in blocks', async () => {
    const image = await buildApplication('emcraft-sf2', '1.0.0', folder);
    const padded = Buffer.concat([image, Buffer.alloc(60_000, 'z')]);
    const release = { sequence: 1, image: padded, signers: [vendor], text: { name: 'demo-app', version: '1.0.0' } };
    const { bytes, digest } = makeEnvelope(release);
    await wakeAgent();
    await answers();
    const client = createClient(await openMqtt({ ...where(), device: NAME }), { timeoutMs: 3000, retries: 5 });
    await provision(
      client,
      makeBootstrap({
        deviceId: Uint8Array.of(0xde, 0x71, 0xce, 0),
        anchors: [
          { role: ROLE.vendor, key: vendor },
          { role: ROLE.operator, key: operator },
        ],
        policy: { unapproved: 0, trialBoots: 0 },
        members: [[8, ['attic']]],
      }),
    );
    await client.close();
    const entries = [{ verdict: 1, digest }];
    const approval = makeApproval({ key: operator, sequence: 7, issuedAt: 1_700_000_000, entries });
    const kept = { qos: 1, retain: true } as const;
    for (let n = 0; n < 5; n++)
      await mqtt.publishAsync(approvalTopic(FLEET, `nobody-${n}`), Buffer.alloc(900, n), kept);
    await mqtt.publishAsync(approvalTopic(FLEET, 'anna'), Buffer.from(approval), kept);
    const held = await until(() => state()?.approvals?.[0] && state());
    expect(held).toMatchObject({
      approvals: [{ kid: hex(operator.kid!), sequence: '7' }],
      groups: ['cellar', 'attic'],
    });
    await publishPackage(where(), digest, bytes);
    await placeOrder(where(), { group: 'attic' }, { digest: hex(digest), encoding: 'raw', correlator: 'order-1' });
    await until(() => state()?.state === STATE.successNoData && state()?.digest === hex(digest));
    expect(state()).toMatchObject({ firmwareVersion: '1.0.0', device: 'de71ce00', reason: { code: 0 } });
    const alert = await until(() => said.findLast(({ topic }) => topic === topics.alert));
    expect(readAlertPaper(Buffer.from(alert.text))).toMatchObject({ corr: 'order-1', result: 200, reason: 0 });
    const { primary } = (await loadBoard('emcraft-sf2')).flash;
    const flash = await board.readFlash();
    expect(Buffer.compare(flash.subarray(primary.offset, primary.offset + padded.length), padded)).toBe(0);
  });

  test('takes a package that is pushed over the broker', async () => {
    const image = await buildApplication('emcraft-sf2', '1.1.0', folder); // before the agent waits for us, which it does not do for long
    const { bytes, digest } = makeEnvelope({
      sequence: 2,
      image,
      signers: [vendor],
      text: { name: 'demo-app', version: '1.1.0' },
    });
    await wakeAgent();
    await answers();
    let awake: NodeJS.Timeout | undefined;
    const client = createClient(await openMqtt({ ...where(), device: NAME }), { timeoutMs: 1000, retries: 10 });
    try {
      const approval = makeApproval({
        key: operator,
        sequence: 8,
        issuedAt: 1_700_000_001,
        entries: [{ verdict: 1, digest }],
      });
      await putApproval(client, approval);
      // An agent that is not spoken to for ten seconds starts its application, which has no network: somebody at its line keeps it awake.
      awake = setInterval(() => void wakeAgent().catch(() => undefined), 4000);
      const steps = deliver(client, { file: bytes });
      for (;;) {
        const step = await steps.next();
        if (!step.done) continue;
        expect(step.value).toMatchObject({ kind: 'installed', version: '1.1.0' });
        break;
      }
      expect((await identify(client)).installed).toMatchObject({ sequence: 2n });
    } finally {
      clearInterval(awake);
      await client.close();
    }
  });

  test('keeps to its flash and its RAM', () => {
    const sizes = execFileSync('arm-none-eabi-size', [join(folder, 'agent.elf')], { encoding: 'utf8' });
    const [text, data, bss] = sizes.split('\n')[1]!.trim().split(/\s+/).map(Number) as [number, number, number];
    console.log(`agent and network: ${text + data} bytes of flash, ${data + bss} of RAM, stack included`);
    expect(text + data).toBeLessThanOrEqual(FLASH_BYTES_MAX);
    expect(data + bss).toBeLessThanOrEqual(RAM_BYTES_MAX);
  });

  test('keeps to its stack', async () => {
    const { offset, stackBytes } = (await loadBoard('emcraft-sf2')).ram as unknown as {
      offset: number;
      stackBytes: number;
    };
    const stack = await board.readMemory(offset, stackBytes);
    const view = new DataView(stack.buffer, stack.byteOffset, stack.length);
    let free = 0;
    while (free < stackBytes && view.getUint32(free, true) === STACK_PAINT) free += 4;
    console.log(`stack of ${stackBytes} bytes: ${stackBytes - free} used`);
    expect(free).toBeGreaterThanOrEqual(STACK_SPARE_BYTES);
  });

  test('its will says that it is gone when it has not said so', async () => {
    await wakeAgent();
    await answers();
    const began = performance.now();
    await board.close();
    await hears(topics.online, 'offline', began);
  });
});
