// What a device, a broker or a file says reaches the terminal as text, and as nothing else: no road past printable.ts.

import { mkdir, writeFile } from 'node:fs/promises';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { toJson } from '../../host/json.js';
import { type Broker, startBroker } from '../../host/links/broker.js';
import { connectBroker } from '../../host/links/mqtt.js';
import { topicsOf } from '../../host/links/topics.js';
import { decodePacket, encodePacket, type Packet } from '../../host/smp/packet.js';
import { packageOf } from '../support/agent-world.js';
import { makePlace, type Place } from '../support/command.js';
import { type Line, overUdp } from '../support/smp-lines.js';

const EVIL = '\u001b[2J\u001b]0;x\u0007\r\nINSTALLED 9.9.9\n\u009b31m\u202etxet\u007f';
// biome-ignore lint/suspicious/noControlCharactersInRegex: these are what is looked for
const STEERS = /[\u0000-\u0009\u000b-\u001f\u007f-\u009f\u200e\u200f\u202a-\u202e\u2066-\u2069]/;
const FAKE = /^INSTALLED/m;

let place: Place;
let line: Line;
let broker: Broker;

/** A device that says EVIL wherever the protocol has room for text. */
function liar({ op, group, id, body }: Packet): Record<string, unknown> | undefined {
  const uri = String(body.uri ?? '');
  const chr = (text: string) => ({ fmt: 'chr', len: Buffer.byteLength(text), off: 0, data: Buffer.from(text) });
  if (group === 0) return id === 6 ? { buf_size: 640, buf_count: 1 } : { output: EVIL, r: EVIL, bootloader: EVIL };
  if (group === 1 && id === 1) return { rc: 11, rsn: `${EVIL} (80)` };
  if (group === 1) return { images: [{ slot: 0, version: EVIL, active: true, confirmed: true }] };
  if (group !== 64) return { rc: 8, rsn: EVIL };
  if (id === 0) {
    if (/State$/.test(uri)) return { ...chr('10'), fmt: 'int' };
    if (uri === '.') return { ...chr(`FUMO/${EVIL}`), fmt: 'node' };
    if (/Installed|Verdict|Bootstrap|Policy|Anchors/.test(uri)) return { err: { group: 64, rc: 141 } };
    return chr(EVIL);
  }
  if (id === 4 && op === 0) {
    const bytes = (length: number) => new Uint8Array(length);
    const question = { digest: bytes(32), nonce: bytes(16), device: bytes(8), name: EVIL, version: EVIL, from: EVIL };
    return { pending: true, ...question, reason: 80, left: 9 };
  }
  if (id === 6) return { n: 1, type: 2, uri: EVIL, result: 450, reason: 80, corr: EVIL };
  return { rc: 1, rsn: EVIL };
}

beforeAll(async () => {
  place = await makePlace();
  await mkdir(place.folder, { recursive: true });
  await writeFile(place.path('demo.suit'), packageOf(1).bytes);
  await place.given('keygen', 'consenter');
  line = await overUdp({
    async take(bytes: Uint8Array) {
      const request = decodePacket(bytes);
      const body = liar(request);
      return body && Buffer.from(encodePacket({ ...request, op: (request.op + 1) as Packet['op'], body }));
    },
  });
  broker = await startBroker();
  const client = await connectBroker(broker.url);
  const topics = topicsOf('demo', 'liar');
  const state = { version: 1, state: 10, firmwareVersion: EVIL, device: EVIL, digest: EVIL };
  await client.publishAsync(topics.state, JSON.stringify(state), { qos: 1, retain: true });
  await client.publishAsync(topics.online, 'online', { qos: 1, retain: true });
  await client.publishAsync(topicsOf('demo', `x${EVIL.replaceAll(/[/+#\0]/g, '')}`).online, 'online', {
    qos: 1,
    retain: true,
  });
  await client.endAsync();
});
afterAll(async () => {
  line.close();
  await broker.close();
  await place.remove();
});

const ON_A_LINE: [string, string[]][] = [
  ['deliver', ['deliver', 'demo.suit']],
  ['tree get', ['tree', 'get', '.', '--all']],
  ['tree set', ['tree', 'set', './FUMO/1/Ext/Countersign/Approvals', '--file', 'demo.suit']],
  ['tree watch', ['tree', 'watch', '.', '--for', '1']],
  ['log', ['log']],
  ['consent', ['consent', '-k', 'consenter.pem', '--package', 'demo.suit']],
];
const ON_A_BROKER: [string, string[]][] = [
  ['devices', ['devices']],
  ['tree get, one of several', ['tree', 'get', '.']],
];

describe('a device that lies to the terminal', () => {
  it.each([
    ...ON_A_LINE.map(([name, words]) => [name, words, () => ['--port', line.port]] as const),
    ...ON_A_BROKER.map(([name, words]) => [name, words, () => ['--broker', broker.url]] as const),
  ])('%s', async (_, words, at) => {
    for (const more of [[], ['--json', '-vv']]) {
      const wait = words[0] === 'devices' ? [] : ['--timeout', '1', '--retries', '0'];
      const { stdout, stderr } = await place.run(...words, ...at(), ...wait, ...more);
      const said = stdout + stderr;
      expect(said).toMatch(/[a-z]/);
      expect(STEERS.exec(said)?.[0], said).toBeUndefined();
      expect(said).not.toMatch(FAKE);
    }
  });
});

it('JSON says the same without a letter that steers', () => {
  const value = { text: `${EVIL}\u{e0001}`, [EVIL]: 1 };
  expect(toJson(value)).not.toMatch(STEERS);
  expect(JSON.parse(toJson(value))).toEqual(value);
});
